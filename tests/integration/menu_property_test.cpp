// Random changes of products, stocks, listings, channels and sku_case, with pushes sent in between, done to
// the store and to a model of the rules; after each the menu and what is to be sent must be the model's.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/store/channels.h"
#include "server/store/merchants.h"
#include "server/store/pushes.h"
#include "server/store/stock.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/push_fixture.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using store::ListingChanges;
using store::Product;
using store::Variant;

// Few, so that clashes, case twins, blanks, duplicates and renames happen all the time.
const std::vector<std::string> kSkus = {"",   " ",   "a",   "A",      "a ",      "\u00a0a", "b",  "B\t", "ab",
                                        "Ab", "a-b", "a b", "Straße", "STRASSE", "é",       "ａ", "c",   "d"};
// And SKUs that are like them, for reasons.
const std::vector<std::string> kAlikeSkus = {"A-1", "a-01",     "A_1", "A 1", "a1",      "\u0410-1",
                                             "A-l", "A\u200b1", "AI",  "OA1", "A-O1",    "0A-1",
                                             "CO7", "C7",       "c07", "--",  "c\u200b", "d\u2060"};
const std::vector<std::string> kGtins = {"", "", "8991234567890", "0036000291452", "36000291452", "12345"};
const std::vector<std::string> kNames = {"Baju A", "baju b",       "BAJU",
                                         "Celana", "Straßenschuh", "strassenschuh"};
const std::vector<std::string> kSkuPrefixes = {"a", "A", " a", "b", "stra", "z"};
const std::vector<std::string> kNamePrefixes = {"ba", "BAJU A", "strass", "c", "x"};

struct Run {
  unsigned seed;
  int steps;
  bool with_memory;  // as a scan does it
};

class MenuProperty : public testing::TestWithParam<Run> {
 protected:
  MenuProperty() : random_(GetParam().seed) { CreateShop(*database_); }

