// Create, update and delete of products, and channels with their numbers.
#include <gmock/gmock.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "server/store/channels.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using store::Channel;
using store::Product;
using store::Variant;
using testing::ElementsAre;

class CatalogueEdit : public testing::Test {
 protected:
  CatalogueEdit() { CreateShop(*database_); }

  Product Create(const std::string& id, std::vector<Variant> variants) {
    auto created =
        store::CreateProduct(*database_, "shop", {.id = id, .name = "Name", .variants = std::move(variants)});
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? *std::move(created) : Product();
  }
  absl::StatusOr<Product> Update(const std::string& id, const store::ProductChange& change) {
    return store::UpdateProduct(*database_, "shop", id, change);
  }
  // Each variant's badges, by variant id.
  std::map<std::string, store::Badges> BadgesOfVariants() {
    std::map<std::string, store::Badges> badges;
    const auto menu = store::OpenMenu(*database_, "shop", {});
    EXPECT_TRUE(menu.ok()) << menu.status();
    const auto page = store::InPos(*database_, *menu, {});
    EXPECT_TRUE(page.ok()) << page.status();
    for (const store::MenuVariant& row : page->rows) badges[row.variant_id] = row.badges;
    return badges;
  }
  void SellOn(int channel, const std::string& sku) {
    const absl::Status changed = ChangeListings(
        *database_, channel,
        {.created = {{.listing_id = sku, .item_id = sku, .seller_sku = sku, .state = ListingState::kLive}}});
    ASSERT_TRUE(changed.ok()) << changed;
  }
  absl::Status DeleteChannel(const std::string& id) {
    return store::DeleteChannel(*database_, "shop", id, std::nullopt, [] { return false; });
  }
  std::int64_t Count(const std::string& sql) {
    std::int64_t count = -1;
    const absl::Status read = database_->Read([&](store::Session& session) {
      session.Query(sql, {}, [&](const store::Row& row) { count = row.Int(0); });
    });
    EXPECT_TRUE(read.ok()) << read;
    return count;
  }

  TestDatabase database_;
};

TEST_F(CatalogueEdit, CreateRefusesAnIdThatIsTakenAndASkuThatIsTakenAndWritesNothing) {
  Create("p", {{.id = "v", .sku = "a"}});
  const auto same_id = store::CreateProduct(*database_, "shop", {.id = "p", .name = "Other"});
  EXPECT_EQ(same_id.status().code(), absl::StatusCode::kAlreadyExists);

  const auto same_sku = store::CreateProduct(
      *database_, "shop",
      {.id = "q", .name = "Q", .variants = {{.id = "v", .sku = "b"}, {.id = "w", .sku = "a "}}});
  EXPECT_EQ(ReasonOf(same_sku.status()), v1::ERROR_REASON_SKU_TAKEN);
  EXPECT_EQ(FieldOf(same_sku.status()), "product.variants[1].sku");
  EXPECT_EQ(MetadataOf(same_sku.status(), "variant"), "merchants/shop/products/p/variants/v");
  EXPECT_EQ(Count("SELECT COUNT(*) FROM product"), 1);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM variant"), 1);
}

TEST_F(CatalogueEdit, AnOldEtagIsRefusedAndChangesNothing) {
  const Product first = Create("p", {{.id = "v", .sku = "a"}});
  const auto second = Update("p", {.name = "Second"});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->version, first.version);

  const auto stale = Update("p", {.name = "Third", .version = first.version});
  EXPECT_EQ(ReasonOf(stale.status()), v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(ReasonOf(store::DeleteProduct(*database_, "shop", "p", first.version)),
            v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(store::GetProduct(*database_, "shop", "p")->name, "Second");
  EXPECT_TRUE(store::DeleteProduct(*database_, "shop", "p", second->version).ok());
}

TEST_F(CatalogueEdit, AnUpdateThatChangesNothingKeepsTheEtag) {
  const Product first = Create("p", {{.id = "v", .sku = "a"}});
  const auto same = Update("p", {.name = first.name, .variants = first.variants});
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->version, first.version);
  EXPECT_EQ(same->update_time, first.update_time);
}

TEST_F(CatalogueEdit, VariantsOfOneProductMayTradeTheirSkusAndTheBadgesGoWithThem) {
  Create("p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}, {.id = "v3", .sku = "c"}});
  const int one = AddChannel(*database_, "one"), two = AddChannel(*database_, "two");
  SellOn(one, "a");
  SellOn(two, "b");

  const auto traded = Update(
      "p", {.variants = {{{.id = "v1", .sku = "b"}, {.id = "v2", .sku = "c"}, {.id = "v3", .sku = "a"}}}});

  ASSERT_TRUE(traded.ok()) << traded.status();
  EXPECT_EQ(BadgesOfVariants(), (std::map<std::string, store::Badges>{
                                    {"v1", store::BadgeOf(two)}, {"v2", 0}, {"v3", store::BadgeOf(one)}}));
  ExpectVerified(*database_);
}

TEST_F(CatalogueEdit, AVariantReplacedByAnotherOfTheSameSkuHandsOverItsBadges) {
  Create("p", {{.id = "old", .sku = "a"}});
  SellOn(AddChannel(*database_, "one"), "a");
  ASSERT_TRUE(Update("p", {.variants = {{{.id = "new", .sku = " a"}}}}).ok());
  EXPECT_EQ(BadgesOfVariants(), (std::map<std::string, store::Badges>{{"new", 1}}));
  ExpectVerified(*database_);
}

TEST_F(CatalogueEdit, AnUpdateThatIsRefusedLeavesTheProductAsItWas) {
  Create("other", {{.id = "v", .sku = "x"}});
  const Product before = Create("p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}});
  const auto refused =
      Update("p", {.name = "New", .variants = {{{.id = "v1", .sku = "b"}, {.id = "v3", .sku = "x"}}}});
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_SKU_TAKEN);
  EXPECT_EQ(FieldOf(refused.status()), "product.variants[1].sku");
  const auto after = store::GetProduct(*database_, "shop", "p");
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->name, before.name);
  EXPECT_EQ(after->variants, before.variants);
}

