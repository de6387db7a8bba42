#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
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
// Of a listing that is not as we think: whoever sees it next takes it for changed. Nothing else has it.
inline constexpr Fingerprint kDoubtful{};

struct ListingChanges {
  // Listings the channel does not have. Ids are distinct over all three lists.
  std::vector<Listing> created;
  // Listings the channel has, with what they are now.
  std::vector<Listing> updated;
  // Ids of listings that go.
  std::vector<std::string> removed;
};

// What of changes can be worked out before the merchant is locked, while others are still writing. It holds
// as long as the merchant's SKU keys do.
struct PreparedChanges {
  struct Owner {
    std::int64_t product, variant;
  };

  SkuCase sku_case = SkuCase::kSensitive;
  std::int64_t sku_revision = -1;
  std::vector<std::string> sku_keys;  // of the created, then of the updated
  StringMap<Owner> owners;            // the variants that have them
  RowBatch created{"listing", ""};
};
PreparedChanges PrepareListingChanges(Session& session, const Merchant& merchant, int channel,
                                      const ListingChanges& changes);

// Writes the created rows ahead: in the transaction of ApplyListingChanges, but before the merchant is
// locked, so that the lock is held for half the time. Only in the first attempt at a transaction: throws
// Stale when the rows are there already, and ApplyListingChanges does when `prepared` does not hold any more.
void LoadCreated(Session& session, const PreparedChanges& prepared);

// Writes changes of one channel's listings and all that follows from them in the views. Within a transaction
// that holds the merchant's lock. `memory` may be null; it is not changed. `prepared`, of the same changes,
// may be null, and need not hold any more unless its rows are loaded.
enum class CreatedRows { kToLoad, kLoaded };
void ApplyListingChanges(Session& session, const Merchant& merchant, int channel,
                         const ListingChanges& changes, const ChannelMemory* memory,
                         const PreparedChanges* prepared = nullptr,
                         CreatedRows created_rows = CreatedRows::kToLoad);

// For the memory of a scan: streams what is known of a channel's listings, in the order of their ids, those
// with an id after `after`.
struct KnownListing {
  std::string_view listing_id;
  Fingerprint fingerprint;
  ListingState state;
};
void StreamListings(Session& session, std::int64_t merchant_number, int channel, std::string_view after,
                    const std::function<void(const KnownListing&)>& take);

// Listings as they are stored, held for the rest of the transaction.
struct LockedListing {
  Listing listing;
  std::string sku_key, name_key;
  bool in_pos = false;
  bool changed = false;   // stock or price, by the caller
  bool doubtful = false;  // by the caller: it is not as we think
};
std::vector<LockedListing> LockListings(Session& session, std::int64_t merchant_number, int channel,
                                        const std::vector<std::string_view>& listing_ids);
// Writes stock and price of those that changed: what the Seller Center took, or nothing when that is not
// known.
void WriteListingValues(Session& session, std::int64_t merchant_number, int channel,
                        const std::vector<LockedListing>& listings);

// Those of these listings that the channel has.
void FindKnownListings(Session& session, std::int64_t merchant_number, int channel,
                       const std::vector<std::string_view>& listing_ids,
                       const std::function<void(const KnownListing&)>& take);

// The states that each channel has listings in, by channel number: only these are worth a look.
std::map<int, std::vector<ListingState>> StatesInUse(Session& session, std::int64_t merchant_number);

// The items of these listings, by listing id.
StringMap<std::string> ItemsOfListings(Session& session, std::int64_t merchant_number, int channel,
                                       const std::vector<std::string>& listing_ids);

// The columns that ListingFromRow reads, in its order.
inline constexpr char kListingColumns[] =
    "listing_id, item_id, name, seller_sku, state, price, currency, stock, gtin";
Listing ListingFromRow(const Row& row, int first_column);

}  // namespace skulink::store
