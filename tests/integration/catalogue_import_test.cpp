// ImportProducts: what is written, what is refused, what stays.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using store::ImportOutcome;
using store::ImportRow;
using store::Product;
using store::Variant;
using testing::ElementsAre;
using testing::HasSubstr;

class CatalogueImport : public testing::Test {
 protected:
  CatalogueImport() { CreateShop(*database_); }

  static ImportRow Row(std::int64_t line, const std::string& id, std::vector<Variant> variants,
                       const std::string& name = "Name") {
    return {.line = line, .product = {.id = id, .name = name, .variants = std::move(variants)}};
  }

  // With ids and SKUs `first` to `end` - 1.
  static std::vector<Variant> Variants(int first, int end) {
    std::vector<Variant> variants;
    for (int v = first; v < end; ++v) variants.push_back({.id = absl::StrCat(v), .sku = absl::StrCat(v)});
    return variants;
  }

  ImportOutcome Import(const std::vector<ImportRow>& rows) {
    auto outcome = store::ImportProducts(*database_, "shop", rows);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? *std::move(outcome) : ImportOutcome();
  }

  Product Get(const std::string& id) {
    auto product = store::GetProduct(*database_, "shop", id);
    EXPECT_TRUE(product.ok()) << product.status();
    return product.ok() ? *std::move(product) : Product();
  }

  // Of the one session of `database`: the sum of these counters.
  static std::int64_t Counted(store::Database& database, const std::string& names) {
    std::int64_t sum = 0;
    const absl::Status read = database.Read([&](store::Session& session) {
      session.Query("SHOW SESSION STATUS WHERE Variable_name IN (" + names + ")", {},
                    [&](const store::Row& row) { sum += row.Int(1); });
    });
    EXPECT_TRUE(read.ok()) << read;
    return sum;
  }
  static std::int64_t Written(store::Database& database) {
    return Counted(database, "'Handler_write', 'Handler_update', 'Handler_delete'");
  }
  static std::int64_t Transactions(store::Database& database) { return Counted(database, "'Com_commit'"); }

  TestDatabase database_;
};

TEST_F(CatalogueImport, TheSameRowsAgainWriteNothing) {
  std::vector<ImportRow> rows;
  for (int i = 0; i < 300; ++i) {
    const std::string sku = i % 3 == 0 ? "" : absl::StrCat(" sku ", i);
    rows.push_back(
        Row(i, absl::StrCat("p", i), {{.id = "v", .sku = sku, .price = Money{i, "IDR"}, .stock = i}}));
  }
  Import(rows);
  auto single = store::Database::Open(database_.address(), 1);
  ASSERT_TRUE(single.ok()) << single.status();
  const std::int64_t first = Written(**single), by_counting = Written(**single) - first;
  const std::int64_t before = Written(**single);

  const auto again = store::ImportProducts(**single, "shop", rows);

  EXPECT_EQ(Written(**single) - before, by_counting);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->counts.products_unchanged(), 300);
  EXPECT_EQ(again->counts.variants_unchanged(), 300);
  EXPECT_EQ(again->counts.products_updated() + again->counts.variants_updated(), 0);
  EXPECT_EQ(Get("p299").version, 1);
}

TEST_F(CatalogueImport, AClashWithinOneImportNamesTheVariantAndItsLine) {
  const ImportOutcome outcome =
      Import({Row(1, "p1", {{.id = "v1", .sku = "a"}}),
              Row(2, "p2", {{.id = "v1", .sku = "b"}, {.id = "v2", .sku = " a "}})});

  ASSERT_EQ(outcome.refused.size(), 1);
  const v1::RefusedRow& refused = outcome.refused.front();
  EXPECT_EQ(refused.line(), 2);
  EXPECT_EQ(refused.field(), "variants[1].sku");
  EXPECT_EQ(refused.reason(), v1::ERROR_REASON_SKU_TAKEN);
  EXPECT_EQ(refused.description(), "is the SKU of merchants/shop/products/p1/variants/v1 (line 1)");
  EXPECT_EQ(refused.product_id(), "p2");
  EXPECT_EQ(refused.variant_id(), "v2");
  EXPECT_EQ(Get("p2").variants.size(), 1);
}

