// UPDATED and ITEM scans: what changed since the last scan, and the listings of some items (design rule 6).
#include "server/store/channels.h"
#include "tests/integration/scan_fixture.h"

namespace skulink {
namespace {

using simulator::FaultKind;
using simulator::FaultyCall;
using testing::ElementsAre;
using testing::HasSubstr;

// By the shop's clock, which is years behind ours: when it got its listings, and when it was scanned in full.
const absl::Time kOpened = absl::FromUnixSeconds(1'600'000'000);
const absl::Time kScanned = kOpened + absl::Hours(1);

class QuickScanTest : public ScanTest {
 protected:
  // Fifty listings, scanned in full.
  void SetUp() override {
    ScanTest::SetUp();
    AddVariants({"SKU-1", "SKU-50"});
    shop().SetClock(kOpened);
    shop().SetListings(MakeListings(50));
    shop().SetClock(kScanned);
    ASSERT_EQ(Scan().state(), v1::JOB_STATE_SUCCEEDED);
  }

  absl::StatusOr<v1::Job> TryUpdated(const std::string& channel = "shop") {
    return Try(v1::SCAN_MODE_UPDATED, {}, channel);
  }
  v1::Job StartUpdated() { return TryUpdated().value(); }
  v1::Job ScanUpdated() { return AwaitEnd(StartUpdated()); }
  v1::Job StartItems(const std::vector<std::string>& ids, const std::string& channel = "shop") {
    return Try(v1::SCAN_MODE_ITEM, ids, channel).value();
  }
  v1::Job ScanItems(const std::vector<std::string>& ids) { return AwaitEnd(StartItems(ids)); }

  // At that time by the shop's clock the listings get another stock.
  void ChangeAt(absl::Time time, int first, int last) {
    shop().SetClock(time);
    for (int number = first; number <= last; ++number) {
      sellercenter::v1::Listing listing = MakeListing(number);
      listing.set_stock(7000);
      shop().Upsert(listing);
    }
  }
  std::int64_t Changed() { return Number("SELECT COUNT(*) FROM listing WHERE stock = 7000"); }
  std::optional<absl::Time> KnownUntil() {
    const std::int64_t micros = Number("SELECT COALESCE(known_until, -1) FROM channel_count");
    return micros < 0 ? std::nullopt : std::optional(absl::FromUnixMicros(micros));
  }

 private:
  absl::StatusOr<v1::Job> Try(v1::ScanMode mode, const std::vector<std::string>& item_ids,
                              const std::string& channel) {
    v1::StartScanRequest request;
    request.mutable_item_ids()->Assign(item_ids.begin(), item_ids.end());
    return engine().StartJob({.channel = {"default", channel},
                              .kind = v1::JOB_KIND_SCAN,
                              .scan_mode = mode,
                              .request_id = {},
                              .request = request.SerializeAsString()});
  }
};

// ------------------------------------------------------------------ what changed since

TEST_F(QuickScanTest, UpdatedReadsAndWritesWhatChangedSince) {
  const std::int64_t pages_before = shop().books().pages_sent;
  ChangeAt(kScanned + absl::Hours(1), 3, 3);
  shop().Upsert(MakeListing(51));

  const v1::Job job = ScanUpdated();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.scan_mode(), v1::SCAN_MODE_UPDATED);
  EXPECT_EQ(job.progress().phase(), v1::SCAN_PHASE_ENDED);
  EXPECT_EQ(job.progress().listings_seen(), 2);
  EXPECT_EQ(job.progress().updated(), 1);
  EXPECT_EQ(job.progress().created(), 1);
  EXPECT_EQ(job.progress().live(), 51);
  EXPECT_EQ(shop().books().pages_sent - pages_before, 1);
  EXPECT_EQ(Changed(), 1);
  EXPECT_EQ(Listings(), ListingIds(1, 51));
  EXPECT_TRUE(Statistic().complete);
  ExpectNoPagesKept();
}

TEST_F(QuickScanTest, UpdatedOfAShopInWhichNothingChangedReadsNothing) {
  const v1::Job job = ScanUpdated();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().listings_seen(), 0);
  EXPECT_EQ(Listings(), ListingIds(1, 50));
}

TEST_F(QuickScanTest, NothingIsLostAtTheEdgeOfTheWindow) {
  ChangeAt(kScanned, 4, 4);                       // in the moment of the scan, after it
  ChangeAt(kScanned - absl::Minutes(4), 30, 30);  // shown a while late
  shop().SetClock(kScanned + absl::Hours(1));
  EXPECT_EQ(ScanUpdated().progress().updated(), 2);
  ChangeAt(kScanned + absl::Hours(1), 5, 5);  // in the moment of that one

  EXPECT_EQ(ScanUpdated().progress().updated(), 1);
  EXPECT_EQ(Changed(), 3);
}

TEST_F(QuickScanTest, TheWindowIsOfTheShopsClock) {
  EXPECT_EQ(KnownUntil(), kScanned);
  ChangeAt(kScanned + absl::Minutes(10), 6, 6);

  EXPECT_EQ(ScanUpdated().progress().updated(), 1);
  EXPECT_EQ(KnownUntil(), kScanned + absl::Minutes(10));
  EXPECT_EQ(ScanItems({"item-1"}).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(KnownUntil(), kScanned + absl::Minutes(10)) << "of the others an ITEM scan knows nothing";
}

TEST_F(QuickScanTest, WhatChangesDuringAScanIsOfTheNextOnesWindow) {
  ChangeAt(kScanned + absl::Hours(1), 1, 30);
  shop().HoldAtPage(3);
  const v1::Job job = StartUpdated();
  Await(job, [](const v1::Job& now) { return now.progress().pages() == 2; });
  shop().SetClock(kScanned + absl::Hours(3));
  shop().Release();

  EXPECT_EQ(AwaitEnd(job).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(KnownUntil(), kScanned + absl::Hours(1));
}

// It is sent, and counted by the shop, twice.
TEST_F(QuickScanTest, ListingThatChangesAgainDuringTheScanCountsOnce) {
  ChangeAt(kScanned + absl::Hours(1), 1, 30);
  shop().HoldAtPage(3);
  const v1::Job job = StartUpdated();
  Await(job, [](const v1::Job& now) { return now.progress().pages() == 2; });
  shop().SetClock(kScanned + absl::Hours(2));
  sellercenter::v1::Listing again = MakeListing(1);
  again.set_stock(8000);
  shop().Upsert(again);
  shop().Release();

  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().listings_seen(), 30);
  EXPECT_EQ(Changed(), 29);
}

TEST_F(QuickScanTest, DeletedListingIsShownAsSuch) {
  shop().SetClock(kScanned + absl::Hours(1));
  shop().Remove(ListingId(1));

  const v1::Job job = ScanUpdated();

  EXPECT_EQ(job.progress().updated(), 1);
  EXPECT_EQ(job.progress().removed(), 0);
  EXPECT_EQ(Listings(), ListingIds(1, 50));
  EXPECT_EQ(Number("SELECT deleted FROM channel_count"), 1);
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-50"));
}

TEST_F(QuickScanTest, NothingIsRemovedForNotBeingThere) {
  shop().SetClock(kScanned + absl::Hours(1));
  shop().SetListings({MakeListing(1)});

  const v1::Job updated = ScanUpdated();
  const v1::Job items = ScanItems({"item-1", "item-2"});

  EXPECT_EQ(updated.state(), v1::JOB_STATE_SUCCEEDED) << updated.ShortDebugString();
  EXPECT_EQ(items.state(), v1::JOB_STATE_SUCCEEDED) << items.ShortDebugString();
  EXPECT_EQ(Listings(), ListingIds(1, 50));
}

TEST_F(QuickScanTest, AnEarlyEndIsAskedForAgain) {
  ChangeAt(kScanned + absl::Hours(1), 1, 30);
  shop().AddFault(At(2, FaultKind::kEarlyComplete, 1));

  const v1::Job job = ScanUpdated();

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(FieldOf(FromProto(job.error())), "listing_count");
  EXPECT_EQ(KnownUntil(), kScanned);
  EXPECT_EQ(ScanUpdated().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Changed(), 30);
}

TEST_F(QuickScanTest, WhatWasRefusedIsAskedForAgain) {
  ChangeAt(kScanned + absl::Hours(1), 3, 3);
  shop().AddFault(At(1, FaultKind::kSkuTooLong, 1));
  const v1::Job refused = ScanUpdated();
  EXPECT_EQ(refused.state(), v1::JOB_STATE_SUCCEEDED) << refused.ShortDebugString();
  EXPECT_EQ(refused.progress().refused(), 1);
  EXPECT_EQ(Changed(), 0);
  EXPECT_FALSE(Statistic().complete);
  shop().SetClock(kScanned + absl::Hours(3));

  EXPECT_EQ(ScanUpdated().progress().updated(), 1);
  EXPECT_EQ(Changed(), 1);
  EXPECT_EQ(KnownUntil(), kScanned + absl::Hours(3));
}

// ------------------------------------------------------------------ where there is nothing to go on from

TEST_F(QuickScanTest, UpdatedNeedsAFullScanFirst) {
  simulator::SimulatedSellerCenter other;
  AddChannel("other", other.address());

  EXPECT_EQ(ReasonOf(TryUpdated("other").status()), v1::ERROR_REASON_FULL_SCAN_NEEDED);
  other.AddFault(At(1, FaultKind::kExpiredToken, 1));
  EXPECT_EQ(Scan("other").state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(TryUpdated("other").status()), v1::ERROR_REASON_FULL_SCAN_NEEDED);
  EXPECT_EQ(Scan("other").state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(AwaitEnd(TryUpdated("other").value()).state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(QuickScanTest, UpdatedNeedsAFullScanOfTheShopThatTheChannelHasNow) {
  simulator::SimulatedSellerCenter other;
  const auto move_to = [&](const std::string& endpoint) {
    const auto moved = store::UpdateChannel(database(), "default", "shop", {.endpoint = endpoint});
    ASSERT_TRUE(moved.ok()) << moved.status();
  };
  move_to(shop().address());
  EXPECT_EQ(KnownUntil(), kScanned) << "it is the same";

  move_to(other.address());

  EXPECT_EQ(ReasonOf(TryUpdated().status()), v1::ERROR_REASON_FULL_SCAN_NEEDED);
  EXPECT_FALSE(Statistic().complete);
}

TEST_F(QuickScanTest, ShopThatCannotTellWhatChangedIsRefused) {
  simulator::SimulatedSellerCenter silent({.tells_time = false});
  AddChannel("silent", silent.address());
  EXPECT_EQ(Scan("silent").state(), v1::JOB_STATE_SUCCEEDED);
  const absl::Status refused = TryUpdated("silent").status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_FULL_SCAN_NEEDED);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("cannot tell"));
  // It could when it was scanned.
  Execute("UPDATE channel_count SET known_until = 1");

  const v1::Job job = AwaitEnd(TryUpdated("silent").value());

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(FromProto(job.error())), v1::ERROR_REASON_SELLER_CENTER_UNABLE);
  EXPECT_EQ(silent.violations().size(), 0u);
}

// ------------------------------------------------------------------ some items

TEST_F(QuickScanTest, ItemScanReadsTheseItemsAlone) {
  ChangeAt(kScanned, 1, 10);
  const simulator::ShopBooks before = shop().books();

  const v1::Job job = ScanItems({"item-2", "item-4", "item-2"});

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().listings_seen(), 4);
  EXPECT_EQ(job.progress().updated(), 4);
  EXPECT_EQ(Changed(), 4);
  EXPECT_EQ(shop().books().items_asked - before.items_asked, 2);
  EXPECT_EQ(shop().books().list_listings_calls, before.list_listings_calls);
}

TEST_F(QuickScanTest, ItemThatIsNotThereIsToldAndNothingIsRemoved) {
  shop().Remove(ListingId(7));
  shop().Remove(ListingId(8));

  const v1::Job job = ScanItems({"item-4", "no-such-item", "item-1"});

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().unchanged(), 2);
  std::vector<std::string> told;
  for (const v1::JobItem& item : Items(job)) {
    EXPECT_EQ(item.outcome(), v1::JOB_ITEM_OUTCOME_SKIPPED);
    EXPECT_EQ(item.reason(), v1::ERROR_REASON_LISTING_GONE);
    told.push_back(item.item_id());
  }
  EXPECT_THAT(told, testing::UnorderedElementsAre("item-4", "no-such-item"));
  EXPECT_EQ(Listings(), ListingIds(1, 50));
}

