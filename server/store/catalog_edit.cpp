#include "server/store/catalog_edit.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "common/string_map.h"

namespace skulink::store {
namespace {

Variant VariantFromRow(const Row& row, int first_column) {
  Variant variant{.id = row.String(first_column),
                  .sku = row.String(first_column + 1),
                  .barcode = row.String(first_column + 2),
                  .stock = row.OptionalInt(first_column + 5),
                  .option = row.String(first_column + 6)};
  if (!row.IsNull(first_column + 3))
    variant.price = Money{row.Int(first_column + 3), row.String(first_column + 4)};
  return variant;
}

// Addresses hold no line feed.
std::vector<std::string> ImagesFromRow(const Row& row, int column) {
  if (row.IsNull(column)) return {};
  return absl::StrSplit(row.String(column), '\n');
}

constexpr std::string_view kVariantColumns =
    "v.variant_id, v.sku, v.barcode, v.price, v.currency, v.stock, v.option_text";

}  // namespace

std::vector<Product> SelectProducts(Session& session, std::string_view where,
                                    std::initializer_list<Value> values) {
  std::vector<Product> products;
  std::vector<std::int64_t> numbers;
  std::int64_t merchant = 0;
  session.Query(
      "SELECT p.product_no, p.product_id, p.name, p.version, p.create_time, p.update_time, p.merchant_no, "
      "p.image_uris FROM merchant m JOIN product p ON p.merchant_no = m.merchant_no WHERE " +
          std::string(where),
      values, [&](const Row& row) {
        products.push_back({.number = row.Int(0),
                            .id = row.String(1),
                            .name = row.String(2),
                            .version = row.Int(3),
                            .create_time = absl::FromUnixMicros(row.Int(4)),
                            .update_time = absl::FromUnixMicros(row.Int(5)),
                            .image_uris = ImagesFromRow(row, 7)});
        numbers.push_back(row.Int(0));
        merchant = row.Int(6);
      });
  if (products.empty()) return products;
  absl::flat_hash_map<std::int64_t, Product*> by_number;
  for (Product& product : products) by_number[product.number] = &product;
  session.Query(
      "WITH asked (k) AS (?) SELECT v.product_no, " + std::string(kVariantColumns) +
          " FROM asked STRAIGHT_JOIN variant v FORCE INDEX (PRIMARY) ON v.merchant_no = ? AND v.product_no = "
          "asked.k ORDER BY v.product_no, v.variant_no",
      {Keys(numbers), merchant},
      [&](const Row& row) { by_number[row.Int(0)]->variants.push_back(VariantFromRow(row, 1)); });
  return products;
}

void CatalogEdit::Load(const std::vector<std::string>& product_ids, const std::vector<std::string_view>& skus,
                       Owners owners) {
  if (owners == Owners::kLookUp) {
    LoadProducts(product_ids);
    LoadOwners(skus);
    return;
  }
  LoadOwners(skus);
  StringSet ids(product_ids.begin(), product_ids.end());
  for (const auto& [key, owner] : owners_) ids.insert(owner.product_id);
  LoadProducts({ids.begin(), ids.end()});
}

void CatalogEdit::LoadProducts(const std::vector<std::string>& product_ids) {
  absl::flat_hash_map<std::int64_t, EditedProduct*> by_number;
  std::vector<std::int64_t> numbers;
  session_.Query(
      "WITH asked (k) AS (?) SELECT p.product_no, p.product_id, p.name, p.version, p.image_uris FROM asked "
      "STRAIGHT_JOIN "
      "product p FORCE INDEX (by_id) ON p.merchant_no = ? AND p.product_id = asked.k",
      {Keys(product_ids), merchant_.number}, [&](const Row& row) {
        EditedProduct& product = products_.emplace_back();
        product.now = {.number = row.Int(0),
                       .id = row.String(1),
                       .name = row.String(2),
                       .version = row.Int(3),
                       .image_uris = ImagesFromRow(row, 4)};
        by_id_[product.now.id] = &product;
        by_number[product.now.number] = &product;
        numbers.push_back(product.now.number);
      });
  if (numbers.empty()) return;
  session_.Query(
      "WITH asked (k) AS (?) SELECT v.product_no, v.variant_no, v.sku_key, v.badges, " +
          std::string(kVariantColumns) +
          " FROM asked STRAIGHT_JOIN variant v FORCE INDEX (PRIMARY) ON v.merchant_no = ? AND v.product_no "
          "= asked.k ORDER BY v.product_no, v.variant_no",
      {Keys(numbers), merchant_.number}, [&](const Row& row) {
        EditedVariant& variant = by_number[row.Int(0)]->variants.emplace_back();
        variant.number = row.Int(1);
        variant.sku_key = row.String(2);
        variant.key_before = variant.sku_key;
        variant.badges_before = static_cast<Badges>(row.Int(3));
        variant.now = VariantFromRow(row, 4);
        variant.had_stock = variant.now.stock.has_value();
        variant.had_price = variant.now.price.has_value();
      });
}

void CatalogEdit::LoadOwners(const std::vector<std::string_view>& skus) {
  StringSet distinct;
  for (std::string_view sku : skus) distinct.insert(SkuKey(sku, merchant_.sku_case));
  distinct.erase("");
  // Keys that the loaded products have already are the common case, and known.
  for (const EditedProduct& product : products_) {
    for (const EditedVariant& variant : product.variants) {
      if (variant.sku_key.empty()) continue;
      owners_[variant.sku_key] = {product.now.id, variant.now.id};
      distinct.erase(variant.sku_key);
    }
  }
  if (distinct.empty()) return;
  const std::vector<std::string> keys(distinct.begin(), distinct.end());
  session_.Query(
      "WITH asked (k) AS (?) SELECT v.sku_key, p.product_id, v.variant_id FROM asked STRAIGHT_JOIN variant v "
      "FORCE "
      "INDEX (by_sku) ON v.merchant_no = ? AND v.sku_key = asked.k STRAIGHT_JOIN product p FORCE INDEX "
      "(PRIMARY) ON "
      "p.merchant_no = v.merchant_no AND p.product_no = v.product_no",
      {Keys(keys), merchant_.number}, [&](const Row& row) {
        owners_[row.Text(0)] = {row.String(1), row.String(2)};
      });
}

const CatalogEdit::Owner* CatalogEdit::FindOwner(std::string_view sku_key) const {
  const auto owner = owners_.find(sku_key);
  return owner == owners_.end() ? nullptr : &owner->second;
}

CatalogEdit::EditedProduct* CatalogEdit::Find(std::string_view product_id) {
  const auto found = by_id_.find(product_id);
  return found == by_id_.end() || found->second->removed ? nullptr : found->second;
}

CatalogEdit::EditedVariant* CatalogEdit::Find(EditedProduct& product, std::string_view variant_id) {
  const auto found = std::find_if(
      product.variants.begin(), product.variants.end(),
      [&](const EditedVariant& variant) { return !variant.removed && variant.now.id == variant_id; });
  return found == product.variants.end() ? nullptr : &*found;
}

CatalogEdit::EditedProduct& CatalogEdit::Create(const std::string& product_id, const std::string& name) {
  EditedProduct& product = products_.emplace_back();
  product.now.id = product_id;
  product.now.name = name;
  product.created = true;
  by_id_[product_id] = &product;
  return product;
}

void CatalogEdit::Rename(EditedProduct& product, const std::string& name) {
  if (product.now.name == name) return;
  product.now.name = name;
  product.changed = product.described_anew = true;
}

void CatalogEdit::SetImages(EditedProduct& product, const std::vector<std::string>& image_uris) {
  if (product.now.image_uris == image_uris) return;
  product.now.image_uris = image_uris;
  product.changed = product.described_anew = true;
}

CatalogEdit::PutResult CatalogEdit::Put(EditedProduct& product, const Variant& variant,
                                        VariantName& taken_by) {
  EditedVariant* const same = Find(product, variant.id);
  const bool is_new = same == nullptr;
  if (!is_new && same->now == variant) return PutResult::kUnchanged;
  std::string key = SkuKey(variant.sku, merchant_.sku_case);
  if (!key.empty()) {
    const auto owner = owners_.find(key);
    if (owner != owners_.end() &&
        (owner->second.product_id != product.now.id || owner->second.variant_id != variant.id)) {
      taken_by = {merchant_.id, owner->second.product_id, owner->second.variant_id};
      return PutResult::kSkuTaken;
    }
  }
  EditedVariant& edited = is_new ? product.variants.emplace_back() : *same;
  if (edited.sku_key != key) {
    owners_.erase(edited.sku_key);
    if (!key.empty()) owners_[key] = {product.now.id, variant.id};
  }
  edited.now = variant;
  edited.sku_key = std::move(key);
  edited.changed = product.changed = true;
  return is_new ? PutResult::kCreated : PutResult::kChanged;
}

void CatalogEdit::GiveUpSkus(EditedProduct& product, const std::vector<Variant>& coming) {
  absl::flat_hash_map<std::string_view, EditedVariant*> by_variant_id;
  for (EditedVariant& variant : product.variants) {
    if (!variant.removed) by_variant_id[variant.now.id] = &variant;
  }
  struct Move {
    EditedVariant* variant;  // null: it is new
    std::string to;
    bool possible = true;
  };
  std::vector<Move> moves;
  for (const Variant& next : coming) {
    const auto found = by_variant_id.find(next.id);
    EditedVariant* const variant = found == by_variant_id.end() ? nullptr : found->second;
    std::string key = SkuKey(next.sku, merchant_.sku_case);
    if (variant == nullptr || variant->sku_key != key) moves.push_back({variant, std::move(key)});
  }
  // Whoever cannot have its new key keeps the old one, which nobody else can have then.
  for (bool settled = false; !settled;) {
    settled = true;
    absl::flat_hash_set<std::string_view> given_up, claimed;
    for (const Move& move : moves) {
      if (move.possible && move.variant != nullptr) given_up.insert(move.variant->sku_key);
    }
    for (Move& move : moves) {
      if (!move.possible || move.to.empty()) continue;
      const bool is_free = !owners_.contains(move.to) || given_up.contains(move.to);
      if (is_free && claimed.insert(move.to).second) continue;
      move.possible = settled = false;
    }
  }
  for (const Move& move : moves) {
    if (!move.possible || move.variant == nullptr) continue;
    owners_.erase(move.variant->sku_key);
    move.variant->sku_key.clear();
  }
}

void CatalogEdit::Forget(EditedProduct& product) {
  by_id_.erase(product.now.id);
  product.created = false;
}

void CatalogEdit::Remove(EditedProduct& product, EditedVariant& variant) {
  owners_.erase(variant.sku_key);
  variant.sku_key.clear();
  variant.removed = variant.changed = product.changed = true;
}

void CatalogEdit::Remove(EditedProduct& product) {
  for (EditedVariant& variant : product.variants) {
    if (!variant.removed) Remove(product, variant);
  }
  product.removed = true;
}

std::int64_t RowsOfKey(Session& session, std::int64_t merchant_number) {
  std::int64_t rows = 0;
  session.Query(
      "SELECT COALESCE(SUM(1 + c.stock_sync + c.price_sync), 0) FROM channel_count n JOIN channel c ON "
      "c.merchant_no = n.merchant_no AND c.channel_no = n.channel_no WHERE n.merchant_no = ? AND "
      "n.live + n.inactive + n.pending + n.suspended + n.deleted + n.unknown > 0",
      {merchant_number}, [&](const Row& row) { rows = row.Int(0); });
  return rows;
}

}  // namespace skulink::store
