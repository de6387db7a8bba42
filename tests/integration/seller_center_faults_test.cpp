#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "common/text.h"
#include "tests/integration/eventually.h"
#include "tests/integration/seller_center_fixture.h"

namespace skulink {
namespace {

using simulator::Fault;
using simulator::FaultKind;
using simulator::FaultyCall;
using simulator::SimulatedSellerCenter;

constexpr absl::Duration kShort = absl::Milliseconds(200);

// A shop of 30 listings, listed in pages of ten.
class SellerCenterFaults : public testing::Test {
 protected:
  SellerCenterFaults() { shop_.SetListings(MakeListings(30)); }

  // Listings, with a fault at page 2.
  Listed ListWith(FaultKind kind) {
    shop_.AddFault({.kind = kind, .page = 2});
    return List(*center_, 10);
  }

  SimulatedSellerCenter shop_;
  std::unique_ptr<SellerCenter> center_ = Connect(shop_.address());
};

// --- A call that ends with a status.

struct StatusCase {
  std::string name;
  FaultKind kind;
  v1::ErrorReason reason;
  absl::StatusCode code;
  absl::Duration retry_after = absl::ZeroDuration();
};

class SellerCenterStatuses : public SellerCenterFaults, public testing::WithParamInterface<StatusCase> {
 protected:
  static void ExpectIt(const absl::Status& status) {
    EXPECT_EQ(status.code(), GetParam().code) << status;
    EXPECT_EQ(ReasonOf(status), GetParam().reason) << status;
    EXPECT_EQ(RetryAfter(status), GetParam().retry_after) << status;
  }
};

TEST_P(SellerCenterStatuses, OfListListings) {
  Listed listed = ListWith(GetParam().kind);

  ExpectIt(listed.status);
  EXPECT_EQ(listed.pages.size(), 1u) << "what came before it was taken";
}

TEST_P(SellerCenterStatuses, OfDescribeShop) {
  shop_.AddFault({.kind = GetParam().kind, .call = FaultyCall::kDescribeShop});
  ExpectIt(center_->DescribeShop().status());
}

TEST_P(SellerCenterStatuses, OfGetItems) {
  shop_.AddFault({.kind = GetParam().kind, .call = FaultyCall::kGetItems});
  ExpectIt(center_->GetItems({"item-1"}).status());
}

TEST_P(SellerCenterStatuses, AreOverWhenTheFaultIs) {
  shop_.AddFault({.kind = GetParam().kind, .page = 2, .times = 1});
  Listed first = List(*center_, 10);
  ASSERT_FALSE(first.status.ok());

  Listed rest = List(*center_, 10, first.Token());

  ASSERT_TRUE(rest.status.ok()) << rest.status;
  EXPECT_EQ(first.Ids().size() + rest.Ids().size(), 30u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SellerCenterStatuses,
    testing::Values(StatusCase{"Throttled", FaultKind::kThrottled, v1::ERROR_REASON_SELLER_CENTER_THROTTLED,
                               absl::StatusCode::kUnavailable},
                    StatusCase{"ThrottledWithDelay", FaultKind::kThrottledWithDelay,
                               v1::ERROR_REASON_SELLER_CENTER_THROTTLED, absl::StatusCode::kUnavailable,
                               absl::Milliseconds(50)},
                    StatusCase{"Internal", FaultKind::kInternal, v1::ERROR_REASON_SELLER_CENTER_FAILED,
                               absl::StatusCode::kUnavailable},
                    StatusCase{"Unavailable", FaultKind::kUnavailable,
                               v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE, absl::StatusCode::kUnavailable},
                    StatusCase{"ExpiredToken", FaultKind::kExpiredToken,
                               v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED,
                               absl::StatusCode::kFailedPrecondition}),
    [](const auto& test) { return test.param.name; });

// --- A page that the protocol does not allow.

struct PageCase {
  std::string name;
  FaultKind kind;
  std::string field;
};

class SellerCenterBadPages : public SellerCenterFaults, public testing::WithParamInterface<PageCase> {};

TEST_P(SellerCenterBadPages, EndTheListing) {
  Listed listed = ListWith(GetParam().kind);

  EXPECT_EQ(ReasonOf(listed.status), v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID) << listed.status;
  EXPECT_EQ(listed.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(MetadataOf(listed.status, "field"), GetParam().field) << listed.status;
  EXPECT_EQ(listed.pages.size(), 1u) << "nothing of the bad page is taken";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SellerCenterBadPages,
    testing::Values(PageCase{"Malformed", FaultKind::kMalformed, "message"},
                    PageCase{"EarlyEnd", FaultKind::kEarlyEnd, "resume_token"},
                    PageCase{"EmptyId", FaultKind::kEmptyId, "listings[0].listing_id"},
                    PageCase{"DuplicateListing", FaultKind::kDuplicateListing, "listings[9].listing_id"},
                    PageCase{"PageTooLarge", FaultKind::kPageTooLarge, "listings"},
                    PageCase{"TokenTooLong", FaultKind::kTokenTooLong, "resume_token"},
                    PageCase{"CountNegative", FaultKind::kCountNegative, "listing_count"}),
    [](const auto& test) { return test.param.name; });

TEST_F(SellerCenterFaults, AStreamThatEndsWithoutAnyPage) {
  shop_.AddFault({.kind = FaultKind::kEarlyEnd, .page = 1});

  Listed listed = List(*center_, 10);

  EXPECT_EQ(ReasonOf(listed.status), v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID) << listed.status;
  EXPECT_TRUE(listed.pages.empty());
}

TEST_F(SellerCenterFaults, AMessageOverTheSizeWeTake) {
  sellercenter::v1::Listing large = MakeListing(1);
  large.set_title(std::string(17 << 20, 'x'));
  shop_.SetListings({large});

  Listed listed = List(*center_, 10);
  absl::StatusOr<FoundItems> found = center_->GetItems({"item-1"});

  for (const absl::Status& status : {listed.status, found.status()}) {
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID) << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << "it would be as large the next time";
  }
}

// --- What the scan engine judges is passed on.

TEST_F(SellerCenterFaults, PassesOnAnEarlyEndThatClaimsToBeComplete) {
  Listed listed = ListWith(FaultKind::kEarlyComplete);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.Ids().size(), 20u);
  EXPECT_EQ(listed.pages.back().listing_count, 30);
}

TEST_F(SellerCenterFaults, PassesOnACountBelowWhatWasSent) {
  Listed listed = ListWith(FaultKind::kCountTooLow);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.pages.at(1).listing_count, 9);
}

TEST_F(SellerCenterFaults, PassesOnARepeatedToken) {
  shop_.AddFault({.kind = FaultKind::kRepeatedToken, .page = 2});
  std::vector<std::string> tokens;

  absl::Status status = center_->ListListings({.page_size = 10}, {}, [&](const ListingPage& page) {
    tokens.push_back(page.resume_token);
    return tokens.size() < 50 ? absl::OkStatus() : absl::AbortedError("seen enough");
  });

  EXPECT_EQ(status, absl::AbortedError("seen enough"));
  EXPECT_EQ(tokens.at(1), tokens.at(49));
}

TEST_F(SellerCenterFaults, AListingThatMovesToTheFrontIsMissedButKnown) {
  Listed listed = ListWith(FaultKind::kMovedListing);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.Ids().size(), 29u);
  absl::StatusOr<FoundItems> found = center_->GetItems({"item-15"});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->listings.size(), 2u);
  EXPECT_EQ(found->listings[0].listing_id, "listing-30") << "it stands first now";
}

