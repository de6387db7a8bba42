#include <soci/mysql/soci-mysql.h>
#include <soci/soci.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>

#include "google/protobuf/arena.h"
#include "grpcpp/create_channel.h"
#include "skulink/v1/products_menu_service.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/database.h"

namespace skulink::bench {
namespace {

constexpr int kCallers = 32;
constexpr int kRows = 50;
constexpr int kPlaces = 200;

// Asks for one page; `turn` says which.
using GetPage = std::function<void(int turn)>;

double PagesPerSecond(const std::vector<GetPage>& callers, double seconds) {
  std::atomic<bool> stop = false;
  std::atomic<std::int64_t> pages = 0;
  std::vector<std::jthread> threads;
  const double start = Now();
  for (std::size_t caller = 0; caller < callers.size(); ++caller) {
    threads.emplace_back([&, caller] {
      for (int turn = static_cast<int>(caller) * 7; !stop; ++turn) {
        callers[caller](turn);
        ++pages;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const double rate = static_cast<double>(pages) / (Now() - start);
  stop = true;
  return rate;
}

// What ListInPos runs, by the same statements.
class BareSoci {
 public:
  BareSoci(const std::string& socket, const std::vector<std::pair<long long, long long>>& places)
      : session_(soci::mysql, ConnectString(socket, "skulink")),
        places_(places),
        menu_(
            (session_.prepare
                 << "SELECT m.merchant_no, m.sku_case, m.rekeying, c.channel_no, c.channel_id, n.not_in_pos, "
                    "n.multiple_listings FROM merchant m LEFT JOIN (channel c JOIN channel_count n ON "
                    "n.merchant_no = c.merchant_no AND n.channel_no = c.channel_no) ON c.merchant_no = "
                    "m.merchant_no WHERE m.merchant_id = :id ORDER BY c.channel_id",
             soci::use(merchant_id_), soci::into(merchant_), soci::into(numbers_[0]), soci::into(numbers_[1]),
             soci::into(numbers_[2]), soci::into(texts_[0]), soci::into(numbers_[3]),
             soci::into(numbers_[4]))),
        page_(
            (session_.prepare
                 << "SELECT STRAIGHT_JOIN p.product_id, v.variant_id, p.name, v.option_text, v.sku, "
                    "v.barcode, v.price, v.currency, v.stock, v.badges, v.sku_key, v.product_no, "
                    "v.variant_no, p.name_key FROM variant v FORCE INDEX (PRIMARY) JOIN product p ON "
                    "p.merchant_no = v.merchant_no AND p.product_no = v.product_no WHERE v.merchant_no = :m "
                    "AND v.product_no >= :p AND (v.product_no > :q OR v.variant_no > :v) ORDER BY "
                    "v.product_no, v.variant_no LIMIT 51",
             soci::use(merchant_), soci::use(product_), soci::use(product_), soci::use(variant_),
             soci::into(texts_[0]), soci::into(texts_[1]), soci::into(texts_[2]), soci::into(texts_[3]),
             soci::into(texts_[4]), soci::into(texts_[5]), soci::into(numbers_[0], nulls_[0]),
             soci::into(texts_[6], nulls_[1]), soci::into(numbers_[1], nulls_[2]), soci::into(numbers_[2]),
             soci::into(texts_[7], nulls_[3]), soci::into(numbers_[3]), soci::into(numbers_[4]),
             soci::into(texts_[8]))) {}

  void GetPage(int turn) {
    menu_.execute();
    while (menu_.fetch()) {
    }
    std::tie(product_, variant_) = places_[static_cast<std::size_t>(turn) % places_.size()];
    page_.execute();
    int rows = 0;
    while (page_.fetch()) ++rows;
    if (rows < kRows) throw std::runtime_error("a page of bare SOCI is not full");
  }

 private:
  soci::session session_;
  const std::vector<std::pair<long long, long long>>& places_;
  std::string merchant_id_ = "default", texts_[9];
  long long merchant_ = 0, product_ = 0, variant_ = 0, numbers_[5] = {};
  soci::indicator nulls_[4] = {};
  soci::statement menu_, page_;
};

std::vector<std::pair<long long, long long>> PlacesOfDatabase(const std::string& socket) {
  soci::session session(soci::mysql, ConnectString(socket, "skulink"));
  long long last = 0;
  session
      << "SELECT MAX(product_no) FROM variant WHERE merchant_no = (SELECT merchant_no FROM merchant WHERE "
         "merchant_id = 'default')",
      soci::into(last);
  std::vector<std::pair<long long, long long>> places;
  for (int i = 0; i < kPlaces; ++i) places.emplace_back((last - kRows) * i / kPlaces, 0);
  return places;
}

using Stub = v1::ProductsMenuService::Stub;

void Call(Stub& stub, const v1::ListInPosRequest& request, v1::ListInPosResponse& response) {
  grpc::ClientContext context;
  const grpc::Status status = stub.ListInPos(&context, request, &response);
  if (!status.ok()) throw std::runtime_error(status.error_message());
}

// Tokens of as many pages over the whole of the view.
std::vector<std::string> PlacesOfView(Stub& stub) {
  std::vector<std::string> tokens = {""};
  v1::ListInPosRequest request;
  request.set_parent("merchants/default");
  request.set_page_size(1000);
  v1::ListInPosResponse page;
  for (Call(stub, request, page); !page.next_page_token().empty(); Call(stub, request, page)) {
    tokens.push_back(page.next_page_token());
    request.set_page_token(page.next_page_token());
  }
  if (tokens.size() > 1) tokens.pop_back();  // the last page may not be full
  std::vector<std::string> places;
  for (std::size_t i = 0; i < std::size_t{kPlaces}; ++i)
    places.push_back(tokens[i * tokens.size() / kPlaces]);
  return places;
}

}  // namespace

void MeasureCallers(const std::string& server, const std::string& socket, int rounds, double seconds) {
  const auto stub =
      v1::ProductsMenuService::NewStub(grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  const std::vector<std::string> tokens = PlacesOfView(*stub);
  const auto places = PlacesOfDatabase(socket);
  std::vector<std::unique_ptr<BareSoci>> sessions;
  std::vector<GetPage> through_service, bare;
  for (int caller = 0; caller < kCallers; ++caller) {
    sessions.push_back(std::make_unique<BareSoci>(socket, places));
    bare.push_back([session = sessions.back().get()](int turn) { session->GetPage(turn); });
    through_service.push_back([&](int turn) {
      google::protobuf::Arena arena;
      v1::ListInPosRequest request;
      request.set_parent("merchants/default");
      request.set_page_size(kRows);
      request.set_page_token(tokens[static_cast<std::size_t>(turn) % tokens.size()]);
      auto& page = *google::protobuf::Arena::CreateMessage<v1::ListInPosResponse>(&arena);
      Call(*stub, request, page);
      if (page.variants_size() != kRows) throw std::runtime_error("a page is not full");
    });
  }
  for (int round = 0; round < rounds; ++round) {
    std::cout << "bare " << PagesPerSecond(bare, seconds) << std::endl;
    std::cout << "service " << PagesPerSecond(through_service, seconds) << std::endl;
  }
}

}  // namespace skulink::bench
