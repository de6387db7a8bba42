// Which values are planned to be sent, after every kind of change.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/errors.h"
#include "server/store/jobs.h"
#include "server/store/merchants.h"
#include "server/store/products.h"
#include "tests/integration/push_fixture.h"

namespace skulink {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PushPlanning : public PushFixture {};

TEST_F(PushPlanning, AnImportPlansTheStockForEachLiveListingOfTheSku) {
  const int web = Channel("web"), other = Channel("other"), off = Channel("off", {});
  for (const int channel : {web, other, off}) {
    Scan(channel, {.created = {Live("a", "S"), Live("b", " S "), Live("c", "else")}});
  }
  Put("p", "S", 5);
  for (const int channel : {web, other}) {
    EXPECT_THAT(Pushes(channel), ElementsAre("a stock 5 PENDING due", "b stock 5 PENDING due"));
  }
  EXPECT_THAT(Pushes(off), IsEmpty());
  ExpectVerified(*database_);

  EXPECT_THAT(Send(web), ElementsAre("a 5", "b 5"));
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 5 APPLIED", "b stock 5 APPLIED"));
  EXPECT_EQ(ListedStock(web, "a"), 5);

  Put("p", "S", 5);
  EXPECT_THAT(Due(web), IsEmpty()) << "the same again";
  Put("p", "S", 6);
  Put("p", "S", 7);
  EXPECT_THAT(Send(web), ElementsAre("a 7", "b 7")) << "the newest alone";
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, TheRuleIsComputedWithoutOverflow) {
  struct Case {
    std::int64_t stock;
    store::StockSync rule;
    std::int64_t quantity;
  };
  constexpr std::int64_t kMost = 1'000'000'000'000;
  const std::vector<Case> cases = {
      {7, {.enabled = true}, 7},
      {7, {.enabled = true, .percentage = 50}, 3},
      {7, {.enabled = true, .percentage = 1000}, 70},
      {7, {.enabled = true, .percentage = 50, .buffer = 1}, 2},
      {7, {.enabled = true, .percentage = 50, .buffer = 4}, 0},
      {7, {.enabled = true, .maximum = 5}, 5},
      {7, {.enabled = true, .maximum = 0}, 0},
      {0, {.enabled = true, .percentage = 1000}, 0},
      {kMost, {.enabled = true, .percentage = 1000}, kMost},
      {kMost, {.enabled = true, .percentage = 1000, .buffer = kMost, .maximum = kMost}, kMost},
      {199, {.enabled = true, .percentage = 1}, 1},
      {99, {.enabled = true, .percentage = 1}, 0},
  };
  std::vector<int> channels;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    channels.push_back(Channel(absl::StrCat("c", i), cases[i].rule));
    Scan(channels.back(), {.created = {Live("l", absl::StrCat("S", i))}});
    Put(absl::StrCat("p", i), absl::StrCat("S", i), cases[i].stock);
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_THAT(Pushes(channels[i]),
                ElementsAre(absl::StrCat("l stock ", cases[i].quantity, " PENDING due")));
  }
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, UpdatesAndDeletionsOfProductsPlanAndDrop) {
  const int web = Channel("web", {.enabled = true}, /*price_sync=*/true);
  Scan(web, {.created = {Live("a", "S"), Live("b", "T")}});
  ASSERT_TRUE(
      store::CreateProduct(*database_, "shop",
                           {.id = "p",
                            .name = "P",
                            .variants = {{.id = "v", .sku = "S", .price = Money{100, "IDR"}, .stock = 1}}})
          .ok());
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 1 PENDING due", "a price 100 PENDING due"));
  const auto update = [&](store::Variant variant) {
    const auto updated = store::UpdateProduct(*database_, "shop", "p", {.variants = {{std::move(variant)}}});
    EXPECT_TRUE(updated.ok()) << updated.status();
    ExpectVerified(*database_);
  };
  update({.id = "v", .sku = "S", .price = Money{100, "USD"}, .stock = 1});
  EXPECT_EQ(Due(web, v1::PUSH_KIND_PRICE).at(0).currency, "USD");
  update({.id = "v", .sku = "S", .price = Money{100, "USD"}});
  EXPECT_THAT(Pushes(web), ElementsAre("a price 100 PENDING due")) << "the stock is not known any more";
  update({.id = "v", .sku = "S", .stock = 3});
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 3 PENDING due"));
  update({.id = "v", .sku = "T", .stock = 3});
  EXPECT_THAT(Pushes(web), ElementsAre("b stock 3 PENDING due")) << "another SKU";
  update({.id = "w", .sku = "T", .stock = 4});
  EXPECT_THAT(Pushes(web), ElementsAre("b stock 4 PENDING due")) << "another variant with the SKU";
  ASSERT_TRUE(store::DeleteProduct(*database_, "shop", "p", std::nullopt).ok());
  EXPECT_THAT(Pushes(web), IsEmpty());
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, SkusThatChangePlacesTakeTheirPushesAlong) {
  const int web = Channel("web"), off = Channel("off");
  for (const int channel : {web, off}) Scan(channel, {.created = {Live("a", "A"), Live("b", "B")}});
  const auto product = [](std::string first, std::string second) {
    return store::Product{
        .id = "p",
        .name = "P",
        .variants = {{.id = "1", .sku = first, .stock = 1}, {.id = "2", .sku = second, .stock = 2}}};
  };
  ASSERT_TRUE(store::CreateProduct(*database_, "shop", product("A", "B")).ok());
  Sync("off", {});
  ASSERT_TRUE(store::UpdateProduct(*database_, "shop", "p", {.variants = product("B", "A").variants}).ok());
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 2 PENDING due", "b stock 1 PENDING due"));
  EXPECT_THAT(Pushes(off), IsEmpty()) << "they are of other variants";
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, AScanPlansListingsThatBecomeMatchedAndDropsThoseThatLeave) {
  const int web = Channel("web");
  Put("p", "S", 5);
  Put("q", "T", 6);
  Put("r", "U", std::nullopt);
  Scan(web, {.created = {Live("a", "S"), Live("b", "S", 5), Live("c", "S", 4), Live("d", "none"),
                         Live("e", "U")}});
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 5 PENDING due", "b stock 5 APPLIED", "c stock 5 PENDING due"))
      << "b has it already";
  Send(web);

  Scan(web, {.updated = {Live("a", "T", 5)}});
  EXPECT_THAT(Send(web), ElementsAre("a 6")) << "renamed at the Seller Center";
  Scan(web, {.updated = {Live("a", "U", 6)}});
  EXPECT_THAT(Pushes(web), ElementsAre("b stock 5 APPLIED", "c stock 5 APPLIED"))
      << "renamed to one without stock";
  Listing inactive = Live("b", "S", 5);
  inactive.state = ListingState::kInactive;
  Scan(web, {.updated = {inactive}, .removed = {"c"}});
  EXPECT_THAT(Pushes(web), IsEmpty());
  Scan(web, {.updated = {Live("b", "S", 0)}});
  EXPECT_THAT(Send(web), ElementsAre("b 5")) << "live again";
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, AScanThatFindsAnotherQuantityThanWasAppliedSendsItAgain) {
  const int web = Channel("web");
  Put("p", "S", 5);
  Scan(web, {.created = {Live("a", "S", 1)}});
  Send(web);
  Scan(web, {.updated = {Live("a", "S", 5)}});
  EXPECT_THAT(Due(web), IsEmpty());
  Scan(web, {.updated = {Live("a", "S", 3)}});
  EXPECT_THAT(Send(web), ElementsAre("a 5"));
  Listing silent = Live("a", "S");
  Scan(web, {.updated = {silent}});
  EXPECT_THAT(Due(web), IsEmpty()) << "not said is not zero";
}