TEST_F(SellerCenterFaults, AListingThatMovesToTheEndComesTwice) {
  Listed listed = ListWith(FaultKind::kListingOnTwoPages);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.Ids().size(), 31u);
  EXPECT_EQ(listed.Ids().front(), listed.Ids().back());
}

// --- One bad listing among good ones.

struct ListingCase {
  std::string name;
  void (*spoil)(sellercenter::v1::Listing&);
  std::string field;
  v1::ErrorReason reason;
};

class SellerCenterBadListings : public SellerCenterFaults, public testing::WithParamInterface<ListingCase> {};

TEST_P(SellerCenterBadListings, AreRefusedAlone) {
  sellercenter::v1::Listing bad = MakeListing(12);
  GetParam().spoil(bad);
  shop_.Upsert(bad);

  Listed listed = List(*center_, 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.Ids().size(), 29u);
  ASSERT_EQ(listed.pages.at(1).refused.size(), 1u);
  const RefusedListing& refused = listed.pages[1].refused[0];
  EXPECT_EQ(refused.listing_id, "listing-12");
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(refused.status), GetParam().field) << refused.status;
  EXPECT_EQ(ReasonOf(refused.status), GetParam().reason) << refused.status;
}

using Bad = sellercenter::v1::Listing;
INSTANTIATE_TEST_SUITE_P(
    Fields, SellerCenterBadListings,
    testing::Values(ListingCase{"SkuTooLong", [](Bad& bad) { bad.set_seller_sku(std::string(256, 'S')); },
                                "seller_sku", v1::ERROR_REASON_FIELD_TOO_LONG},
                    ListingCase{"SkuWithNul", [](Bad& bad) { bad.set_seller_sku(std::string("A\0B", 3)); },
                                "seller_sku", v1::ERROR_REASON_TEXT_INVALID},
                    ListingCase{"SkuWithEscape", [](Bad& bad) { bad.set_seller_sku("A\x1b"); }, "seller_sku",
                                v1::ERROR_REASON_TEXT_INVALID},
                    ListingCase{"ItemIdWithLineFeed", [](Bad& bad) { bad.set_item_id("item\n12"); },
                                "item_id", v1::ERROR_REASON_TEXT_INVALID}),
    [](const auto& test) { return test.param.name; });

