#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "grpcpp/create_channel.h"
#include "skulink/v1/channel_service.grpc.pb.h"
#include "skulink/v1/products_menu_service.grpc.pb.h"
#include "tests/bench/bench.h"

namespace skulink::bench {
namespace {

using Menu = v1::ProductsMenuService::Stub;

constexpr int kRows = 50;
constexpr int kPagesToDeep = 400;  // of 1,000 rows
constexpr int kDeepPlaces = 16;

// A call that is measured; `turn` chooses among the places in a view. Returns the rows it got.
struct Case {
  std::string name;
  std::function<int(int turn)> call;
};

template <class Request, class Response>
using Method = grpc::Status (Menu::*)(grpc::ClientContext*, const Request&, Response*);

template <class Stub, class Request, class Response>
Response Call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request) {
  grpc::ClientContext context;
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) throw std::runtime_error(status.error_message() + " for " + request.DebugString());
  return response;
}

int Rows(const v1::ListNotInPosResponse& page) { return page.listings_size(); }
int Rows(const v1::ListNotInChannelResponse& page) { return page.rows_size(); }
int Rows(const v1::ListMultipleListingsResponse& page) { return page.groups_size(); }
template <class Response>
int Rows(const Response& page) {
  return page.variants_size();
}

// Places spread over the view, as far as it is gone through.
template <class Request, class Response>
std::vector<std::string> DeepTokens(Menu& menu, Method<Request, Response> method, Request request) {
  std::vector<std::string> tokens;
  request.set_page_size(1000);
  for (int page = 0; page < kPagesToDeep; ++page) {
    request.set_page_token(Call(menu, method, request).next_page_token());
    if (request.page_token().empty()) break;
    tokens.push_back(request.page_token());
  }
  std::vector<std::string> spread;
  for (int i = 0; i < kDeepPlaces && !tokens.empty(); ++i)
    spread.push_back(tokens[tokens.size() * i / kDeepPlaces]);
  return spread;
}

template <class Request, class Response>
void AddCase(std::vector<Case>& cases, const std::string& name, Menu& menu, Method<Request, Response> method,
             Request request, std::vector<std::string> tokens = {""}) {
  request.set_page_size(kRows);
  if (tokens.empty()) tokens.emplace_back();
  cases.push_back({name, [&menu, method, request, tokens = std::move(tokens)](int turn) mutable {
                     request.set_page_token(tokens[static_cast<std::size_t>(turn) % tokens.size()]);
                     return Rows(Call(menu, method, request));
                   }});
}

// The pages of a view: of all channels, of the one with the rare classes, and of another.
template <class Request, class Response>
void AddView(std::vector<Case>& cases, const std::string& view, Menu& menu, Method<Request, Response> method,
             const std::string& sku_prefix = "Kem-00") {
  Request all;
  all.set_parent("merchants/default");
  AddCase(cases, view + " first", menu, method, all);
  AddCase(cases, view + " deep", menu, method, all, DeepTokens(menu, method, all));
  for (const auto& [what, channel] : {std::pair("rare channel", 0), std::pair("one channel", 1)}) {
    Request one = all;
    one.add_channels("merchants/default/channels/shop-" + std::to_string(channel));
    AddCase(cases, view + " " + what, menu, method, one);
    AddCase(cases, view + " " + what + " deep", menu, method, one, DeepTokens(menu, method, one));
    Request sku = one, name = one, rare_name = one;
    sku.set_sku_prefix(sku_prefix);
    name.set_name_prefix("kemeja");
    rare_name.set_name_prefix("Kemeja Polos 0010");
    AddCase(cases, view + " " + what + " sku prefix", menu, method, sku);
    AddCase(cases, view + " " + what + " name prefix", menu, method, name);
    AddCase(cases, view + " " + what + " rare name prefix", menu, method, rare_name);
  }
  Request sku = all, name = all, no_name = all;
  sku.set_sku_prefix(sku_prefix);
  name.set_name_prefix("kemeja polos");
  no_name.set_name_prefix("nothing is called so");
  AddCase(cases, view + " sku prefix", menu, method, sku);
  AddCase(cases, view + " name prefix", menu, method, name);
  AddCase(cases, view + " name of nothing", menu, method, no_name);
}

