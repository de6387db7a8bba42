#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/store/menu_views.h"
#include "server/sync/sync_engine.h"
#include "tests/integration/seller_center_fixture.h"
#include "tests/integration/test_database.h"

// What tests of scans need again and again.
namespace skulink {

// Of a channel of the merchant `default`.
inline store::JobRequest FullScan(const std::string& channel, const std::string& request_id = "") {
  return {.channel = {"default", channel},
          .kind = v1::JOB_KIND_SCAN,
          .scan_mode = v1::SCAN_MODE_FULL,
          .request_id = request_id,
          .request = channel};
}

// A store with the merchant `default`, one simulated shop that sends ten listings in a page, and its channel
// `shop`. At the end of each test the engines are stopped and the store is verified.
class ScanTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  store::Database& database() { return *database_; }
  simulator::SimulatedSellerCenter& shop() { return shop_; }

  void AddChannel(const std::string& id, const std::string& endpoint);
  // A product for each, which has one variant.
  void AddVariants(const std::vector<std::string>& skus);

  // Starts an engine unless there is one.
  SyncEngine& engine();
  void StartEngine(const SyncOptions& options);
  void StopEngine() { engine_.reset(); }

  // Until the job has ended or needs confirmation.
  v1::Job Scan(const std::string& channel = "shop");
  v1::Job Start(const std::string& channel = "shop");
  v1::Job AwaitEnd(const v1::Job& job);
  v1::Job Await(const v1::Job& job, const std::function<bool(const v1::Job&)>& reached);
  // A scan that has written its first two pages and waits for the third until shop().Release().
  v1::Job StartAndHoldAfterTwoPages();

  std::vector<v1::JobItem> Items(const v1::Job& job);
  // What is kept for the views equals what it is made of.
  void ExpectViewsRight();
  // Nothing is kept for successors of jobs that have ended, soon after.
  void ExpectNoPagesKept();

  // Sorted.
  std::vector<std::string> Listings(const std::string& channel = "shop");
  std::vector<std::string> NotInPos();
  std::vector<std::string> SoldInChannel();
  store::ChannelStatistic Statistic(const std::string& channel = "shop");

  std::int64_t Number(const std::string& query);
  void Execute(const std::string& statement);

 private:
  TestDatabase database_;
  simulator::SimulatedSellerCenter shop_{{.max_page_size = 10}};
  std::unique_ptr<SyncEngine> engine_;
};

inline JobName NameOf(const v1::Job& job) { return ParseJobName(job.name(), "name").value(); }

// Ids of listings `first` to `last`, sorted.
std::vector<std::string> ListingIds(int first, int last);

// A fault at a page of the listing, or in another call.
inline simulator::Fault At(int page, simulator::FaultKind kind, std::optional<int> times = std::nullopt) {
  return {.kind = kind, .page = page, .times = times};
}
inline simulator::Fault In(simulator::FaultyCall call, simulator::FaultKind kind,
                           std::optional<int> times = std::nullopt) {
  return {.kind = kind, .times = times, .call = call};
}

}  // namespace skulink
