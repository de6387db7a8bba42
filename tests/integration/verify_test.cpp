// Verify finds whatever is not as the rules say, and nothing else.
#include "server/store/verify.h"

#include <gmock/gmock.h>

#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

struct Damage {
  std::string name, sql;
};

class VerifyDamage : public testing::TestWithParam<Damage> {};

// Two products; `a` is live twice on c1, once on c2; `b` is nowhere; a listing of c1 is of no variant.
void Fill(store::Database& database) {
  CreateShop(database);
  const auto product = [&](const std::string& sku) {
    const auto created = store::CreateProduct(
        database, "shop", {.id = sku, .name = "Name " + sku, .variants = {{.id = "v", .sku = sku}}});
    ASSERT_TRUE(created.ok()) << created.status();
  };
  product("a");
  product("b");
  const auto live = [](const std::string& id, const std::string& sku) {
    return Listing{
        .listing_id = id, .item_id = "i", .name = "N", .seller_sku = sku, .state = ListingState::kLive};
  };
  const int c1 = AddChannel(database, "c1"), c2 = AddChannel(database, "c2");
  ASSERT_TRUE(
      ChangeListings(database, c1, {.created = {live("1", "a"), live("2", "a"), live("3", "x")}}).ok());
  ASSERT_TRUE(ChangeListings(database, c2, {.created = {live("1", "a")}}).ok());
}

TEST_P(VerifyDamage, IsFound) {
  TestDatabase database;
  Fill(*database);
  ExpectVerified(*database);
  const absl::Status damaged = database->Transact([](store::Session& session) {
    EXPECT_GT(session.Execute(GetParam().sql), 0) << "nothing was damaged";
  });
  ASSERT_TRUE(damaged.ok()) << damaged;

  const auto report = store::Verify(*database);

  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->differences, 0);
  ASSERT_FALSE(report->first_differences.empty());
  EXPECT_THAT(report->first_differences[0], testing::StartsWith("merchants/shop: "));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, VerifyDamage,
    testing::Values(
        Damage{"BadgesLost", "UPDATE variant SET badges = badges & ~1 WHERE sku = 'a'"},
        Damage{"BadgesTooMany", "UPDATE variant SET badges = 1 WHERE sku = 'b'"},
        Damage{"InPosLost", "UPDATE listing SET in_pos = 0 WHERE seller_sku = 'a' LIMIT 1"},
        Damage{"InPosTooMuch", "UPDATE listing SET in_pos = 1 WHERE seller_sku = 'x'"},
        Damage{"CountLive", "UPDATE channel_count SET live = live + 1 LIMIT 1"},
        Damage{"CountState", "UPDATE channel_count SET unknown = 1 LIMIT 1"},
        Damage{"CountNotInPos", "UPDATE channel_count SET not_in_pos = not_in_pos + 1 LIMIT 1"},
        Damage{"CountLiveItems", "UPDATE channel_count SET live_items = live_items + 1 LIMIT 1"},
        Damage{"CountNotInPosItems",
               "UPDATE channel_count SET not_in_pos_items = not_in_pos_items + 1 LIMIT 1"},
        Damage{"CountSoldVariants", "UPDATE channel_count SET sold_variants = 0 LIMIT 1"},
        Damage{"CountSoldProducts", "UPDATE channel_count SET sold_products = 0 LIMIT 1"},
        Damage{"CountMultiple", "UPDATE channel_count SET multiple_listings = 0 LIMIT 1"},
        Damage{"NoCounts", "DELETE FROM channel_count LIMIT 1"},
        Damage{"GroupMissing", "DELETE FROM multiple_listing"},
        Damage{"GroupSize", "UPDATE multiple_listing SET listings = 3"},
        Damage{"GroupTooMany",
               "INSERT INTO multiple_listing SELECT merchant_no, 1, 'a', 2 FROM merchant WHERE merchant_id = "
               "'shop'"},
        Damage{"VariantKey", "UPDATE variant SET sku_key = 'c' WHERE sku = 'b'"},
        Damage{"VariantKeyNull", "UPDATE variant SET sku_key = NULL WHERE sku = 'b'"},
        Damage{"VariantLooseKey", "UPDATE variant SET loose_key = 'c' WHERE sku = 'b'"},
        Damage{"VariantLooseKeyNull", "UPDATE variant SET loose_key = NULL WHERE sku = 'b'"},
        Damage{"VariantGtin", "UPDATE variant SET gtin_key = 12345678 WHERE sku = 'b'"},
        Damage{"ListingKey", "UPDATE listing SET sku_key = 'y' WHERE seller_sku = 'x'"},
        Damage{"ProductNameKey", "UPDATE product SET name_key = 'x' LIMIT 1"},
        Damage{"ListingNameKey", "UPDATE listing SET name_key = 'x' LIMIT 1"},
        Damage{"BadgeCount", "UPDATE badge_count SET variants = variants + 1"},
        Damage{"BadgeCountMissing", "DELETE FROM badge_count"},
        Damage{"BadgeCountTooMany",
               "INSERT INTO badge_count SELECT merchant_no, 2, 1 FROM merchant WHERE merchant_id = 'shop'"},
        Damage{"ProductGone", "DELETE FROM product WHERE product_id = 'b'"},
        Damage{"ChannelGone", "DELETE FROM channel WHERE channel_id = 'c2'"},
        Damage{"ListingsWithoutChannel",
               "DELETE c, n FROM channel c JOIN channel_count n USING (merchant_no, channel_no) WHERE "
               "channel_id = 'c2'"},
        Damage{"Fingerprint", "UPDATE listing SET fingerprint = 'x' WHERE seller_sku = 'x'"},
        Damage{"StateNobodyKnows", "UPDATE listing SET state = 9 WHERE seller_sku = 'x'"}),
    [](const auto& damage) { return damage.param.name; });

TEST(Verify, CountsWhatItLookedAt) {
  TestDatabase database;
  Fill(*database);
  CreateShop(*database, "other");
  const auto report = store::Verify(*database);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->merchants, 2);
  EXPECT_EQ(report->variants, 2);
  EXPECT_EQ(report->listings, 4);
  EXPECT_EQ(report->differences, 0);
}

}  // namespace
}  // namespace skulink
