#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/integration/seller_center_writes_fixture.h"

namespace skulink {
namespace {

using simulator::FaultKind;
using simulator::FaultyCall;
using simulator::SimulatedSellerCenter;
using Results = std::vector<WriteResult>;
using enum WriteResult;
constexpr auto kFirm = SellerCenter::Creating::kFirm;
constexpr auto kValidateOnly = SellerCenter::Creating::kValidateOnly;

// A shop of six listings.
class SellerCenterWrites : public testing::Test {
 protected:
  SellerCenterWrites() { shop_.SetListings(MakeListings(6)); }

  std::int64_t StockOf(int number) { return shop_.listing_books(ListingId(number)).listing().stock(); }
  std::int64_t PriceOf(int number) {
    return shop_.listing_books(ListingId(number)).listing().price().units();
  }
  std::size_t ListingCount() { return List(*center_, 100).Ids().size(); }

  SimulatedSellerCenter shop_{{.max_items_per_create = 3, .max_stock_updates = 3, .max_price_updates = 3}};
  std::unique_ptr<SellerCenter> center_ = Connect(shop_.address());
};

TEST_F(SellerCenterWrites, TheShopSaysWhatItTakes) {
  absl::StatusOr<ShopDescription> shop = center_->DescribeShop();

  ASSERT_TRUE(shop.ok()) << shop.status();
  EXPECT_EQ(shop->max_items_per_create, 3);
  EXPECT_EQ(shop->max_stock_updates, 3);
  EXPECT_EQ(shop->max_price_updates, 3);
  EXPECT_EQ(shop->max_requests_per_second, 0);
  EXPECT_TRUE(shop->current_time.has_value());
  EXPECT_EQ(shop->item_limits.min_title_length, 1);
  EXPECT_EQ(shop->item_limits.max_title_length, 255);
  EXPECT_EQ(shop->item_limits.max_seller_sku_length, 255);
  EXPECT_EQ(shop->item_limits.max_listings, 100);
  EXPECT_EQ(shop->item_limits.min_images, 0);
  EXPECT_EQ(shop->item_limits.max_images, 9);
  EXPECT_TRUE(shop->item_limits.can_validate);
}

// --- Stock and prices.

TEST_F(SellerCenterWrites, SetStockAndPrices) {
  const auto stock = center_->UpdateStock({MakeStockUpdate(1, 0), MakeStockUpdate(3, 1'000'000'000'000)});
  const auto price = center_->UpdatePrice({MakePriceUpdate(2, 99), MakePriceUpdate(1, 0)});

  EXPECT_EQ(ResultsOf(stock), (Results{kOk, kOk}));
  EXPECT_EQ(ResultsOf(price), (Results{kOk, kOk}));
  EXPECT_EQ(StockOf(1), 0);
  EXPECT_EQ(StockOf(2), 2) << "as it was";
  EXPECT_EQ(StockOf(3), 1'000'000'000'000);
  EXPECT_EQ(PriceOf(1), 0);
  EXPECT_EQ(PriceOf(2), 99);
  EXPECT_TRUE(shop_.violations().empty());
}

TEST_F(SellerCenterWrites, AnswerForEachListing) {
  shop_.Upsert([] {
    auto inactive = MakeListing(2);
    inactive.set_state(sellercenter::v1::LISTING_STATE_INACTIVE);
    return inactive;
  }());
  shop_.Remove(ListingId(3));
  StockUpdate of_another_item = MakeStockUpdate(4, 40);
  of_another_item.item_id = "item-1";

  EXPECT_EQ(ResultsOf(center_->UpdateStock({MakeStockUpdate(2, 20), MakeStockUpdate(1, 10)})),
            (Results{kNotLive, kOk}));
  EXPECT_EQ(ResultsOf(center_->UpdateStock({MakeStockUpdate(3, 30), of_another_item})),
            (Results{kGone, kGone}));
  EXPECT_EQ(ResultsOf(center_->UpdatePrice({MakePriceUpdate(1, 7), MakePriceUpdate(3, 7)})),
            (Results{kOk, kGone}));

  EXPECT_EQ(StockOf(1), 10);
  EXPECT_EQ(StockOf(2), 2);
  EXPECT_EQ(StockOf(4), 4);
}

struct Answer {
  std::string name;
  sellercenter::v1::WriteResult said;
  WriteResult expected;
};

class SellerCenterRefusals : public SellerCenterWrites, public testing::WithParamInterface<Answer> {};

TEST_P(SellerCenterRefusals, AreToldApart) {
  simulator::Refusal refusal;
  refusal.set_result(GetParam().said);
  refusal.mutable_retry_after()->set_seconds(30);
  shop_.Refuse(refusal);

  const auto stock = center_->UpdateStock({MakeStockUpdate(1, 10)});
  EXPECT_EQ(ResultsOf(stock), Results{GetParam().expected});
  EXPECT_EQ(stock->at(0).retry_after, absl::Seconds(30));
  EXPECT_NE(stock->at(0).description, "");
  EXPECT_EQ(ResultsOf(center_->UpdatePrice({MakePriceUpdate(1, 10)})), Results{GetParam().expected});
  const auto created = center_->CreateItems({MakeCreation("a")}, kFirm);
  EXPECT_EQ(ResultsOf(created), Results{GetParam().expected});
  EXPECT_TRUE(created->at(0).listings.empty());

  EXPECT_EQ(StockOf(1), 1);
  EXPECT_EQ(PriceOf(1), 1000);
  EXPECT_EQ(ListingCount(), 6u);
}

INSTANTIATE_TEST_SUITE_P(
    Results, SellerCenterRefusals,
    testing::Values(Answer{"Retry", sellercenter::v1::WRITE_RESULT_RETRY, kRetry},
                    Answer{"Reserved", sellercenter::v1::WRITE_RESULT_REFUSED_RESERVED, kRefusedReserved},
                    Answer{"Campaign", sellercenter::v1::WRITE_RESULT_REFUSED_CAMPAIGN, kRefusedCampaign},
                    Answer{"Holiday", sellercenter::v1::WRITE_RESULT_REFUSED_HOLIDAY, kRefusedHoliday},
                    Answer{"Value", sellercenter::v1::WRITE_RESULT_REFUSED_VALUE, kRefusedValue},
                    Answer{"NotLive", sellercenter::v1::WRITE_RESULT_NOT_LIVE, kNotLive},
                    Answer{"Gone", sellercenter::v1::WRITE_RESULT_GONE, kGone},
                    Answer{"Field", sellercenter::v1::WRITE_RESULT_REFUSED_FIELD, kRefusedField},
                    Answer{"Limit", sellercenter::v1::WRITE_RESULT_REFUSED_LIMIT, kRefusedLimit},
                    Answer{"Refused", sellercenter::v1::WRITE_RESULT_REFUSED, kRefused},
                    Answer{"NotSaid", sellercenter::v1::WRITE_RESULT_UNSPECIFIED, kRefused},
                    Answer{"NotKnown", static_cast<sellercenter::v1::WriteResult>(99), kRefused}),
    [](const auto& test) { return test.param.name; });

TEST_F(SellerCenterWrites, StockBelowWhatBuyersReservedIsRefused) {
  simulator::Refusal reserved;
  reserved.set_call("stock");
  reserved.set_id(ListingId(1));
  reserved.set_result(sellercenter::v1::WRITE_RESULT_REFUSED_RESERVED);
  reserved.set_reserved(5);
  shop_.Refuse(reserved);

  EXPECT_EQ(ResultsOf(center_->UpdateStock({MakeStockUpdate(1, 4), MakeStockUpdate(2, 4)})),
            (Results{kRefusedReserved, kOk}));
  EXPECT_EQ(ResultsOf(center_->UpdateStock({MakeStockUpdate(1, 5)})), Results{kOk});
  shop_.ClearRefusals();
  EXPECT_EQ(ResultsOf(center_->UpdateStock({MakeStockUpdate(1, 0)})), Results{kOk});
}

TEST_F(SellerCenterWrites, APriceInAnotherCurrencyIsRefused) {
  PriceUpdate update = MakePriceUpdate(1, 10);
  update.price.currency = "USD";
  EXPECT_EQ(ResultsOf(center_->UpdatePrice({update})), Results{kRefusedValue});
}

// --- Creations.

TEST_F(SellerCenterWrites, CreateItems) {
  const auto created = center_->CreateItems({MakeCreation("a"), MakeCreation("b")}, kFirm);

  ASSERT_EQ(ResultsOf(created), (Results{kOk, kOk}));
  const std::vector<Listing>& listings = created->at(1).listings;
  ASSERT_EQ(listings.size(), 2u);
  EXPECT_EQ(listings[0].item_id, listings[1].item_id);
  EXPECT_NE(listings[0].item_id, created->at(0).listings.at(0).item_id);
  EXPECT_EQ(listings[0].seller_sku, "b-M");
  EXPECT_EQ(listings[0].state, ListingState::kLive);
  EXPECT_EQ(listings[0].price, Idr(150'000));
  EXPECT_EQ(listings[0].stock, 4);
  EXPECT_EQ(listings[1].gtin, "8991");
  EXPECT_EQ(ListingCount(), 10u);

  const auto found = center_->GetItems({listings[0].item_id});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->listings.size(), 2u);
  ASSERT_EQ(found->texts.size(), 2u);
  EXPECT_EQ(found->listings[1].name, "Kemeja b - L");
  EXPECT_EQ(found->texts[1].item_title, "Kemeja b");
  EXPECT_EQ(found->texts[1].option, "L");
}

TEST_F(SellerCenterWrites, AddListingsToAnItem) {
  ItemCreation creation = MakeCreation("a");
  creation.item_id = "item-2";
  creation.title.clear();
  creation.image_uris.clear();

  const auto created = center_->CreateItems({creation}, kFirm);

  ASSERT_EQ(ResultsOf(created), Results{kOk});
  EXPECT_EQ(created->at(0).listings.at(0).item_id, "item-2");
  EXPECT_EQ(center_->GetItems({"item-2"})->listings.size(), 4u);

  creation.idempotency_key = "another";
  creation.item_id = "no-such-item";
  EXPECT_EQ(ResultsOf(center_->CreateItems({creation}, kFirm)), Results{kGone});
}

TEST_F(SellerCenterWrites, ACreationMadeAgainMakesNothingAndIsAnsweredAsTheFirstTime) {
  const auto first = center_->CreateItems({MakeCreation("a")}, kFirm);
  shop_.Remove(first->at(0).listings.at(0).listing_id);
  const auto again = center_->CreateItems({MakeCreation("b"), MakeCreation("a")}, kFirm);

  ASSERT_EQ(ResultsOf(again), (Results{kOk, kOk}));
  EXPECT_EQ(again->at(1).listings.at(1).listing_id, first->at(0).listings.at(1).listing_id);
  EXPECT_EQ(ListingCount(), 9u);
  EXPECT_EQ(shop_.creation_books("key-a").received(), 2);
  EXPECT_EQ(shop_.creation_books("key-a").listings_size(), 2);
}

TEST_F(SellerCenterWrites, AKeyOfARefusedCreationMayBeUsedAgain) {
  ItemCreation creation = MakeCreation("a");
  creation.title.clear();
  const auto refused = center_->CreateItems({creation}, kFirm);
  ASSERT_EQ(ResultsOf(refused), Results{kRefusedField});
  EXPECT_EQ(refused->at(0).outcome.field, "title");
  EXPECT_EQ(refused->at(0).outcome.description, "title is missing");

  EXPECT_EQ(ResultsOf(center_->CreateItems({MakeCreation("a")}, kFirm)), Results{kOk});
}

TEST_F(SellerCenterWrites, AKeyOfAnotherCreationIsRefused) {
  ASSERT_EQ(ResultsOf(center_->CreateItems({MakeCreation("a")}, kFirm)), Results{kOk});
  ItemCreation other = MakeCreation("a");
  other.listings[0].stock = 5;

  const absl::Status status = center_->CreateItems({other}, kFirm).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(shop_.violations().size(), 1u);
}

TEST_F(SellerCenterWrites, ValidatingMakesNothing) {
  ItemCreation bad = MakeCreation("b");
  bad.listings[1].option = "M";
  const auto validated = center_->CreateItems({MakeCreation("a"), bad}, kValidateOnly);

  ASSERT_EQ(ResultsOf(validated), (Results{kOk, kRefusedField}));
  EXPECT_EQ(validated->at(1).outcome.field, "listings[1].option");
  EXPECT_TRUE(validated->at(0).listings.empty());
  EXPECT_EQ(ListingCount(), 6u);
  EXPECT_EQ(shop_.creation_books("key-a").received(), 0);
}

// --- Calls that fail.

// The three of them, the same for all that they have in common.
struct Call {
  std::string name;
  FaultyCall call;
  absl::Status (*make)(SellerCenter& center, std::stop_token stop);
};

class SellerCenterWriteCalls : public SellerCenterWrites, public testing::WithParamInterface<Call> {
 protected:
  absl::Status Make(SellerCenter& center, std::stop_token stop = {}) {
    return GetParam().make(center, std::move(stop));
  }
  // Whether the shop has what the call writes: 1 or, by a defect, more.
  std::size_t Done() {
    switch (GetParam().call) {
      case FaultyCall::kCreateItems:
        return (ListingCount() - 6) / 2;
      case FaultyCall::kUpdateStock:
        return StockOf(1) == 77 ? 1 : 0;
      default:
        return PriceOf(1) == 77 ? 1 : 0;
    }
  }
};

TEST_P(SellerCenterWriteCalls, EndWithTheStatusOfTheShop) {
  struct Case {
    FaultKind kind;
    v1::ErrorReason reason;
    bool again;
  };
  for (const Case& one :
       {Case{FaultKind::kThrottled, v1::ERROR_REASON_SELLER_CENTER_THROTTLED, true},
        Case{FaultKind::kInternal, v1::ERROR_REASON_SELLER_CENTER_FAILED, true},
        Case{FaultKind::kUnavailable, v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE, true},
        Case{FaultKind::kExpiredToken, v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED, false}}) {
    shop_.AddFault({.kind = one.kind, .times = 1, .call = GetParam().call});
    const absl::Status status = Make(*center_);
    EXPECT_EQ(ReasonOf(status), one.reason) << status;
    EXPECT_EQ(absl::IsUnavailable(status), one.again) << status;
  }
  EXPECT_EQ(Done(), 0u);
}

TEST_P(SellerCenterWriteCalls, SayWhenToTryAgain) {
  shop_.AddFault({.kind = FaultKind::kThrottledWithDelay, .call = GetParam().call});
  EXPECT_EQ(RetryAfter(Make(*center_)), absl::Milliseconds(50));
}

TEST_P(SellerCenterWriteCalls, WhoseAnswerIsLostMayBeMadeAgain) {
  shop_.AddFault({.kind = FaultKind::kAnswerLost, .times = 1, .call = GetParam().call});

  EXPECT_EQ(ReasonOf(Make(*center_)), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE);
  EXPECT_EQ(Done(), 1u);
  EXPECT_TRUE(Make(*center_).ok());
  EXPECT_EQ(Done(), 1u);
}

TEST_P(SellerCenterWriteCalls, WhoseAnswerNeverComesMayBeMadeAgain) {
  shop_.AddFault({.kind = FaultKind::kAnswerNeverComes, .times = 1, .call = GetParam().call});

  const absl::Status status = Make(*Connect(shop_.address(), absl::Milliseconds(500)));

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_TIMEOUT) << status;
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(Done(), 1u);
  EXPECT_TRUE(Make(*center_).ok());
  EXPECT_EQ(Done(), 1u);
}

TEST_P(SellerCenterWriteCalls, EndWhenAStopIsAskedFor) {
  shop_.AddFault({.kind = FaultKind::kHang, .call = GetParam().call});
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });

  EXPECT_EQ(Make(*center_, stop.get_token()).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(Done(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Calls, SellerCenterWriteCalls,
    testing::Values(Call{"CreateItems", FaultyCall::kCreateItems,
                         [](SellerCenter& center, std::stop_token stop) {
                           return center.CreateItems({MakeCreation("a")}, kFirm, std::move(stop)).status();
                         }},
                    Call{"UpdateStock", FaultyCall::kUpdateStock,
                         [](SellerCenter& center, std::stop_token stop) {
                           return center.UpdateStock({MakeStockUpdate(1, 77)}, std::move(stop)).status();
                         }},
                    Call{"UpdatePrice", FaultyCall::kUpdatePrice,
                         [](SellerCenter& center, std::stop_token stop) {
                           return center.UpdatePrice({MakePriceUpdate(1, 77)}, std::move(stop)).status();
                         }}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace skulink
