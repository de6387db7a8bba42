#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/integration/seller_center_writes_fixture.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;
constexpr auto kFirm = SellerCenter::Creating::kFirm;
constexpr auto kValidateOnly = SellerCenter::Creating::kValidateOnly;

// Answers what it is told to, whatever it is asked.
class AnsweringSellerCenter final : public proto::SellerCenterService::Service {
 public:
  AnsweringSellerCenter() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~AnsweringSellerCenter() override { server_->Shutdown(); }

  std::string address() const { return "grpc://127.0.0.1:" + std::to_string(port_); }

  // To be set before it is called.
  proto::DescribeShopResponse shop;
  proto::GetItemsResponse items;
  proto::CreateItemsResponse created;
  proto::UpdateStockResponse stock;
  proto::UpdatePriceResponse price;

 private:
  using Context = grpc::ServerContext*;
  grpc::Status DescribeShop(Context, const proto::DescribeShopRequest*,
                            proto::DescribeShopResponse* answer) override {
    *answer = shop;
    return grpc::Status::OK;
  }
  grpc::Status GetItems(Context, const proto::GetItemsRequest*, proto::GetItemsResponse* answer) override {
    *answer = items;
    return grpc::Status::OK;
  }
  grpc::Status CreateItems(Context, const proto::CreateItemsRequest*,
                           proto::CreateItemsResponse* answer) override {
    *answer = created;
    return grpc::Status::OK;
  }
  grpc::Status UpdateStock(Context, const proto::UpdateStockRequest*,
                           proto::UpdateStockResponse* answer) override {
    *answer = stock;
    return grpc::Status::OK;
  }
  grpc::Status UpdatePrice(Context, const proto::UpdatePriceRequest*,
                           proto::UpdatePriceResponse* answer) override {
    *answer = price;
    return grpc::Status::OK;
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class SellerCenterBadAnswers : public testing::Test {
 protected:
  SellerCenterBadAnswers() : center_(Connect(shop_.address())) {
    shop_.shop.set_shop_id("shop");
    shop_.shop.set_max_page_size(10);
    shop_.shop.set_max_items_per_get(10);
  }

  static void ExpectInvalid(const absl::Status& status, const std::string& field) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID) << status;
    EXPECT_EQ(MetadataOf(status, "field"), field) << status;
  }

  AnsweringSellerCenter shop_;
  std::unique_ptr<SellerCenter> center_;
};

// --- What a shop says of itself.

TEST_F(SellerCenterBadAnswers, AShopThatCanOnlyBeRead) {
  const auto shop = center_->DescribeShop();

  ASSERT_TRUE(shop.ok()) << shop.status();
  EXPECT_EQ(shop->current_time, std::nullopt);
  EXPECT_EQ(shop->max_requests_per_second, 0);
  EXPECT_EQ(shop->max_items_per_create, 0);
  EXPECT_EQ(shop->max_stock_updates, 0);
  EXPECT_EQ(shop->max_price_updates, 0);
  EXPECT_FALSE(shop->item_limits.can_validate);
}

struct ShopCase {
  std::string name;
  void (*spoil)(proto::DescribeShopResponse& shop);
  std::string field;
};

class SellerCenterBadShops : public SellerCenterBadAnswers, public testing::WithParamInterface<ShopCase> {};

TEST_P(SellerCenterBadShops, AreNotTaken) {
  GetParam().spoil(shop_.shop);
  ExpectInvalid(center_->DescribeShop().status(), GetParam().field);
}

