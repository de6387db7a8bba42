#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "tests/integration/seller_center_fixture.h"

namespace skulink {
namespace {

using simulator::SimulatedSellerCenter;

std::vector<std::string> Ids(int first, int last) {
  std::vector<std::string> ids;
  for (int number = first; number <= last; ++number) ids.push_back(ListingId(number));
  return ids;
}

class SellerCenterPaging : public testing::Test {
 protected:
  SellerCenterPaging() { shop_.SetListings(MakeListings(25)); }

  SimulatedSellerCenter shop_{{.shop_id = "toko-batik", .max_page_size = 100, .max_items_per_get = 3}};
  std::unique_ptr<SellerCenter> center_ = Connect(shop_.address());
};

TEST_F(SellerCenterPaging, DescribesTheShop) {
  absl::StatusOr<ShopDescription> shop = center_->DescribeShop();

  ASSERT_TRUE(shop.ok()) << shop.status();
  EXPECT_EQ(shop->shop_id, "toko-batik");
  EXPECT_EQ(shop->display_name, "Simulated shop toko-batik");
  EXPECT_EQ(shop->listing_count, 25);
  EXPECT_EQ(shop->max_page_size, 100);
  EXPECT_EQ(shop->max_items_per_get, 3);
}

TEST_F(SellerCenterPaging, ListsAllListingsInOrder) {
  Listed listed = List(*center_, 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  ASSERT_EQ(listed.pages.size(), 3u);
  EXPECT_EQ(listed.pages[0].listings.size(), 10u);
  EXPECT_EQ(listed.pages[2].listings.size(), 5u);
  EXPECT_EQ(listed.Ids(), Ids(1, 25));
  EXPECT_NE(listed.pages[1].resume_token, "");
  EXPECT_EQ(listed.pages[2].resume_token, "");
  EXPECT_EQ(listed.pages[0].listing_count, 25);
  EXPECT_EQ(shop_.books().pages_sent, 3);
}

TEST_F(SellerCenterPaging, TakesEveryFieldOfAListing) {
  Listed listed = List(*center_, 100);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  const Listing& listing = listed.pages.at(0).listings.at(6);
  EXPECT_EQ(listing.listing_id, "listing-7");
  EXPECT_EQ(listing.item_id, "item-4");
  EXPECT_EQ(listing.name, "Baju batik 7");
  EXPECT_EQ(listing.seller_sku, "SKU-7");
  EXPECT_EQ(listing.state, ListingState::kLive);
  EXPECT_EQ(listing.price, (Money{.ten_thousandths = 70'000'000, .currency = "IDR"}));
  EXPECT_EQ(listing.stock, 7);
  EXPECT_EQ(listing.gtin, "2000000000008");
}

TEST_F(SellerCenterPaging, LeavesOpenWhatIsNotKnown) {
  sellercenter::v1::Listing bare;
  bare.set_listing_id("bare");
  shop_.SetListings({bare});

  Listed listed = List(*center_, 100);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  const Listing& listing = listed.pages.at(0).listings.at(0);
  EXPECT_EQ(listing.item_id, "bare") << "an item of its own";
  EXPECT_EQ(listing.seller_sku, "");
  EXPECT_EQ(listing.state, ListingState::kUnknown);
  EXPECT_EQ(listing.price, std::nullopt);
  EXPECT_EQ(listing.stock, std::nullopt);
}

TEST_F(SellerCenterPaging, KnowsEveryState) {
  using enum ListingState;
  const std::vector<ListingState> expected = {kUnknown,   kLive,    kInactive, kPending,
                                              kSuspended, kDeleted, kUnknown,  kUnknown};
  std::vector<sellercenter::v1::Listing> listings = MakeListings(static_cast<int>(expected.size()));
  for (std::size_t i = 0; i < listings.size(); ++i) {
    listings[i].set_state(static_cast<sellercenter::v1::ListingState>(i));  // 7 is none
  }
  shop_.SetListings(listings);

  Listed listed = List(*center_, 100);

  std::vector<ListingState> states;
  for (const Listing& listing : listed.pages.at(0).listings) states.push_back(listing.state);
  EXPECT_EQ(states, expected);
}

TEST_F(SellerCenterPaging, GoesOnFromAResumeToken) {
  std::string token = List(*center_, 10).pages.at(0).resume_token;

  Listed rest = List(*center_, 10, token);

  ASSERT_TRUE(rest.status.ok()) << rest.status;
  EXPECT_EQ(rest.Ids(), Ids(11, 25));
}

TEST_F(SellerCenterPaging, AnEmptyShopIsOneEmptyPage) {
  shop_.SetListings({});

  Listed listed = List(*center_, 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  ASSERT_EQ(listed.pages.size(), 1u);
  EXPECT_TRUE(listed.pages[0].listings.empty());
  EXPECT_EQ(listed.pages[0].listing_count, 0);
}

TEST_F(SellerCenterPaging, EndsWithTheStatusOfWhoTakesThePages) {
  int pages = 0;

  absl::Status status = center_->ListListings({.page_size = 10}, {}, [&](const ListingPage&) {
    ++pages;
    return absl::DataLossError("enough");
  });

  EXPECT_EQ(status, absl::DataLossError("enough"));
  EXPECT_EQ(pages, 1);
}

TEST_F(SellerCenterPaging, StopsWhileItWaitsForAPage) {
  shop_.HoldAtPage(2);
  std::stop_source stop;
  std::latch first_page_taken(1);
  std::jthread stopper([&] {
    first_page_taken.wait();
    if (shop_.WaitUntilHeld()) stop.request_stop();
  });
  int pages = 0;

  absl::Status status = center_->ListListings({.page_size = 10}, stop.get_token(), [&](const ListingPage&) {
    ++pages;
    first_page_taken.count_down();
    return absl::OkStatus();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_EQ(pages, 1);
}

TEST_F(SellerCenterPaging, StopsBetweenPages) {
  std::stop_source stop;

  absl::Status status = center_->ListListings({.page_size = 10}, stop.get_token(), [&](const ListingPage&) {
    stop.request_stop();
    return absl::OkStatus();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
}

TEST_F(SellerCenterPaging, StopsBeforeTheFirstPage) {
  std::stop_source stop;
  stop.request_stop();

  Listed listed = List(*center_, 10, "", stop.get_token());

  EXPECT_EQ(listed.status.code(), absl::StatusCode::kCancelled) << listed.status;
  EXPECT_TRUE(listed.pages.empty());
}

TEST_F(SellerCenterPaging, SeesWhatChangesDuringTheListing) {
  shop_.HoldAtPage(2);
  std::jthread changer([&] {
    if (!shop_.WaitUntilHeld()) return;
    shop_.Remove(ListingId(15));
    sellercenter::v1::Listing changed = MakeListing(20);
    changed.set_seller_sku("RENAMED");
    shop_.Upsert(changed);
    shop_.Upsert(MakeListing(26));
    shop_.Release();
  });

  Listed listed = List(*center_, 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  std::vector<std::string> expected = Ids(1, 26);
  expected.erase(expected.begin() + 14);
  EXPECT_EQ(listed.Ids(), expected);
  EXPECT_EQ(listed.pages.at(1).listings.at(8).seller_sku, "RENAMED");
}

TEST_F(SellerCenterPaging, GetsAllListingsOfItems) {
  absl::StatusOr<FoundItems> found = center_->GetItems({"item-2", "no-such-item", "item-13"});

  ASSERT_TRUE(found.ok()) << found.status();
  std::vector<std::string> ids;
  for (const Listing& listing : found->listings) ids.push_back(listing.listing_id);
  EXPECT_EQ(ids, (std::vector<std::string>{"listing-3", "listing-4", "listing-25"}));
  EXPECT_TRUE(found->refused.empty());
}

TEST_F(SellerCenterPaging, ANotAcceptedRequestFailsForGood) {
  Listed too_large = List(*center_, 101);
  Listed bad_token = List(*center_, 10, "nobody-made-this");
  absl::StatusOr<FoundItems> too_many = center_->GetItems({"a", "b", "c", "d"});

  for (const absl::Status& status : {too_large.status, bad_token.status, too_many.status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_FAILED) << status;
  }
}

TEST(SellerCenterEndpoint, TakesAddresses) {
  for (const char* good : {"grpc://localhost:1", "grpc://127.0.0.1:65535", "grpcs://shop.example.com:443",
                           "grpc://[::1]:50051", "grpc://seller-center_1:80"}) {
    EXPECT_TRUE(CheckEndpoint(good).ok()) << good;
    EXPECT_TRUE(ConnectSellerCenter(good, kPatient).ok()) << good;
  }
}

TEST(SellerCenterEndpoint, RefusesWhatIsNone) {
  for (const char* bad :
       {"http://shop:80", "shop:80", "grpc://", "grpc://shop", "grpc://shop:", "grpc://shop:0",
        "grpc://shop:65536", "grpc://shop:-1", "grpc://:80", "grpc://shop:80/path", "grpc://::1:80",
        "grpc://[shop]:80", "grpc://a b:80", "GRPC://shop:80", " grpc://shop:80"}) {
    absl::Status status = CheckEndpoint(bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(FieldOf(status), "endpoint") << bad;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FORMAT_INVALID) << bad;
    EXPECT_EQ(ConnectSellerCenter(bad, kPatient).status(), status) << bad;
  }
  EXPECT_EQ(ReasonOf(CheckEndpoint("")), v1::ERROR_REASON_FIELD_REQUIRED);
}

}  // namespace
}  // namespace skulink
