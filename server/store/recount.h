#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/listing.h"
#include "common/string_map.h"
#include "server/store/channels.h"
#include "server/store/merchants.h"
#include "server/store/session.h"

namespace skulink::store {

// What channel_count keeps of a channel.
struct ChannelCounts {
  std::array<std::int64_t, kListingStates> by_state = {};  // index: state - 1
  std::int64_t not_in_pos = 0, live_items = 0, not_in_pos_items = 0;
  std::int64_t sold_variants = 0, sold_products = 0, multiple_listings = 0;

  friend bool operator==(const ChannelCounts&, const ChannelCounts&) = default;
};
// The columns of ChannelCounts in channel_count, in the order of its members.
inline constexpr char kChannelCountColumns[] =
    "live, inactive, pending, suspended, deleted, unknown, not_in_pos, live_items, not_in_pos_items, "
    "sold_variants, "
    "sold_products, multiple_listings";
std::array<std::int64_t, 12> Columns(const ChannelCounts& counts);

// All that is kept for the views of one merchant, computed anew from SKUs and listings alone.
struct Recount {
  std::int64_t variants = 0, listings = 0;
  std::map<int, ChannelCounts> channels;
  std::map<int, StringMap<std::int64_t>>
      multiple_listings;  // by channel: SKU key to live listings, where 2 or more
  std::map<std::int64_t, std::int64_t> badge_counts;

  // Where the stored rows differ.
  struct WrongBadges {
    std::int64_t product, variant, stored, right;
  };
  struct WrongInPos {
    int channel;
    std::string listing_id;
    bool right;
  };
  std::vector<WrongBadges> wrong_badges;
  std::vector<WrongInPos> wrong_in_pos;
  // For people: keys and fingerprints that are not those of the texts beside them, states that there are not,
  // variants without a product, listings without a channel.
  std::vector<std::string> wrong_rows;
};

// Reads the merchant from `session`, which should be in a snapshot.
Recount RecountMerchant(Session& session, const Merchant& merchant);

}  // namespace skulink::store