TEST_F(QuickScanTest, ItemThatTheShopAlwaysFailsForIsToldAndTheOthersAreRead) {
  ChangeAt(kScanned, 1, 10);
  shop().FailItem("item-2", {grpc::StatusCode::INVALID_ARGUMENT, "bad item"});

  const v1::Job job = ScanItems({"item-1", "item-2", "item-3"});

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().updated(), 4);
  EXPECT_EQ(job.progress().refused(), 1);
  const std::vector<v1::JobItem> told = Items(job);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].item_id(), "item-2");
  EXPECT_EQ(told[0].outcome(), v1::JOB_ITEM_OUTCOME_REFUSED);
  EXPECT_EQ(told[0].reason(), v1::ERROR_REASON_SELLER_CENTER_FAILED);
}

// ------------------------------------------------------------------ from server to server

TEST_F(QuickScanTest, AnotherServerGoesOnWithAnUpdatedScan) {
  ChangeAt(kScanned + absl::Hours(1), 1, 49);
  sellercenter::v1::Listing refused = MakeListing(50);
  refused.set_seller_sku(std::string(256, 'S'));
  shop().Upsert(refused);
  const std::int64_t pages_before = shop().books().pages_sent;
  shop().HoldAtPage(3);
  const v1::Job job = StartUpdated();
  Await(job, [](const v1::Job& now) { return now.progress().pages() == 2; });
  StopEngine();
  shop().Release();

  StartEngine({});
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().pages(), 5);
  EXPECT_EQ(ended.progress().updated(), 49);
  EXPECT_EQ(ended.progress().refused(), 1);
  EXPECT_EQ(shop().books().pages_sent - pages_before, 5) << "no page was read twice";
  EXPECT_EQ(Changed(), 49);
  ExpectNoPagesKept();
}