using Shop = proto::DescribeShopResponse;
INSTANTIATE_TEST_SUITE_P(
    Fields, SellerCenterBadShops,
    testing::Values(
        ShopCase{"Creates", [](Shop& shop) { shop.set_max_items_per_create(101); }, "max_items_per_create"},
        ShopCase{"Stock", [](Shop& shop) { shop.set_max_stock_updates(1001); }, "max_stock_updates"},
        ShopCase{"Price", [](Shop& shop) { shop.set_max_price_updates(-1); }, "max_price_updates"},
        ShopCase{"RateBelowZero", [](Shop& shop) { shop.set_max_requests_per_second(-1); },
                 "max_requests_per_second"},
        ShopCase{"RateTooLow", [](Shop& shop) { shop.set_max_requests_per_second(1e-9); },
                 "max_requests_per_second"},
        ShopCase{
            "RateTooHigh",
            [](Shop& shop) { shop.set_max_requests_per_second(std::numeric_limits<double>::infinity()); },
            "max_requests_per_second"},
        ShopCase{
            "RateNoNumber",
            [](Shop& shop) { shop.set_max_requests_per_second(std::numeric_limits<double>::quiet_NaN()); },
            "max_requests_per_second"},
        ShopCase{"TimeNotSet", [](Shop& shop) { shop.mutable_current_time(); }, "current_time"},
        ShopCase{"TimeFarAway", [](Shop& shop) { shop.mutable_current_time()->set_seconds(INT64_MAX); },
                 "current_time"},
        ShopCase{"TimeNanos",
                 [](Shop& shop) {
                   shop.mutable_current_time()->set_seconds(1'700'000'000);
                   shop.mutable_current_time()->set_nanos(1'000'000'000);
                 },
                 "current_time"},
        ShopCase{"Titles",
                 [](Shop& shop) {
                   shop.mutable_item_limits()->set_min_title_length(11);
                   shop.mutable_item_limits()->set_max_title_length(10);
                 },
                 "item_limits.min_title_length"},
        ShopCase{"Images", [](Shop& shop) { shop.mutable_item_limits()->set_max_images(-1); },
                 "item_limits.max_images"},
        ShopCase{"Skus", [](Shop& shop) { shop.mutable_item_limits()->set_max_seller_sku_length(-1); },
                 "item_limits.max_seller_sku_length"},
        ShopCase{"Listings", [](Shop& shop) { shop.mutable_item_limits()->set_max_listings(-1); },
                 "item_limits.max_listings"}),
    [](const auto& test) { return test.param.name; });

// --- Texts of items.

TEST_F(SellerCenterBadAnswers, TextsOfItemsAreCleaned) {
  proto::Listing listing = MakeListing(1);
  listing.set_item_title(std::string(600, 't'));
  listing.set_option(std::string(201, 'o'));
  *shop_.items.add_listings() = listing;
  listing = MakeListing(2);
  listing.set_option(std::string("M\0L", 3));
  *shop_.items.add_listings() = listing;

  const auto found = center_->GetItems({"item-1"});

  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->listings.size(), 2u);
  ASSERT_EQ(found->texts.size(), 2u);
  EXPECT_EQ(found->texts[0].item_title, std::string(500, 't'));
  EXPECT_EQ(found->texts[0].option, std::string(200, 'o'));
  EXPECT_EQ(found->texts[1].item_title, "Baju batik 2") << "the title, when there is no other";
  EXPECT_EQ(found->texts[1].option, "");
  ASSERT_EQ(found->incomplete.size(), 1u);
  EXPECT_EQ(found->incomplete[0].listing_id, "listing-2");
  EXPECT_EQ(FieldOf(found->incomplete[0].status), "option");
}

// --- Outcomes.

TEST_F(SellerCenterBadAnswers, AsManyOutcomesAsUpdates) {
  shop_.stock.add_outcomes();
  ExpectInvalid(center_->UpdateStock({MakeStockUpdate(1, 1), MakeStockUpdate(2, 2)}).status(), "outcomes");
  shop_.price.add_outcomes();
  shop_.price.add_outcomes();
  ExpectInvalid(center_->UpdatePrice({MakePriceUpdate(1, 1)}).status(), "outcomes");
}

TEST_F(SellerCenterBadAnswers, WordsAndTimesOfAnOutcomeAreBounded) {
  proto::WriteOutcome& outcome = *shop_.stock.add_outcomes();
  outcome.set_description("not\nnow " + std::string(300, 'x'));
  outcome.set_field(std::string(300, 'f'));
  outcome.mutable_retry_after()->set_seconds(INT64_MAX);
  shop_.stock.add_outcomes()->mutable_retry_after()->set_seconds(-5);
  shop_.stock.add_outcomes();

  const auto outcomes =
      center_->UpdateStock({MakeStockUpdate(1, 1), MakeStockUpdate(2, 2), MakeStockUpdate(3, 3)});

  ASSERT_TRUE(outcomes.ok()) << outcomes.status();
  EXPECT_EQ(outcomes->at(0).result, WriteResult::kRefused) << "what was not said to be done";
  EXPECT_EQ(outcomes->at(0).description, "not now " + std::string(192, 'x'));
  EXPECT_EQ(outcomes->at(0).field.size(), 200u);
  EXPECT_EQ(outcomes->at(0).retry_after, absl::Hours(24));
  EXPECT_EQ(outcomes->at(1).retry_after, absl::ZeroDuration());
  EXPECT_EQ(outcomes->at(2).retry_after, std::nullopt);
}

// --- What was created.

// What a shop that is well answers to the creation of `a` and `b`.
proto::CreateItemsResponse Good() {
  proto::CreateItemsResponse answer;
  for (const char* name : {"a", "b"}) {
    proto::ItemCreated& created = *answer.add_results();
    created.mutable_outcome()->set_result(proto::WRITE_RESULT_OK);
    for (const char* size : {"M", "L"}) {
      proto::Listing& listing = *created.add_listings();
      listing.set_listing_id(std::string("listing-") + name + size);
      listing.set_item_id(std::string("item-") + name);
      listing.set_seller_sku(std::string(name) + "-" + size);
      listing.set_state(proto::LISTING_STATE_PENDING);
    }
  }
  return answer;
}

struct CreatedCase {
  std::string name;
  void (*spoil)(proto::CreateItemsResponse& answer);
  std::string field;
  bool whole = false;  // nothing of the answer can be taken
};

class SellerCenterBadCreations : public SellerCenterBadAnswers,
                                 public testing::WithParamInterface<CreatedCase> {};

TEST_F(SellerCenterBadAnswers, CreationsThatAreAnsweredWellAreTaken) {
  shop_.created = Good();

  const auto created = center_->CreateItems({MakeCreation("a"), MakeCreation("b")}, kFirm);

  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_TRUE((*created)[0].known() && (*created)[1].known());
}

TEST_P(SellerCenterBadCreations, AreNotTaken) {
  shop_.created = Good();
  GetParam().spoil(shop_.created);
  const std::vector<ItemCreation> creations = {MakeCreation("a"), MakeCreation("b")};

  const auto created = center_->CreateItems(creations, kFirm);
  if (GetParam().whole) return ExpectInvalid(created.status(), GetParam().field);
  ASSERT_TRUE(created.ok()) << created.status();
  const bool second = GetParam().field.rfind("results[1]", 0) == 0;
  ExpectInvalid((*created)[second].invalid, GetParam().field);
  EXPECT_TRUE((*created)[second].listings.empty());
  EXPECT_TRUE((*created)[!second].known()) << "the other one is taken";
}

using Created = proto::CreateItemsResponse;
proto::Listing& ListingOf(Created& answer, int result, int listing) {
  return *answer.mutable_results(result)->mutable_listings(listing);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, SellerCenterBadCreations,
    testing::Values(
        CreatedCase{"ResultMissing", [](Created& answer) { answer.mutable_results()->RemoveLast(); },
                    "results", /*whole=*/true},
        CreatedCase{"ResultTooMany", [](Created& answer) { answer.add_results(); }, "results",
                    /*whole=*/true},
        CreatedCase{"ListingMissing",
                    [](Created& answer) { answer.mutable_results(1)->mutable_listings()->RemoveLast(); },
                    "results[1].listings"},
        CreatedCase{"ListingTooMany",
                    [](Created& answer) { answer.mutable_results(0)->add_listings()->set_listing_id("x"); },
                    "results[0].listings"},
        CreatedCase{"IdMissing", [](Created& answer) { ListingOf(answer, 0, 1).clear_listing_id(); },
                    "results[0].listings[1].listing_id"},
        CreatedCase{"IdTwice", [](Created& answer) { ListingOf(answer, 1, 0).set_listing_id("listing-aM"); },
                    "results[1].listings[0].listing_id"},
        CreatedCase{"ItemIdBad", [](Created& answer) { ListingOf(answer, 0, 0).set_item_id(" x "); },
                    "results[0].listings[0].item_id"},
        CreatedCase{"TwoItems", [](Created& answer) { ListingOf(answer, 0, 1).set_item_id("item-c"); },
                    "results[0].listings[1].item_id"},
        CreatedCase{"ItemOfAnother",
                    [](Created& answer) {
                      ListingOf(answer, 1, 0).set_item_id("item-a");
                      ListingOf(answer, 1, 1).set_item_id("item-a");
                    },
                    "results[1].listings[0].item_id"},
        CreatedCase{"OtherSku", [](Created& answer) { ListingOf(answer, 0, 0).set_seller_sku("A-M"); },
                    "results[0].listings[0].seller_sku"},
        CreatedCase{"InAnotherOrder",
                    [](Created& answer) { ListingOf(answer, 0, 0).Swap(&ListingOf(answer, 0, 1)); },
                    "results[0].listings[0].seller_sku"},
        CreatedCase{"RefusedAndCreated",
                    [](Created& answer) {
                      answer.mutable_results(0)->mutable_outcome()->set_result(proto::WRITE_RESULT_REFUSED);
                    },
                    "results[0].listings"}),
    [](const auto& test) { return test.param.name; });

TEST_F(SellerCenterBadAnswers, ListingsOfAnotherItemThanTheyWereAddedTo) {
  shop_.created = Good();
  ItemCreation a = MakeCreation("a"), b = MakeCreation("b");
  a.item_id = "item-a";
  EXPECT_TRUE(center_->CreateItems({a, b}, kFirm).value()[0].known());
  a.item_id = "item-z";
  ExpectInvalid(center_->CreateItems({a, b}, kFirm).value()[0].invalid, "results[0].listings[0].item_id");
}

TEST_F(SellerCenterBadAnswers, ListingsThatWereOnlyToBeValidated) {
  shop_.created = Good();
  const auto validated = center_->CreateItems({MakeCreation("a"), MakeCreation("b")}, kValidateOnly);
  ExpectInvalid(validated.value()[0].invalid, "results[0].listings");
}

}  // namespace
}  // namespace skulink
