// That the simulated Seller Center is as strict as tests of writes rely on, and keeps its books.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <utility>

#include "grpcpp/create_channel.h"
#include "seller_center_simulator/simulator_control.grpc.pb.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/integration/eventually.h"
#include "tests/integration/seller_center_writes_fixture.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;
using simulator::SimulatedSellerCenter;
constexpr auto kFirm = SellerCenter::Creating::kFirm;

class SimulatorWrites : public testing::Test {
 protected:
  explicit SimulatorWrites(simulator::ShopOptions options = {.max_items_per_create = 2,
                                                             .max_stock_updates = 2,
                                                             .max_price_updates = 2})
      : shop_(std::move(options)) {
    shop_.SetListings(MakeListings(6));
  }

  void ExpectViolation(const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(shop_.violations().size(), ++violations_) << status;
  }

  std::size_t violations_ = 0;
  SimulatedSellerCenter shop_;
  std::unique_ptr<SellerCenter> center_ = Connect(shop_.address());
};

TEST_F(SimulatorWrites, RefuseUpdatesThatTheProtocolDoesNotAllow) {
  using Updates = std::vector<StockUpdate>;
  StockUpdate without_item = MakeStockUpdate(1, 1);
  without_item.item_id.clear();
  const std::vector<Updates> refused = {{},
                                        {MakeStockUpdate(1, 1), MakeStockUpdate(2, 1), MakeStockUpdate(3, 1)},
                                        {MakeStockUpdate(1, 1), MakeStockUpdate(1, 2)},
                                        {without_item},
                                        {MakeStockUpdate(1, -1)},
                                        {MakeStockUpdate(1, 1'000'000'000'001)}};
  for (const Updates& updates : refused) {
    ExpectViolation(center_->UpdateStock(updates).status());
  }
  ExpectViolation(center_->UpdatePrice({MakePriceUpdate(1, 1), MakePriceUpdate(1, 2)}).status());
  ExpectViolation(center_->UpdatePrice({MakePriceUpdate(1, -1)}).status());
  EXPECT_EQ(shop_.listing_books("listing-1").stock_updates_size(), 0);
}

TEST_F(SimulatorWrites, RefuseCreationsThatTheProtocolDoesNotAllow) {
  ItemCreation bad_key = MakeCreation("a");
  const std::vector<std::string> bad_keys = {"", "Key", "key_1", std::string(65, 'k')};
  for (const std::string& key : bad_keys) {
    bad_key.idempotency_key = key;
    ExpectViolation(center_->CreateItems({bad_key}, kFirm).status());
  }
  ExpectViolation(center_->CreateItems({}, kFirm).status());
  ExpectViolation(center_->CreateItems({MakeCreation("a"), MakeCreation("a")}, kFirm).status());
  ExpectViolation(
      center_->CreateItems({MakeCreation("a"), MakeCreation("b"), MakeCreation("c")}, kFirm).status());
}

struct FieldCase {
  std::string name;
  void (*spoil)(ItemCreation& creation);
  std::string field;
};

class SimulatorCreations : public SimulatorWrites, public testing::WithParamInterface<FieldCase> {};

TEST_P(SimulatorCreations, AreRefusedNamingTheField) {
  ItemCreation creation = MakeCreation("a");
  GetParam().spoil(creation);

  const auto created = center_->CreateItems({creation}, kFirm);

  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->at(0).outcome.result, WriteResult::kRefusedField);
  EXPECT_EQ(created->at(0).outcome.field, GetParam().field);
}

using Creation = ItemCreation;
INSTANTIATE_TEST_SUITE_P(
    Fields, SimulatorCreations,
    testing::Values(
        FieldCase{"TitleMissing", [](Creation& creation) { creation.title.clear(); }, "title"},
        FieldCase{"TitleLong", [](Creation& creation) { creation.title = std::string(256, 't'); }, "title"},
        FieldCase{"Image", [](Creation& creation) { creation.image_uris = {"file:///x"}; }, "image_uris[0]"},
        FieldCase{"Images", [](Creation& creation) { creation.image_uris.resize(10, "http://x"); },
                  "image_uris"},
        FieldCase{"NoListings", [](Creation& creation) { creation.listings.clear(); }, "listings"},
        FieldCase{"SkuMissing", [](Creation& creation) { creation.listings[1].seller_sku.clear(); },
                  "listings[1].seller_sku"},
        FieldCase{"SkuLong",
                  [](Creation& creation) { creation.listings[0].seller_sku = std::string(256, 's'); },
                  "listings[0].seller_sku"},
        FieldCase{"OptionMissing", [](Creation& creation) { creation.listings[0].option.clear(); },
                  "listings[0].option"},
        FieldCase{"OptionTwice", [](Creation& creation) { creation.listings[1].option = "M"; },
                  "listings[1].option"},
        FieldCase{"Price", [](Creation& creation) { creation.listings[0].price.currency.clear(); },
                  "listings[0].price"},
        FieldCase{"Stock", [](Creation& creation) { creation.listings[0].stock = -1; }, "listings[0].stock"}),
    [](const auto& test) { return test.param.name; });

