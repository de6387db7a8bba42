#include "server/store/menu_ledger.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace skulink::store {

std::uint64_t ChannelMemory::Hash(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

void MenuLedger::Count(ChannelDelta& delta, std::string_view item_id, std::string_view sku_key,
                       const ListingPlace& place, int sign) {
  delta.by_state[static_cast<int>(place.state) - 1] += sign;
  if (place.state != ListingState::kLive) return;
  ItemDelta& item = delta.items[item_id];
  item.live += sign;
  if (!place.in_pos) {
    item.not_in_pos += sign;
    delta.not_in_pos += sign;
  }
  if (!sku_key.empty()) delta.sku_keys[sku_key].live += sign;
}

void MenuLedger::ListingMoved(int channel, std::string_view item_id, std::string_view sku_key,
                              const std::optional<ListingPlace>& before,
                              const std::optional<ListingPlace>& after) {
  if (before == after) return;
  ChannelDelta& delta = channels_[channel];
  if (before) Count(delta, item_id, sku_key, *before, -1);
  if (after) Count(delta, item_id, sku_key, *after, +1);
}

void MenuLedger::LoadBadges(const std::vector<std::int64_t>& products) {
  session_.Query(
      "WITH asked (k) AS (?) SELECT v.product_no, v.variant_no, v.badges FROM asked STRAIGHT_JOIN variant v "
      "FORCE "
      "INDEX (PRIMARY) ON v.merchant_no = ? AND v.product_no = asked.k",
      {Keys(products), merchant_}, [&](const Row& row) {
        const auto badges = static_cast<Badges>(row.Int(2));
        loaded_[row.Int(0)].push_back({row.Int(1), badges, badges});
      });
}

void MenuLedger::TakeBadges(std::int64_t product,
                            const std::vector<std::pair<std::int64_t, Badges>>& variants) {
  std::vector<VariantBadges>& taken = loaded_[product];
  for (const auto& [variant, badges] : variants) taken.push_back({variant, badges, badges});
}

Badges MenuLedger::BadgesOf(std::int64_t product, std::int64_t variant) const {
  const auto found = loaded_.find(product);
  if (found == loaded_.end()) return 0;
  for (const VariantBadges& other : found->second) {
    if (other.variant == variant) return other.before;
  }
  return 0;
}

void MenuLedger::BadgesChanged(std::int64_t product, std::int64_t variant, Badges before, Badges after) {
  if (before != after) products_[product].push_back({variant, before, after});
}

std::vector<MenuLedger::KeyChange> MenuLedger::SettleKeys(int channel, const ChannelMemory* memory) {
  std::vector<KeyChange> changes;
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return changes;
  ChannelDelta& delta = found->second;

  absl::flat_hash_map<std::string_view, std::int64_t> live_now;
  std::vector<std::string_view> unknown;
  for (const auto& [sku_key, change] : delta.sku_keys) {
    if (change.live == 0) continue;
    if (memory != nullptr && !memory->sku_keys.contains(ChannelMemory::Hash(sku_key))) {
      live_now[sku_key] = change.live;
    } else {
      live_now[sku_key] = 0;
      unknown.push_back(sku_key);
    }
  }
  if (!unknown.empty()) {
    session_.Query(
        "WITH asked (k) AS (?), place (in_pos) AS (SELECT 0 UNION ALL SELECT 1) SELECT l.sku_key FROM asked "
        "STRAIGHT_JOIN place STRAIGHT_JOIN listing l FORCE INDEX (by_sku) ON l.merchant_no = ? AND "
        "l.channel_no = ? "
        "AND l.state = 1 AND l.in_pos = place.in_pos AND l.sku_key = asked.k",
        {Keys(unknown), merchant_, channel}, [&](const Row& row) { ++live_now.at(row.Text(0)); });
  }

  std::vector<std::string_view> ungrouped;
  RowBatch grouped("multiple_listing", "merchant_no, channel_no, sku_key, listings");
  for (const auto& [sku_key, now] : live_now) {
    const std::int64_t before = now - delta.sku_keys.find(sku_key)->second.live;
    if ((before > 0) != (now > 0)) changes.push_back({std::string(sku_key), now > 0});
    if (now >= 2) {
      grouped.Add(merchant_).Add(std::int64_t{channel}).Add(sku_key).Add(now).EndRow();
    } else if (before >= 2) {
      ungrouped.push_back(sku_key);
    }
    delta.multiple_listings += (now >= 2) - (before >= 2);
  }
  if (!grouped.empty()) session_.Load(grouped, Session::OnDuplicate::kReplace);
  if (!ungrouped.empty()) {
    session_.Execute(
        "DELETE g FROM multiple_listing g FORCE INDEX (PRIMARY) WHERE g.merchant_no = ? AND g.channel_no = ? "
        "AND g.sku_key IN (?)",
        {merchant_, channel, ungrouped});
  }
  return changes;
}

void MenuLedger::ReadItems(int channel, const std::vector<std::string_view>& item_ids,
                           absl::flat_hash_map<std::string_view, ItemDelta>& counts) {
  if (item_ids.empty()) return;
  for (const std::string_view item_id : item_ids) counts[item_id] = {};
  session_.Query(
      "WITH asked (k) AS (?) SELECT l.item_id, l.in_pos FROM asked STRAIGHT_JOIN listing l FORCE INDEX "
      "(by_item) ON "
      "l.merchant_no = ? AND l.channel_no = ? AND l.item_id = asked.k AND l.state = 1",
      {Keys(item_ids), merchant_, channel}, [&](const Row& row) {
        ItemDelta& count = counts.at(row.Text(0));
        ++count.live;
        count.not_in_pos += row.Int(1) == 0;
      });
}

void MenuLedger::LoadItems(int channel) {
  ChannelDelta& delta = channels_[channel];
  std::vector<std::string_view> new_ones;
  for (const auto& [item_id, change] : delta.items) {
    if (!delta.items_before.contains(item_id)) new_ones.push_back(item_id);
  }
  absl::flat_hash_map<std::string_view, ItemDelta> before;
  ReadItems(channel, new_ones, before);
  delta.items_before.insert(before.begin(), before.end());
}

void MenuLedger::SettleItems(int channel, ChannelDelta& delta, const ChannelMemory* memory) {
  absl::flat_hash_map<std::string_view, ItemDelta> now;
  std::vector<std::string_view> unknown;
  for (const auto& [item_id, change] : delta.items) {
    if (change.live == 0 && change.not_in_pos == 0) continue;
    const auto before = delta.items_before.find(item_id);
    if (before != delta.items_before.end()) {
      now[item_id] = {.live = before->second.live + change.live,
                      .not_in_pos = before->second.not_in_pos + change.not_in_pos};
    } else if (memory != nullptr && !memory->items.contains(ChannelMemory::Hash(item_id))) {
      now[item_id] = change;
    } else {
      unknown.push_back(item_id);
    }
  }
  ReadItems(channel, unknown, now);
  for (const auto& [item_id, item] : now) {
    const ItemDelta& change = delta.items.find(item_id)->second;
    delta.live_items += (item.live > 0) - (item.live - change.live > 0);
    delta.not_in_pos_items += (item.not_in_pos > 0) - (item.not_in_pos - change.not_in_pos > 0);
  }
}

void MenuLedger::SettleProducts() {
  if (products_.empty()) return;
  struct Union {
    Badges before = 0, after = 0;
  };
  absl::flat_hash_map<std::int64_t, Union> unions;
  std::vector<std::int64_t> numbers;
  for (const auto& [product, variants] : products_) {
    if (!loaded_.contains(product)) numbers.push_back(product);
    Union& badges = unions[product];
    for (const VariantBadges& variant : variants) {
      badges.before |= variant.before;
      badges.after |= variant.after;
      const auto count = [&](Badges set, int sign) {
        for (; set != 0; set &= set - 1) channels_[std::countr_zero(set)].sold_variants += sign;
      };
      count(variant.after & ~variant.before, +1);
      count(variant.before & ~variant.after, -1);
    }
  }
  if (!numbers.empty()) LoadBadges(numbers);
  for (auto& [product, badges] : unions) {
    const std::vector<VariantBadges>& changed = products_[product];
    for (const VariantBadges& sibling : loaded_[product]) {
      if (std::any_of(changed.begin(), changed.end(),
                      [&](const VariantBadges& other) { return other.variant == sibling.variant; })) {
        continue;
      }
      badges.before |= sibling.before;
      badges.after |= sibling.before;
    }
  }
  for (const auto& [product, badges] : unions) {
    for (Badges set = badges.after & ~badges.before; set != 0; set &= set - 1) {
      ++channels_[std::countr_zero(set)].sold_products;
    }
    for (Badges set = badges.before & ~badges.after; set != 0; set &= set - 1) {
      --channels_[std::countr_zero(set)].sold_products;
    }
  }
}

void MenuLedger::SettleBadgeCounts() {
  std::map<Badges, std::int64_t> deltas;
  for (const auto& [product, variants] : products_) {
    for (const VariantBadges& variant : variants) {
      if (variant.before != 0) --deltas[variant.before];
      if (variant.after != 0) ++deltas[variant.after];
    }
  }
  for (const auto& [badges, delta] : deltas) {
    if (delta == 0) continue;
    session_.Execute(
        "INSERT INTO badge_count (merchant_no, badges, variants) VALUES (?, ?, ?) "
        "ON DUPLICATE KEY UPDATE variants = variants + VALUES(variants)",
        {merchant_, static_cast<std::int64_t>(badges), delta});
    if (delta < 0) {
      session_.Execute("DELETE FROM badge_count WHERE merchant_no = ? AND badges = ? AND variants = 0",
                       {merchant_, static_cast<std::int64_t>(badges)});
    }
  }
}

void MenuLedger::Settle(int channel_with_memory, const ChannelMemory* memory) {
  SettleProducts();
  SettleBadgeCounts();
  for (auto& [channel, delta] : channels_) {
    SettleItems(channel, delta, channel == channel_with_memory ? memory : nullptr);
    session_.Execute(
        "UPDATE channel_count SET live = live + ?, inactive = inactive + ?, pending = pending + ?, "
        "suspended = suspended + ?, deleted = deleted + ?, unknown = unknown + ?, not_in_pos = not_in_pos + "
        "?, "
        "live_items = live_items + ?, not_in_pos_items = not_in_pos_items + ?, sold_variants = sold_variants "
        "+ ?, "
        "sold_products = sold_products + ?, multiple_listings = multiple_listings + ? "
        "WHERE merchant_no = ? AND channel_no = ?",
        {delta.by_state[0], delta.by_state[1], delta.by_state[2], delta.by_state[3], delta.by_state[4],
         delta.by_state[5], delta.not_in_pos, delta.live_items, delta.not_in_pos_items, delta.sold_variants,
         delta.sold_products, delta.multiple_listings, merchant_, channel});
  }
}

}  // namespace skulink::store
