#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/merchants.h"
#include "server/store/stock.h"
#include "tests/integration/both_directions_model.h"
#include "tests/integration/scan_fixture.h"

namespace skulink {

// Three shops and a server that keeps two of them in step, the model of it all, and random changes and faults
// that are done to both.
class BothDirectionsTest : public ScanTest {
 protected:
  using FaultKind = simulator::FaultKind;
  using FaultyCall = simulator::FaultyCall;
  using Product = store::Product;
  using Variant = store::Variant;
  using Offer = BothDirectionsModel::Offer;

  // Few, so that clashes, case twins, blanks, duplicates and renames happen all the time.
  static inline const std::vector<std::string> kSkus = {"a",  "A",   "a ", "\u00a0a", "b", "B\t", "ab",
                                                        "Ab", "a-b", "c",  "d",       "e", "f",   "g"};
  // That the POS has only when they were downloaded.
  static inline const std::vector<std::string> kShopSkus = {"h", "H", "h-1", "i", "j", "k "};
  // And the shops when they were uploaded.
  static inline const std::vector<std::string> kPosSkus = {"p", "P", "p-1", "q", "r", "s "};
  static inline const std::vector<std::string> kBlankSkus = {"", " "};
  static inline const std::vector<std::string> kGtins = {"", "8991234567890", "0036000291452"};
  static inline const std::vector<std::string> kNames = {"Baju A", "baju b", "Celana", "Straßenschuh"};
  static inline const std::vector<std::string> kOptions = {"S", "M", "L", "XL", "Merah", "Biru", "Hijau"};
  // That a shop has of its own, at most.
  static constexpr int kListings = 12;
  // A call that fails so is made again.
  static inline const std::vector<FaultKind> kPassing = {
      FaultKind::kThrottled, FaultKind::kThrottledWithDelay, FaultKind::kInternal, FaultKind::kUnavailable};

  BothDirectionsTest(unsigned seed, SkuCase sku_case) : random_(seed) { model_.sku_case = sku_case; }

