// What a scan makes of what the shop sends (design rules 1, 4 and 6).
#include "tests/integration/scan_fixture.h"

namespace skulink {
namespace {

using simulator::FaultKind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kLive = sellercenter::v1::LISTING_STATE_LIVE;
constexpr auto kInactive = sellercenter::v1::LISTING_STATE_INACTIVE;

using ScanListingsTest = ScanTest;

TEST_F(ScanListingsTest, FirstScanTakesEveryListingAndCounts) {
  AddVariants({"SKU-1", "SKU-2", "SKU-25", "nowhere"});
  std::vector<sellercenter::v1::Listing> listings = MakeListings(25);
  listings[24].set_state(kInactive);
  shop().SetListings(listings);

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_FALSE(job.has_error());
  EXPECT_TRUE(job.has_end_time());
  const v1::ScanProgress& progress = job.progress();
  EXPECT_EQ(progress.phase(), v1::SCAN_PHASE_ENDED);
  EXPECT_EQ(progress.pages(), 3);
  EXPECT_EQ(progress.listings_seen(), 25);
  EXPECT_EQ(progress.listings_expected(), 25);
  EXPECT_EQ(progress.created(), 25);
  EXPECT_EQ(progress.removed() + progress.refused(), 0);
  EXPECT_EQ(progress.live(), 24);
  EXPECT_EQ(progress.sold_in_channel(), 2);
  EXPECT_EQ(progress.not_in_pos(), 22);
  EXPECT_EQ(Listings(), ListingIds(1, 25));
  EXPECT_EQ(NotInPos(), ListingIds(3, 24));
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-1", "SKU-2"));
  EXPECT_TRUE(Statistic().complete);
  EXPECT_TRUE(Statistic().last_scan_time.has_value());
}

TEST_F(ScanListingsTest, UnchangedScanWritesNoListingRow) {
  Execute("SET GLOBAL userstat = 1");
  const std::string changed =
      "SELECT COALESCE(SUM(ROWS_CHANGED), 0) FROM information_schema.TABLE_STATISTICS "
      "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'listing'";
  shop().SetListings(MakeListings(25));
  Scan();
  const std::int64_t before = Number(changed);
  ASSERT_GE(before, 25);

  const v1::Job job = Scan();

  EXPECT_EQ(job.progress().unchanged(), 25);
  EXPECT_EQ(Number(changed), before);
  Execute("SET GLOBAL userstat = 0");
}

TEST_F(ScanListingsTest, ChangedListingIsUpdatedAlone) {
  shop().SetListings(MakeListings(25));
  Scan();
  sellercenter::v1::Listing listing = MakeListing(12);
  listing.set_stock(0);
  shop().Upsert(listing);

  const v1::Job job = Scan();

  EXPECT_EQ(job.progress().updated(), 1);
  EXPECT_EQ(job.progress().unchanged(), 24);
  EXPECT_EQ(Number("SELECT stock FROM listing WHERE listing_id = 'listing-12'"), 0);
}

TEST_F(ScanListingsTest, ListingWithRenamedSkuMovesBetweenViews) {
  AddVariants({"SKU-1", "NEW"});
  shop().SetListings(MakeListings(2));
  Scan();
  ASSERT_THAT(SoldInChannel(), ElementsAre("SKU-1"));
  ASSERT_THAT(NotInPos(), ElementsAre("listing-2"));
  sellercenter::v1::Listing first = MakeListing(1), second = MakeListing(2);
  first.set_seller_sku("unknown");
  second.set_seller_sku("\tNEW ");
  shop().SetListings({first, second});

  const v1::Job job = Scan();

  EXPECT_EQ(job.progress().updated(), 2);
  EXPECT_EQ(job.progress().removed(), 0);
  EXPECT_THAT(SoldInChannel(), ElementsAre("NEW"));
  EXPECT_THAT(NotInPos(), ElementsAre("listing-1"));
  EXPECT_EQ(Listings(), ListingIds(1, 2));
}

TEST_F(ScanListingsTest, ListingMovesToAnotherItem) {
  shop().SetListings(MakeListings(4));
  Scan();
  ASSERT_EQ(Statistic().live_products, 2);
  sellercenter::v1::Listing moved = MakeListing(2);
  moved.set_item_id("item-of-its-own");
  shop().Upsert(moved);

  const v1::Job job = Scan();

  EXPECT_EQ(job.progress().updated(), 1);
  EXPECT_EQ(Statistic().live_products, 3);
  EXPECT_EQ(Listings(), ListingIds(1, 4));
}

TEST_F(ScanListingsTest, OnlyLiveListingsCount) {
  AddVariants({"SKU-1"});
  shop().SetListings(MakeListings(3));
  Scan();
  std::vector<sellercenter::v1::Listing> listings = MakeListings(3);
  listings[0].set_state(kInactive);
  listings[1].set_state(sellercenter::v1::LISTING_STATE_DELETED);
  listings[1].set_seller_sku("SKU-1");
  shop().SetListings(listings);

  EXPECT_EQ(Scan().progress().live(), 1);
  EXPECT_THAT(SoldInChannel(), IsEmpty());
  EXPECT_THAT(NotInPos(), ElementsAre("listing-3"));

  listings[0].set_state(kLive);
  listings[2].set_state(sellercenter::v1::LISTING_STATE_UNSPECIFIED);
  shop().SetListings(listings);

  EXPECT_EQ(Scan().progress().live(), 1);
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-1"));
  EXPECT_THAT(NotInPos(), IsEmpty());
  EXPECT_EQ(Statistic().listings_by_state[static_cast<int>(ListingState::kUnknown) - 1], 1);
}

TEST_F(ScanListingsTest, GoneListingsAreRemovedAndReported) {
  shop().SetListings(MakeListings(25));
  Scan();
  shop().Remove(ListingId(7));   // its item stays
  shop().Remove(ListingId(25));  // and its item

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().removed(), 2);
  EXPECT_EQ(job.progress().unchanged(), 23);
  EXPECT_EQ(job.progress().live(), 23);
  std::vector<std::string> left = ListingIds(1, 24);
  std::erase(left, ListingId(7));
  EXPECT_EQ(Listings(), left);
  std::vector<std::string> reported;
  for (const v1::JobItem& item : Items(job)) {
    EXPECT_EQ(item.outcome(), v1::JOB_ITEM_OUTCOME_REMOVED);
    reported.push_back(item.item_id() + " " + item.listing_id());
  }
  EXPECT_THAT(reported, testing::UnorderedElementsAre("item-4 listing-7", "item-13 listing-25"));
}

TEST_F(ScanListingsTest, ListingThatMovedBetweenPagesIsFoundAndKept) {
  shop().SetListings(MakeListings(25));
  Scan();
  shop().AddFault(At(2, FaultKind::kMovedListing, 1));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().listings_seen(), 25);
  EXPECT_EQ(job.progress().removed(), 0);
  EXPECT_EQ(Listings(), ListingIds(1, 25));
  EXPECT_GE(shop().books().get_items_calls, 1);
}

