// Downloads: POS products of what is Not In POS (design rule 7).
#include "server/store/merchants.h"
#include "tests/integration/eventually.h"
#include "tests/integration/transfer_fixture.h"

namespace skulink {
namespace {

using simulator::FaultKind;
using simulator::FaultyCall;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using OutcomeMap = std::map<std::string, std::string>;

class DownloadTest : public TransferTest {
 protected:
  // Listing `number` of an item of two, as a shop has them that tells what they are.
  static sellercenter::v1::Listing Described(int number) {
    sellercenter::v1::Listing listing = MakeListing(number);
    listing.set_item_title("Baju batik");
    listing.set_option(number % 2 == 1 ? "Merah" : "Biru");
    return listing;
  }
  void SetShop(int listings) {
    std::vector<sellercenter::v1::Listing> described;
    for (int number = 1; number <= listings; ++number) described.push_back(Described(number));
    shop().SetListings(described);
  }
  std::int64_t Products() { return Number("SELECT COUNT(*) FROM product"); }
};

TEST_F(DownloadTest, MakesAProductOfEachItemAndAVariantOfEachListing) {
  SetShop(4);
  Scan();

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().expected(), 4);
  EXPECT_EQ(job.transfer().done(), 4);
  EXPECT_EQ(job.transfer().created(), 4);
  EXPECT_EQ(job.transfer().parents_created(), 2);
  const store::Product product = Product("shop:item-1");
  EXPECT_EQ(product.name, "Baju batik");
  ASSERT_THAT(product.variants, SizeIs(2));
  EXPECT_EQ(product.variants[0].id, "listing-1");
  EXPECT_EQ(product.variants[0].sku, "SKU-1");
  EXPECT_EQ(product.variants[0].barcode, "2000000000008");
  EXPECT_EQ(product.variants[0].price, (Money{1000 * 10'000, "IDR"}));
  EXPECT_EQ(product.variants[0].stock, std::nullopt);
  EXPECT_EQ(product.variants[0].option, "Merah");
  EXPECT_THAT(NotInPos(), IsEmpty());
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-1", "SKU-2", "SKU-3", "SKU-4"));
  ASSERT_THAT(Items(job), SizeIs(4));
  EXPECT_EQ(Items(job)[0].listing_id(), "listing-1");
  EXPECT_EQ(Items(job)[0].item_id(), "item-1");
  EXPECT_EQ(Items(job)[0].variant(), "merchants/default/products/shop:item-1/variants/listing-1");
}

TEST_F(DownloadTest, TakesStockWhenAskedAndNeverMakesAZeroOfWhatIsNotKnown) {
  SetShop(2);
  sellercenter::v1::Listing unknown = Described(2);
  unknown.clear_stock();
  shop().Upsert(unknown);
  Scan();
  v1::StartDownloadRequest request = All();
  request.set_with_stock(true);

  Download(request);

  const store::Product product = Product("shop:item-1");
  ASSERT_THAT(product.variants, SizeIs(2));
  EXPECT_EQ(product.variants[0].stock, 1);
  EXPECT_EQ(product.variants[1].stock, std::nullopt);
}

TEST_F(DownloadTest, GivesMissingVariantsToTheProductThatHasTheOthers) {
  AddVariants({"SKU-1", "SKU-5", "SKU-6", "SKU-7"});
  SetShop(2);
  for (int number :
       {5, 6, 8}) {  // of an item that has parts of two products, as many of each: the first wins
    sellercenter::v1::Listing listing = Described(number);
    listing.set_item_id("mixed");
    shop().Upsert(listing);
  }
  Scan();

  const v1::Job job = Download();

  EXPECT_EQ(job.transfer().parents_created(), 0);
  EXPECT_THAT(Product("product-of-SKU-1").variants, SizeIs(2));
  EXPECT_THAT(Product("product-of-SKU-5").variants, SizeIs(2));
  EXPECT_EQ(Product("product-of-SKU-5").variants[1].sku, "SKU-8");
  EXPECT_EQ(Products(), 4);
}

TEST_F(DownloadTest, MakesOneVariantOfListingsThatShareASku) {
  SetShop(4);
  for (int number : {2, 3}) {
    sellercenter::v1::Listing same = Described(number);
    same.set_seller_sku(" SKU-1 ");
    shop().Upsert(same);
  }
  Scan();

  const v1::Job job = Download();

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"listing-1", "CREATED"},
                                         {"listing-2", "LINKED"},
                                         {"listing-3", "LINKED"},
                                         {"listing-4", "CREATED"}}));
  // Its sibling matches the first item's product.
  EXPECT_THAT(Product("shop:item-1").variants, SizeIs(2));
  EXPECT_EQ(Products(), 1);
  EXPECT_THAT(NotInPos(), IsEmpty());
}