// One that was taken, and one that was refused, come again.
TEST_F(QuickScanTest, SuccessorCountsNothingTwice) {
  sellercenter::v1::Listing refused = MakeListing(60);
  refused.set_seller_sku(std::string(256, 'S'));
  shop().SetClock(kScanned + absl::Hours(1));
  shop().Upsert(refused);
  ChangeAt(kScanned + absl::Hours(1), 1, 29);
  shop().HoldAtPage(3);
  const v1::Job job = StartUpdated();
  Await(job, [](const v1::Job& now) { return now.progress().pages() == 2; });
  StopEngine();
  shop().SetClock(kScanned + absl::Hours(2));
  shop().Upsert(refused);
  ChangeAt(kScanned + absl::Hours(2), 1, 1);
  shop().Release();

  StartEngine({});
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().listings_seen(), 29);
  EXPECT_EQ(ended.progress().updated(), 29);
  EXPECT_EQ(ended.progress().refused(), 1);
}

TEST_F(QuickScanTest, AnotherServerGoesOnWithAnItemScan) {
  simulator::SimulatedSellerCenter other({.max_items_per_get = 1});
  other.SetListings(MakeListings(400));
  AddChannel("other", other.address());
  std::vector<std::string> ids;
  for (int item = 1; item <= 200; ++item) ids.push_back("item-" + std::to_string(item));

  const v1::Job job = StartItems(ids, "other");
  Await(job, [](const v1::Job& now) { return now.progress().listings_seen() > 0; });
  other.AddFault(In(FaultyCall::kGetItems, FaultKind::kHang));
  StopEngine();
  other.ClearFaults();
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().created(), 400);
  EXPECT_EQ(Listings("other"), ListingIds(1, 400));
}

