#include "tests/integration/sending_fixture.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "server/store/channels.h"
#include "server/store/merchants.h"
#include "server/store/products.h"
#include "server/store/stock.h"
#include "server/store/verify.h"
#include "tests/integration/eventually.h"

namespace skulink {
namespace {

constexpr int kVariantsAtOnce = 500;

std::string SkuOf(int number) { return "SKU-" + std::to_string(number); }

}  // namespace

void SendingTest::SetUp() {
  Connect("grpc://127.0.0.1:1");  // gRPC is to stay up
  ASSERT_TRUE(store::EnsureDefaultMerchant(database()).ok());
}

void SendingTest::TearDown() {
  engine_.reset();
  for (const auto& [channel, shop] : shops_) {
    if (!violations_expected_) {
      EXPECT_THAT(shop->violations(), testing::IsEmpty()) << channel;
    }
    EXPECT_LE(shop->most_in_flight(), 1) << channel;
  }
  const auto report = store::Verify(database());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->first_differences, testing::IsEmpty());
}

void SendingTest::AddVariants(int count) {
  for (int first = 1; first <= count; first += kVariantsAtOnce) {
    std::vector<store::ImportRow> rows;
    for (int number = first; number <= std::min(count, first + kVariantsAtOnce - 1); ++number) {
      store::Product& product = rows.emplace_back().product;
      product.id = "product-" + std::to_string(number);
      product.name = "Produk " + std::to_string(number);
      product.variants.push_back({.id = "v",
                                  .sku = SkuOf(number),
                                  .price = Money{(10'000 + number) * 10'000LL, "IDR"},
                                  .stock = 10'000 + number});
    }
    const auto imported = store::ImportProducts(database(), "default", rows);
    ASSERT_TRUE(imported.ok() && imported->refused.empty()) << imported.status();
  }
}

SendingTest::Shop& SendingTest::OpenShop(const std::string& channel, int count,
                                         const simulator::ShopOptions& options) {
  auto& shop = shops_[channel] = std::make_unique<Shop>(options);
  shop->SetListings(MakeListings(count));
  const auto added = store::CreateChannel(
      database(), "default", {.id = channel, .display_name = channel, .endpoint = shop->address()});
  EXPECT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(Scan(channel).state(), v1::JOB_STATE_SUCCEEDED);
  return *shop;
}

SendingTest::Shop& SendingTest::OpenShopThatAsksForAPause() {
  AddVariants(1);
  Shop& shop = OpenShop("shop", 1, {.throttle_delay = std::chrono::minutes(10)});
  shop.AddFault({.kind = simulator::FaultKind::kThrottledWithDelay,
                 .times = 1,
                 .call = simulator::FaultyCall::kUpdateStock});
  return shop;
}

void SendingTest::SwitchOn(const std::string& channel, bool stock, bool prices) {
  const auto updated =
      store::UpdateChannel(database(), "default", channel,
                           {.stock_sync = store::StockSync{.enabled = stock}, .price_sync = prices});
  ASSERT_TRUE(updated.ok()) << updated.status();
  engine().WakePushes();
}

v1::Job SendingTest::Start(const std::string& channel, SyncEngine& engine) {
  const auto job = engine.StartJob({.channel = {"default", channel},
                                    .kind = v1::JOB_KIND_SCAN,
                                    .scan_mode = v1::SCAN_MODE_FULL,
                                    .request = channel});
  if (!job.ok()) throw std::runtime_error(job.status().ToString());
  return *job;
}

v1::Job SendingTest::AwaitEnd(const v1::Job& job) {
  const JobName name = ParseJobName(job.name(), "name").value();
  v1::Job now;
  EXPECT_TRUE(Eventually([&] {
    now = store::ReadJob(database(), name).value().job;
    return now.state() != v1::JOB_STATE_QUEUED && now.state() != v1::JOB_STATE_RUNNING;
  })) << now.ShortDebugString();
  return now;
}

v1::Job SendingTest::Scan(const std::string& channel) { return AwaitEnd(Start(channel, engine())); }

SyncOptions SendingTest::Quick() {
  SyncOptions options;
  options.seller_center_timeout = absl::Seconds(1);
  options.poll = absl::Milliseconds(100);
  options.push.linger = absl::Seconds(1);
  options.push.pauses = {.retry = {absl::Milliseconds(50), absl::Milliseconds(200)},
                         .refused = {absl::Milliseconds(300), absl::Milliseconds(600)},
                         .shop = {absl::Milliseconds(20), absl::Milliseconds(200)}};
  return options;
}

SyncEngine& SendingTest::engine() {
  if (engine_ == nullptr) StartEngine(Quick());
  return *engine_;
}

void SendingTest::StartEngine(const SyncOptions& options) {
  engine_.reset();
  engine_ = std::make_unique<SyncEngine>(database(), options);
}

std::unique_ptr<SyncEngine> SendingTest::AnotherEngine(store::Database& database,
                                                       const SyncOptions& options) {
  return std::make_unique<SyncEngine>(database, options);
}

void SendingTest::SetStock(int number, std::int64_t quantity) {
  SetStock({{number, quantity}}, database());
  engine().WakePushes();
}

void SendingTest::SetStock(const std::vector<std::pair<int, std::int64_t>>& quantities,
                           store::Database& database) {
  store::StockRequest request;
  for (const auto& [number, quantity] : quantities) {
    request.changes.push_back({.variant = {.sku = SkuOf(number)}, .quantity = quantity});
  }
  const auto changed = store::ChangeStock(database, "default", request);
  EXPECT_TRUE(changed.ok()) << changed.status();
}

bool SendingTest::InStep() {
  struct Values {
    std::int64_t stock = 0, price = 0;
  };
  std::map<std::string, Values> variants;
  std::map<std::string, std::pair<bool, bool>> channels;
  std::int64_t under_way = 0;
  const absl::Status read = database().Read([&](store::Session& session) {
    session.Query("SELECT sku, stock, price FROM variant", {}, [&](const store::Row& row) {
      variants[row.String(0)] = {row.Int(1), row.Int(2)};
    });
    session.Query("SELECT channel_id, stock_sync, price_sync FROM channel", {}, [&](const store::Row& row) {
      channels[row.String(0)] = {row.Int(1) != 0, row.Int(2) != 0};
    });
    session.Query(
        "SELECT (SELECT COUNT(*) FROM push WHERE outcome <> ?) + (SELECT COUNT(*) FROM channel "
        "WHERE push_all_after IS NOT NULL)",
        {static_cast<int>(v1::PUSH_OUTCOME_APPLIED)}, [&](const store::Row& row) { under_way = row.Int(0); });
  });
  if (!read.ok() || under_way != 0) return false;
  for (const auto& [channel, shop] : shops_) {
    const auto [stock, prices] = channels.at(channel);
    for (const simulator::ListingBooks& books : shop->AllListingBooks()) {
      const sellercenter::v1::Listing& listing = books.listing();
      const auto variant = variants.find(listing.seller_sku());
      if (variant == variants.end()) continue;
      if (stock && listing.stock() != variant->second.stock) return false;
      if (prices && listing.price().units() * 10'000 != variant->second.price) return false;
    }
  }
  return true;
}

void SendingTest::ExpectInStep() {
  if (Eventually([this] { return InStep(); })) return;
  const absl::Status read = database().Read([&](store::Session& session) {
    session.Query(
        "SELECT channel_no, listing_id, outcome, attempts, description, due IS NOT NULL FROM push "
        "WHERE outcome <> 2 LIMIT 5",
        {}, [&](const store::Row& row) {
          ADD_FAILURE() << row.Text(0) << " " << row.Text(1) << ": outcome " << row.Text(2) << " after "
                        << row.Text(3) << " attempts, due " << row.Text(5) << ": " << row.Text(4);
        });
  });
  ADD_FAILURE() << "not in step" << read;
}

SendingTest::Push SendingTest::PushOf(const std::string& channel, int number, v1::PushKind kind) {
  Push push;
  const absl::Status read = database().Read([&](store::Session& session) {
    session.Query(
        "SELECT p.outcome, p.description, p.attempts, p.due IS NOT NULL FROM push p JOIN channel c USING "
        "(merchant_no, channel_no) WHERE c.channel_id = ? AND p.listing_id = ? AND p.kind = ?",
        {channel, ListingId(number), static_cast<int>(kind)}, [&](const store::Row& row) {
          push = {v1::PushOutcome_Name(static_cast<v1::PushOutcome>(row.Int(0)))
                      .substr(std::string_view("PUSH_OUTCOME_").size()),
                  row.String(1), static_cast<int>(row.Int(2)), row.Int(3) != 0};
        });
  });
  EXPECT_TRUE(read.ok()) << read;
  return push;
}

int SendingTest::TimesSent(const Shop& shop, int number) {
  return shop.listing_books(ListingId(number)).stock_updates_size();
}

std::int64_t SendingTest::Number(const std::string& query) {
  std::int64_t number = 0;
  const absl::Status status = database().Read([&](store::Session& session) {
    session.Query(query, {}, [&](const store::Row& row) { number = row.Int(0); });
  });
  EXPECT_TRUE(status.ok()) << status;
  return number;
}

void SendingTest::Execute(const std::string& statement) {
  const absl::Status status =
      database().Transact([&](store::Session& session) { session.Execute(statement); });
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace skulink