TEST_F(ScanListingsTest, ListingThatMovedIsKeptWhileGoneOnesAreRemoved) {
  shop().SetListings(MakeListings(25));
  Scan();
  shop().Remove(ListingId(15));
  shop().AddFault(At(2, FaultKind::kMovedListing, 1));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().listings_seen(), 24);
  EXPECT_EQ(job.progress().removed(), 1);
  std::vector<std::string> left = ListingIds(1, 25);
  std::erase(left, ListingId(15));
  EXPECT_EQ(Listings(), left);
}

TEST_F(ScanListingsTest, ListingOnTwoPagesCountsOnce) {
  shop().SetListings(MakeListings(25));
  shop().AddFault(At(2, FaultKind::kListingOnTwoPages));

  const v1::Job first = Scan();
  const v1::Job second = Scan();

  EXPECT_EQ(first.progress().listings_seen(), 25);
  EXPECT_EQ(first.progress().created(), 25);
  EXPECT_EQ(second.progress().listings_seen(), 25);
  EXPECT_EQ(second.progress().unchanged(), 25);
  EXPECT_EQ(Listings(), ListingIds(1, 25));
}

TEST_F(ScanListingsTest, LaterPageWinsAndTheListingStillCountsOnce) {
  AddVariants({"LATER"});
  shop().SetListings(MakeListings(25));
  shop().AddFault(At(3, FaultKind::kListingOnTwoPages));
  const v1::Job job = StartAndHoldAfterTwoPages();
  sellercenter::v1::Listing listing = MakeListing(1);
  listing.set_seller_sku("LATER");
  listing.set_state(kInactive);
  shop().Upsert(listing);
  shop().Release();

  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().created(), 25);
  EXPECT_EQ(ended.progress().updated(), 0);
  EXPECT_EQ(ended.progress().live(), 24);
  EXPECT_EQ(Number("SELECT state FROM listing WHERE seller_sku = 'LATER'"),
            static_cast<int>(ListingState::kInactive));
}

