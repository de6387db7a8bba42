#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/names.h"
#include "common/string_map.h"
#include "server/store/menu_ledger.h"
#include "server/store/merchants.h"
#include "server/store/products.h"

namespace skulink::store {

// Changes of a merchant's products within one transaction that holds the merchant's lock: what is touched is
// loaded, changed in memory one thing after the other, and written with all that follows from it in the
// views.
class CatalogEdit {
 public:
  CatalogEdit(Session& session, const Merchant& merchant) : session_(session), merchant_(merchant) {}

  struct EditedVariant {
    Variant now;
    std::string sku_key;  // of now; empty: none
    std::int64_t number = 0;
    bool removed = false;
    bool changed = false;
    // As loaded; absent when new.
    std::optional<std::string> key_before;
    Badges badges_before = 0;
    bool had_stock = false, had_price = false;
  };
  struct EditedProduct {
    Product now;  // `variants` is not kept: see below
    std::deque<EditedVariant> variants;
    bool created = false, changed = false, described_anew = false, removed = false;
  };

  struct Owner {
    std::string product_id, variant_id;
  };

  // Reads products that may be there, and who has the SKU keys that may be asked for. To be called once,
  // first. With kLoadToo also the products of those.
  enum class Owners { kLookUp, kLoadToo };
  void Load(const std::vector<std::string>& product_ids, const std::vector<std::string_view>& skus,
            Owners owners = Owners::kLookUp);

  // The variant that has a SKU key that may be asked for, as of now; null: none.
  const Owner* FindOwner(std::string_view sku_key) const;

  // Null when there is none.
  EditedProduct* Find(std::string_view product_id);
  // The same of a product's variant.
  static EditedVariant* Find(EditedProduct& product, std::string_view variant_id);
  EditedProduct& Create(const std::string& product_id, const std::string& name);
  void Rename(EditedProduct& product, const std::string& name);
  void SetImages(EditedProduct& product, const std::vector<std::string>& image_uris);

  enum class PutResult { kCreated, kChanged, kUnchanged, kSkuTaken };
  // Creates the variant or makes it equal to `variant`, by its id. With kSkuTaken nothing is done; `taken_by`
  // is the owner.
  PutResult Put(EditedProduct& product, const Variant& variant, VariantName& taken_by);
  // Before Put of several variants of a product, between which SKUs may change places: frees the keys of
  // those that will get another one.
  void GiveUpSkus(EditedProduct& product, const std::vector<Variant>& coming);
  void Remove(EditedProduct& product, EditedVariant& variant);
  void Remove(EditedProduct& product);
  // Undoes Create of a product without variants.
  void Forget(EditedProduct& product);

  void Write();

 private:
  // Where keys move between variants, or into and out of the POS.
  struct KeyMoves {
    absl::flat_hash_map<std::string_view, Badges> given_up;  // with the badges that go with the key
    absl::flat_hash_map<std::string_view, Badges> taken;     // filled with the badges they bring
  };

  void LoadProducts(const std::vector<std::string>& product_ids);
  void LoadOwners(const std::vector<std::string_view>& skus);
  void WriteProducts();
  KeyMoves FindKeyMoves();
  void MoveListings(KeyMoves& moves, MenuLedger& ledger);
  void MoveListingsOfChannel(int channel, const std::vector<ListingState>& states, KeyMoves& moves,
                             MenuLedger& ledger);
  void DeleteReplacedVariants();
  void WriteVariants(const KeyMoves& moves, MenuLedger& ledger);
  void PlanPushes();

  Session& session_;
  const Merchant& merchant_;
  std::deque<EditedProduct> products_;
  StringMap<EditedProduct*> by_id_;
  StringMap<Owner> owners_;  // by SKU key, as of now
};

// Reads products with their variants, in the order of their numbers. `where` is SQL on product p.
std::vector<Product> SelectProducts(Session& session, std::string_view where,
                                    std::initializer_list<Value> values);

// Rows of listings and pushes that a change of one SKU key may write, on all channels of the merchant.
std::int64_t RowsOfKey(Session& session, std::int64_t merchant_number);

}  // namespace skulink::store