// ------------------------------------------------------------------ faults that pass

class QuickScanFaultsTest : public QuickScanTest, public testing::WithParamInterface<FaultKind> {};

TEST_P(QuickScanFaultsTest, UpdatedScanOutlivesThem) {
  ChangeAt(kScanned + absl::Hours(1), 1, 30);
  shop().AddFault(At(2, GetParam(), 1));

  const v1::Job job = ScanUpdated();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().updated(), 30);
  EXPECT_EQ(Changed(), 30);
}

TEST_P(QuickScanFaultsTest, ItemScanOutlivesThem) {
  ChangeAt(kScanned, 1, 4);
  shop().AddFault(In(FaultyCall::kGetItems, GetParam(), 1));

  const v1::Job job = ScanItems({"item-1", "item-2"});

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().updated(), 4);
}

INSTANTIATE_TEST_SUITE_P(QuickScan, QuickScanFaultsTest,
                         testing::Values(FaultKind::kThrottled, FaultKind::kInternal,
                                         FaultKind::kUnavailable),
                         [](const auto& test) {
                           return test.param == FaultKind::kThrottled  ? "Throttled"
                                  : test.param == FaultKind::kInternal ? "Internal"
                                                                       : "Unavailable";
                         });

TEST_F(QuickScanTest, UpdatedScanOutlivesACutConnection) {
  ChangeAt(kScanned + absl::Hours(1), 1, 30);
  shop().AddFault(At(2, FaultKind::kConnectionCut, 1));

  const v1::Job job = ScanUpdated();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().updated(), 30);
}

TEST_F(QuickScanTest, UpdatedScanThatFailsIsNotTheLastOne) {
  ChangeAt(kScanned + absl::Hours(1), 1, 30);
  shop().AddFault(At(2, FaultKind::kExpiredToken, 1));

  EXPECT_EQ(ScanUpdated().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(KnownUntil(), kScanned);
  EXPECT_EQ(ScanUpdated().progress().listings_seen(), 30);
  EXPECT_EQ(Changed(), 30);
}

}  // namespace
}  // namespace skulink
