#include "server/store/catalog_edit.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/sku_likeness.h"
#include "common/string_map.h"
#include "common/text.h"
#include "server/store/listings.h"
#include "server/store/pushes.h"
#include "server/store/times.h"

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

std::optional<std::string> ImagesToRow(const std::vector<std::string>& image_uris) {
  if (image_uris.empty()) return std::nullopt;
  return absl::StrJoin(image_uris, "\n");
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

void CatalogEdit::Write() {
  MenuLedger ledger(session_, merchant_.number);
  WriteProducts();
  KeyMoves moves = FindKeyMoves();
  MoveListings(moves, ledger);
  WriteVariants(moves, ledger);
  ledger.Settle();
  PlanPushes();
}

void CatalogEdit::PlanPushes() {
  const auto changes_key = [](const EditedVariant& variant) {
    return variant.changed && (!variant.sku_key.empty() || !variant.key_before.value_or("").empty());
  };
  if (std::none_of(products_.begin(), products_.end(), [&](const EditedProduct& product) {
        return std::any_of(product.variants.begin(), product.variants.end(), changes_key);
      })) {
    return;
  }
  PushPlanner planner(session_, merchant_.number);
  if (planner.idle()) return;
  for (const EditedProduct& product : products_) {
    for (const EditedVariant& variant : product.variants) {
      if (!variant.changed) continue;
      const std::string& key = variant.sku_key;
      const std::string before = variant.key_before.value_or("");
      if (!key.empty()) planner.KeyTouched(key);
      if (!before.empty() && before != key) planner.KeyLeft(before);
      const bool lost_value =
          (variant.had_stock && !variant.now.stock) || (variant.had_price && !variant.now.price);
      // A key that came from another variant may have lost its stock with that.
      if (!key.empty() && (lost_value || before != key)) planner.KeyLeft(key);
    }
  }
  planner.Settle();
}

void CatalogEdit::WriteProducts() {
  const std::int64_t now = Now();
  std::int64_t created = 0;
  for (const EditedProduct& product : products_) created += product.created;
  std::int64_t next_number = 0;
  if (created > 0) {
    session_.Query("SELECT next_product_no FROM merchant WHERE merchant_no = ?", {merchant_.number},
                   [&](const Row& row) { next_number = row.Int(0); });
    session_.Execute("UPDATE merchant SET next_product_no = next_product_no + ? WHERE merchant_no = ?",
                     {created, merchant_.number});
  }
  RowBatch inserted("product",
                    "merchant_no, product_no, product_id, name, name_key, version, create_time, update_time, "
                    "image_uris");
  std::vector<std::int64_t> touched, removed;
  for (EditedProduct& product : products_) {
    if (product.created) {
      product.now.number = next_number++;
      inserted.Add(merchant_.number).Add(product.now.number).Add(product.now.id).Add(product.now.name);
      inserted.Add(NameKey(product.now.name)).Add(std::int64_t{1}).Add(now).Add(now);
      const std::optional<std::string> images = ImagesToRow(product.now.image_uris);
      (images ? inserted.Add(*images) : inserted.AddNull()).EndRow();
    } else if (product.removed) {
      removed.push_back(product.now.number);
    } else if (product.changed) {
      touched.push_back(product.now.number);
    }
  }
  if (!removed.empty()) {
    session_.Execute(
        "DELETE p FROM product p FORCE INDEX (PRIMARY) WHERE p.merchant_no = ? AND p.product_no IN (?)",
        {merchant_.number, removed});
  }
  if (!touched.empty()) {
    session_.Execute(
        "UPDATE product SET version = version + 1, update_time = ? WHERE merchant_no = ? AND product_no IN "
        "(?)",
        {now, merchant_.number, touched});
    for (const EditedProduct& product : products_) {
      if (!product.described_anew || product.created || product.removed) continue;
      const std::string name_key = NameKey(product.now.name);
      const std::optional<std::string> images = ImagesToRow(product.now.image_uris);
      session_.Execute(
          "UPDATE product SET name = ?, name_key = ?, image_uris = ? WHERE merchant_no = ? AND product_no = "
          "?",
          {product.now.name, name_key, images, merchant_.number, product.now.number});
    }
  }
  if (!inserted.empty()) session_.Load(inserted);
}

CatalogEdit::KeyMoves CatalogEdit::FindKeyMoves() {
  KeyMoves moves;
  for (const EditedProduct& product : products_) {
    for (const EditedVariant& variant : product.variants) {
      if (!variant.changed || variant.key_before.value_or("") == variant.sku_key) continue;
      if (variant.key_before && !variant.key_before->empty()) {
        moves.given_up[*variant.key_before] = variant.badges_before;
      }
      if (!variant.sku_key.empty()) moves.taken[variant.sku_key] = 0;
    }
  }
  for (auto& [key, badges] : moves.taken) {
    const auto from = moves.given_up.find(key);
    if (from != moves.given_up.end()) badges = from->second;
  }
  return moves;
}

void CatalogEdit::MoveListings(KeyMoves& moves, MenuLedger& ledger) {
  if (moves.given_up.empty() && moves.taken.empty()) return;
  session_.Execute("UPDATE merchant SET sku_revision = sku_revision + 1 WHERE merchant_no = ?",
                   {merchant_.number});
  for (const auto& [channel, states] : StatesInUse(session_, merchant_.number)) {
    MoveListingsOfChannel(channel, states, moves, ledger);
  }
}

void CatalogEdit::MoveListingsOfChannel(int channel, const std::vector<ListingState>& states, KeyMoves& moves,
                                        MenuLedger& ledger) {
  for (const bool into_pos : {false, true}) {
    const auto& keys = into_pos ? moves.taken : moves.given_up;
    const auto& others = into_pos ? moves.given_up : moves.taken;
    std::vector<std::string_view> moving;
    for (const auto& [key, badges] : keys) {
      if (!others.contains(key)) moving.push_back(key);
    }
    if (moving.empty()) continue;
    std::vector<std::string> listings;
    for (const ListingState state : states) {
      session_.Query(
          "WITH asked (k) AS (?) SELECT l.listing_id, l.item_id, l.sku_key FROM asked STRAIGHT_JOIN listing "
          "l FORCE "
          "INDEX (by_sku) ON l.merchant_no = ? AND l.channel_no = ? AND l.state = ? AND l.in_pos = ? AND "
          "l.sku_key "
          "= asked.k",
          {Keys(moving), merchant_.number, channel, static_cast<int>(state), !into_pos}, [&](const Row& row) {
            listings.push_back(row.String(0));
            ledger.ListingMoved(channel, row.Text(1), row.Text(2), ListingPlace{state, !into_pos},
                                ListingPlace{state, into_pos});
            if (into_pos && state == ListingState::kLive) moves.taken[row.Text(2)] |= BadgeOf(channel);
          });
    }
    if (listings.empty()) continue;
    ledger.LoadItems(channel);
    session_.Execute(
        "UPDATE listing SET in_pos = ? WHERE merchant_no = ? AND channel_no = ? AND listing_id IN (?)",
        {into_pos, merchant_.number, channel, listings});
  }
}

void CatalogEdit::DeleteReplacedVariants() {
  std::vector<std::int64_t> products;
  ValueRows variants;
  for (const EditedProduct& product : products_) {
    for (const EditedVariant& variant : product.variants) {
      if (!variant.changed || !variant.key_before) continue;
      products.push_back(product.now.number);
      variants.push_back({product.now.number, variant.number});
    }
  }
  if (variants.empty()) return;
  session_.Execute(
      "DELETE v FROM variant v FORCE INDEX (PRIMARY) WHERE v.merchant_no = ? AND v.product_no IN (?) AND "
      "(v.product_no, v.variant_no) IN (?)",
      {merchant_.number, products, variants});
}

void CatalogEdit::WriteVariants(const KeyMoves& moves, MenuLedger& ledger) {
  DeleteReplacedVariants();
  RowBatch batch(
      "variant",
      "merchant_no, product_no, variant_no, variant_id, sku, sku_key, barcode, price, currency, stock, "
      "option_text, badges, loose_key, gtin_key");
  for (EditedProduct& product : products_) {
    if (!product.changed) continue;
    std::int64_t last_number = 0;
    std::vector<std::pair<std::int64_t, Badges>> badges_before;
    for (const EditedVariant& variant : product.variants) {
      last_number = std::max(last_number, variant.number);
      if (variant.number != 0) badges_before.emplace_back(variant.number, variant.badges_before);
    }
    ledger.TakeBadges(product.now.number, badges_before);
    for (EditedVariant& variant : product.variants) {
      if (!variant.changed) continue;
      if (variant.number == 0) variant.number = ++last_number;
      Badges badges = 0;
      if (!variant.sku_key.empty()) {
        const auto taken = moves.taken.find(variant.sku_key);
        badges = taken == moves.taken.end() ? variant.badges_before : taken->second;
      }
      ledger.BadgesChanged(product.now.number, variant.number, variant.badges_before, badges);
      if (variant.removed) continue;
      batch.Add(merchant_.number).Add(product.now.number).Add(variant.number).Add(variant.now.id);
      batch.Add(variant.now.sku);
      variant.sku_key.empty() ? batch.AddNull() : batch.Add(variant.sku_key);
      batch.Add(variant.now.barcode);
      if (variant.now.price) {
        batch.Add(variant.now.price->ten_thousandths).Add(variant.now.price->currency);
      } else {
        batch.AddNull().AddNull();
      }
      batch.Add(variant.now.stock).Add(variant.now.option);
      batch.Add(static_cast<std::int64_t>(badges));
      const std::string loose_key = LooseSkuKey(variant.now.sku);
      loose_key.empty() ? batch.AddNull() : batch.Add(loose_key);
      batch.Add(GtinKey(variant.now.barcode)).EndRow();
    }
  }
  if (!batch.empty()) session_.Load(batch);
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
