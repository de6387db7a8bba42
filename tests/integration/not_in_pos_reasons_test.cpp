// Why listings are not in the POS: each reason, and what a change of the catalogue makes of it.
#include "server/store/not_in_pos_reasons.h"

#include <gmock/gmock.h>

#include <functional>
#include <map>

#include "absl/strings/str_cat.h"
#include "server/store/merchants.h"
#include "server/store/migrations.h"
#include "server/store/rekey.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using enum SkuDifference;
using store::NotInPosExplanation;

class NotInPosReasons : public testing::Test {
 protected:
  void Create(const std::string& product, const std::string& sku, const std::string& barcode = "") {
    const auto created = store::CreateProduct(*database_, "shop",
                                              {.id = product,
                                               .name = "Name " + product,
                                               .variants = {{.id = "v", .sku = sku, .barcode = barcode}}});
    ASSERT_TRUE(created.ok()) << created.status();
  }

  void SetSku(const std::string& product, const std::string& sku, const std::string& barcode = "") {
    const store::ProductChange change{.variants = {{{.id = "v", .sku = sku, .barcode = barcode}}}};
    const auto updated = store::UpdateProduct(*database_, "shop", product, change);
    ASSERT_TRUE(updated.ok()) << updated.status();
  }

  // Adds a live listing, which becomes the only one.
  void List(const std::string& sku, const std::string& gtin = "") {
    store::ListingChanges changes;
    if (listed_) changes.removed = {absl::StrCat(listed_)};
    changes.created.push_back({.listing_id = absl::StrCat(++listed_),
                               .item_id = "i",
                               .name = "N",
                               .seller_sku = sku,
                               .state = ListingState::kLive,
                               .gtin = gtin});
    const absl::Status changed = ChangeListings(*database_, channel_, changes);
    ASSERT_TRUE(changed.ok()) << changed;
  }

  // Of the only listing.
  NotInPosExplanation Why() {
    const auto menu = store::OpenMenu(*database_, "shop", {});
    EXPECT_TRUE(menu.ok()) << menu.status();
    const auto page = store::NotInPos(*database_, *menu, {}, {ListingState::kLive}, true);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok() || page->rows.size() != 1) return {};
    NotInPosExplanation explanation = page->rows[0].explanation;
    const auto summaries = store::SummarizeNotInPos(*database_, "shop", {}, [] { return false; });
    EXPECT_TRUE(summaries.ok()) << summaries.status();
    const std::map<v1::NotInPosReason, std::int64_t> counts = {{explanation.reason, 1}};
    EXPECT_EQ(summaries->at(0).listings, counts);
    return explanation;
  }
  NotInPosExplanation Why(const std::string& sku, const std::string& gtin = "") {
    List(sku, gtin);
    return Why();
  }

  static std::string CandidateOf(const NotInPosExplanation& explanation) {
    if (!explanation.candidate) return "none";
    const NotInPosExplanation::Candidate& candidate = *explanation.candidate;
    return absl::StrCat(candidate.product_id, "/", candidate.variant_id, " ", candidate.product_name, " ",
                        candidate.sku);
  }

  void SetUp() override {
    CreateShop(*database_);
    channel_ = AddChannel(*database_, "c");
  }

  TestDatabase database_;
  int channel_ = 0;
  int listed_ = 0;
};

TEST_F(NotInPosReasons, EachWayInWhichASkuDiffers) {
  Create("p", " AB-1 ");
  for (const auto& [sku, differences] : std::map<std::string, std::vector<SkuDifference>>{
           {"ab-1", {kCase}},
           {"AB -1", {kInnerSpace}},
           {"\ufeffAB-1", {kInvisibleCharacter}},
           {"AB_1", {kDashOrUnderscore}},
           {"AB-001", {kLeadingZero}},
           {"\u0410B-1", {kLookalike}},
           {"ab_01", {kCase, kDashOrUnderscore, kLeadingZero}}}) {
    const NotInPosExplanation why = Why(sku);
    EXPECT_EQ(why.differences, differences) << sku;
    EXPECT_EQ(static_cast<int>(why.reason), static_cast<int>(differences[0])) << sku;
    EXPECT_EQ(CandidateOf(why), "p/v Name p  AB-1 ") << sku;
    EXPECT_EQ(why.other_candidates, 0) << sku;
  }
}