  void SetUp() override {
    ASSERT_TRUE(store::EnsureDefaultMerchant(database()).ok());
    ASSERT_TRUE(store::UpdateMerchant(database(), "default", {.sku_case = model_.sku_case}).ok());
    model_.now = absl::FromUnixSeconds(1'800'000'000);
    // A channel that is quiet is given back soon, so that a change of its rule is seen when it is taken
    // again.
    StartEngine(
        {.poll = absl::Milliseconds(50), .push = {.linger = absl::Milliseconds(50), .pauses = kPauses}});
    OpenShop("a", {.max_page_size = 3, .max_items_per_get = 2, .max_items_per_create = 2}, true, true);
    OpenShop("b",
             {.max_page_size = 4,
              .max_stock_updates = 2,
              .created_state = sellercenter::v1::LISTING_STATE_PENDING},
             true, false);
    OpenShop("c", {.max_page_size = 1000, .max_items_per_create = 1}, false, false);
  }

  void TearDown() override {
    StopEngine();
    for (const auto& [channel, shop] : shops_) {
      EXPECT_THAT(shop->violations(), testing::IsEmpty()) << channel;
      EXPECT_LE(shop->most_in_flight(), 1) << channel;
    }
    ScanTest::TearDown();
  }

  void OpenShop(const std::string& channel, const simulator::ShopOptions& options, bool stock_sync,
                bool price_sync) {
    auto& shop = shops_[channel] = std::make_unique<simulator::SimulatedSellerCenter>(options);
    shop->SetClock(model_.now);
    MenuModel::Shop& known = model_.channels[channel];
    known.stock_sync.enabled = stock_sync;
    known.price_sync = price_sync;
    model_.seller_centers[channel].options = options;
    const auto created = store::CreateChannel(database(), "default",
                                              {.id = channel,
                                               .display_name = channel,
                                               .endpoint = shop->address(),
                                               .stock_sync = known.stock_sync,
                                               .price_sync = price_sync});
    ASSERT_TRUE(created.ok()) << created.status();
    known.number = created->number;
    for (int number = 1; number <= kListings; ++number) {
      if (Below(4) != 0) PutOffer(channel, SomeOffer(number));
    }
  }

  int Below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(Below(static_cast<int>(choices.size())))];
  }
  std::string SomeSku() { return Below(8) == 0 ? OneOf(kBlankSkus) : OneOf(kSkus); }
  std::string SomePosSku() { return Below(3) == 0 ? OneOf(kPosSkus) : SomeSku(); }
  std::string SomeShopSku() { return Below(3) == 0 ? OneOf(kShopSkus) : SomeSku(); }
  std::string SomeChannel() { return OneOf(std::vector<std::string>{"a", "a", "b", "c"}); }
  std::optional<std::int64_t> SomeStock() {
    return Below(5) == 0 ? std::nullopt : std::optional<std::int64_t>(Below(9));
  }
  std::optional<Money> SomePrice() {
    return Below(6) == 0 ? std::nullopt : std::optional(Money{(1 + Below(3)) * 10'000, "IDR"});
  }

  // ------------------------------------------------------------------ changes of the POS

  Variant SomeVariant(const std::string& id) {
    return {.id = id,
            .sku = SomePosSku(),
            .barcode = OneOf(kGtins),
            .price = SomePrice(),
            .stock = SomeStock(),
            .option = Below(5) == 0 ? "" : OneOf(kOptions)};
  }
  Product SomeProduct() {
    Product product{.id = absl::StrCat("p", 1 + Below(8)), .name = OneOf(kNames)};
    for (int i = 1; i <= 3; ++i) {
      if (i == 1 || Below(2) == 0) product.variants.push_back(SomeVariant(absl::StrCat("v", i)));
    }
    return product;
  }

  void CreateProduct() {
    const Product product = SomeProduct();
    const auto created = store::CreateProduct(database(), "default", product);
    ASSERT_EQ(created.ok(), model_.Create(product)) << created.status();
  }

  void ImportSome() {
    std::vector<store::ImportRow> rows;
    for (int i = 1 + Below(3); i > 0; --i) {
      rows.push_back({.line = static_cast<std::int64_t>(rows.size()) + 1, .product = SomeProduct()});
    }
    const auto outcome = store::ImportProducts(database(), "default", rows);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    ASSERT_EQ(outcome->refused.size(), model_.Import(rows).size());
  }

  // Among them a SKU that is renamed, and a variant that is deleted.
  void UpdateSomeProduct() {
    if (model_.products.empty()) return CreateProduct();
    const Product product = OneOf(model_.products);
    store::ProductChange change{.variants = product.variants};
    std::vector<Variant>& variants = *change.variants;
    for (int i = 1 + Below(2); i > 0; --i) {
      const int what = Below(7);
      if (what == 0) change.name = OneOf(kNames);
      if (what == 1) variants.push_back(SomeVariant(absl::StrCat("w", ++last_variant_)));
      if (what < 2 || variants.empty()) continue;
      const auto at = variants.begin() + Below(static_cast<int>(variants.size()));
      if (what == 2) variants.erase(at);
      if (what == 3) at->option = OneOf(kOptions);
      if (what == 4) at->price = SomePrice();
      if (what > 4) at->sku = SomePosSku();
    }
    const auto updated = store::UpdateProduct(database(), "default", product.id, change);
    ASSERT_EQ(updated.ok(), model_.Update(product.id, change)) << updated.status();
  }

  void DeleteSomeProduct() {
    if (model_.products.empty()) return;
    const std::string id = OneOf(model_.products).id;
    ASSERT_TRUE(model_.Delete(id));
    const absl::Status deleted = store::DeleteProduct(database(), "default", id, std::nullopt);
    ASSERT_TRUE(deleted.ok()) << deleted;
  }

  // Of one of these; nothing when there is none.
  void ChangeStock(const std::vector<std::pair<Product*, Variant*>>& variants) {
    if (variants.empty()) return;
    const auto& [product, variant] = OneOf(variants);
    const bool adjust = variant->stock && Below(2) == 0;
    const std::int64_t quantity = adjust ? Below(5) - 2 : Below(9);
    const std::int64_t after = adjust ? *variant->stock + quantity : quantity;
    const auto changed = store::ChangeStock(
        database(), "default",
        {.kind = adjust ? store::StockRequest::Kind::kAdjust : store::StockRequest::Kind::kSet,
         .changes = {{{.product_id = product->id, .variant_id = variant->id}, quantity}}});
    ASSERT_EQ(changed.ok(), after >= 0) << changed.status();
    if (after < 0) return;
    product->version += variant->stock != after;
    variant->stock = after;
  }

  std::vector<std::pair<Product*, Variant*>> Variants() {
    std::vector<std::pair<Product*, Variant*>> variants;
    for (Product& product : model_.products) {
      for (Variant& variant : product.variants) variants.emplace_back(&product, &variant);
    }
    return variants;
  }

  // Those of which each listing that is known is there as it is known, so that it makes no difference whether
  // a stock is sent before or after a scan.
  std::vector<std::pair<Product*, Variant*>> VariantsInStep() {
    std::vector<std::pair<Product*, Variant*>> variants = Variants();
    std::erase_if(variants, [&](const auto& entry) {
      const std::string key = SkuKey(entry.second->sku, model_.sku_case);
      for (const auto& [channel, shop] : model_.channels) {
        const auto& offers = model_.seller_centers.at(channel).offers;
        for (const auto& [id, listing] : shop.listings) {
          if (SkuKey(listing.seller_sku, model_.sku_case) != key) continue;
          const auto offer = offers.find(id);
          if (offer == offers.end() || offer->second.listing.state != listing.state ||
              SkuKey(offer->second.listing.seller_sku, model_.sku_case) != key) {
            return true;
          }
        }
      }
      return false;
    });
    return variants;
  }

  void ChangeSync() {
    const std::string channel = SomeChannel();
    MenuModel::Shop& shop = model_.channels.at(channel);
    const MenuModel::Shop before = shop;
    shop.price_sync = Below(3) != 0;
    shop.stock_sync = {.enabled = Below(4) != 0, .percentage = OneOf(std::vector<int>{50, 100, 150})};
    shop.stock_sync.buffer = Below(3);
    if (Below(2) == 0) shop.stock_sync.maximum = Below(6);
    model_.seller_centers.at(channel).plan_all =
        (shop.stock_sync.enabled && shop.stock_sync != before.stock_sync) ||
        (shop.price_sync && !before.price_sync);
    const auto updated = store::UpdateChannel(database(), "default", channel,
                                              {.stock_sync = shop.stock_sync, .price_sync = shop.price_sync});
    ASSERT_TRUE(updated.ok()) << updated.status();
  }

  // ------------------------------------------------------------------ changes at the Seller Centers

  static sellercenter::v1::Listing ToProto(const Offer& offer) {
    const Listing& from = offer.listing;
    sellercenter::v1::Listing listing;
    listing.set_listing_id(from.listing_id);
    listing.set_item_id(from.item_id);
    listing.set_title(from.name);
    listing.set_seller_sku(from.seller_sku);
    listing.set_state(static_cast<sellercenter::v1::ListingState>(from.state));
    if (from.price) *listing.mutable_price() = skulink::ToProto(*from.price);
    if (from.stock) listing.set_stock(*from.stock);
    listing.set_gtin(from.gtin);
    listing.set_item_title(offer.item_title);
    listing.set_option(offer.option);
    return listing;
  }

  // Three make an item.
  Offer SomeOffer(int number) {
    Offer offer{.item_title = absl::StrCat("Item ", (number + 2) / 3),
                .option = kOptions[static_cast<std::size_t>(number % 3)]};
    offer.listing = {.listing_id = absl::StrCat("l", number),
                     .item_id = absl::StrCat("i", (number + 2) / 3),
                     .name = absl::StrCat(offer.item_title, " - ", offer.option),
                     .seller_sku = SomeShopSku(),
                     .state = SomeState(),
                     .price = SomePrice(),
                     .stock = SomeStock(),
                     .gtin = OneOf(kGtins)};
    return offer;
  }
  ListingState SomeState() { return static_cast<ListingState>(Below(4) != 0 ? 1 : 1 + Below(6)); }

  void SellerChanges() {
    const std::string channel = SomeChannel();
    BothDirectionsModel::SellerCenter& center = model_.seller_centers.at(channel);
    for (int i = 1 + Below(5); i > 0; --i) {
      Offer offer = SomeOffer(1 + Below(kListings));
      // Also of those that were uploaded.
      if (!center.order.empty() && Below(2) == 0) offer = center.offers.at(OneOf(center.order));
      const auto known = center.offers.find(offer.listing.listing_id);
      if (known != center.offers.end() && !known->second.removed) {
        offer = known->second;
        const int what = Below(6);
        if (what == 0) offer.listing.seller_sku = SomeShopSku();
        if (what == 1) offer.listing.state = SomeState();
        if (what == 2) offer.listing.state = ListingState::kInactive;
        if (what == 3) offer.listing.stock = Below(9);  // buyers
        if (what == 4) offer.listing.price = SomePrice();
        if (what == 5) {
          shops_.at(channel)->Remove(offer.listing.listing_id);
          model_.Remove(center, offer.listing.listing_id);
          continue;
        }
      }
      PutOffer(channel, std::move(offer));
    }
  }
  void PutOffer(const std::string& channel, Offer offer) {
    shops_.at(channel)->Upsert(ToProto(offer));
    model_.Put(model_.seller_centers.at(channel), std::move(offer));
  }

  void Plant(const std::string& channel, simulator::Fault fault) {
    fault.times = 1;
    shops_.at(channel)->AddFault(fault);
    model_.seller_centers.at(channel).faults[fault.call].push_back(fault);
  }

  // In a call that a job makes.
  void PlantSome(const std::string& channel, FaultyCall call, bool may_be_lost) {
    for (int i = Below(3); i > 0; --i) {
      FaultKind kind = Below(3) == 0 ? FaultKind::kExpiredToken : OneOf(kPassing);
      if (may_be_lost && Below(2) == 0) kind = FaultKind::kAnswerLost;
      Plant(channel, {.kind = kind, .call = call, .after = i == 1 ? Below(3) : 0});
    }
  }

  // The server that sends is not told apart from one that has no trouble, but for a value that is refused.
  void PlantInPushes() {
    for (auto& [channel, shop] : shops_) {
      BothDirectionsModel::SellerCenter& center = model_.seller_centers.at(channel);
      const int what = Below(6);
      if (what < 2) {
        for (const FaultyCall call : {FaultyCall::kUpdateStock, FaultyCall::kUpdatePrice}) {
          const FaultKind kind = Below(3) == 0 ? FaultKind::kExpiredToken : OneOf(kPassing);
          shop->AddFault(In(call, Below(2) == 0 ? FaultKind::kAnswerLost : kind, 1 + Below(2)));
        }
      } else if (!center.order.empty() && what < 5) {
        simulator::Refusal refusal;
        refusal.set_call("stock");
        refusal.set_id(OneOf(center.order));
        refusal.set_times(1);
        refusal.set_result(what == 2   ? sellercenter::v1::WRITE_RESULT_RETRY
                           : what == 3 ? sellercenter::v1::WRITE_RESULT_REFUSED_RESERVED
                                       : sellercenter::v1::WRITE_RESULT_REFUSED_VALUE);
        if (what == 4) center.refused_stocks.insert(refusal.id());
        shop->Refuse(refusal);
      }
    }
  }

  void ClearFaults() {
    for (auto& [channel, shop] : shops_) {
      shop->ClearFaults();
      shop->ClearRefusals();
      BothDirectionsModel::SellerCenter& center = model_.seller_centers.at(channel);
      center.faults.clear();
      center.refused_skus.clear();
      center.refused_stocks.clear();
    }
  }

  static constexpr PushPauses kPauses{.retry = {absl::Milliseconds(10), absl::Milliseconds(40)},
                                      .refused = {absl::Milliseconds(10), absl::Milliseconds(40)},
                                      .shop = {absl::Milliseconds(10), absl::Milliseconds(40)}};

  std::mt19937 random_;
  BothDirectionsModel model_;
  std::map<std::string, std::unique_ptr<simulator::SimulatedSellerCenter>> shops_;

 private:
  int last_variant_ = 0;
};

}  // namespace skulink