TEST_F(ScanListingsTest, KnownListingOnTwoPagesThatChangesInBetweenIsUpdatedOnce) {
  shop().SetListings(MakeListings(25));
  Scan();
  shop().AddFault(At(3, FaultKind::kListingOnTwoPages, 1));
  const v1::Job job = StartAndHoldAfterTwoPages();
  sellercenter::v1::Listing listing = MakeListing(1);
  listing.set_stock(99);
  shop().Upsert(listing);
  shop().Release();

  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.progress().updated(), 1);
  EXPECT_EQ(ended.progress().unchanged(), 24);
}

TEST_F(ScanListingsTest, RefusedListingKeepsWhatWasKnownAndIsReported) {
  AddVariants({"SKU-3", "SKU-4"});
  shop().SetListings(MakeListings(12));
  Scan();
  sellercenter::v1::Listing too_long = MakeListing(3), nul = MakeListing(4), stranger = MakeListing(13);
  too_long.set_seller_sku(std::string(256, 'S'));
  nul.set_seller_sku(std::string("SKU\0", 4));
  stranger.set_seller_sku("SKU\x1b");
  for (const auto& listing : {too_long, nul, stranger}) shop().Upsert(listing);

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().refused(), 3);
  EXPECT_EQ(job.progress().unchanged(), 10);
  EXPECT_EQ(job.progress().removed(), 0);
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-3", "SKU-4"));
  EXPECT_EQ(Listings(), ListingIds(1, 12));
  std::vector<std::string> reported;
  for (const v1::JobItem& item : Items(job)) {
    EXPECT_EQ(item.outcome(), v1::JOB_ITEM_OUTCOME_REFUSED);
    EXPECT_THAT(item.description(), testing::Not(IsEmpty()));
    reported.push_back(item.listing_id() + " " + item.field() + " " + ReasonName(item.reason()));
  }
  EXPECT_THAT(reported,
              ElementsAre("listing-3 seller_sku FIELD_TOO_LONG", "listing-4 seller_sku TEXT_INVALID",
                          "listing-13 seller_sku TEXT_INVALID"));
  EXPECT_FALSE(Statistic().complete) << "one listing is not known at all";
}

TEST_F(ScanListingsTest, ListingWithAFieldThatCannotBeReadIsTakenWithoutItAndReported) {
  AddVariants({"SKU-1", "SKU-2"});
  std::vector<sellercenter::v1::Listing> listings = MakeListings(3);
  listings[0].mutable_price()->set_units(-1);
  listings[1].set_stock(-1);
  shop().SetListings(listings);

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().created(), 3);
  EXPECT_EQ(job.progress().refused(), 0);
  EXPECT_EQ(job.progress().incomplete(), 2);
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-1", "SKU-2"));
  EXPECT_TRUE(Statistic().complete);
  const std::vector<v1::JobItem> items = Items(job);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].listing_id(), "listing-1");
  EXPECT_EQ(items[0].outcome(), v1::JOB_ITEM_OUTCOME_INCOMPLETE);
  EXPECT_EQ(items[0].field(), "price");
  EXPECT_EQ(items[1].field(), "stock");
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE price IS NULL"), 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE stock IS NULL"), 1);
  EXPECT_EQ(Scan().progress().unchanged(), 3);
}

