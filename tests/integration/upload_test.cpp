// Uploads: listings of what is not on a channel (design rule 7).
#include "absl/time/clock.h"
#include "server/store/channels.h"
#include "tests/integration/upload_fixture.h"

namespace skulink {
namespace {

TEST_F(UploadTest, MakesAnItemOfAProductAndAListingOfEachVariant) {
  store::Product product = MakeProduct("p1", {"A-1=Merah", "A-2=Biru"});
  product.image_uris = {"https://example.com/1.jpg", "https://example.com/2.jpg"};
  product.variants[0].barcode = "2000000000008";
  product.variants[1].stock.reset();
  Import(product);

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().created(), 2);
  EXPECT_EQ(job.transfer().parents_created(), 1);
  EXPECT_THAT(SoldInChannel(), ElementsAre("A-1", "A-2"));
  const simulator::Books books = shop().AllBooks();
  ASSERT_EQ(books.creations_size(), 1);
  EXPECT_EQ(books.creations(0).received(), 1);
  ASSERT_EQ(books.creations(0).listings_size(), 2);
  const sellercenter::v1::Listing& listing = books.creations(0).listings(0);
  EXPECT_EQ(listing.item_title(), "Produk p1");
  EXPECT_EQ(listing.option(), "Merah");
  EXPECT_EQ(listing.price().units(), 50'000);
  EXPECT_EQ(listing.stock(), 7);
  EXPECT_EQ(listing.gtin(), "2000000000008");
  EXPECT_EQ(books.creations(0).listings(1).stock(), 0);
  EXPECT_EQ(Items(job)[0].listing_id(), listing.listing_id());
  EXPECT_EQ(Items(job)[0].item_id(), listing.item_id());
  // A scan finds nothing that is not known.
  const v1::Job scan = Scan();
  EXPECT_EQ(scan.progress().unchanged(), 2) << scan.ShortDebugString();
}

TEST_F(UploadTest, ChangesNothingTheSecondTimeWhateverStateTheListingsGot) {
  auto& other = AddShop({.created_state = sellercenter::v1::LISTING_STATE_PENDING});
  Import(MakeProduct("p1", {"A-1"}));

  EXPECT_EQ(Upload(Products({"p1"}), "other").transfer().created(), 1);
  EXPECT_THAT(SoldInChannel(), IsEmpty());
  EXPECT_EQ(Statistic("other").listings_by_state[2], 1);
  const v1::Job again = Upload(Products({"p1"}), "other");

  EXPECT_THAT(Outcomes(again), (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_THAT(Books(other), SizeIs(1));
}

TEST_F(UploadTest, TakesAllThatIsNotInChannel) {
  auto& other = AddShop({});
  shop().SetListings(MakeListings(3));
  AddVariants({"SKU-1", "SKU-2", "NOWHERE"});
  for (const char* sku : {"SKU-1", "SKU-2"}) {
    Execute(std::string("UPDATE variant SET price = 10000, currency = 'IDR' WHERE sku = '") + sku + "'");
  }
  Scan();

  const v1::Job job = Upload(AllNotInChannel(), "other");

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"variant-of-SKU-1", "CREATED"}, {"variant-of-SKU-2", "CREATED"}}));
  EXPECT_THAT(Books(other), SizeIs(2));
  EXPECT_EQ(Upload(AllNotInChannel(), "other").transfer().expected(), 0);
}

TEST_F(UploadTest, AddsMissingListingsToTheItemThatHasTheOthers) {
  Import(MakeProduct("p1", {"SKU-1=Merah", "SKU-2=Biru", "SKU-9=Hijau"}));
  shop().SetListings(MakeListings(2));
  Scan();

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-SKU-1", "SKIPPED ALREADY_LINKED"},
                                         {"v-SKU-2", "SKIPPED ALREADY_LINKED"},
                                         {"v-SKU-9", "CREATED"}}));
  EXPECT_EQ(job.transfer().parents_created(), 0);
  EXPECT_EQ(Books(shop()).find("SKU-9")->second, "item-1");
}