TEST_F(NotInPosReasons, WithoutSkuThereIsNoCandidate) {
  Create("p", "A", "8991234567890");
  Create("blank", "");
  for (const char* sku : {"", " \t"}) {
    const NotInPosExplanation why = Why(sku, "8991234567890");
    EXPECT_EQ(why.reason, v1::NOT_IN_POS_REASON_SKU_EMPTY);
    EXPECT_EQ(CandidateOf(why), "none");
  }
}

TEST_F(NotInPosReasons, TheGtinCountsOnlyWhereNoSkuIsAlike) {
  Create("p", "A-1", "036000291452");
  Create("other", "B-1", "8991234567890");
  const NotInPosExplanation same = Why("X", "0036000291452");
  EXPECT_EQ(same.reason, v1::NOT_IN_POS_REASON_SAME_GTIN);
  EXPECT_EQ(CandidateOf(same), "p/v Name p A-1");
  EXPECT_THAT(same.differences, testing::IsEmpty());

  const NotInPosExplanation alike = Why("a-1", "8991234567890");
  EXPECT_EQ(alike.reason, v1::NOT_IN_POS_REASON_CASE);
  EXPECT_EQ(CandidateOf(alike), "p/v Name p A-1");

  for (const char* gtin : {"", "8991234567891", "12345", "none"}) {
    const NotInPosExplanation none = Why("X", gtin);
    EXPECT_EQ(none.reason, v1::NOT_IN_POS_REASON_NO_CANDIDATE) << gtin;
    EXPECT_EQ(CandidateOf(none), "none") << gtin;
  }
}

TEST_F(NotInPosReasons, AVariantWithoutSkuCanHaveTheGtin) {
  Create("p", "", "8991234567890");
  EXPECT_EQ(CandidateOf(Why("X", "8991234567890")), "p/v Name p ");
}

TEST_F(NotInPosReasons, OfSeveralTheOneWithTheFewestAndEarliestDifferencesIsShown) {
  Create("two", "A_01");
  Create("late", "A--1");
  Create("early", "A- 1");
  const NotInPosExplanation why = Why("A-1");
  EXPECT_EQ(CandidateOf(why), "early/v Name early A- 1");
  EXPECT_EQ(why.other_candidates, 2);

  Create("same but first", "A -1");
  EXPECT_EQ(CandidateOf(Why()), "same but first/v Name same but first A -1");
}

TEST_F(NotInPosReasons, ALooseKeyThatIsEqualByChanceIsNoCandidate) {
  Create("p", "C7");
  EXPECT_EQ(Why("CO7").reason, v1::NOT_IN_POS_REASON_NO_CANDIDATE);
  EXPECT_EQ(Why("C07").reason, v1::NOT_IN_POS_REASON_LEADING_ZERO);
}

TEST_F(NotInPosReasons, CaseIsNoReasonWhereItIsIgnored) {
  Create("p", "Ab-1");
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kIgnore}).ok());
  EXPECT_EQ(Why("aB_1").differences, std::vector{kDashOrUnderscore});
  EXPECT_EQ(CandidateOf(Why()), "p/v Name p Ab-1");
  EXPECT_EQ(Why("\u0430b-1").differences, std::vector{kLookalike});

  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kSensitive}).ok());
  EXPECT_EQ(Why().differences, (std::vector{kCase, kLookalike}));
}