TEST_F(SimulatorWrites, KeepBooksOfWhatReachedAListing) {
  simulator::Refusal once;
  once.set_call("stock");
  once.set_id("listing-1");
  once.set_result(proto::WRITE_RESULT_RETRY);
  once.set_times(1);
  shop_.Refuse(once);
  for (const int quantity : {5, 5, 3}) {
    ASSERT_TRUE(center_->UpdateStock({MakeStockUpdate(1, quantity)}).ok());
  }
  ASSERT_TRUE(center_->UpdatePrice({MakePriceUpdate(1, 9)}).ok());

  const simulator::ListingBooks books = shop_.listing_books("listing-1");
  std::vector<std::pair<std::int64_t, proto::WriteResult>> stock;
  for (const auto& update : books.stock_updates()) stock.emplace_back(update.quantity(), update.result());
  const decltype(stock) expected = {
      {5, proto::WRITE_RESULT_RETRY}, {5, proto::WRITE_RESULT_OK}, {3, proto::WRITE_RESULT_OK}};
  EXPECT_EQ(stock, expected);
  ASSERT_EQ(books.price_updates_size(), 1);
  EXPECT_EQ(books.price_updates(0).price().units(), 9);
  EXPECT_EQ(books.listing().stock(), 3);
  EXPECT_EQ(books.most_in_flight(), 1);
  EXPECT_EQ(shop_.books().update_stock_calls, 3);
}

class SimulatorSlowWrites : public SimulatorWrites {
 protected:
  SimulatorSlowWrites() : SimulatorWrites({.write_latency = std::chrono::hours(1)}) {}
};

TEST_F(SimulatorSlowWrites, CountUpdatesOfOneListingAtOnce) {
  std::stop_source stop;
  std::vector<std::jthread> callers;
  for (const int number : {1, 1, 2}) {
    callers.emplace_back([&, number] {
      EXPECT_FALSE(center_->UpdateStock({MakeStockUpdate(number, 1)}, stop.get_token()).ok());
    });
  }
  EXPECT_TRUE(Eventually([&] { return shop_.listing_books("listing-1").most_in_flight() == 2; }));
  EXPECT_TRUE(Eventually([&] { return shop_.listing_books("listing-2").most_in_flight() == 1; }));
  stop.request_stop();
  callers.clear();
  EXPECT_EQ(shop_.most_in_flight(), 2);
  EXPECT_EQ(shop_.listing_books("listing-1").listing().stock(), 1) << "given up, not made";
}

// --- The rate.

TEST(SimulatorRate, RequestsAboveItAreRefused) {
  for (const bool tells_when : {true, false}) {
    // Two at once, and then one in a thousand seconds.
    SimulatedSellerCenter shop({.max_requests_per_second = 0.001, .tells_when_to_retry = tells_when});
    shop.SetListings(MakeListings(6));
    std::unique_ptr<SellerCenter> center = Connect(shop.address());
    ASSERT_TRUE(center->DescribeShop().ok());

    const Listed listed = List(*center, 2);

    EXPECT_EQ(listed.pages.size(), 1u) << "each page is a request";
    const absl::Status written = center->UpdateStock({MakeStockUpdate(1, 1)}).status();
    for (const absl::Status& status : {listed.status, written}) {
      EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_THROTTLED) << status;
      EXPECT_EQ(RetryAfter(status) > absl::Seconds(900), tells_when) << status;
    }
    EXPECT_EQ(shop.books().refused_by_rate, 2);
    EXPECT_EQ(shop.listing_books("listing-1").stock_updates_size(), 0);
  }
}

// --- From another process.

TEST_F(SimulatorWrites, AreShownToAndChangedByAnotherProcess) {
  const auto stub = simulator::SimulatorControl::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(shop_.port()), grpc::InsecureChannelCredentials()));
  ASSERT_TRUE(center_->CreateItems({MakeCreation("a")}, kFirm).ok());
  ASSERT_TRUE(center_->UpdateStock({MakeStockUpdate(6, 60)}).ok());

  simulator::ChangeShopRequest change;
  *change.add_put() = MakeListing(7);
  change.add_change()->set_listing_id("listing-1");
  change.mutable_change(0)->set_seller_sku("RENAMED");
  change.mutable_change(0)->set_stock(0);
  change.add_remove("listing-2");
  change.add_refuse()->set_result(proto::WRITE_RESULT_REFUSED_HOLIDAY);
  change.add_faults("internal:price:1");
  {
    grpc::ClientContext context;
    simulator::ChangeShopResponse response;
    ASSERT_TRUE(stub->ChangeShop(&context, change, &response).ok());
  }

  EXPECT_FALSE(center_->UpdatePrice({MakePriceUpdate(6, 1)}).ok());
  EXPECT_EQ(center_->UpdatePrice({MakePriceUpdate(6, 1)})->at(0).result, WriteResult::kRefusedHoliday);
  grpc::ClientContext context, listing_context;
  simulator::Books books;
  ASSERT_TRUE(stub->GetBooks(&context, {}, &books).ok());
  EXPECT_EQ(books.create_items_calls(), 1);
  EXPECT_EQ(books.update_price_calls(), 2);
  ASSERT_EQ(books.creations_size(), 1);
  EXPECT_EQ(books.creations(0).idempotency_key(), "key-a");
  EXPECT_EQ(books.creations(0).listings_size(), 2);
  std::map<std::string, simulator::ListingBooks> listings;
  const auto reader = stub->ListListingBooks(&listing_context, {});
  for (simulator::ListingBooks one; reader->Read(&one);) listings[one.listing().listing_id()] = one;
  EXPECT_EQ(listings.size(), 8u) << "all but the one removed";
  EXPECT_EQ(listings["listing-1"].listing().seller_sku(), "RENAMED");
  EXPECT_EQ(listings["listing-1"].listing().stock(), 0);
  EXPECT_EQ(listings["listing-1"].listing().title(), "Baju batik 1");
  EXPECT_EQ(listings["listing-6"].stock_updates(0).quantity(), 60);
  EXPECT_EQ(listings["listing-7"].listing().stock(), 7);
}

}  // namespace
}  // namespace skulink
