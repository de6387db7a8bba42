// A program that serves listings files as shops of simulated Seller Centers, one port each.
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "grpc/grpc.h"
#include "tests/seller_center_simulator/listings_file.h"
#include "tests/seller_center_simulator/simulated_seller_center.h"

namespace {

using skulink::simulator::Fault;
using skulink::simulator::ShopOptions;
using skulink::simulator::SimulatedSellerCenter;
namespace proto = skulink::sellercenter::v1;

struct Arguments {
  std::vector<std::pair<std::string, std::string>> shops;   // name, file
  std::vector<std::pair<std::string, std::string>> faults;  // shop, what
  ShopOptions shop_options{.currency = "IDR"};              // of all shops
  bool until_stdin_closes = false;
};

// What is wrong with the arguments is thrown as CLI::ValidationError.
std::vector<std::pair<std::string, std::string>> SplitPairs(const std::string& option,
                                                            const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : texts) {
    std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
      throw CLI::ValidationError(option, "`" + text + "` has not the form NAME=...");
    }
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

// How the shops take writes.
void AddWriteOptions(CLI::App& app, ShopOptions& shop) {
  app.add_option("--create-max", shop.max_items_per_create, "Creations in a call; 0: none can be made")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--stock-max", shop.max_stock_updates, "Stock updates in a call; 0: none can be made")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--price-max", shop.max_price_updates, "Price updates in a call; 0: none can be made")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--created-state", shop.created_state, "Of new listings: `live` or `pending`")
      ->transform(CLI::CheckedTransformer(std::map<std::string, proto::ListingState>{
          {"live", proto::LISTING_STATE_LIVE}, {"pending", proto::LISTING_STATE_PENDING}}))
      ->default_str("live");
  app.add_option_function<int>(
         "--write-latency-ms",
         [&shop](int latency_ms) { shop.write_latency = std::chrono::milliseconds(latency_ms); },
         "Wait before each write is made")
      ->check(CLI::Range(0, 3'600'000))
      ->default_str("0");
}

Arguments ParseArguments(CLI::App& app, int argc, char** argv) {
  Arguments arguments;
  ShopOptions& shop = arguments.shop_options;
  std::vector<std::string> shops, faults;
  app.add_option("--shop", shops, "NAME=FILE: a shop and its listings, JSON Lines")->required();
  app.add_option("--fault", faults,
                 "NAME=KIND[:PAGE[:TIMES]]: what a shop does wrong. PAGE is a number (1 if not said), "
                 "`describe`, `get`, "
                 "`create`, `stock` or `price`; without TIMES it happens every time. Kinds: " +
                     skulink::simulator::FaultKinds());
  app.add_option("--currency", shop.currency, "Of all prices")->capture_default_str();
  app.add_option("--page-size-max", shop.max_page_size, "Largest page")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option_function<int>(
         "--latency-ms", [&shop](int latency_ms) { shop.latency = std::chrono::milliseconds(latency_ms); },
         "Wait before each page")
      ->check(CLI::Range(0, 3'600'000))
      ->default_str("0");
  AddWriteOptions(app, shop);
  app.add_option("--max-requests-per-second", shop.max_requests_per_second,
                 "Requests above it are refused; 0: none are")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_flag("!--no-retry-info", shop.tells_when_to_retry,
               "Do not say when a refused request may come again");
  app.add_flag("!--no-clock", shop.tells_time, "Do not list what was updated since a time");
  app.add_flag("--until-stdin-closes", arguments.until_stdin_closes,
               "Stop when standard input ends, as it does when the program that started this one is gone");
  app.parse(argc, argv);
  arguments.shops = SplitPairs("--shop", shops);
  arguments.faults = SplitPairs("--fault", faults);
  return arguments;
}

std::map<std::string, std::unique_ptr<SimulatedSellerCenter>> OpenShops(const Arguments& arguments) {
  std::map<std::string, std::unique_ptr<SimulatedSellerCenter>> shops;
  for (const auto& [name, file] : arguments.shops) {
    if (shops.contains(name)) throw CLI::ValidationError("--shop", "`" + name + "` is given twice");
    ShopOptions options = arguments.shop_options;
    options.shop_id = name;
    shops[name] = std::make_unique<SimulatedSellerCenter>(
        options, skulink::simulator::ReadListingsFile(file, options.currency));
  }
  for (const auto& [name, text] : arguments.faults) {
    std::optional<Fault> fault = skulink::simulator::ParseFault(text);
    if (!fault) throw CLI::ValidationError("--fault", "`" + text + "` has not the form KIND[:PAGE[:TIMES]]");
    if (!shops.contains(name))
      throw CLI::ValidationError("--fault", "`" + name + "` is not one of the shops");
    shops[name]->AddFault(*fault);
  }
  return shops;
}

// Signals must be blocked before the first thread starts.
int BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

void WaitForStop(int signals, bool until_stdin_closes) {
  pollfd wait_for[] = {{signals, POLLIN, 0}, {until_stdin_closes ? STDIN_FILENO : -1, POLLIN, 0}};
  char ignored[256];
  while (true) {
    if (poll(wait_for, 2, -1) < 0) continue;
    if (wait_for[0].revents != 0) return;
    if (wait_for[1].revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  int signals = BlockStopSignals();
  grpc_init();  // never ended: that takes gRPC ten seconds now and then
  CLI::App app("Simulated Seller Centers, for tests and for trying things out.");
  try {
    Arguments arguments = ParseArguments(app, argc, argv);
    auto shops = OpenShops(arguments);
    for (const auto& [name, file] : arguments.shops) {
      std::cout << name << " " << shops[name]->address() << "\n";
    }
    std::cout << "ready" << std::endl;
    WaitForStop(signals, arguments.until_stdin_closes);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
