// What the store makes of the answers of a Seller Center, in whatever order they come.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "server/store/merchants.h"
#include "server/store/products.h"
#include "server/store/verify.h"
#include "tests/integration/push_fixture.h"

namespace skulink {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PushAnswers : public PushFixture {
 protected:
  PushAnswers() : web_(Channel("web", {.enabled = true}, /*price_sync=*/true)) {
    Put("p", "S", 5);
    Scan(web_, {.created = {Live("a", "S", 1)}});
  }
  store::DuePush Taken() {
    const std::vector<store::DuePush> due = Due(web_);
    EXPECT_EQ(due.size(), 1);
    return due.at(0);
  }
  // What is due, in order.
  std::vector<std::string> Waiting() {
    std::vector<std::string> waiting;
    for (const store::DuePush& push : Due(web_)) {
      waiting.push_back(absl::StrCat(push.listing_id, " ", push.quantity));
    }
    return waiting;
  }
  store::PushAnswer Applied(const store::DuePush& push) {
    return {.push = push, .outcome = v1::PUSH_OUTCOME_APPLIED};
  }

  const int web_;
};

TEST_F(PushAnswers, OneThatIsToBeTriedAgainWaitsForItsTime) {
  const store::DuePush push = Taken();
  Answer(web_, {{.push = push,
                 .outcome = v1::PUSH_OUTCOME_REFUSED_CAMPAIGN,
                 .description = std::string(2000, 'x'),
                 .again_after = absl::Hours(1)}});
  EXPECT_THAT(Pushes(web_), ElementsAre("a stock 5 REFUSED_CAMPAIGN due"));
  EXPECT_THAT(Due(web_), IsEmpty());
  Answer(web_, {{.push = push, .outcome = v1::PUSH_OUTCOME_RETRYING, .again_after = absl::ZeroDuration()}});
  EXPECT_EQ(Taken().attempts, 1);
  Answer(web_, {{.push = Taken(), .outcome = v1::PUSH_OUTCOME_REFUSED_VALUE}});
  EXPECT_THAT(Pushes(web_), ElementsAre("a stock 5 REFUSED_VALUE"));
  Put("p", "S", 6);
  EXPECT_EQ(Taken().attempts, 0) << "another value";
}

TEST_F(PushAnswers, AnOlderValueThatIsAppliedLeavesTheNewerOneDue) {
  const store::DuePush older = Taken();
  Put("p", "S", 7);
  Answer(web_, {Applied(older)});
  EXPECT_EQ(ListedStock(web_, "a"), 5);
  EXPECT_THAT(Send(web_), ElementsAre("a 7"));
  EXPECT_EQ(ListedStock(web_, "a"), 7);
  ExpectVerified(*database_);
}

TEST_F(PushAnswers, AnOlderValueThatComesLastIsCorrected) {
  const store::DuePush older = Taken();
  Put("p", "S", 7);
  EXPECT_THAT(Send(web_), ElementsAre("a 7"));
  Answer(web_, {Applied(older)});
  EXPECT_THAT(Send(web_), ElementsAre("a 7"));
  ExpectVerified(*database_);
}

TEST_F(PushAnswers, ARefusalOfAnOlderValueIsNobodysBusiness) {
  const store::DuePush older = Taken();
  Put("p", "S", 7);
  Answer(web_,
         {{.push = older, .outcome = v1::PUSH_OUTCOME_REFUSED_RESERVED, .again_after = absl::Hours(1)}});
  EXPECT_THAT(Send(web_), ElementsAre("a 7"));
}

TEST_F(PushAnswers, AValueThatIsAppliedAfterItsRowWentIsFoundByTheNextScan) {
  const store::DuePush older = Taken();
  ASSERT_TRUE(store::DeleteProduct(*database_, "shop", "p", std::nullopt).ok());
  Answer(web_, {Applied(older)});
  EXPECT_EQ(ListedStock(web_, "a"), std::nullopt);
  Put("p", "S", 1);
  EXPECT_THAT(Send(web_), ElementsAre("a 1")) << "though the scan had seen 1";
  ExpectVerified(*database_);
}

// A SKU that sells more often than the queue drains would never be sent otherwise.
TEST_F(PushAnswers, AValueThatWaitsIsReplacedInItsPlace) {
  Put("q", "T", 1);
  Scan(web_, {.created = {Live("b", "T")}});
  Put("p", "S", 6);
  EXPECT_THAT(Waiting(), ElementsAre("a 6", "b 1"));
}

// Nor may such SKUs be all that is sent.
TEST_F(PushAnswers, AValueThatReplacedOneThatWasSentComesAfterThoseThatWait) {
  const store::DuePush older = Taken();
  Put("q", "T", 1);
  Scan(web_, {.created = {Live("b", "T")}});
  Put("p", "S", 6);
  Answer(web_, {{.push = older, .outcome = v1::PUSH_OUTCOME_RETRYING, .again_after = absl::Hours(1)}});
  EXPECT_THAT(Waiting(), ElementsAre("b 1", "a 6"));
}

TEST_F(PushAnswers, ANewerValueDoesNotWaitForTheTimeOfTheOneBefore) {
  Answer(web_,
         {{.push = Taken(), .outcome = v1::PUSH_OUTCOME_REFUSED_CAMPAIGN, .again_after = absl::Hours(1)}});
  Put("p", "S", 6);
  EXPECT_THAT(Waiting(), ElementsAre("a 6"));
}

// The Seller Center may have what was sent, though the answer was lost, or the server died before it came.
class PushWithoutAnswer : public PushAnswers {
 protected:
  // The listing has 1, and 5 was sent.
  PushWithoutAnswer() { sent_ = Taken(); }
  void AnswerIsLost() {
    Answer(web_, {{.push = sent_, .outcome = v1::PUSH_OUTCOME_RETRYING, .again_after = absl::Hours(1)}});
  }
  void ExpectSentThough1WasKnown() {
    EXPECT_THAT(Send(web_), ElementsAre("a 1"));
    ExpectVerified(*database_);
  }