// --- One that lacks nothing it needs.

class SellerCenterIncompleteListings : public SellerCenterFaults,
                                       public testing::WithParamInterface<ListingCase> {};

TEST_P(SellerCenterIncompleteListings, AreTakenWithoutTheField) {
  sellercenter::v1::Listing bad = MakeListing(12);
  GetParam().spoil(bad);
  shop_.Upsert(bad);

  Listed listed = List(*center_, 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.Ids().size(), 30u);
  ASSERT_EQ(listed.pages.at(1).incomplete.size(), 1u);
  const IncompleteListing& incomplete = listed.pages[1].incomplete[0];
  EXPECT_EQ(incomplete.listing_id, "listing-12");
  EXPECT_EQ(FieldOf(incomplete.status), GetParam().field) << incomplete.status;
  EXPECT_EQ(ReasonOf(incomplete.status), GetParam().reason) << incomplete.status;
  const Listing& listing = listed.pages[1].listings.at(1);
  EXPECT_EQ(listing.seller_sku, "SKU-12");
  EXPECT_EQ(listing.gtin.empty(), GetParam().field == "gtin");
  EXPECT_EQ(listing.price.has_value(), !GetParam().field.starts_with("price"));
  EXPECT_EQ(listing.stock.has_value(), GetParam().field != "stock");
}