TEST_F(CatalogueImport, AClashWithTheStoreNamesTheVariant) {
  Import({Row(1, "old", {{.id = "v", .sku = "a"}})});
  const ImportOutcome outcome =
      Import({Row(7, "new", {{.id = "v", .sku = "a\u00a0"}, {.id = "w", .sku = "b"}})});
  ASSERT_EQ(outcome.refused.size(), 1);
  EXPECT_EQ(outcome.refused[0].description(), "is the SKU of merchants/shop/products/old/variants/v");
  EXPECT_EQ(outcome.counts.variants_created(), 1);
}

TEST_F(CatalogueImport, AProductAllOfWhoseVariantsAreRefusedIsNotMade) {
  Import({Row(1, "old", {{.id = "v", .sku = "a"}})});
  const ImportOutcome outcome = Import({Row(2, "new", {{.id = "v", .sku = "a"}})});
  EXPECT_EQ(outcome.counts.products_created(), 0);
  EXPECT_EQ(ReasonOf(store::GetProduct(*database_, "shop", "new").status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(CatalogueImport, ALaterRowMayMakeAProductThatAnEarlierOneCouldNot) {
  const ImportOutcome outcome =
      Import({Row(1, "old", {{.id = "v", .sku = "a"}}), Row(2, "new", {{.id = "v", .sku = "a"}}),
              Row(3, "new", {{.id = "w", .sku = "b"}})});
  EXPECT_EQ(outcome.counts.products_created(), 2);
  EXPECT_THAT(Get("new").variants, ElementsAre(Variant{.id = "w", .sku = "b"}));
}

TEST_F(CatalogueImport, ASkuThatAnEarlierRowGaveUpMayBeTaken) {
  Import({Row(1, "p1", {{.id = "v", .sku = "a"}})});
  const int channel = AddChannel(*database_, "c");
  ASSERT_TRUE(
      ChangeListings(
          *database_, channel,
          {.created = {{.listing_id = "l", .item_id = "i", .seller_sku = "a", .state = ListingState::kLive}}})
          .ok());

  const ImportOutcome outcome =
      Import({Row(1, "p1", {{.id = "v", .sku = "b"}}), Row(2, "p2", {{.id = "v", .sku = "a"}})});

  EXPECT_TRUE(outcome.refused.empty());
  const auto menu = store::OpenMenu(*database_, "shop", {});
  ASSERT_TRUE(menu.ok());
  const auto sold = store::SoldInChannel(*database_, *menu, {});
  ASSERT_TRUE(sold.ok());
  ASSERT_EQ(sold->rows.size(), 1);
  EXPECT_EQ(sold->rows[0].product_id, "p2");
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, SkusMayChangePlacesWithinARow) {
  Import({Row(1, "p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}, {.id = "v3", .sku = "c"}})});

  const ImportOutcome outcome =
      Import({Row(1, "p", {{.id = "v1", .sku = "b"}, {.id = "v2", .sku = "c"}, {.id = "v3", .sku = "a"}})});

  EXPECT_TRUE(outcome.refused.empty());
  EXPECT_EQ(outcome.counts.variants_updated(), 3);
  EXPECT_THAT(Get("p").variants, ElementsAre(Variant{.id = "v1", .sku = "b"}, Variant{.id = "v2", .sku = "c"},
                                             Variant{.id = "v3", .sku = "a"}));
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, AVariantThatCannotHaveItsNewSkuKeepsItsOldOne) {
  Import({Row(1, "p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}, {.id = "v3", .sku = "c"}}),
          Row(2, "other", {{.id = "v", .sku = "taken"}})});

  // v3 cannot leave c, so v2 cannot leave b, and v1 not a; v4 is new.
  const ImportOutcome outcome = Import({Row(1, "p",
                                            {{.id = "v1", .sku = "b"},
                                             {.id = "v2", .sku = "c"},
                                             {.id = "v3", .sku = "taken"},
                                             {.id = "v4", .sku = "a"}})});

  EXPECT_EQ(outcome.refused.size(), 4);
  EXPECT_EQ(outcome.counts.variants_updated() + outcome.counts.variants_created(), 0);
  EXPECT_THAT(Get("p").variants, ElementsAre(Variant{.id = "v1", .sku = "a"}, Variant{.id = "v2", .sku = "b"},
                                             Variant{.id = "v3", .sku = "c"}));
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, OfTwoVariantsThatWantOneSkuTheFirstGetsIt) {
  Import({Row(1, "p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}})});
  const ImportOutcome outcome = Import({Row(1, "p", {{.id = "v1", .sku = "c"}, {.id = "v2", .sku = "c"}})});
  ASSERT_EQ(outcome.refused.size(), 1);
  EXPECT_EQ(outcome.refused[0].variant_id(), "v2");
  EXPECT_THAT(Get("p").variants,
              ElementsAre(Variant{.id = "v1", .sku = "c"}, Variant{.id = "v2", .sku = "b"}));
}

TEST_F(CatalogueImport, VariantsThatAreNotNamedStay) {
  Import({Row(1, "p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}})});
  Import({Row(1, "p", {{.id = "v3", .sku = "c"}, {.id = "v2", .sku = "B"}}, "New name")});
  const Product product = Get("p");
  EXPECT_EQ(product.name, "New name");
  EXPECT_EQ(product.version, 2);
  EXPECT_THAT(product.variants, ElementsAre(Variant{.id = "v1", .sku = "a"}, Variant{.id = "v2", .sku = "B"},
                                            Variant{.id = "v3", .sku = "c"}));
}

TEST_F(CatalogueImport, OneProductInSeveralRowsIsOneProduct) {
  const ImportOutcome outcome =
      Import({Row(1, "p", {{.id = "v1", .sku = "a"}}), Row(2, "p", {{.id = "v2", .sku = "b"}}),
              Row(3, "p", {{.id = "v1", .sku = "c"}})});
  EXPECT_EQ(outcome.counts.products_created(), 1);
  EXPECT_EQ(outcome.counts.variants_created(), 2);
  EXPECT_EQ(outcome.counts.variants_updated(), 1);
  EXPECT_THAT(Get("p").variants,
              ElementsAre(Variant{.id = "v1", .sku = "c"}, Variant{.id = "v2", .sku = "b"}));
}

TEST_F(CatalogueImport, OddTextsAreKeptByteForByte) {
  const std::vector<std::string> odd = {"tab\there",
                                        "back\\slash",
                                        "\\N",
                                        "quote'\"`",
                                        "per%cent_",
                                        "new\nline",
                                        "\u3000full\u3000width\u3000",
                                        "e\u0301",
                                        "👕",
                                        "\u200bzero",
                                        "a?b",
                                        ":c",
                                        "--",
                                        "0x41",
                                        "NULL"};
  std::vector<ImportRow> rows;
  for (std::size_t i = 0; i < odd.size(); ++i) {
    rows.push_back(Row(static_cast<std::int64_t>(i), absl::StrCat("p/", i, " ", odd[i]),
                       {{.id = odd[i], .sku = odd[i], .barcode = odd[i], .option = odd[i]}}, odd[i]));
  }
  EXPECT_TRUE(Import(rows).refused.empty());
  for (const ImportRow& row : rows) {
    const Product product = Get(row.product.id);
    EXPECT_EQ(product.name, row.product.name);
    EXPECT_EQ(product.variants, row.product.variants);
  }
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, ManyVariantsGoInSeveralTransactionsAndClashesAreFoundAcrossThem) {
  std::vector<ImportRow> rows;
  for (int i = 0; i < 90; ++i) {
    ImportRow row = Row(i, absl::StrCat("p", i), {});
    for (int v = 0; v < 83; ++v) {
      row.product.variants.push_back({.id = absl::StrCat("v", v), .sku = absl::StrCat(i, "-", v)});
    }
    rows.push_back(std::move(row));
  }
  rows.push_back(Row(90, "late", {{.id = "v", .sku = "0-0"}, {.id = "w", .sku = "late"}}));

  const ImportOutcome outcome = Import(rows);

  EXPECT_EQ(outcome.counts.variants_created(), 90 * 83 + 1);
  ASSERT_EQ(outcome.refused.size(), 1);
  EXPECT_THAT(outcome.refused[0].description(), HasSubstr("products/p0/variants/v0"));
  const auto report = store::ListProducts(*database_, "shop", 0, 1000);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->size(), 91);
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, AProductOfMoreVariantsThanATransactionHoldsIsImportedWhole) {
  // With listings on so many channels, one holds 900.
  for (int c = 0; c < 8; ++c) {
    const store::ListingChanges changes{.created = {{.listing_id = "l", .item_id = "l", .seller_sku = "1"}}};
    ASSERT_TRUE(ChangeListings(*database_, AddChannel(*database_, absl::StrCat("c", c)), changes).ok());
  }
  Import({Row(0, "small", {{.id = "v", .sku = "v"}}), Row(1, "big", Variants(0, 1000))});
  EXPECT_EQ(Get("big").variants.size(), 1000);
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, AProductGetsNoMoreThanAThousandVariantsHoweverTheyCome) {
  Import({Row(1, "p", Variants(0, 600)), Row(2, "p", Variants(600, 998))});

  // 998 and 999 still fit, 5 is one of those there are.
  std::vector<Variant> more = Variants(998, 1002);
  more.push_back({.id = "5", .sku = "changed"});
  const ImportOutcome outcome = Import({Row(7, "p", more)});

  ASSERT_EQ(outcome.refused.size(), 2);
  EXPECT_EQ(outcome.refused[0].variant_id(), "1000");
  EXPECT_EQ(outcome.refused[0].line(), 7);
  EXPECT_EQ(outcome.refused[0].field(), "variants[2]");
  EXPECT_EQ(outcome.refused[0].reason(), v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
  EXPECT_EQ(outcome.refused[1].variant_id(), "1001");
  EXPECT_EQ(outcome.counts.variants_created(), 2);
  EXPECT_EQ(outcome.counts.variants_updated(), 1);
  EXPECT_EQ(Get("p").variants.size(), 1000);
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, FieldsThatARowKeepsStayAsTheyAreKnown) {
  const Variant known{
      .id = "v", .sku = "a", .barcode = "899", .price = Money{5, "IDR"}, .stock = 7, .option = "Merah"};
  Import({Row(1, "p", {known})});
  ImportRow row = Row(1, "p", {{.id = "v", .sku = "b"}, {.id = "new", .sku = "c"}});
  row.kept_fields = {{.barcode = true, .price = true, .stock = true}, {.price = true, .option = true}};

  const ImportOutcome outcome = Import({row});

  EXPECT_TRUE(outcome.refused.empty());
  EXPECT_THAT(
      Get("p").variants,
      ElementsAre(Variant{.id = "v", .sku = "b", .barcode = "899", .price = Money{5, "IDR"}, .stock = 7},
                  Variant{.id = "new", .sku = "c"}));
  row.kept_fields[0].option = true;
  EXPECT_EQ(Import({row}).counts.variants_unchanged(), 2);
}

TEST_F(CatalogueImport, ASkuThatIsKeptIsNotGivenUp) {
  Import({Row(1, "p", {{.id = "v1", .sku = "a"}, {.id = "v2", .sku = "b"}})});
  ImportRow row = Row(1, "p", {{.id = "v1", .stock = 1}, {.id = "v2", .sku = "a"}});
  row.kept_fields = {{.sku = true}, {}};

  const ImportOutcome outcome = Import({row});

  ASSERT_EQ(outcome.refused.size(), 1);
  EXPECT_EQ(outcome.refused[0].variant_id(), "v2");
  EXPECT_THAT(Get("p").variants,
              ElementsAre(Variant{.id = "v1", .sku = "a", .stock = 1}, Variant{.id = "v2", .sku = "b"}));
  ExpectVerified(*database_);
}

// Variants, products and the listings that become In POS with them.
TEST_F(CatalogueImport, VariantsThatAreListedOnManyChannelsGoInTransactionsOfBoundedSize) {
  std::vector<ImportRow> rows;
  store::ListingChanges changes;
  for (int i = 0; i < 2500; ++i) {
    const std::string id = absl::StrCat(i);
    rows.push_back(Row(i, id, {{.id = "v", .sku = id}}));
    changes.created.push_back(
        {.listing_id = id, .item_id = id, .seller_sku = id, .state = ListingState::kLive});
  }
  for (const char* channel : {"c1", "c2", "c3", "c4", "c5"}) {
    ASSERT_TRUE(ChangeListings(*database_, AddChannel(*database_, channel), changes).ok());
  }
  auto single = store::Database::Open(database_.address(), 1);
  ASSERT_TRUE(single.ok()) << single.status();
  const std::int64_t written = Written(**single), transactions = Transactions(**single);

  const auto imported = store::ImportProducts(**single, "shop", rows);

  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->counts.variants_created(), 2500);
  const std::int64_t all = Written(**single) - written;
  EXPECT_GT(all, 5 * 2500);
  EXPECT_LE(all, 10'000 * (Transactions(**single) - transactions));
  ExpectVerified(*database_);
}

TEST_F(CatalogueImport, AnUnknownMerchantIsNotFound) {
  EXPECT_EQ(ReasonOf(store::ImportProducts(*database_, "nobody", {}).status()), v1::ERROR_REASON_NOT_FOUND);
}

}  // namespace
}  // namespace skulink