TEST_F(ScanListingsTest, PriceWithoutCurrencyIsInTheMerchants) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(2);
  listings[0].mutable_price()->clear_currency_code();
  listings[1].mutable_price()->set_currency_code("USD");
  shop().SetListings(listings);

  const v1::Job job = Scan();

  EXPECT_EQ(job.progress().created(), 2) << job.ShortDebugString();
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE currency = 'IDR' AND price = 10000000"), 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE currency = 'USD'"), 1);
  EXPECT_TRUE(Items(job).empty());
  EXPECT_EQ(Scan().progress().unchanged(), 2);
}

TEST_F(ScanListingsTest, RefusedListingOnTwoPagesCountsOnce) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(25);
  listings[0].set_seller_sku(std::string(256, 'S'));
  shop().SetListings(listings);
  shop().AddFault(At(2, FaultKind::kListingOnTwoPages, 1));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().refused(), 1);
  EXPECT_EQ(job.progress().listings_seen(), 24);
  EXPECT_EQ(Items(job).size(), 1u);
}

TEST_F(ScanListingsTest, RefusedListingThatIsSentAgainInOrderIsTaken) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(25);
  listings[0].set_seller_sku(std::string(256, 'S'));
  shop().SetListings(listings);
  shop().AddFault(At(3, FaultKind::kListingOnTwoPages, 1));
  const v1::Job job = StartAndHoldAfterTwoPages();
  ASSERT_EQ(job.progress().refused(), 1);
  shop().Upsert(MakeListing(1));
  shop().Release();

  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().refused(), 0);
  EXPECT_EQ(ended.progress().created(), 25);
  EXPECT_EQ(Listings(), ListingIds(1, 25));
}

TEST_F(ScanListingsTest, ViewsEqualARecomputationInTheMiddle) {
  AddVariants({"SKU-1", "SKU-2", "SKU-30"});
  shop().SetListings(MakeListings(50));
  const v1::Job job = StartAndHoldAfterTwoPages();

  ExpectViewsRight();
  EXPECT_EQ(Statistic().live_skus, 20);
  EXPECT_EQ(Statistic().sold_skus, 2);
  EXPECT_EQ(static_cast<std::int64_t>(NotInPos().size()), Statistic().not_in_pos_skus);
  EXPECT_FALSE(Statistic().complete);
  EXPECT_EQ(job.progress().live(), 20);
  EXPECT_EQ(job.progress().sold_in_channel(), 2);
  EXPECT_EQ(job.progress().not_in_pos(), 18);

  AddVariants({"SKU-3"});  // the POS may change meanwhile
  ExpectViewsRight();
  EXPECT_EQ(Statistic().sold_skus, 3);
  shop().Release();

  EXPECT_EQ(AwaitEnd(job).progress().sold_in_channel(), 4);
}

TEST_F(ScanListingsTest, DuplicateSkusMakeAGroupUntilOneIsRenamed) {
  AddVariants({"SKU-1"});
  std::vector<sellercenter::v1::Listing> listings = MakeListings(25);
  listings[24].set_seller_sku("SKU-1");
  shop().SetListings(listings);

  Scan();
  EXPECT_EQ(Statistic().multiple_listings, 1);
  EXPECT_EQ(Statistic().sold_skus, 1);

  shop().Upsert(MakeListing(25));
  Scan();
  EXPECT_EQ(Statistic().multiple_listings, 0);
  EXPECT_EQ(Statistic().sold_skus, 1);
}

}  // namespace
}  // namespace skulink