TEST_F(NotInPosReasons, FollowTheCatalogue) {
  List("A-1", "8991234567890");
  EXPECT_EQ(Why().reason, v1::NOT_IN_POS_REASON_NO_CANDIDATE);
  Create("p", "X", "8991234567890");
  EXPECT_EQ(Why().reason, v1::NOT_IN_POS_REASON_SAME_GTIN);
  SetSku("p", "a-1");
  EXPECT_EQ(Why().reason, v1::NOT_IN_POS_REASON_CASE);
  SetSku("p", "A_1");
  EXPECT_EQ(Why().reason, v1::NOT_IN_POS_REASON_DASH_OR_UNDERSCORE);
  ASSERT_TRUE(store::UpdateProduct(*database_, "shop", "p", {.name = "Renamed"}).ok());
  EXPECT_EQ(CandidateOf(Why()), "p/v Renamed A_1");
  SetSku("p", "", "8991234567890");
  EXPECT_EQ(Why().reason, v1::NOT_IN_POS_REASON_SAME_GTIN);
  ASSERT_TRUE(store::DeleteProduct(*database_, "shop", "p", std::nullopt).ok());
  EXPECT_EQ(Why().reason, v1::NOT_IN_POS_REASON_NO_CANDIDATE);
  ExpectVerified(*database_);
}

TEST_F(NotInPosReasons, NeverComeFromAnotherMerchant) {
  CreateShop(*database_, "other");
  const auto created = store::CreateProduct(
      *database_, "other",
      {.id = "p", .name = "N", .variants = {{.id = "v", .sku = "a-1", .barcode = "8991234567890"}}});
  ASSERT_TRUE(created.ok()) << created.status();
  const NotInPosExplanation why = Why("A-1", "8991234567890");
  EXPECT_EQ(why.reason, v1::NOT_IN_POS_REASON_NO_CANDIDATE);
  EXPECT_EQ(CandidateOf(why), "none");
}

// `count` variants whose SKUs differ in dashes and underscores only, all with one barcode.
std::vector<store::ImportRow> AlikeVariants(int count) {
  std::vector<store::ImportRow> rows;
  for (int i = 0; i < count; ++i) {
    std::string sku = "A";
    for (int bit = 0; bit < 14; ++bit) sku += (i >> bit & 1) != 0 ? '_' : '-';
    store::Product product{.id = absl::StrCat("p", i), .name = "N"};
    product.variants.push_back({.id = "v", .sku = sku + "1", .barcode = "8991234567890"});
    rows.push_back({.line = i, .product = std::move(product)});
  }
  return rows;
}

TEST_F(NotInPosReasons, OfVeryManyVariantsTheFirstAreLookedAt) {
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", AlikeVariants(500)).ok());
  const NotInPosExplanation alike = Why("A1");
  EXPECT_EQ(alike.reason, v1::NOT_IN_POS_REASON_DASH_OR_UNDERSCORE);
  EXPECT_EQ(alike.other_candidates, store::kCandidatesOfKey - 1);
  EXPECT_EQ(CandidateOf(alike), "p0/v N A--------------1");
  const NotInPosExplanation same = Why("X", "8991234567890");
  EXPECT_EQ(same.reason, v1::NOT_IN_POS_REASON_SAME_GTIN);
  EXPECT_EQ(same.other_candidates, store::kCandidatesOfKey - 1);
  EXPECT_EQ(CandidateOf(same), "p0/v N A--------------1");
}