TEST_F(DownloadTest, ReportsWhatItLeavesAlone) {
  AddVariants({"SKU-7"});
  SetShop(7);
  sellercenter::v1::Listing listing = Described(1);
  listing.set_seller_sku("  ");
  shop().Upsert(listing);
  Scan();
  listing = Described(2);
  listing.set_state(sellercenter::v1::LISTING_STATE_INACTIVE);
  shop().Upsert(listing);
  shop().Remove("listing-3");
  listing = Described(4);
  listing.set_seller_sku("SKU-7");
  shop().Upsert(listing);
  listing = Described(5);
  listing.mutable_price()->set_units(-1);
  shop().Upsert(listing);

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"listing-1", "SKIPPED SKU_EMPTY"},
                                         {"listing-2", "SKIPPED LISTING_NOT_LIVE"},
                                         {"listing-3", "SKIPPED LISTING_GONE"},
                                         {"listing-4", "LINKED"},
                                         {"listing-5", "FAILED VALUE_OUT_OF_RANGE price"},
                                         {"listing-6", "CREATED"}}));
  EXPECT_EQ(job.transfer().skipped(), 3);
  EXPECT_EQ(job.transfer().failed(), 1);
  // What the Seller Center says now is known, too.
  EXPECT_EQ(Statistic().listings_by_state[1], 1);
  EXPECT_THAT(NotInPos(), ElementsAre("listing-1", "listing-3", "listing-5"));
}

TEST_F(DownloadTest, SaysOfASelectionWhatWasInThePosBefore) {
  AddVariants({"SKU-1"});
  SetShop(6);
  Scan();
  v1::StartDownloadRequest request = Listings({"listing-1", "listing-3"});
  request.add_item_ids("item-3");

  const v1::Job job = Download(request);

  EXPECT_EQ(job.transfer().expected(), 4);
  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"listing-1", "SKIPPED ALREADY_LINKED"},
                                         {"listing-3", "CREATED"},
                                         {"listing-5", "CREATED"},
                                         {"listing-6", "CREATED"}}));
  EXPECT_THAT(NotInPos(), ElementsAre("listing-2", "listing-4"));
}

TEST_F(DownloadTest, TakesTheSkuThatTheSellerCenterHasNow) {
  SetShop(2);
  Scan();
  sellercenter::v1::Listing renamed = Described(2);
  renamed.set_seller_sku("RENAMED");
  shop().Upsert(renamed);

  Download();

  EXPECT_EQ(Product("shop:item-1").variants[1].sku, "RENAMED");
  EXPECT_THAT(SoldInChannel(), ElementsAre("RENAMED", "SKU-1"));
}

TEST_F(DownloadTest, TakesListingsThatCameSinceTheScan) {
  SetShop(1);
  Scan();
  shop().Upsert(Described(2));
  sellercenter::v1::Listing without_sku = Described(3);
  without_sku.set_item_id("item-1");
  without_sku.set_seller_sku("");
  shop().Upsert(without_sku);

  const v1::Job job = Download();

  EXPECT_THAT(
      Outcomes(job),
      (OutcomeMap{{"listing-1", "CREATED"}, {"listing-2", "CREATED"}, {"listing-3", "SKIPPED SKU_EMPTY"}}));
  EXPECT_THAT(NotInPos(), ElementsAre("listing-3"));
}