// The first is what the others are measured by.
std::vector<Case> PageCases(Menu& menu) {
  std::vector<Case> cases;
  v1::ListInPosRequest in_pos;
  in_pos.set_parent("merchants/default");
  AddCase(cases, "primary key", menu, &Menu::ListInPos, in_pos, DeepTokens(menu, &Menu::ListInPos, in_pos));
  AddView(cases, "in-pos", menu, &Menu::ListInPos);
  AddView(cases, "sold-in-channel", menu, &Menu::ListSoldInChannel);
  AddView(cases, "not-in-channel", menu, &Menu::ListNotInChannel);
  AddView(cases, "not-in-pos", menu, &Menu::ListNotInPos, "ONLY-1");
  AddView(cases, "multiple-listing", menu, &Menu::ListMultipleListings);
  return cases;
}

// Pages of Not In POS without reasons and with, in turns.
std::vector<Case> ReasonCases(Menu& menu) {
  std::vector<Case> cases;
  v1::ListNotInPosRequest without;
  without.set_parent("merchants/default");
  without.add_channels("merchants/default/channels/shop-1");
  v1::ListNotInPosRequest with = without;
  with.set_with_reasons(true);
  AddCase(cases, "without", menu, &Menu::ListNotInPos, without,
          DeepTokens(menu, &Menu::ListNotInPos, without));
  AddCase(cases, "with", menu, &Menu::ListNotInPos, with, DeepTokens(menu, &Menu::ListNotInPos, with));
  return cases;
}

struct Server {
  explicit Server(const std::string& address)
      : connection(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
        menu(v1::ProductsMenuService::NewStub(connection)),
        channels(v1::ChannelService::NewStub(connection)) {}

  std::shared_ptr<grpc::Channel> connection;
  std::unique_ptr<Menu> menu;
  std::unique_ptr<v1::ChannelService::Stub> channels;
};

std::vector<Case> StatisticsCases(Server& server) {
  return {{"GetChannel",
           [&](int) {
             v1::GetChannelRequest request;
             request.set_name("merchants/default/channels/shop-0");
             return Call(*server.channels, &v1::ChannelService::Stub::GetChannel, request).ByteSizeLong() > 0
                        ? 1
                        : 0;
           }},
          {"ListChannelStatistics", [&](int) {
             v1::ListChannelStatisticsRequest request;
             request.set_parent("merchants/default");
             return Call(*server.menu, &Menu::ListChannelStatistics, request).statistics_size();
           }}};
}

// All cases once in each round, at one server and the other, so that what else the machine does falls on all.
void Measure(const std::string& what, std::vector<std::vector<Case>> servers, int rounds) {
  const std::size_t count = servers[0].size();
  std::vector<std::vector<std::vector<double>>> seconds(servers.size(),
                                                        std::vector<std::vector<double>>(count));
  std::vector<int> rows(count);
  for (int round = -1; round < rounds; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t server = 0; server < servers.size(); ++server) {
        const double start = Now();
        const int got = servers[server][i].call(round + 1);
        if (round >= 0) seconds[server][i].push_back(Now() - start);
        if (server == 0) rows[i] = got;
      }
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::cout << what << '\t' << servers[0][i].name << '\t' << rows[i];
    for (auto& times : seconds) std::cout << '\t' << Median(times[i]);
    std::cout << '\n';
  }
  std::cout << std::flush;
}

}  // namespace

void MeasurePages(const std::string& server, const std::string& small_server, int rounds) {
  Server large(server), small(small_server);
  Measure("page", {PageCases(*large.menu), PageCases(*small.menu)}, rounds);
  Measure("reasons", {ReasonCases(*large.menu), ReasonCases(*small.menu)}, rounds * 5);
  Measure("statistics", {StatisticsCases(large), StatisticsCases(small)}, rounds * 5);
}

}  // namespace skulink::bench