TEST_F(NotInPosReasons, ASummaryIsOfTheChannelsAskedForAndTheirLiveListings) {
  Create("p", "A-1");
  const int other = AddChannel(*database_, "d");
  store::ListingChanges changes;
  const auto add = [&](const std::string& sku, ListingState state = ListingState::kLive) {
    const std::string id = absl::StrCat(changes.created.size());
    changes.created.push_back({.listing_id = id, .item_id = id, .seller_sku = sku, .state = state});
  };
  for (int i = 0; i < 2100; ++i) add(absl::StrCat("X", i % 1500));
  for (const char* sku : {"", " ", "A-1", "a-1", "A1"}) add(sku);
  add("A_1", ListingState::kInactive);
  ASSERT_TRUE(ChangeListings(*database_, other, changes).ok());
  List("A 1");

  const auto all = store::SummarizeNotInPos(*database_, "shop", {}, [] { return false; });
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).channel_id, "c");
  EXPECT_EQ(all->at(1).channel_id, "d");
  using Counts = std::map<v1::NotInPosReason, std::int64_t>;
  EXPECT_EQ(all->at(0).listings, (Counts{{v1::NOT_IN_POS_REASON_INNER_SPACE, 1}}));
  EXPECT_EQ(all->at(1).listings, (Counts{{v1::NOT_IN_POS_REASON_SKU_EMPTY, 2},
                                         {v1::NOT_IN_POS_REASON_CASE, 1},
                                         {v1::NOT_IN_POS_REASON_DASH_OR_UNDERSCORE, 1},
                                         {v1::NOT_IN_POS_REASON_NO_CANDIDATE, 2100}}));
  const auto one = store::SummarizeNotInPos(*database_, "shop", {"d"}, [] { return false; });
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->at(0).listings, all->at(1).listings);
}

TEST_F(NotInPosReasons, ASummaryThatNobodyWaitsForEnds) {
  List("A");
  const auto stopped = store::SummarizeNotInPos(*database_, "shop", {}, [] { return true; });
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kCancelled) << stopped.status();
  EXPECT_EQ(ReasonOf(store::SummarizeNotInPos(*database_, "shop", {"x"}, [] { return false; }).status()),
            v1::ERROR_REASON_NOT_FOUND);
}

// A catalogue that was there before variants had these keys.
TEST(ReasonsMigration, TheKeysOfAnOlderCatalogueAreFilledIn) {
  TestDatabase database(TestDatabase::Schema::kEmpty);
  ASSERT_TRUE(store::Migrate(*database, store::BuiltInMigrations().first(3)).ok());
  const auto execute = [&](const std::string& sql) {
    const absl::Status done = database->Transact([&](store::Session& session) { session.Execute(sql); });
    ASSERT_TRUE(done.ok()) << sql << done;
  };
  execute(
      "INSERT INTO merchant (merchant_no, merchant_id, display_name, currency, sku_case, next_product_no, "
      "version, "
      "create_time, update_time) VALUES (1, 'shop', 'S', 'IDR', 0, 3001, 1, 1, 1), (2, 'folded', 'S', 'IDR', "
      "1, 2, "
      "1, 1, 1)");
  execute(
      "INSERT INTO product (merchant_no, product_no, product_id, name, name_key, version, create_time, "
      "update_time) "
      "SELECT 1, seq, CONCAT('p', seq), 'N', 'n', 1, 1, 1 FROM seq_1_to_3000");
  execute("INSERT INTO product VALUES (2, 1, 'p', 'N', 'n', 1, 1, 1)");
  execute(
      "INSERT INTO variant (merchant_no, product_no, variant_no, variant_id, sku, sku_key, barcode, "
      "option_text) "
      "SELECT 1, seq, 1, 'v', IF(seq % 10 = 0, ' ', CONCAT(' Sku-0', seq)), IF(seq % 10 = 0, NULL, "
      "CONCAT('Sku-0', "
      "seq)), IF(seq % 3 = 0, '', 8990000000000 + seq), '' FROM seq_1_to_3000");
  execute(
      "INSERT INTO variant (merchant_no, product_no, variant_no, variant_id, sku, sku_key, barcode, "
      "option_text) "
      "VALUES (2, 1, 1, 'v', 'Ab-1', 'ab-1', '', '')");

  ASSERT_TRUE(store::Migrate(*database).ok());
  EXPECT_EQ(ReasonOf(store::OpenMenu(*database, "shop", {}).status()), v1::ERROR_REASON_REKEYING);
  const absl::Status finished = store::FinishAbandonedRekeying(*database);

  ASSERT_TRUE(finished.ok()) << finished;
  ExpectVerified(*database);
  const auto why = [&](const std::string& merchant, const Listing& listing) {
    const int channel = AddChannel(*database, "c", merchant);
    EXPECT_TRUE(ChangeListings(*database, channel, {.created = {listing}}, nullptr, merchant).ok());
    const auto menu = store::OpenMenu(*database, merchant, {});
    const auto page = store::NotInPos(*database, *menu, {}, {ListingState::kLive}, true);
    EXPECT_EQ(page->rows.size(), 1U);
    return page->rows.at(0).explanation;
  };
  const NotInPosExplanation padded = why(
      "shop", {.listing_id = "l", .item_id = "l", .seller_sku = "SKU_2999", .state = ListingState::kLive});
  EXPECT_EQ(padded.differences, (std::vector{kCase, kDashOrUnderscore, kLeadingZero}));
  EXPECT_EQ(padded.candidate->product_id, "p2999");
  const NotInPosExplanation folded =
      why("folded", {.listing_id = "l", .item_id = "l", .seller_sku = "AB1", .state = ListingState::kLive});
  EXPECT_EQ(folded.differences, std::vector{kDashOrUnderscore});
}