TEST_F(DownloadTest, KeepsTheVariantOfASkuThatTheListingHadBefore) {
  SetShop(1);
  Scan();
  Download();
  sellercenter::v1::Listing renamed = Described(1);
  renamed.set_seller_sku("RENAMED");
  shop().Upsert(renamed);
  Scan();

  const v1::Job job = Download();

  EXPECT_EQ(job.transfer().parents_created(), 0);
  const store::Product product = Product("shop:item-1");
  ASSERT_THAT(product.variants, SizeIs(2));
  EXPECT_EQ(product.variants[0].sku, "SKU-1");
  EXPECT_EQ(product.variants[1].id, "listing-1~2");
  EXPECT_EQ(product.variants[1].sku, "RENAMED");
}

TEST_F(DownloadTest, ChangesNothingTheSecondTime) {
  SetShop(6);
  sellercenter::v1::Listing without_sku = Described(6);
  without_sku.set_seller_sku("");
  shop().Upsert(without_sku);
  Scan();
  Download();
  const std::int64_t version = Product("shop:item-3").version, products = Products();

  const v1::Job again = Download();

  EXPECT_THAT(Outcomes(again), (OutcomeMap{{"listing-6", "SKIPPED SKU_EMPTY"}}));
  EXPECT_EQ(Product("shop:item-3").version, version);
  EXPECT_EQ(Products(), products);
}

TEST_F(DownloadTest, FailsWhatIsMoreThanAProductCanHave) {
  std::vector<sellercenter::v1::Listing> listings;
  for (int number = 1; number <= 1002; ++number) {
    listings.push_back(MakeListing(number));
    listings.back().set_item_id("large");
  }
  shop().SetListings(listings);
  Scan();

  const v1::Job job = Download();

  EXPECT_EQ(job.transfer().created(), 1000);
  EXPECT_EQ(job.transfer().failed(), 2);
  EXPECT_THAT(Product("shop:large").variants, SizeIs(1000));
  EXPECT_THAT(NotInPos(), SizeIs(2));
}

TEST_F(DownloadTest, ReportsTheSameInADryRunAndWritesNothing) {
  // Enough for several transactions, with SKUs that are shared across them.
  std::vector<sellercenter::v1::Listing> listings;
  for (int number = 1; number <= 3300; ++number) {
    listings.push_back(Described(number));
    if (number % 7 == 0) listings.back().set_seller_sku("SHARED-" + std::to_string(number % 350));
    if (number % 100 == 0) listings.back().set_seller_sku("");
  }
  shop().SetListings(listings);
  AddVariants({"SKU-1", "SHARED-7"});
  Scan();
  v1::StartDownloadRequest request = All();
  request.set_validate_only(true);

  const v1::Job dry = Download(request);

  EXPECT_EQ(dry.state(), v1::JOB_STATE_SUCCEEDED) << dry.ShortDebugString();
  EXPECT_EQ(Products(), 2);
  const v1::Job job = Download();
  EXPECT_EQ(dry.transfer().ShortDebugString(), job.transfer().ShortDebugString());
  EXPECT_GT(job.transfer().linked(), 300);
  std::vector<std::int64_t> numbers;
  const auto planned = engine().ListJobItems(NameOf(dry), 0, 10'000, numbers).value();
  const auto done = engine().ListJobItems(NameOf(job), 0, 10'000, numbers).value();
  ASSERT_EQ(planned.size(), done.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    ASSERT_EQ(planned[i].ShortDebugString(), done[i].ShortDebugString());
  }
}

class DownloadStopTest : public DownloadTest, public testing::WithParamInterface<bool> {};

TEST_P(DownloadStopTest, GoesOnWhereAnotherEngineStopped) {
  std::vector<sellercenter::v1::Listing> listings;
  for (int number = 1; number <= 4000; ++number) {
    listings.push_back(Described(number));
    if (number % 5 == 0) listings.back().set_seller_sku("SHARED-" + std::to_string(number % 100));
  }
  shop().SetListings(listings);
  Scan();
  v1::StartDownloadRequest request = All();
  request.set_validate_only(GetParam());

  const v1::Job job = StartDownload(request);
  Await(job, [](const v1::Job& now) { return now.transfer().done() > 0; });
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kHang));
  StopEngine();
  shop().ClearFaults();
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.transfer().done(), 4000);
  EXPECT_EQ(ended.transfer().created(), 3200 + 20);
  EXPECT_EQ(ended.transfer().linked(), 800 - 20);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM transfer_part"), 0);
  EXPECT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM planned_variant") == 0; }));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM variant"), GetParam() ? 0 : 3220);
}

