#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/listing.h"
#include "common/string_map.h"
#include "server/store/menu_ledger.h"
#include "server/store/merchants.h"

namespace skulink::store {

// Of all that a Seller Center says of a listing: equal when nothing changed.
using Fingerprint = std::array<char, 16>;
Fingerprint FingerprintOf(const Listing& listing);

struct ListingChanges {
  // Listings the channel does not have. Ids are distinct over all three lists.
  std::vector<Listing> created;
  // Listings the channel has, with what they are now.
  std::vector<Listing> updated;
  // Ids of listings that go.
  std::vector<std::string> removed;
};

// Writes changes of one channel's listings and all that follows from them in the views. Within a transaction
// that holds the merchant's lock. `memory` may be null; it is not changed.
void ApplyListingChanges(Session& session, const Merchant& merchant, int channel,
                         const ListingChanges& changes, const ChannelMemory* memory);

// For the memory of a scan: streams what is known of a channel's listings.
struct KnownListing {
  std::string_view listing_id, item_id, sku_key;
  Fingerprint fingerprint;
  ListingState state;
};
void StreamListings(Session& session, std::int64_t merchant_number, int channel,
                    const std::function<void(const KnownListing&)>& take);

// The items of these listings, by listing id.
StringMap<std::string> ItemsOfListings(Session& session, std::int64_t merchant_number, int channel,
                                       const std::vector<std::string>& listing_ids);

// The columns that ListingFromRow reads, in its order.
inline constexpr char kListingColumns[] =
    "listing_id, item_id, name, seller_sku, state, price, currency, stock, gtin";
Listing ListingFromRow(const Row& row, int first_column);

}  // namespace skulink::store