// With one session, so that its counters are those of the calls made here.
class ReasonsPlan : public testing::Test {
 protected:
  // Rows read for a page of so many rows.
  std::int64_t Reads(int rows) {
    const auto menu = store::OpenMenu(*database_, "shop", {});
    EXPECT_TRUE(menu.ok()) << menu.status();
    const std::int64_t first = Counter(), own = Counter() - first, before = Counter();
    const auto page = store::NotInPos(*database_, *menu, {.limit = rows}, {ListingState::kLive}, true);
    const std::int64_t reads = Counter() - before - own;
    EXPECT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->rows.size(), static_cast<std::size_t>(rows));
    return reads;
  }

  void List(int count, const std::function<std::string(int)>& sku) {
    store::ListingChanges changes;
    for (int i = 0; i < count; ++i) {
      const std::string id = absl::StrCat(i);
      changes.created.push_back({.listing_id = id,
                                 .item_id = id,
                                 .seller_sku = sku(i),
                                 .state = ListingState::kLive,
                                 .gtin = "8991234567890"});
    }
    ASSERT_TRUE(ChangeListings(*database_, AddChannel(*database_, "c"), changes).ok());
  }

  TestDatabase database_{TestDatabase::Schema::kMigrated, 1};

 private:
  void SetUp() override { CreateShop(*database_); }

  std::int64_t Counter() {
    std::int64_t sum = 0;
    const absl::Status read = database_->Read([&](store::Session& session) {
      session.Query(
          "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = "
          "'Handler_icp_attempts'",
          {}, [&](const store::Row& row) { sum += row.Int(1); });
    });
    EXPECT_TRUE(read.ok()) << read;
    return sum;
  }
};

TEST_F(ReasonsPlan, AKeyOfVeryManyVariantsIsNotGoneThrough) {
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", AlikeVariants(8000)).ok());
  List(51, [](int i) { return i % 2 == 0 ? "A 1" : absl::StrCat("X", i); });
  EXPECT_LE(Reads(50), 1000);
}

TEST_F(ReasonsPlan, TheLargestPageLooksItsKeysUp) {
  std::vector<store::ImportRow> rows;
  for (int i = 0; i < 20'000; ++i) {
    store::Product product{.id = absl::StrCat("p", i), .name = "N"};
    product.variants.push_back(
        {.id = "v", .sku = absl::StrCat("V-", i), .barcode = absl::StrCat(10'000'000 + i)});
    rows.push_back({.line = i, .product = std::move(product)});
  }
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
  List(1001, [](int i) { return absl::StrCat("v_", i); });
  EXPECT_LE(Reads(1000), 10'000);
}

}  // namespace
}  // namespace skulink
