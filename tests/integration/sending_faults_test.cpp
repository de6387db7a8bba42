#include <gmock/gmock.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/integration/eventually.h"
#include "tests/integration/sending_fixture.h"

// How stocks and prices reach shops that fail, refuse, or do not answer.
namespace skulink {
namespace {

using namespace std::chrono_literals;
using simulator::FaultKind;
using simulator::FaultyCall;
using testing::HasSubstr;

struct NamedFault {
  const char* name;
  FaultKind kind;
};

void PrintTo(const NamedFault& fault, std::ostream* out) { *out << fault.name; }

class SendingFaultTest : public SendingTest, public testing::WithParamInterface<NamedFault> {};

INSTANTIATE_TEST_SUITE_P(All, SendingFaultTest,
                         testing::Values(NamedFault{"Throttled", FaultKind::kThrottled},
                                         NamedFault{"ThrottledWithDelay", FaultKind::kThrottledWithDelay},
                                         NamedFault{"Internal", FaultKind::kInternal},
                                         NamedFault{"Unavailable", FaultKind::kUnavailable},
                                         NamedFault{"ExpiredToken", FaultKind::kExpiredToken},
                                         NamedFault{"Hang", FaultKind::kHang},
                                         NamedFault{"AnswerLost", FaultKind::kAnswerLost},
                                         NamedFault{"AnswerNeverComes", FaultKind::kAnswerNeverComes}),
                         [](const auto& test) { return test.param.name; });

simulator::Fault In(FaultyCall call, FaultKind kind, std::optional<int> times = std::nullopt) {
  return {.kind = kind, .times = times, .call = call};
}

TEST_P(SendingFaultTest, ThatPassesLosesNothing) {
  AddVariants(40);
  Shop& shop = OpenShop("shop", 40, {.max_stock_updates = 10, .max_price_updates = 10});
  shop.AddFault(In(FaultyCall::kUpdateStock, GetParam().kind, 3));
  shop.AddFault(In(FaultyCall::kUpdatePrice, GetParam().kind, 2));

  SwitchOn("shop", /*stock=*/true, /*prices=*/true);

  ExpectInStep();
  EXPECT_GE(shop.books().update_stock_calls, 4 + 3);
}

TEST_P(SendingFaultTest, ThatStaysIsToldAndNothingIsLostMeanwhile) {
  AddVariants(4);
  Shop& shop = OpenShop("shop", 4);
  shop.AddFault(In(FaultyCall::kUpdateStock, GetParam().kind));

  SwitchOn("shop");

  EXPECT_TRUE(Eventually([&] { return PushOf("shop", 1).outcome == "RETRYING"; }));
  EXPECT_NE(PushOf("shop", 1).description, "");
  SetStock(1, 42);
  shop.ClearFaults();
  ExpectInStep();
}

TEST_F(SendingTest, ShopThatCannotBeDescribedIsWaitedFor) {
  AddVariants(4);
  Shop& shop = OpenShop("shop", 4);
  shop.AddFault(In(FaultyCall::kDescribeShop, FaultKind::kUnavailable));

  SwitchOn("shop");

  EXPECT_TRUE(Eventually([&] { return PushOf("shop", 1).outcome == "RETRYING"; }));
  EXPECT_THAT(PushOf("shop", 1).description, HasSubstr("cannot be reached"));
  EXPECT_EQ(shop.books().update_stock_calls, 0);
  shop.ClearFaults();
  ExpectInStep();
}

TEST_F(SendingTest, ShopThatIsGoneDoesNotHoldUpOthers) {
  AddVariants(30);
  Shop& shop = OpenShop("shop", 30);
  std::vector<Shop*> silent;
  for (int i = 0; i < 12; ++i) {
    const std::string channel = "silent-" + std::to_string(i);
    silent.push_back(&OpenShop(channel, 1));
    silent.back()->AddFault(In(FaultyCall::kUpdateStock, FaultKind::kHang));
    SwitchOn(channel);
  }
  EXPECT_TRUE(Eventually([&] { return PushOf("silent-11", 1).outcome == "RETRYING"; }));
  const absl::Time start = absl::Now();
  SwitchOn("shop");
  EXPECT_TRUE(Eventually([&] { return TimesSent(shop, 30) > 0; }));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  for (Shop* one : silent) one->ClearFaults();
  ExpectInStep();
}

struct Refused {
  const char* outcome;
  sellercenter::v1::WriteResult result;
  bool again;
};

class SendingRefusedTest : public SendingTest, public testing::WithParamInterface<Refused> {};

INSTANTIATE_TEST_SUITE_P(
    All, SendingRefusedTest,
    testing::Values(Refused{"RETRYING", sellercenter::v1::WRITE_RESULT_RETRY, true},
                    Refused{"REFUSED_RESERVED", sellercenter::v1::WRITE_RESULT_REFUSED_RESERVED, true},
                    Refused{"REFUSED_CAMPAIGN", sellercenter::v1::WRITE_RESULT_REFUSED_CAMPAIGN, true},
                    Refused{"REFUSED_HOLIDAY", sellercenter::v1::WRITE_RESULT_REFUSED_HOLIDAY, true},
                    Refused{"REFUSED_VALUE", sellercenter::v1::WRITE_RESULT_REFUSED_VALUE, false},
                    Refused{"NOT_LIVE", sellercenter::v1::WRITE_RESULT_NOT_LIVE, false},
                    Refused{"GONE", sellercenter::v1::WRITE_RESULT_GONE, false},
                    Refused{"REFUSED", sellercenter::v1::WRITE_RESULT_REFUSED, true}),
    [](const auto& test) { return std::string(test.param.outcome); });

TEST_P(SendingRefusedTest, IsOfOneListingAndTriedAgainIfThatMakesSense) {
  AddVariants(3);
  Shop& shop = OpenShop("shop", 3);
  simulator::Refusal refusal;
  refusal.set_call("stock");
  refusal.set_id(ListingId(2));
  refusal.set_result(GetParam().result);
  shop.Refuse(refusal);

  SwitchOn("shop");

  EXPECT_TRUE(Eventually([&] { return PushOf("shop", 2).outcome == GetParam().outcome; }))
      << PushOf("shop", 2).outcome;
  EXPECT_TRUE(Eventually([&] { return PushOf("shop", 3).outcome == "APPLIED"; }));
  EXPECT_NE(PushOf("shop", 2).description, "");
  if (GetParam().again) {
    EXPECT_TRUE(Eventually([&] { return PushOf("shop", 2).attempts >= 3; }));
    shop.ClearRefusals();
  } else {
    EXPECT_FALSE(PushOf("shop", 2).due);
    const int sent = TimesSent(shop, 2);
    shop.ClearRefusals();
    SetStock(3, 8);  // something else is sent, and takes as long
    EXPECT_TRUE(Eventually([&] { return TimesSent(shop, 3) == 2; }));
    EXPECT_EQ(TimesSent(shop, 2), sent);
    // Its value changes, or a scan sees it live.
    if (GetParam().result == sellercenter::v1::WRITE_RESULT_REFUSED_VALUE) {
      SetStock(2, 9);
    } else {
      Scan("shop");
    }
  }
  ExpectInStep();
}

TEST_F(SendingTest, ListingIsLeftAloneForAsLongAsTheShopSays) {
  AddVariants(2);
  Shop& shop = OpenShop("shop", 2);
  simulator::Refusal refusal;
  refusal.set_id(ListingId(1));
  refusal.set_result(sellercenter::v1::WRITE_RESULT_RETRY);
  refusal.set_times(1);
  refusal.mutable_retry_after()->set_seconds(2);
  shop.Refuse(refusal);
  SwitchOn("shop");
  ASSERT_TRUE(Eventually([&] { return PushOf("shop", 1).outcome == "RETRYING"; }));
  const std::int64_t due = Number("SELECT due - attempt_time FROM push WHERE outcome = 3");
  EXPECT_GE(due, 2'000'000);
  SetStock(2, 3);
  EXPECT_TRUE(Eventually([&] { return TimesSent(shop, 2) == 2; }));
  EXPECT_EQ(TimesSent(shop, 1), 1);
  ExpectInStep();
}

// An update that makes the shop refuse the whole call, as an adapter with a defect does.
TEST_F(SendingTest, UpdateThatSpoilsItsCallIsFound) {
  AddVariants(40);
  Shop& shop = OpenShop("shop", 40, {.max_stock_updates = 20});
  Execute("UPDATE listing SET item_id = '' WHERE listing_id = '" + ListingId(17) + "'");

  SwitchOn("shop");

  EXPECT_TRUE(Eventually([&] { return PushOf("shop", 17).outcome == "REFUSED"; }));
  EXPECT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM push WHERE outcome = 2") == 39; }));
  Execute("UPDATE listing SET item_id = 'item-9' WHERE listing_id = '" + ListingId(17) + "'");
  ExpectInStep();
  EXPECT_THAT(shop.violations(), testing::Not(testing::IsEmpty()));
  ExpectViolations();
}

}  // namespace
}  // namespace skulink
