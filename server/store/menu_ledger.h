#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/listing.h"
#include "common/string_map.h"
#include "server/store/channels.h"
#include "server/store/session.h"

namespace skulink::store {

// Where a listing stands in the menu.
struct ListingPlace {
  ListingState state;
  bool in_pos;

  friend bool operator==(const ListingPlace&, const ListingPlace&) = default;
};

// Hashes of items and SKU keys that a channel may have listings of. What is not in here has none for certain,
// which spares the ledger a look into the database.
struct ChannelMemory {
  absl::flat_hash_set<std::uint64_t> items, sku_keys;

  static std::uint64_t Hash(std::string_view text);
  void AddItem(std::string_view item_id) { items.insert(Hash(item_id)); }
  void AddSkuKey(std::string_view sku_key) { sku_keys.insert(Hash(sku_key)); }
};

// Keeps the statistics, badge counts and groups of Multiple Listing equal to what the views would count,
// within the transaction of the change: it is told each change, and once all rows are written it settles. The
// caller holds the merchant's lock.
class MenuLedger {
 public:
  MenuLedger(Session& session, std::int64_t merchant_number)
      : session_(session), merchant_(merchant_number) {}

  // A listing of `channel` came (no `before`), went (no `after`) or changed its place. One that changes its
  // item or its key goes under the old and comes under the new.
  void ListingMoved(int channel, std::string_view item_id, std::string_view sku_key,
                    const std::optional<ListingPlace>& before, const std::optional<ListingPlace>& after);

  // Reads the counts of the items that were told of so far, before their listings are written: afterwards the
  // index has to look up each row, since this transaction changed it.
  void LoadItems(int channel);

  // Reads the variants of these products once, before their badges change, for BadgesOf and for settling.
  void LoadBadges(const std::vector<std::int64_t>& products);
  // Instead, of variants that were read under the lock before: all that the product has.
  void TakeBadges(std::int64_t product, const std::vector<std::pair<std::int64_t, Badges>>& variants);
  // As loaded.
  Badges BadgesOf(std::int64_t product, std::int64_t variant) const;

  // A variant came (before = 0), went (after = 0) or changed its badges.
  void BadgesChanged(std::int64_t product, std::int64_t variant, Badges before, Badges after);

  struct KeyChange {
    std::string sku_key;
    bool live;  // has a live listing now, and had none; or the other way round
  };
  // After the listings are written: updates the groups of Multiple Listing of `channel`, and tells which keys
  // began or ceased to be live there. `memory` may be null.
  std::vector<KeyChange> SettleKeys(int channel, const ChannelMemory* memory);

  // After all rows are written: updates the counts.
  void Settle(int channel_with_memory, const ChannelMemory* memory);
  void Settle() { Settle(-1, nullptr); }

 private:
  struct ItemDelta {
    std::int64_t live = 0, not_in_pos = 0;
  };
  struct KeyDelta {
    std::int64_t live = 0;
  };
  struct ChannelDelta {
    std::int64_t by_state[kListingStates] = {};
    std::int64_t not_in_pos = 0, live_items = 0, not_in_pos_items = 0;
    std::int64_t sold_variants = 0, sold_products = 0, multiple_listings = 0;
    StringMap<ItemDelta> items;
    StringMap<ItemDelta> items_before;  // as loaded
    StringMap<KeyDelta> sku_keys;
  };
  struct VariantBadges {
    std::int64_t variant;
    Badges before, after;
  };

  void ReadItems(int channel, const std::vector<std::string_view>& item_ids,
                 absl::flat_hash_map<std::string_view, ItemDelta>& counts);
  void Count(ChannelDelta& delta, std::string_view item_id, std::string_view sku_key,
             const ListingPlace& place, int sign);
  void SettleItems(int channel, ChannelDelta& delta, const ChannelMemory* memory);
  void SettleProducts();
  void SettleBadgeCounts();

  Session& session_;
  std::int64_t merchant_;
  std::map<int, ChannelDelta> channels_;
  std::map<std::int64_t, std::vector<VariantBadges>> products_;  // those that changed
  absl::flat_hash_map<std::int64_t, std::vector<VariantBadges>> loaded_;
};

}  // namespace skulink::store
