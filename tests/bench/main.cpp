// Measures for tests/bench/run, which starts the servers and makes the table.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "tests/bench/bench.h"

namespace skulink::bench {
namespace {

int Run(int argc, char** argv) {
  CLI::App app("Measures Skulink; called by tests/bench/run.");
  app.require_subcommand(1);
  std::string first, second, endpoint;
  int number = 0, channels = 0;
  double seconds = 0;

  CLI::App& generate = *app.add_subcommand("generate");
  generate.add_option("folder", first)->required();
  generate.add_option("variants", number)->required();
  generate.add_option("channels", channels)->required();
  generate.callback([&] { Generate(first, number, channels); });

  CLI::App& pages = *app.add_subcommand("pages");
  pages.add_option("server", first)->required();
  pages.add_option("small-server", second)->required();
  pages.add_option("rounds", number)->required();
  pages.callback([&] { MeasurePages(first, second, number); });

  CLI::App& scan = *app.add_subcommand("scan");
  scan.add_option("server", first)->required();
  scan.add_option("channel", second)->required();
  scan.add_option("endpoint", endpoint)->required();
  scan.callback([&] { MeasureScan(first, second, endpoint); });

  CLI::App& drain = *app.add_subcommand("drain");
  drain.add_option("endpoint", first)->required();
  drain.callback([&] { MeasureDrain(first); });

  CLI::App& load = *app.add_subcommand("load");
  load.add_option("socket", first)->required();
  load.add_option("channel-number", number)->required();
  load.callback([&] { MeasureLoad(first, number); });

  CLI::App& writes = *app.add_subcommand("writes");
  writes.add_option("socket", first)->required();
  writes.callback([&] { CountWrites(first); });

  CLI::App& callers = *app.add_subcommand("callers");
  callers.add_option("server", first)->required();
  callers.add_option("socket", second)->required();
  callers.add_option("rounds", number)->required();
  callers.add_option("seconds", seconds)->required();
  callers.callback([&] { MeasureCallers(first, second, number, seconds); });

  std::string target, spare;
  CLI::App& transfers = *app.add_subcommand("transfers");
  transfers.add_option("server", first)->required();
  transfers.add_option("source", second)->required();
  transfers.add_option("target", target)->required();
  transfers.add_option("spare", spare)->required();
  transfers.callback([&] { MeasureTransfers(first, second, target, spare); });

  CLI11_PARSE(app, argc, argv);
  return 0;
}

}  // namespace
}  // namespace skulink::bench

int main(int argc, char** argv) {
  try {
    return skulink::bench::Run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "skulink_bench: " << error.what() << std::endl;
    return 1;
  }
}
