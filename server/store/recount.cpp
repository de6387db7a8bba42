#include "server/store/recount.h"

#include <bit>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/sku_key.h"
#include "common/text.h"
#include "server/store/listings.h"
#include "server/store/variant_keys.h"

namespace skulink::store {
namespace {

struct CountedVariant {
  std::int64_t product, number, stored_badges;
  Badges badges = 0;
};

// The variants of a merchant, and who has which key.
struct Pos {
  std::vector<CountedVariant> variants;
  StringMap<std::size_t> by_key;
};

// Rows that no view shows, since what they belong to is not there.
void FindStrays(Session& session, const Merchant& merchant, Recount& recount) {
  session.Query(
      "SELECT v.product_no, v.variant_no FROM variant v LEFT JOIN product p ON p.merchant_no = v.merchant_no "
      "AND p.product_no = v.product_no WHERE v.merchant_no = ? AND p.product_no IS NULL",
      {merchant.number}, [&](const Row& row) {
        recount.wrong_rows.push_back(absl::StrCat("no product of variant ", row.Int(0), "/", row.Int(1)));
      });
  session.Query(
      "SELECT DISTINCT channel_no FROM listing WHERE merchant_no = ? AND channel_no NOT IN "
      "(SELECT channel_no FROM channel WHERE merchant_no = ?)",
      {merchant.number, merchant.number}, [&](const Row& row) {
        recount.wrong_rows.push_back(
            absl::StrCat("listings of channel ", row.Int(0), ", which is not there"));
      });
}

void ReadProducts(Session& session, const Merchant& merchant, Recount& recount) {
  session.Stream("SELECT product_no, name, name_key FROM product WHERE merchant_no = ?", {merchant.number},
                 [&](const Row& row) {
                   if (NameKey(row.Text(1)) == row.Text(2)) return;
                   recount.wrong_rows.push_back(absl::StrCat("name key of product ", row.Int(0)));
                 });
}

Pos ReadPos(Session& session, const Merchant& merchant, Recount& recount) {
  Pos pos;
  session.Stream(
      "SELECT product_no, variant_no, sku, sku_key, badges, barcode, loose_key, gtin_key FROM variant WHERE "
      "merchant_no = ?",
      {merchant.number}, [&](const Row& row) {
        const auto [key, loose_key, gtin_key] = KeysOf(row.Text(2), row.Text(5), merchant.sku_case);
        if (key != row.Text(3) || key.empty() != row.IsNull(3)) {
          recount.wrong_rows.push_back(absl::StrCat("SKU key of variant ", row.Int(0), "/", row.Int(1)));
        }
        if (loose_key != row.Text(6) || loose_key.empty() != row.IsNull(6) ||
            gtin_key != row.OptionalInt(7)) {
          recount.wrong_rows.push_back(
              absl::StrCat("loose SKU key or GTIN of variant ", row.Int(0), "/", row.Int(1)));
        }
        if (!key.empty()) pos.by_key[key] = pos.variants.size();
        pos.variants.push_back({row.Int(0), row.Int(1), row.Int(4)});
      });
  recount.variants = static_cast<std::int64_t>(pos.variants.size());
  return pos;
}

void ReadChannel(Session& session, const Merchant& merchant, int channel, Pos& pos, Recount& recount) {
  ChannelCounts& counts = recount.channels[channel];
  StringMap<std::int64_t> live_by_key;
  StringMap<bool> items;  // live items, and whether one of their listings is not in POS
  session.Stream(
      absl::StrCat(
          "SELECT ", kListingColumns,
          ", sku_key, in_pos, name_key, fingerprint FROM listing WHERE merchant_no = ? AND channel_no = ?"),
      {merchant.number, channel}, [&](const Row& row) {
        ++recount.listings;
        const Listing listing = ListingFromRow(row, 0);
        const std::string key = SkuKey(listing.seller_sku, merchant.sku_case);
        const auto owner = key.empty() ? pos.by_key.end() : pos.by_key.find(key);
        const bool in_pos = owner != pos.by_key.end();
        const Fingerprint fingerprint = FingerprintOf(listing);
        const auto has = [&](const Fingerprint& one) {
          return std::string_view(one.data(), one.size()) == row.Text(12);
        };
        const auto state = static_cast<std::size_t>(listing.state) - 1;
        if (key != row.Text(9) || NameKey(listing.name) != row.Text(11) ||
            !(has(fingerprint) || has(kDoubtful)) || state >= kListingStates) {
          recount.wrong_rows.push_back(absl::StrCat("key, fingerprint or state of listing ",
                                                    listing.listing_id, " of channel ", channel));
        }
        if (in_pos != (row.Int(10) != 0))
          recount.wrong_in_pos.push_back({channel, listing.listing_id, in_pos});
        if (state < kListingStates) ++counts.by_state[state];
        if (listing.state != ListingState::kLive) return;
        if (!key.empty()) ++live_by_key[key];
        items[listing.item_id] |= !in_pos;
        counts.not_in_pos += !in_pos;
        if (in_pos) pos.variants[owner->second].badges |= BadgeOf(channel);
      });
  counts.live_items = static_cast<std::int64_t>(items.size());
  for (const auto& [item, not_in_pos] : items) counts.not_in_pos_items += not_in_pos;
  StringMap<std::int64_t>& groups = recount.multiple_listings[channel];
  for (const auto& [key, live] : live_by_key) {
    if (live >= 2) groups[key] = live;
  }
  counts.multiple_listings = static_cast<std::int64_t>(groups.size());
}

void CountBadges(const Pos& pos, Recount& recount) {
  std::map<std::int64_t, Badges> products;
  const auto count = [&](Badges badges, std::int64_t ChannelCounts::*member) {
    for (; badges != 0; badges &= badges - 1) ++(recount.channels[std::countr_zero(badges)].*member);
  };
  for (const CountedVariant& variant : pos.variants) {
    const auto badges = static_cast<std::int64_t>(variant.badges);
    if (badges != variant.stored_badges) {
      recount.wrong_badges.push_back({variant.product, variant.number, variant.stored_badges, badges});
    }
    if (badges == 0) continue;
    ++recount.badge_counts[badges];
    products[variant.product] |= variant.badges;
    count(variant.badges, &ChannelCounts::sold_variants);
  }
  for (const auto& [product, badges] : products) count(badges, &ChannelCounts::sold_products);
}

}  // namespace

std::array<std::int64_t, 12> Columns(const ChannelCounts& counts) {
  return {counts.by_state[0],      counts.by_state[1],   counts.by_state[2],   counts.by_state[3],
          counts.by_state[4],      counts.by_state[5],   counts.not_in_pos,    counts.live_items,
          counts.not_in_pos_items, counts.sold_variants, counts.sold_products, counts.multiple_listings};
}

Recount RecountMerchant(Session& session, const Merchant& merchant) {
  Recount recount;
  std::vector<int> channels;
  session.Query("SELECT channel_no FROM channel WHERE merchant_no = ?", {merchant.number},
                [&](const Row& row) { channels.push_back(static_cast<int>(row.Int(0))); });
  ReadProducts(session, merchant, recount);
  FindStrays(session, merchant, recount);
  Pos pos = ReadPos(session, merchant, recount);
  for (const int channel : channels) ReadChannel(session, merchant, channel, pos, recount);
  CountBadges(pos, recount);
  return recount;
}

}  // namespace skulink::store