TEST_F(PushPlanning, SwitchingOnAndAChangedRulePlanAllInSteps) {
  const int web = Channel("web", {});
  constexpr int kListings = 6'000;
  std::vector<store::ImportRow> rows;
  store::ListingChanges changes;
  for (int i = 0; i < kListings; ++i) {
    const std::string sku = absl::StrFormat("S%05d", i);
    if (i % 2 == 0) {
      rows.push_back(
          {.line = i,
           .product = {.id = sku, .name = sku, .variants = {{.id = "v", .sku = sku, .stock = i}}}});
    }
    changes.created.push_back(Live(sku, sku));
    if (changes.created.size() < 3000) continue;
    Scan(web, changes);
    changes.created.clear();
  }
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
  EXPECT_THAT(Pushes(web), IsEmpty());

  Sync("web", {.enabled = true});
  EXPECT_EQ(PlanAll(web), 3);
  EXPECT_EQ(Pushes(web).size(), kListings / 2);
  EXPECT_EQ(Pushes(web).at(5), "S00010 stock 10 PENDING due");
  ExpectVerified(*database_);
  EXPECT_EQ(Send(web).size(), kListings / 2);

  Sync("web", {.enabled = true});
  EXPECT_EQ(PlanAll(web), 1) << "nothing changed";
  Sync("web", {.enabled = true, .maximum = 100});
  Put("S00102", "S00102", 7);
  ExpectVerified(*database_);
  PlanAll(web);
  EXPECT_EQ(Pushes(web).at(51), "S00102 stock 7 PENDING due");
  EXPECT_EQ(Send(web).size(), kListings / 2 - 51) << "those above 100";

  Sync("web", {});
  Put("S00104", "S00104", 7);
  EXPECT_THAT(Due(web), IsEmpty()) << "switched off";
  Sync("web", {.enabled = true, .maximum = 100});
  PlanAll(web);
  EXPECT_THAT(Send(web), ElementsAre("S00104 7")) << "what changed meanwhile";
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, SwitchingOnSendsAllThatIsNotKnownToBeThere) {
  const int web = Channel("web", {.enabled = true}, /*price_sync=*/true);
  Put("p", "S", 5, 100);
  Put("q", "T", 6, 100);
  Scan(web, {.created = {Live("a", "S"), Live("b", "T")}});
  Send(web);
  Send(web, v1::PUSH_KIND_PRICE);
  // The Seller Center tells no prices, and of `a` no stock.
  Scan(web, {.updated = {Live("a", "S"), Live("b", "T", 6)}});
  PlanAll(web);
  EXPECT_THAT(Due(web), IsEmpty()) << "not said is not another one";

  Sync("web", {}, /*price_sync=*/true);
  Sync("web", {.enabled = true}, /*price_sync=*/true);
  ExpectVerified(*database_);
  PlanAll(web);

  EXPECT_THAT(Pushes(web), ElementsAre("a stock 5 PENDING due", "a price 100 APPLIED", "b stock 6 APPLIED",
                                       "b price 100 APPLIED"));
  EXPECT_THAT(Send(web), ElementsAre("a 5"));
  ExpectVerified(*database_);

  Sync("web", {.enabled = true});
  Sync("web", {.enabled = true}, /*price_sync=*/true);
  PlanAll(web);
  EXPECT_THAT(Send(web, v1::PUSH_KIND_PRICE), ElementsAre("a 100", "b 100"));
  EXPECT_THAT(Due(web), IsEmpty());

  // Once it is over, it is as before.
  Scan(web, {.updated = {Live("a", "S"), Live("b", "T")}});
  Sync("web", {.enabled = true, .maximum = 100}, /*price_sync=*/true);
  PlanAll(web);
  EXPECT_THAT(Due(web), IsEmpty()) << "only the rule is another one";
  EXPECT_THAT(Due(web, v1::PUSH_KIND_PRICE), IsEmpty());
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, MoreThanATransactionTakesIsLeftToThePlanOfAll) {
  const int web = Channel("web");
  constexpr int kTwins = store::PushPlanner::kRowsAtOnce + 500;
  store::ListingChanges changes;
  for (int i = 0; i < kTwins; ++i) {
    changes.created.push_back(Live(absl::StrFormat("%05d", i), "S"));
    if (changes.created.size() < 3000 && i + 1 < kTwins) continue;
    Scan(web, changes);
    changes.created.clear();
  }
  Put("p", "S", 5);
  EXPECT_EQ(Pushes(web).size(), store::PushPlanner::kRowsAtOnce);
  ExpectVerified(*database_);
  PlanAll(web);
  EXPECT_EQ(Pushes(web).size(), kTwins);
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, ThePlanOfAllComesToItsEndWhileLargeChangesGoOn) {
  const int web = Channel("web");
  constexpr int kTwins = store::PushPlanner::kRowsAtOnce + 500;
  const auto scan = [&](const char* format, int count, const std::string& sku) {
    store::ListingChanges changes;
    for (int i = 0; i < count; ++i) {
      changes.created.push_back(Live(absl::StrFormat(format, i), sku));
      if (changes.created.size() < 3000 && i + 1 < count) continue;
      Scan(web, changes);
      changes.created.clear();
    }
  };
  scan("%05d", kTwins, "S");
  scan("z%d", 1, "T");
  Sync("web", {});
  Put("q", "T", 1);
  Sync("web", {.enabled = true});
  for (int stock = 1; stock <= 4; ++stock) {
    Put("p", "S", stock);
    ExpectVerified(*database_);
    EXPECT_FALSE(*store::PlanSomeOfAll(*database_, Own(web)));
    ExpectVerified(*database_);
  }
  EXPECT_EQ(Pushes(web).size(), kTwins + 1) << "the listing of T, too";
  EXPECT_LE(PlanAll(web), 3) << "and once more, for the twins that a change had left";
  ExpectVerified(*database_);
  EXPECT_EQ(Pushes(web).at(kTwins - 1), "06499 stock 4 PENDING due");
}

