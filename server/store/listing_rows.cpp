// Finds listings as they are stored.
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/listings.h"

namespace skulink::store {
namespace {

KnownListing KnownFromRow(const Row& row) {
  KnownListing known{row.Text(0), {}, static_cast<ListingState>(row.Int(2))};
  std::memcpy(known.fingerprint.data(), row.Text(1).data(), known.fingerprint.size());
  return known;
}

}  // namespace

void StreamListings(Session& session, std::int64_t merchant_number, int channel, std::string_view after,
                    const std::function<void(const KnownListing&)>& take) {
  session.Stream(
      "SELECT listing_id, fingerprint, state FROM listing FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND "
      "channel_no = ? AND listing_id > ? ORDER BY listing_id",
      {merchant_number, channel, after}, [&](const Row& row) { take(KnownFromRow(row)); });
}

void FindKnownListings(Session& session, std::int64_t merchant_number, int channel,
                       const std::vector<std::string_view>& listing_ids,
                       const std::function<void(const KnownListing&)>& take) {
  session.Query(
      "WITH asked (k) AS (?) SELECT l.listing_id, l.fingerprint, l.state FROM asked STRAIGHT_JOIN listing l "
      "FORCE "
      "INDEX (PRIMARY) ON l.merchant_no = ? AND l.channel_no = ? AND l.listing_id = asked.k",
      {Keys(listing_ids), merchant_number, channel}, [&](const Row& row) { take(KnownFromRow(row)); });
}

std::vector<LockedListing> LockListings(Session& session, std::int64_t merchant_number, int channel,
                                        const std::vector<std::string_view>& listing_ids) {
  std::vector<LockedListing> locked;
  session.Query(absl::StrCat("SELECT ", kListingColumns,
                             ", sku_key, name_key, in_pos FROM listing FORCE INDEX (PRIMARY) WHERE "
                             "merchant_no = ? AND channel_no = ? AND listing_id IN (?) FOR UPDATE"),
                {merchant_number, channel, listing_ids}, [&](const Row& row) {
                  locked.push_back({.listing = ListingFromRow(row, 0),
                                    .sku_key = row.String(9),
                                    .name_key = row.String(10),
                                    .in_pos = row.Int(11) != 0});
                });
  return locked;
}

std::map<int, std::vector<ListingState>> StatesInUse(Session& session, std::int64_t merchant_number) {
  std::map<int, std::vector<ListingState>> channels;
  session.Query(
      "SELECT channel_no, live, inactive, pending, suspended, deleted, unknown FROM channel_count WHERE "
      "merchant_no = ?",
      {merchant_number}, [&](const Row& row) {
        for (int state = 1; state <= kListingStates; ++state) {
          if (row.Int(state) == 0) continue;
          channels[static_cast<int>(row.Int(0))].push_back(static_cast<ListingState>(state));
        }
      });
  return channels;
}

StringMap<std::string> ItemsOfListings(Session& session, std::int64_t merchant_number, int channel,
                                       const std::vector<std::string>& listing_ids) {
  StringMap<std::string> items;
  session.Query(
      "SELECT listing_id, item_id FROM listing WHERE merchant_no = ? AND channel_no = ? AND listing_id IN "
      "(?)",
      {merchant_number, channel, listing_ids},
      [&](const Row& row) { items.emplace(row.Text(0), row.String(1)); });
  return items;
}

Listing ListingFromRow(const Row& row, int first_column) {
  const auto column = [&](int offset) { return first_column + offset; };
  Listing listing{.listing_id = row.String(column(0)),
                  .item_id = row.String(column(1)),
                  .name = row.String(column(2)),
                  .seller_sku = row.String(column(3)),
                  .state = static_cast<ListingState>(row.Int(column(4))),
                  .stock = row.OptionalInt(column(7)),
                  .gtin = row.String(column(8))};
  if (!row.IsNull(column(5))) listing.price = Money{row.Int(column(5)), row.String(column(6))};
  return listing;
}

}  // namespace skulink::store