  store::DuePush sent_;
};

TEST_F(PushWithoutAnswer, StockThatIsClearedAndComesBackIsSent) {
  AnswerIsLost();
  Put("p", "S", std::nullopt);
  EXPECT_THAT(Pushes(web_), IsEmpty());
  Put("p", "S", 1);
  ExpectSentThough1WasKnown();
}

TEST_F(PushWithoutAnswer, StockOfAProductThatIsDeletedAndMadeAgainIsSent) {
  ASSERT_TRUE(store::DeleteProduct(*database_, "shop", "p", std::nullopt).ok());
  Put("p", "S", 1);
  ExpectSentThough1WasKnown();
}

TEST_F(PushWithoutAnswer, StockOfASkuThatIsGivenAwayAndComesBackIsSent) {
  Put("p", "T", 1);
  Put("p", "S", 1);
  ExpectSentThough1WasKnown();
}

TEST_F(PushWithoutAnswer, StockOfASkuThatMatchesAgainIsSent) {
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kIgnore}).ok());
  Scan(web_, {.updated = {Live("a", "s", 1)}});
  const std::vector<store::DuePush> due = Due(web_);
  ASSERT_EQ(due.size(), 1);
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kSensitive}).ok());
  PlanAll(web_);
  EXPECT_THAT(Pushes(web_), IsEmpty());
  Put("p", "S", 1);
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kIgnore}).ok());
  PlanAll(web_);
  ExpectSentThough1WasKnown();
}

TEST_F(PushWithoutAnswer, AnswerThatIsLostAfterTheRowWentIsNoBetter) {
  Put("p", "S", std::nullopt);
  Scan(web_, {.updated = {Live("a", "S", 1)}});
  AnswerIsLost();
  Put("p", "S", 1);
  ExpectSentThough1WasKnown();
}

TEST_F(PushWithoutAnswer, AnswerThatIsLostAfterTheRowCameBackIsNoBetter) {
  Put("p", "S", std::nullopt);
  Scan(web_, {.updated = {Live("a", "S", 1)}});
  Put("p", "S", 1);
  EXPECT_THAT(Pushes(web_), ElementsAre("a stock 1 APPLIED"));
  AnswerIsLost();
  ExpectSentThough1WasKnown();
}

TEST_F(PushWithoutAnswer, ScanClearsTheDoubt) {
  AnswerIsLost();
  Put("p", "S", std::nullopt);
  Scan(web_, {.updated = {Live("a", "S", 1)}});
  Put("p", "S", 1);
  EXPECT_THAT(Pushes(web_), ElementsAre("a stock 1 APPLIED"));
}

TEST_F(PushAnswers, OneThatIsNotLiveOrGoneIsSentWhenAScanSeesItLive) {
  for (const v1::PushOutcome outcome : {v1::PUSH_OUTCOME_NOT_LIVE, v1::PUSH_OUTCOME_GONE}) {
    Answer(web_, {{.push = Taken(), .outcome = outcome}});
    EXPECT_THAT(Due(web_), IsEmpty());
    EXPECT_EQ(ListedStock(web_, "a"), std::nullopt) << "so that the scan finds it changed";
    Scan(web_, {.updated = {Live("a", "S", 1)}});
  }
  EXPECT_THAT(Send(web_), ElementsAre("a 5"));
}

TEST_F(PushAnswers, StockAndPriceOfAListingGoTheirOwnWays) {
  Put("p", "S", 5, 70'000);
  EXPECT_EQ(Due(web_, v1::PUSH_KIND_PRICE).at(0).quantity, 70'000);
  std::vector<store::PushAnswer> both = {Applied(Taken()), Applied(Due(web_, v1::PUSH_KIND_PRICE).at(0))};
  Answer(web_, both);
  EXPECT_THAT(Pushes(web_), ElementsAre("a stock 5 APPLIED", "a price 70000 APPLIED"));
  Put("p", "S", 5, 80'000);
  EXPECT_THAT(Due(web_), IsEmpty());
  EXPECT_THAT(Send(web_, v1::PUSH_KIND_PRICE), ElementsAre("a 80000"));
  ExpectVerified(*database_);
}

TEST_F(PushAnswers, VerifyFindsThoseThatWouldNeverGoAgain) {
  Answer(web_, {{.push = Taken(), .outcome = v1::PUSH_OUTCOME_REFUSED_CAMPAIGN}});
  const auto report = store::Verify(*database_);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->first_differences, ElementsAre(testing::HasSubstr("REFUSED_CAMPAIGN")));
}

TEST_F(PushAnswers, AServerThatLostTheChannelWritesNothing) {
  const std::vector<store::PushAnswer> answers = {Applied(Taken())};
  store::ChannelTraffic traffic = Own(web_);
  traffic.fence = 0;
  EXPECT_TRUE(absl::IsAborted(store::SavePushAnswers(*database_, traffic, answers)));
  EXPECT_TRUE(absl::IsAborted(store::PlanSomeOfAll(*database_, traffic).status()));
  EXPECT_EQ(ListedStock(web_, "a"), 1);
}

}  // namespace
}  // namespace skulink