  int Below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(Below(static_cast<int>(choices.size())))];
  }
  std::string SomeSku() { return Below(3) == 0 ? OneOf(kAlikeSkus) : OneOf(kSkus); }
  std::string Id(const char* kind, int count) { return absl::StrCat(kind, 1 + Below(count)); }

  std::vector<Variant> SomeVariants() {
    std::vector<Variant> variants;
    for (int i = 1; i <= 4; ++i) {
      if (Below(2) == 0) continue;
      Variant& variant = variants.emplace_back(Variant{.id = absl::StrCat("v", i), .sku = SomeSku()});
      variant.barcode = OneOf(kGtins);
      if (Below(2) == 0) variant.stock = Below(2);
      if (Below(2) == 0) variant.price = Money{Below(2), "IDR"};
    }
    std::shuffle(variants.begin(), variants.end(), random_);
    return variants;
  }

  void CreateProduct() {
    const Product product{.id = Id("p", 9), .name = OneOf(kNames), .variants = SomeVariants()};
    const auto created = store::CreateProduct(*database_, "shop", product);
    ASSERT_EQ(created.ok(), model_.Create(product)) << created.status();
  }

  void UpdateProduct() {
    const std::string id = Id("p", 9);
    store::ProductChange change;
    if (Below(2) == 0) change.name = OneOf(kNames);
    if (Below(3) != 0) change.variants = SomeVariants();
    const Product* product = model_.Find(id);
    if (product != nullptr && Below(2) == 0) change.version = product->version - (Below(4) == 0);
    const auto updated = store::UpdateProduct(*database_, "shop", id, change);
    ASSERT_EQ(updated.ok(), model_.Update(id, change)) << updated.status();
  }

  void DeleteProduct() {
    const std::string id = Id("p", 9);
    ASSERT_EQ(store::DeleteProduct(*database_, "shop", id, std::nullopt).ok(), model_.Delete(id));
  }

  void Import() {
    std::vector<store::ImportRow> rows;
    for (int i = 1 + Below(4); i > 0; --i) {
      Product product{.id = Id("p", 9), .name = OneOf(kNames), .variants = SomeVariants()};
      if (product.variants.empty()) product.variants.push_back({.id = "v1", .sku = OneOf(kSkus)});
      rows.push_back({.line = static_cast<std::int64_t>(rows.size()) + 1, .product = std::move(product)});
    }
    const auto outcome = store::ImportProducts(*database_, "shop", rows);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    std::vector<std::string> told;
    for (const v1::RefusedRow& row : outcome->refused) {
      told.push_back(
          absl::StrCat(row.line(), " ", row.field(), " ", row.product_id(), "/", row.variant_id()));
    }
    ASSERT_EQ(told, model_.Import(rows));
  }

  Listing SomeListing(const std::string& id) {
    Listing listing{.listing_id = id,
                    .item_id = Id("i", 6),
                    .name = OneOf(kNames),
                    .seller_sku = Below(2) == 0 ? SomeSku() : kSkus[2 + static_cast<std::size_t>(Below(7))],
                    .state = static_cast<ListingState>(Below(4) != 0 ? 1 : 1 + Below(6))};
    if (Below(3) == 0) listing.stock = Below(2);
    if (Below(3) == 0) listing.price = Money{Below(2), "IDR"};
    listing.gtin = OneOf(kGtins);
    return listing;
  }

  void ChangeSomeListings() {
    if (model_.channels.empty()) return;
    auto shop = std::next(model_.channels.begin(), Below(static_cast<int>(model_.channels.size())));
    ListingChanges changes;
    for (int i = 1; i <= 16; ++i) {
      if (Below(3) != 0) continue;
      const std::string id = absl::StrCat("l", i);
      if (!shop->second.listings.contains(id)) {
        changes.created.push_back(SomeListing(id));
      } else if (Below(3) == 0) {
        changes.removed.push_back(id);
      } else {
        changes.updated.push_back(SomeListing(id));
      }
    }
    store::ChannelMemory& memory = memories_[shop->first];
    const absl::Status changed =
        ChangeListings(*database_, shop->second.number, changes, GetParam().with_memory ? &memory : nullptr);
    ASSERT_TRUE(changed.ok()) << changed;
    model_.Apply(shop->first, changes);
    Remember(shop->second, memory);
  }

  void Remember(const MenuModel::Shop& shop, store::ChannelMemory& memory) {
    for (const auto& [id, listing] : shop.listings) {
      memory.AddItem(listing.item_id);
      memory.AddSkuKey(SkuKey(listing.seller_sku, model_.sku_case));
    }
  }

  void CreateOrDeleteChannel() {
    const std::string id = Id("c", 4);
    if (!model_.channels.contains(id)) {
      model_.channels[id].number = AddChannel(*database_, id);
      if (Below(2) == 0) ChangeSync();
    } else if (Below(2) == 0) {
      const absl::Status deleted =
          store::DeleteChannel(*database_, "shop", id, std::nullopt, [] { return false; });
      ASSERT_TRUE(deleted.ok()) << deleted;
      model_.channels.erase(id);
      memories_.erase(id);
    }
  }

  void ChangeSync() {
    if (model_.channels.empty()) return;
    auto channel = std::next(model_.channels.begin(), Below(static_cast<int>(model_.channels.size())));
    MenuModel::Shop& shop = channel->second;
    shop.price_sync = Below(2) == 0;
    shop.stock_sync = {.enabled = Below(3) != 0, .percentage = OneOf(std::vector<int>{50, 100, 150})};
    shop.stock_sync.buffer = Below(3);
    if (Below(2) == 0) shop.stock_sync.maximum = Below(4);
    const auto updated = store::UpdateChannel(*database_, "shop", channel->first,
                                              {.stock_sync = shop.stock_sync, .price_sync = shop.price_sync});
    ASSERT_TRUE(updated.ok()) << updated.status();
  }

  void ChangeStock() {
    std::vector<std::pair<Product*, Variant*>> variants;
    for (Product& product : model_.products) {
      for (Variant& variant : product.variants) variants.emplace_back(&product, &variant);
    }
    if (variants.empty()) return;
    const auto& [product, variant] = OneOf(variants);
    const bool adjust = variant->stock && Below(2) == 0;
    const std::int64_t quantity = adjust ? Below(5) - 2 : Below(6);
    const std::int64_t after = adjust ? *variant->stock + quantity : quantity;
    store::StockRequest request{
        .kind = adjust ? store::StockRequest::Kind::kAdjust : store::StockRequest::Kind::kSet,
        .changes = {{{.product_id = product->id, .variant_id = variant->id}, quantity}}};
    if (!SkuKey(variant->sku, model_.sku_case).empty() && Below(2) == 0) {
      request.changes[0].variant = {.sku = variant->sku};
    }
    const auto changed = store::ChangeStock(*database_, "shop", request);
    ASSERT_EQ(changed.ok(), after >= 0) << changed.status();
    if (after < 0) return;
    product->version += variant->stock != after;
    variant->stock = after;
  }

  // The Seller Center takes some of what is due, refuses some, and some answers come too late.
  void SendSome() {
    for (auto& [id, shop] : model_.channels) {
      const store::ChannelTraffic traffic = OwnTraffic(*database_, shop.number);
      for (const v1::PushKind kind : {v1::PUSH_KIND_STOCK, v1::PUSH_KIND_PRICE}) {
        const auto due = store::DuePushes(*database_, traffic, kind, 1 + Below(10));
        ASSERT_TRUE(due.ok()) << due.status();
        std::vector<store::PushAnswer> answers;
        for (const store::DuePush& push : *due) {
          const int what = Below(8);
          Listing& listing = shop.listings.at(push.listing_id);
          store::PushAnswer& answer = answers.emplace_back(store::PushAnswer{.push = push});
          answer.outcome = what == 0   ? v1::PUSH_OUTCOME_NOT_LIVE
                           : what == 1 ? v1::PUSH_OUTCOME_REFUSED_VALUE
                                       : v1::PUSH_OUTCOME_APPLIED;
          if (what == 2) {
            answer.outcome = v1::PUSH_OUTCOME_RETRYING;
            answer.again_after = absl::ZeroDuration();
          } else if (what != 1) {
            SetValue(push, what != 0, listing);
          }
        }
        const absl::Status saved = store::SavePushAnswers(*database_, traffic, answers);
        ASSERT_TRUE(saved.ok()) << saved;
      }
    }
  }

  static void SetValue(const store::DuePush& push, bool known, Listing& listing) {
    if (push.kind == v1::PUSH_KIND_STOCK) {
      listing.stock = known ? std::optional(push.quantity) : std::nullopt;
    } else {
      listing.price = known ? std::optional(Money{push.quantity, push.currency}) : std::nullopt;
    }
  }

  void ChangeSkuCase() {
    const SkuCase other = model_.sku_case == SkuCase::kIgnore ? SkuCase::kSensitive : SkuCase::kIgnore;
    const auto updated = store::UpdateMerchant(*database_, "shop", {.sku_case = other});
    ASSERT_EQ(updated.ok(), !model_.Clashes(other)) << updated.status();
    if (!updated.ok()) return;
    model_.sku_case = other;
    memories_.clear();
    for (const auto& [id, shop] : model_.channels) Remember(shop, memories_[id]);
  }

  MenuModel::Filter SomeFilter() {
    MenuModel::Filter filter;
    for (const auto& [id, shop] : model_.channels) {
      if (Below(4) == 0) filter.channels.push_back(id);
    }
    const int by = Below(3);
    if (by == 1) filter.sku_prefix = OneOf(kSkuPrefixes);
    if (by == 2) filter.name_prefix = OneOf(kNamePrefixes);
    for (int state = 2; state <= kListingStates; ++state) {
      if (Below(4) == 0) filter.states.push_back(static_cast<ListingState>(state));
    }
    if (Below(4) == 0) filter.states.erase(filter.states.begin());
    if (filter.states.empty()) filter.states.push_back(ListingState::kInactive);
    return filter;
  }

  TestDatabase database_;
  std::mt19937 random_;
  MenuModel model_;
  std::map<std::string, store::ChannelMemory> memories_;
};