TEST_F(UploadTest, FailsWhatTheShopWouldNotTake) {
  simulator::ShopOptions options;
  options.item_limits.set_max_title_length(20);
  options.item_limits.set_max_seller_sku_length(8);
  options.item_limits.set_max_listings(2);
  options.item_limits.set_min_images(1);
  auto& other = AddShop(options);
  const auto with_image = [](store::Product product) {
    product.image_uris = {"https://example.com/1.jpg"};
    return product;
  };
  store::Product product = with_image(MakeProduct("price", {"PRICE"}));
  product.variants[0].price.reset();
  Import(product);
  Import(MakeProduct("image", {"IMAGE"}));
  Import(with_image(MakeProduct("sku", {"SKU-LONGER-THAN-8"})));
  Import(with_image(MakeProduct("a-very-long-identifier", {"NAME"})));
  Import(with_image(MakeProduct("options", {"O-1", "O-2=Biru", "O-3=Biru", "  "})));
  Import(with_image(MakeProduct("many", {"M-1=1", "M-2=2", "M-3=3"})));

  v1::StartUploadRequest request =
      Products({"price", "image", "sku", "a-very-long-identifier", "options", "many"});
  // First as a dry run, which finds the same and leaves the shop as it is.
  for (const bool dry : {true, false}) {
    SCOPED_TRACE(dry);
    request.set_validate_only(dry);

    const v1::Job job = Upload(request, "other");

    EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-PRICE", "FAILED PRICE_MISSING price"},
                                           {"v-IMAGE", "FAILED IMAGES_INVALID image_uris"},
                                           {"v-SKU-LONGER-THAN-8", "FAILED FIELD_TOO_LONG sku"},
                                           {"v-NAME", "FAILED FIELD_TOO_LONG display_name"},
                                           {"v-O-1", "FAILED FIELD_REQUIRED option"},
                                           {"v-O-2", "CREATED"},
                                           {"v-O-3", "FAILED ALREADY_EXISTS option"},
                                           {"v-blank", "SKIPPED SKU_EMPTY"},
                                           {"v-M-1", "CREATED"},
                                           {"v-M-2", "CREATED"},
                                           {"v-M-3", "FAILED VALUE_OUT_OF_RANGE variants"}}));
    EXPECT_THAT(Books(other), SizeIs(dry ? 0 : 3));
    EXPECT_EQ(Number("SELECT COUNT(*) FROM listing"), dry ? 0 : 3);
  }
}

TEST_F(UploadTest, ReportsWhatTheShopRefusesAndTriesItAnewTheNextTime) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  shop().Refuse(Refusal(sellercenter::v1::WRITE_RESULT_REFUSED_LIMIT, 1, "A-1"));

  const v1::Job job = Upload(Products({"p1", "p2"}));

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "FAILED CREATION_REFUSED"}, {"v-B-1", "CREATED"}}));
  EXPECT_THAT(Outcomes(Upload(Products({"p1", "p2"}))),
              (OutcomeMap{{"v-A-1", "CREATED"}, {"v-B-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_EQ(shop().AllBooks().creations_size(), 3);
}

TEST_F(UploadTest, TriesAgainWhatTheShopPutsOff) {
  Import(MakeProduct("p1", {"A-1"}));
  shop().Refuse(Refusal(sellercenter::v1::WRITE_RESULT_RETRY, 2));

  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);
  ASSERT_EQ(shop().AllBooks().creations_size(), 1);
  EXPECT_EQ(shop().AllBooks().creations(0).received(), 3);
}

TEST_F(UploadTest, NeedsAShopThatCanCreate) {
  AddShop({.max_items_per_create = 0});
  Import(MakeProduct("p1", {"A-1"}));

  const v1::Job job = Upload(Products({"p1"}), "other");

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(FromProto(job.error())), v1::ERROR_REASON_SELLER_CENTER_UNABLE);
}

TEST_F(UploadTest, MakesNothingTwiceWhenAnAnswerIsLost) {
  Import(MakeProduct("p1", {"A-1"}));
  shop().AddFault(In(FaultyCall::kCreateItems, FaultKind::kAnswerLost, 1));

  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);
  ASSERT_EQ(shop().AllBooks().creations_size(), 1);
  EXPECT_EQ(shop().AllBooks().creations(0).received(), 2);
  EXPECT_THAT(Books(shop()), SizeIs(1));
}

TEST_F(UploadTest, ASecondJobFindsOutWhatBecameOfTheFirstOnes) {
  StartEngine({.seller_center_timeout = absl::Milliseconds(200)});
  Import(MakeProduct("p1", {"A-1"}));
  shop().AddFault(In(FaultyCall::kCreateItems, FaultKind::kAnswerNeverComes));
  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "FAILED SELLER_CENTER_TIMEOUT"}}));
  shop().ClearFaults();
  // The product changed meanwhile: the same is asked for nevertheless, under the same key.
  store::Product product = MakeProduct("p1", {"A-1", "A-2=Biru"});
  product.name = "Nama baru";
  product.variants[0].price = Money{1'000'000, "IDR"};
  product.variants[0].option = "Merah";
  Import(product);

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "CREATED"}, {"v-A-2", "CREATED"}}));
  EXPECT_EQ(job.transfer().parents_created(), 1);
  const auto books = Books(shop());
  ASSERT_THAT(books, SizeIs(2));
  EXPECT_EQ(books.find("A-1")->second, books.find("A-2")->second)
      << "the second went to the item of the first";
  EXPECT_EQ(shop().AllBooks().creations_size(), 2);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation WHERE outcome <> 1"), 0);
}