TEST_F(CatalogueEdit, ADeletedProductLeavesItsListingsNotInPos) {
  Create("p", {{.id = "v", .sku = "a"}});
  SellOn(AddChannel(*database_, "one"), "a");
  ASSERT_TRUE(store::DeleteProduct(*database_, "shop", "p", std::nullopt).ok());
  const auto statistics = store::ChannelStatistics(*database_, "shop", {});
  ASSERT_TRUE(statistics.ok());
  EXPECT_EQ(statistics->at(0).not_in_pos_skus, 1);
  EXPECT_EQ(statistics->at(0).sold_skus, 0);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM variant"), 0);
  ExpectVerified(*database_);
}

TEST_F(CatalogueEdit, ThereAreSixtyChannelsAndANumberIsGivenAgainWhenItsChannelIsGone) {
  Create("p", {{.id = "v", .sku = "a"}});
  for (int i = 0; i < store::kMaxChannels; ++i) EXPECT_EQ(AddChannel(*database_, absl::StrCat("c", i)), i);
  SellOn(59, "a");
  SellOn(17, "a");
  EXPECT_EQ(BadgesOfVariants()["v"], store::BadgeOf(59) | store::BadgeOf(17));
  const auto refused =
      store::CreateChannel(*database_, "shop", {.id = "more", .display_name = "More", .endpoint = "x"});
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_TOO_MANY_CHANNELS);

  ASSERT_TRUE(DeleteChannel("c17").ok());

  EXPECT_EQ(AddChannel(*database_, "more"), 17);
  EXPECT_EQ(BadgesOfVariants()["v"], store::BadgeOf(59));
  ExpectVerified(*database_);
}

TEST_F(CatalogueEdit, AChannelOfManyListingsGoesInPartsAndCanBeStoppedBetweenThem) {
  const int channel = AddChannel(*database_, "c");
  for (int part = 0; part < 3; ++part) {
    store::ListingChanges changes;
    for (int i = 0; i < 1500; ++i) {
      const std::string id = absl::StrCat(part, "-", i);
      changes.created.push_back(
          {.listing_id = id, .item_id = id, .seller_sku = absl::StrCat(i), .state = ListingState::kLive});
    }
    ASSERT_TRUE(ChangeListings(*database_, channel, changes).ok());
  }
  int asked = 0;
  const absl::Status stopped =
      store::DeleteChannel(*database_, "shop", "c", std::nullopt, [&] { return ++asked == 3; });
  EXPECT_EQ(stopped.code(), absl::StatusCode::kCancelled);
  const std::int64_t left = Count("SELECT COUNT(*) FROM listing");
  EXPECT_GT(left, 0);
  EXPECT_LT(left, 4500);
  ExpectVerified(*database_);

  ASSERT_TRUE(DeleteChannel("c").ok());
  for (const char* table : {"listing", "multiple_listing", "channel_count", "channel"}) {
    EXPECT_EQ(Count(absl::StrCat("SELECT COUNT(*) FROM ", table)), 0) << table;
  }
  EXPECT_EQ(ReasonOf(DeleteChannel("c")), v1::ERROR_REASON_NOT_FOUND);
}

// A channel that was scanned every day has more rows of jobs than a transaction may hold.
TEST_F(CatalogueEdit, AChannelOfManyJobItemsGoesInTransactionsOfBoundedSize) {
  AddChannel(*database_, "c");
  const absl::Status planted = database_->Transact([](store::Session& session) {
    session.Execute(
        "INSERT INTO job (merchant_no, job_id, channel_no, state, scan_mode, revision, progress, "
        "create_time) "
        "SELECT merchant_no, CONCAT('j', seq), 0, 3, 1, 1, '', 0 FROM merchant JOIN seq_1_to_3 "
        "WHERE merchant_id = 'shop'");
    session.Execute(
        "INSERT INTO job_item (merchant_no, job_id, item_no, listing_id, item_id, outcome, reason, field, "
        "description) SELECT merchant_no, job_id, seq, '', '', 1, 1, '', '' FROM job JOIN seq_1_to_5000");
    session.Execute(
        "INSERT INTO scan_page SELECT merchant_no, job_id, seq, '', '' FROM job JOIN seq_1_to_3000");
  });
  ASSERT_TRUE(planted.ok()) << planted;

  int transactions = 0;
  ASSERT_TRUE(
      store::DeleteChannel(*database_, "shop", "c", std::nullopt, [&] { return ++transactions < 0; }).ok());

  EXPECT_GE(transactions, 3);
  for (const char* table : {"job", "job_item", "scan_page", "channel"}) {
    EXPECT_EQ(Count(absl::StrCat("SELECT COUNT(*) FROM ", table)), 0) << table;
  }
}

}  // namespace
}  // namespace skulink