TEST_F(PushPlanning, IgnoringCaseMatchesAndPlans) {
  const int web = Channel("web");
  Put("p", "sku", 5);
  Scan(web, {.created = {Live("a", "sku"), Live("b", "SKU")}});
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kIgnore}).ok());
  PlanAll(web);
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 5 PENDING due", "b stock 5 PENDING due"));
  ExpectVerified(*database_);
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kSensitive}).ok());
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 5 PENDING due"));
  PlanAll(web);
  ExpectVerified(*database_);
}

TEST_F(PushPlanning, AChannelThatIsBeingRemovedIsLeftAlone) {
  const int web = Channel("web");
  Put("p", "S", 5);
  Scan(web, {.created = {Live("a", "S")}});
  int steps = 0;
  const absl::Status stopped =
      store::DeleteChannel(*database_, "shop", "web", std::nullopt, [&] { return ++steps > 1; });
  EXPECT_TRUE(absl::IsCancelled(stopped));
  EXPECT_THAT(Due(web), IsEmpty());
  Put("p", "S", 6);
  EXPECT_THAT(Pushes(web), ElementsAre("a stock 5 PENDING due"));
  EXPECT_EQ(ReasonOf(store::UpdateChannel(*database_, "shop", "web", {.price_sync = true}).status()),
            v1::ERROR_REASON_CHANNEL_REMOVED);
  EXPECT_EQ(
      ReasonOf(store::CreateJob(*database_, {.channel = {"shop", "web"}, .scan_mode = v1::SCAN_MODE_FULL})
                   .status()),
      v1::ERROR_REASON_CHANNEL_REMOVED);
  ASSERT_TRUE(store::DeleteChannel(*database_, "shop", "web", std::nullopt, [] { return false; }).ok());
  EXPECT_THAT(Pushes(web), IsEmpty());
  ExpectVerified(*database_);
}

}  // namespace
}  // namespace skulink