INSTANTIATE_TEST_SUITE_P(
    Fields, SellerCenterIncompleteListings,
    testing::Values(ListingCase{"TitleWithNul", [](Bad& bad) { bad.set_title(std::string("Baju\0", 5)); },
                                "title", v1::ERROR_REASON_TEXT_INVALID},
                    ListingCase{"GtinTooLong", [](Bad& bad) { bad.set_gtin(std::string(65, '1')); }, "gtin",
                                v1::ERROR_REASON_FIELD_TOO_LONG},
                    ListingCase{"PriceBelowZero", [](Bad& bad) { bad.mutable_price()->set_units(-1); },
                                "price", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
                    ListingCase{"PriceTooPrecise", [](Bad& bad) { bad.mutable_price()->set_nanos(1); },
                                "price", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
                    ListingCase{"CurrencyUnknown",
                                [](Bad& bad) { bad.mutable_price()->set_currency_code("XQQ"); },
                                "price.currency_code", v1::ERROR_REASON_CURRENCY_UNKNOWN},
                    ListingCase{"StockBelowZero", [](Bad& bad) { bad.set_stock(-1); }, "stock",
                                v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
                    ListingCase{"StockTooLarge", [](Bad& bad) { bad.set_stock(1'000'000'000'001); }, "stock",
                                v1::ERROR_REASON_VALUE_OUT_OF_RANGE}),
    [](const auto& test) { return test.param.name; });

TEST_F(SellerCenterFaults, OfATitleThatIsNotUtf8WhatCanBeReadIsTaken) {
  Listed listed = ListWith(FaultKind::kNotUtf8);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(listed.Ids().size(), 30u);
  const ListingPage& page = listed.pages.at(1);
  ASSERT_EQ(page.incomplete.size(), 1u);
  EXPECT_EQ(page.incomplete[0].listing_id, "listing-11");
  EXPECT_EQ(FieldOf(page.incomplete[0].status), "title");
  EXPECT_TRUE(IsUtf8(page.listings[0].name));
  EXPECT_FALSE(page.listings[0].name.empty());
}

TEST_F(SellerCenterFaults, TakesWhatIsStrangeButAllowed) {
  sellercenter::v1::Listing strange = MakeListing(1);
  strange.set_seller_sku("\t" + std::string(253, 'S') + "\n");
  strange.set_title(std::string(499, 'x') + "é and more");
  strange.set_stock(1'000'000'000'000);
  strange.mutable_price()->set_nanos(100'000);
  strange.mutable_price()->clear_currency_code();
  shop_.SetListings({strange});

  Listed listed = List(*center_, 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  ASSERT_EQ(listed.pages.at(0).listings.size(), 1u);
  const Listing& listing = listed.pages[0].listings[0];
  EXPECT_EQ(listing.seller_sku, strange.seller_sku());
  EXPECT_EQ(listing.name, std::string(499, 'x') + "é");
  EXPECT_EQ(listing.stock, 1'000'000'000'000);
  EXPECT_EQ(listing.price->ten_thousandths, 10'000'001);
  EXPECT_EQ(listing.price->currency, "") << "the merchant's";
  EXPECT_TRUE(listed.pages[0].incomplete.empty());
}

TEST_F(SellerCenterFaults, RefusesABadListingOfGetItems) {
  sellercenter::v1::Listing bad = MakeListing(12), incomplete = MakeListing(11);
  bad.set_seller_sku(std::string(256, 'S'));
  incomplete.set_stock(-1);
  shop_.Upsert(bad);
  shop_.Upsert(incomplete);

  absl::StatusOr<FoundItems> found = center_->GetItems({"item-6"});

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->listings.size(), 1u);
  ASSERT_EQ(found->refused.size(), 1u);
  EXPECT_EQ(found->refused[0].item_id, "item-6");
  ASSERT_EQ(found->incomplete.size(), 1u);
  EXPECT_EQ(found->incomplete[0].listing_id, "listing-11");
}

// --- No answer.

TEST_F(SellerCenterFaults, AConnectionCutInTheMiddle) {
  shop_.AddFault({.kind = FaultKind::kConnectionCut, .page = 2, .times = 1});

  Listed first = List(*center_, 10);

  EXPECT_EQ(first.status.code(), absl::StatusCode::kUnavailable) << first.status;
  EXPECT_EQ(ReasonOf(first.status), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE) << first.status;
  Listed rest = List(*Connect(shop_.address()), 10, first.Token());
  ASSERT_TRUE(rest.status.ok()) << rest.status;
  EXPECT_EQ(first.Ids().size() + rest.Ids().size(), 30u);
}

TEST_F(SellerCenterFaults, APageThatNeverComes) {
  shop_.AddFault({.kind = FaultKind::kHang, .page = 2});
  std::unique_ptr<SellerCenter> hurried = Connect(shop_.address(), kShort);

  Listed listed = List(*hurried, 10);

  EXPECT_EQ(ReasonOf(listed.status), v1::ERROR_REASON_SELLER_CENTER_TIMEOUT) << listed.status;
  EXPECT_EQ(listed.status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(SellerCenterFaults, AnswersThatNeverCome) {
  shop_.AddFault({.kind = FaultKind::kHang, .call = FaultyCall::kDescribeShop});
  shop_.AddFault({.kind = FaultKind::kHang, .call = FaultyCall::kGetItems});
  std::unique_ptr<SellerCenter> hurried = Connect(shop_.address(), kShort);

  EXPECT_EQ(ReasonOf(hurried->DescribeShop().status()), v1::ERROR_REASON_SELLER_CENTER_TIMEOUT);
  EXPECT_EQ(ReasonOf(hurried->GetItems({"item-1"}).status()), v1::ERROR_REASON_SELLER_CENTER_TIMEOUT);
}

TEST_F(SellerCenterFaults, AStopEndsTheWaitForAHangingPage) {
  shop_.AddFault({.kind = FaultKind::kHang, .page = 2});
  std::stop_source stop;
  std::vector<ListingPage> pages;

  std::jthread stopper;
  absl::Status status = center_->ListListings({.page_size = 10}, stop.get_token(), [&](ListingPage page) {
    pages.push_back(std::move(page));
    stopper = std::jthread([&] { stop.request_stop(); });
    return absl::OkStatus();
  });

  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_EQ(pages.size(), 1u);
}

TEST(SellerCenterUnreachable, NobodyListens) {
  int port = SimulatedSellerCenter().port();  // was free a moment ago, and is again
  std::unique_ptr<SellerCenter> center = Connect("grpc://127.0.0.1:" + std::to_string(port));

  absl::Status described = center->DescribeShop().status();
  absl::Status got = center->GetItems({"item-1"}).status();
  Listed listed = List(*center, 10);

  for (const absl::Status& status : {described, got, listed.status}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE) << status;
  }
  EXPECT_TRUE(listed.pages.empty());
}

TEST(SellerCenterUnreachable, NoSuchHost) {
  absl::Status status = Connect("grpc://no-such-host.invalid:50051", kPatient)->DescribeShop().status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE) << status;
}

TEST(SellerCenterUnreachable, IsReachedAgainOnceItIsBack) {
  auto shop = std::make_unique<SimulatedSellerCenter>();
  std::unique_ptr<SellerCenter> center = Connect(shop->address());
  ASSERT_TRUE(center->DescribeShop().ok());
  int port = shop->port();
  shop.reset();
  ASSERT_FALSE(center->DescribeShop().ok());

  shop = std::make_unique<SimulatedSellerCenter>(simulator::ShopOptions{.port = port});

  EXPECT_TRUE(Eventually([&center] { return center->DescribeShop().ok(); }));
}

}  // namespace
}  // namespace skulink