TEST_P(MenuProperty, EveryViewIsWhatTheRulesSayAfterEveryChange) {
  std::size_t sold = 0, missing = 0, not_in_pos = 0, groups = 0, pushes = 0;
  std::map<std::string, int> reasons;
  for (int step = 0; step < GetParam().steps; ++step) {
    const int kind = Below(100);
    SCOPED_TRACE(absl::StrCat("seed ", GetParam().seed, " step ", step, " kind ", kind));
    if (kind < 15) {
      CreateProduct();
    } else if (kind < 35) {
      UpdateProduct();
    } else if (kind < 42) {
      DeleteProduct();
    } else if (kind < 57) {
      Import();
    } else if (kind < 82) {
      ChangeSomeListings();
    } else if (kind < 87) {
      ChangeStock();
    } else if (kind < 90) {
      ChangeSync();
    } else if (kind < 93) {
      SendSome();
    } else if (kind < 97) {
      CreateOrDeleteChannel();
    } else {
      ChangeSkuCase();
    }
    ExpectMenu(*database_, model_, {}, 1 + Below(5));
    const MenuModel::Filter filter = SomeFilter();
    ExpectMenu(*database_, model_, filter, 1 + Below(5));
    ExpectReasons(*database_, model_, {}, 1 + Below(5));
    ExpectReasons(*database_, model_, filter, 1 + Below(5));
    ExpectStatistics(*database_, model_);
    ExpectCatalogue(*database_, model_);
    ExpectVerified(*database_);
    ExpectPushes(*database_, model_);
    ExpectVerified(*database_);
    if (HasFailure()) break;
    sold += model_.Sold({}).size();
    missing += model_.NotInChannel({}).size();
    not_in_pos += model_.NotInPos({}).size();
    groups += model_.MultipleListings({}).size();
    pushes += model_.Pushes().size();
    for (const std::string& row : model_.Reasons({})) {
      const std::string after_id = row.substr(row.find("|NOT_IN_POS_REASON_") + 1);
      ++reasons[after_id.substr(0, after_id.find_first_of(" |"))];
    }
  }
  // The run met what it is for.
  const auto steps = static_cast<std::size_t>(GetParam().steps);
  EXPECT_GT(sold, steps);
  EXPECT_GT(missing, steps);
  EXPECT_GT(not_in_pos, steps);
  EXPECT_GT(groups, steps);
  EXPECT_GT(pushes, steps);
  EXPECT_GE(reasons.size(), 6U) << absl::StrJoin(reasons, " ", absl::PairFormatter(":"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, MenuProperty,
                         testing::Values(Run{1, 250, false}, Run{2, 250, false}, Run{3, 250, true},
                                         Run{4, 250, true}),
                         [](const auto& run) {
                           return absl::StrCat("Seed", run.param.seed,
                                               run.param.with_memory ? "AsAScan" : "");
                         });

}  // namespace
}  // namespace skulink
