// Writes a CatalogEdit, with all that follows from it in the views and the pushes.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/sku_likeness.h"
#include "common/text.h"
#include "server/store/catalog_edit.h"
#include "server/store/listings.h"
#include "server/store/pushes.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

std::optional<std::string> ImagesToRow(const std::vector<std::string>& image_uris) {
  if (image_uris.empty()) return std::nullopt;
  return absl::StrJoin(image_uris, "\n");
}

}  // namespace

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

}  // namespace skulink::store
