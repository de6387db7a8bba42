#include "tests/integration/scan_fixture.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "server/store/channels.h"
#include "server/store/merchants.h"
#include "server/store/products.h"
#include "server/store/verify.h"
#include "tests/integration/eventually.h"

namespace skulink {

void ScanTest::SetUp() {
  ASSERT_TRUE(store::EnsureDefaultMerchant(database()).ok());
  AddChannel("shop", shop_.address());
}

void ScanTest::TearDown() {
  shop_.Release();
  engine_.reset();
  ExpectViewsRight();
}

void ScanTest::AddChannel(const std::string& id, const std::string& endpoint) {
  const auto added = store::CreateChannel(database(), "default",
                                          {.id = id,
                                           .display_name = id,
                                           .platform = v1::PLATFORM_OTHER,
                                           .endpoint = endpoint,
                                           .create_time = {},
                                           .update_time = {}});
  ASSERT_TRUE(added.ok()) << added.status();
}

void ScanTest::AddVariants(const std::vector<std::string>& skus) {
  std::vector<store::ImportRow> rows;
  for (const std::string& sku : skus) {
    store::ImportRow& row = rows.emplace_back();
    row.product.id = "product-of-" + sku;
    row.product.name = "Produk " + sku;
    store::Variant& variant = row.product.variants.emplace_back();
    variant.id = "variant-of-" + sku;
    variant.sku = sku;
  }
  const auto imported = store::ImportProducts(database(), "default", rows);
  ASSERT_TRUE(imported.ok() && imported->refused.empty()) << imported.status();
}

void ScanTest::ExpectNoPagesKept() {
  EXPECT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM scan_page") == 0; }));
}

SyncEngine& ScanTest::engine() {
  if (engine_ == nullptr) StartEngine({});
  return *engine_;
}

void ScanTest::StartEngine(const SyncOptions& options) {
  Connect(shop_.address());  // gRPC is to stay up
  engine_ = std::make_unique<SyncEngine>(database(), options);
}

v1::Job ScanTest::Start(const std::string& channel) {
  const auto job = engine().StartJob(FullScan(channel));
  if (!job.ok()) throw std::runtime_error(job.status().ToString());
  return *job;
}

v1::Job ScanTest::Await(const v1::Job& job, const std::function<bool(const v1::Job&)>& reached) {
  struct Newest {
    std::mutex mutex;
    std::condition_variable changed;
    v1::Job job;
  } newest;
  const auto take = [&](const v1::Job& now) {
    const std::lock_guard lock(newest.mutex);
    if (now.revision() < newest.job.revision()) return;
    newest.job = now;
    newest.changed.notify_all();
  };
  const auto watch = engine().hub().Subscribe(job.name(), [&](const JobSnapshot& now) { take(*now); });
  take(engine().GetJob(NameOf(job)).value());
  std::unique_lock lock(newest.mutex);
  EXPECT_TRUE(newest.changed.wait_for(lock, absl::ToChronoSeconds(kPatient), [&] {
    return reached(newest.job);
  })) << newest.job.ShortDebugString();
  return newest.job;
}

v1::Job ScanTest::AwaitEnd(const v1::Job& job) {
  const v1::Job ended = Await(job, [](const v1::Job& now) {
    return now.state() != v1::JOB_STATE_QUEUED && now.state() != v1::JOB_STATE_RUNNING;
  });
  // Each listing that was seen counts once, as one of these.
  const v1::ScanProgress& progress = ended.progress();
  EXPECT_EQ(progress.created() + progress.updated() + progress.unchanged(), progress.listings_seen())
      << ended.ShortDebugString();
  return ended;
}

v1::Job ScanTest::Scan(const std::string& channel) { return AwaitEnd(Start(channel)); }

v1::Job ScanTest::StartAndHoldAfterTwoPages() {
  shop_.HoldAtPage(3);
  const v1::Job job = Start();
  return Await(job, [](const v1::Job& now) { return now.progress().pages() == 2; });
}

std::vector<v1::JobItem> ScanTest::Items(const v1::Job& job) {
  std::vector<std::int64_t> numbers;
  return engine().ListJobItems(NameOf(job), 0, 1000, numbers).value();
}

void ScanTest::ExpectViewsRight() {
  const auto report = store::Verify(database());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->merchants, 1);
  EXPECT_THAT(report->first_differences, testing::IsEmpty());
  EXPECT_EQ(report->differences, 0);
}

std::vector<std::string> ScanTest::Listings(const std::string& channel) {
  std::vector<std::string> ids;
  EXPECT_TRUE(database()
                  .Read([&](store::Session& session) {
                    session.Query(
                        "SELECT listing_id FROM listing JOIN channel USING (merchant_no, channel_no) "
                        "WHERE channel_id = ?",
                        {channel}, [&](const store::Row& row) { ids.push_back(row.String(0)); });
                  })
                  .ok());
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::string> ScanTest::NotInPos() {
  const store::Menu menu = store::OpenMenu(database(), "default", {}).value();
  std::vector<std::string> ids;
  const auto page = store::NotInPos(database(), menu, {.limit = 1000}, {ListingState::kLive});
  for (const store::MenuListing& row : page.value().rows) ids.push_back(row.listing.listing_id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::string> ScanTest::SoldInChannel() {
  const store::Menu menu = store::OpenMenu(database(), "default", {}).value();
  std::vector<std::string> skus;
  const auto page = store::SoldInChannel(database(), menu, {.limit = 1000});
  for (const store::MenuVariant& row : page.value().rows) skus.push_back(row.sku);
  std::sort(skus.begin(), skus.end());
  return skus;
}

store::ChannelStatistic ScanTest::Statistic(const std::string& channel) {
  return store::ChannelStatistics(database(), "default", {channel}).value().at(0);
}

std::int64_t ScanTest::Number(const std::string& query) {
  std::int64_t number = 0;
  const absl::Status status = database().Read([&](store::Session& session) {
    session.Query(query, {}, [&](const store::Row& row) { number = row.Int(0); });
  });
  EXPECT_TRUE(status.ok()) << status;
  return number;
}

void ScanTest::Execute(const std::string& statement) {
  const absl::Status status =
      database().Transact([&](store::Session& session) { session.Execute(statement); });
  EXPECT_TRUE(status.ok()) << status;
}

std::vector<std::string> ListingIds(int first, int last) {
  std::vector<std::string> ids;
  for (int number = first; number <= last; ++number) ids.push_back(ListingId(number));
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace skulink