TEST_F(UploadTest, KeepsWhatAScanFoundOfACreationWhoseAnswerWasLost) {
  StartEngine({.seller_center_timeout = absl::Milliseconds(200)});
  Import(MakeProduct("p1", {"A-1"}));
  shop().AddFault(In(FaultyCall::kCreateItems, FaultKind::kAnswerNeverComes));
  Upload(Products({"p1"}));
  shop().ClearFaults();
  sellercenter::v1::Listing suspended = shop().AllListingBooks()[0].listing();
  suspended.set_state(sellercenter::v1::LISTING_STATE_SUSPENDED);
  shop().Upsert(suspended);
  Scan();

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(Statistic().listings_by_state[3], 1);
  EXPECT_THAT(Books(shop()), SizeIs(1));
}

TEST_F(UploadTest, GoesOnWhereAnotherEngineStopped) {
  std::vector<std::string> ids;
  for (int i = 0; i < 130; ++i) {  // three calls
    ids.push_back("p" + std::to_string(1000 + i));
    Import(MakeProduct(ids.back(), {"A-" + ids.back()}));
  }
  shop().AddFault(In(FaultyCall::kCreateItems, FaultKind::kAnswerNeverComes, 1));
  const v1::Job job = StartUpload(Products(ids));
  while (shop().books().create_items_calls == 0) absl::SleepFor(absl::Milliseconds(5));
  StopEngine();
  EXPECT_LE(Number("SELECT COUNT(*) FROM item_creation WHERE outcome = 0"), 50) << "those asked for";

  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.transfer().created(), 130);
  EXPECT_EQ(ended.transfer().parents_created(), 130);
  EXPECT_THAT(Books(shop()), SizeIs(130));
  EXPECT_EQ(shop().AllBooks().creations_size(), 130);
}

TEST_F(UploadTest, CanBeCancelledAndIsTheOnlyJobOfItsChannel) {
  Import(MakeProduct("p1", {"A-1"}));
  shop().AddFault(In(FaultyCall::kCreateItems, FaultKind::kHang));
  const v1::Job job = StartUpload(Products({"p1"}));
  while (shop().books().create_items_calls == 0) absl::SleepFor(absl::Milliseconds(5));

  EXPECT_EQ(ReasonOf(engine().StartJob(FullScan("shop")).status()), v1::ERROR_REASON_CHANNEL_BUSY);
  const auto cancelled = engine().CancelJob(NameOf(job), kPatient);

  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  shop().ClearFaults();
  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);
  EXPECT_THAT(Books(shop()), SizeIs(1));
}

TEST_F(UploadTest, ReportsTheSameInADryRunAndCreatesNothing) {
  Import(MakeProduct("p1", {"SKU-1=1", "A-2=2", "  "}));
  Import(MakeProduct("p2", {"B-1"}));
  Import(MakeProduct("p3", {"C-1"}));
  store::Product without_price = MakeProduct("p4", {"D-1"});
  without_price.variants[0].price.reset();
  Import(without_price);
  shop().SetListings({MakeListing(1)});
  Scan();
  shop().Refuse(Refusal(sellercenter::v1::WRITE_RESULT_REFUSED_FIELD, 0, "C-1"));
  v1::StartUploadRequest request = Products({"p1", "p2", "p3", "p4"});
  request.set_validate_only(true);

  const v1::Job dry = Upload(request);

  EXPECT_THAT(Books(shop()), SizeIs(1));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation"), 0);
  const v1::Job job = Upload(Products({"p1", "p2", "p3", "p4"}));
  EXPECT_EQ(dry.transfer().ShortDebugString(), job.transfer().ShortDebugString());
  EXPECT_EQ(Outcomes(dry), Outcomes(job));
  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-SKU-1", "SKIPPED ALREADY_LINKED"},
                                         {"v-A-2", "CREATED"},
                                         {"v-blank", "SKIPPED SKU_EMPTY"},
                                         {"v-B-1", "CREATED"},
                                         {"v-C-1", "FAILED CREATION_REFUSED"},
                                         {"v-D-1", "FAILED PRICE_MISSING price"}}));
}