INSTANTIATE_TEST_SUITE_P(Download, DownloadStopTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "DryRun" : "Firm"; });

TEST_F(DownloadTest, OutlivesAnswersThatDoNotCome) {
  StartEngine({.seller_center_timeout = absl::Milliseconds(300)});
  SetShop(4);
  Scan();
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kHang, 1));
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kUnavailable, 1));

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().created(), 4);
}

TEST_F(DownloadTest, FailsWithTheSellerCenterAndGoesOnTheNextTime) {
  SetShop(4);
  Scan();
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kExpiredToken));

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(FromProto(job.error())), v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED);
  EXPECT_EQ(Products(), 0);
  shop().ClearFaults();
  EXPECT_EQ(Download().transfer().created(), 4);
}

TEST_F(DownloadTest, CanBeCancelledAndIsTheOnlyJobOfItsChannel) {
  SetShop(4);
  Scan();
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kHang));
  const v1::Job job = StartDownload();
  Await(job, [](const v1::Job& now) { return now.transfer().expected() == 4; });

  const auto second = engine().StartJob(FullScan("shop"));
  EXPECT_EQ(ReasonOf(second.status()), v1::ERROR_REASON_CHANNEL_BUSY);
  const auto cancelled = engine().CancelJob(NameOf(job), kPatient);

  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(ReasonOf(engine().ConfirmJob(NameOf(job)).status()), v1::ERROR_REASON_JOB_STATE);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM transfer_part"), 0);
  shop().ClearFaults();
  EXPECT_EQ(Download().transfer().created(), 4);
}

TEST_F(DownloadTest, HashesAnItemIdThatIsTooLongForAProductId) {
  sellercenter::v1::Listing listing = Described(1);
  listing.set_item_id(std::string(128, 'i'));
  shop().SetListings({listing});
  Scan();

  EXPECT_EQ(Download().transfer().created(), 1);
  EXPECT_EQ(Number("SELECT LENGTH(product_id) FROM product"), 5 + 32);
}

// Such prices are in the merchant's currency.
TEST_F(DownloadTest, TakesPricesWithoutCurrency) {
  std::vector<sellercenter::v1::Listing> listings{Described(1), Described(2)};
  for (auto& listing : listings) listing.mutable_price()->clear_currency_code();
  shop().SetListings(listings);
  AddVariants({"SKU-2"});
  Scan();

  EXPECT_EQ(Download().transfer().created(), 1);

  EXPECT_EQ(Product("product-of-SKU-2").variants[1].price, (Money{1000 * 10'000, "IDR"}));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE currency = 'IDR'"), 2);
  EXPECT_EQ(Scan().progress().unchanged(), 2) << "no listing was written";
}

TEST_F(DownloadTest, FollowsTheMerchantsSkuCase) {
  ASSERT_TRUE(store::UpdateMerchant(database(), "default", {.sku_case = SkuCase::kIgnore}).ok());
  SetShop(2);
  sellercenter::v1::Listing lower = Described(2);
  lower.set_seller_sku("sku-1");
  shop().Upsert(lower);
  Scan();

  EXPECT_THAT(Outcomes(Download()), (OutcomeMap{{"listing-1", "CREATED"}, {"listing-2", "LINKED"}}));
}

}  // namespace
}  // namespace skulink