TEST_F(UploadTest, AsksNothingInADryRunOfAShopThatCannotValidate) {
  simulator::ShopOptions options;
  options.item_limits.set_can_validate(false);
  auto& other = AddShop(options);
  Import(MakeProduct("p1", {"A-1=1", "A-2=2", "  "}));
  store::Product without_price = MakeProduct("p2", {"B-1"});
  without_price.variants[0].price.reset();
  Import(without_price);
  Import(MakeProduct("p3", {"C-1"}));
  v1::StartUploadRequest request = Products({"p1", "p2", "p3"});
  request.set_validate_only(true);

  const v1::Job dry = Upload(request, "other");

  EXPECT_EQ(dry.state(), v1::JOB_STATE_SUCCEEDED) << dry.ShortDebugString();
  EXPECT_THAT(Outcomes(dry), (OutcomeMap{{"v-A-1", "CREATED"},
                                         {"v-A-2", "CREATED"},
                                         {"v-blank", "SKIPPED SKU_EMPTY"},
                                         {"v-B-1", "FAILED PRICE_MISSING price"},
                                         {"v-C-1", "CREATED"}}));
  EXPECT_EQ(other.books().create_items_calls, 0);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation"), 0);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing"), 0);
  request.set_validate_only(false);
  const v1::Job job = Upload(request, "other");
  EXPECT_EQ(Outcomes(job), Outcomes(dry));
  EXPECT_EQ(job.transfer().ShortDebugString(), dry.transfer().ShortDebugString());
  EXPECT_EQ(other.books().create_items_calls, 1);
  EXPECT_THAT(Books(other), SizeIs(3));
}

TEST_F(UploadTest, OffersWhatTheChannelsRuleSays) {
  Import(MakeProduct("p1", {"A-1"}));
  ASSERT_TRUE(
      store::UpdateChannel(database(), "default", "shop",
                           {.stock_sync = store::StockSync{.enabled = true, .percentage = 50, .buffer = 1}})
          .ok());

  Upload(Products({"p1"}));

  ASSERT_THAT(shop().AllListingBooks(), SizeIs(1));
  EXPECT_EQ(shop().AllListingBooks()[0].listing().stock(), 2) << "of 7, half but one";
}

TEST_F(UploadTest, TakesSelectedVariantsOfAProductTogether) {
  // More than are looked up at once.
  simulator::ShopOptions options;
  options.item_limits.set_max_listings(0);
  auto& other = AddShop(options);
  v1::StartUploadRequest request;
  for (const char* id : {"p1", "p2", "p3"}) {
    std::vector<std::string> skus;
    for (int i = 0; i < 401; ++i)
      skus.push_back(std::string(id) + "-" + std::to_string(i) + "=" + std::to_string(i));
    const store::Product product = MakeProduct(id, skus);
    Import(product);
    for (std::size_t i = 0; i < 400; ++i) {
      request.add_variants(ToString(VariantName{"default", id, product.variants[i].id}));
    }
  }
  request.add_variants(request.variants(0));
  request.add_products(ToString(ProductName{"default", "p2"}));

  const v1::Job job = Upload(request, "other");

  EXPECT_EQ(job.transfer().expected(), 400 + 401 + 400);
  EXPECT_EQ(job.transfer().created(), job.transfer().expected());
  EXPECT_EQ(job.transfer().parents_created(), 3);
  EXPECT_EQ(other.AllBooks().creations_size(), 3);
}

TEST_F(UploadTest, TakesOneVariantOfEachOfManyLargeProducts) {
  v1::StartUploadRequest request;
  for (int product = 0; product < 8; ++product) {
    const std::string id = "p" + std::to_string(product);
    std::vector<std::string> skus;
    for (int i = 0; i < 1000; ++i) skus.push_back(id + "-" + std::to_string(i));
    Import(MakeProduct(id, skus));
    request.add_variants(ToString(VariantName{"default", id, "v-" + skus[500]}));
  }

  const v1::Job job = Upload(request);

  EXPECT_EQ(job.transfer().created(), 8) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().parents_created(), 8);
}

TEST_F(UploadTest, ForgetsItsCreationsWithTheChannel) {
  AddShop({});
  Import(MakeProduct("p1", {"A-1"}));
  Upload(Products({"p1"}), "other");
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation"), 1);

  ASSERT_TRUE(store::DeleteChannel(database(), "default", "other", std::nullopt, [] { return false; }).ok());

  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation"), 0);
}

}  // namespace
}  // namespace skulink
