#include "server/store/listings.h"

#include <xxhash.h>

#include <cstring>

#include "common/sku_key.h"
#include "common/string_map.h"
#include "common/text.h"

namespace skulink::store {
namespace {

struct Owner {
  std::int64_t product, variant;
};
using Owners = StringMap<Owner>;

constexpr std::string_view kWrittenColumns =
    "merchant_no, channel_no, listing_id, item_id, seller_sku, sku_key, state, in_pos, name, name_key, "
    "price, "
    "currency, stock, gtin, fingerprint";

void AddRow(RowBatch& batch, const Merchant& merchant, int channel, const Listing& listing,
            std::string_view sku_key, bool in_pos) {
  const Fingerprint fingerprint = FingerprintOf(listing);
  batch.Add(merchant.number).Add(std::int64_t{channel}).Add(listing.listing_id).Add(listing.item_id);
  batch.Add(listing.seller_sku).Add(sku_key).Add(static_cast<std::int64_t>(listing.state));
  batch.Add(std::int64_t{in_pos}).Add(listing.name).Add(NameKey(listing.name));
  if (listing.price) {
    batch.Add(listing.price->ten_thousandths).Add(listing.price->currency);
  } else {
    batch.AddNull().AddNull();
  }
  batch.Add(listing.stock).Add(listing.gtin);
  batch.Add(std::string_view(fingerprint.data(), fingerprint.size())).EndRow();
}

// The variants that own these keys.
Owners FindOwners(Session& session, const Merchant& merchant, const std::vector<std::string_view>& sku_keys) {
  Owners owners;
  if (sku_keys.empty()) return owners;
  session.Query(
      "SELECT sku_key, product_no, variant_no FROM variant FORCE INDEX (by_sku) "
      "WHERE merchant_no = ? AND sku_key IN (?)",
      {merchant.number, sku_keys}, [&](const Row& row) {
        owners.emplace(row.Text(0), Owner{row.Int(1), row.Int(2)});
      });
  return owners;
}

// Tells the ledger where the listings of `ids` stand before they are changed.
void LeaveOldPlaces(Session& session, const Merchant& merchant, int channel,
                    const std::vector<std::string_view>& ids, MenuLedger& ledger,
                    std::vector<std::string>& old_keys) {
  if (ids.empty()) return;
  session.Query(
      "SELECT item_id, sku_key, state, in_pos FROM listing WHERE merchant_no = ? AND channel_no = ? "
      "AND listing_id IN (?)",
      {merchant.number, channel, ids}, [&](const Row& row) {
        ledger.ListingMoved(channel, row.Text(0), row.Text(1),
                            ListingPlace{static_cast<ListingState>(row.Int(2)), row.Int(3) != 0},
                            std::nullopt);
        old_keys.push_back(row.String(1));
      });
}

// A key began or ceased to be live on the channel: its variant's badge follows.
void UpdateBadges(Session& session, const Merchant& merchant, int channel, MenuLedger& ledger,
                  const Owners& owners, const std::vector<MenuLedger::KeyChange>& changes) {
  std::vector<std::string_view> gained, lost;
  const Badges badge = BadgeOf(channel);
  absl::flat_hash_set<std::int64_t> products;
  for (const MenuLedger::KeyChange& change : changes) {
    const auto owner = owners.find(change.sku_key);
    if (owner != owners.end()) products.insert(owner->second.product);
  }
  if (products.empty()) return;
  ledger.LoadBadges({products.begin(), products.end()});
  for (const MenuLedger::KeyChange& change : changes) {
    const auto owner = owners.find(change.sku_key);
    if (owner == owners.end()) continue;
    const Badges before = ledger.BadgesOf(owner->second.product, owner->second.variant);
    const Badges after = change.live ? before | badge : before & ~badge;
    if (before == after) continue;
    (change.live ? gained : lost).push_back(change.sku_key);
    ledger.BadgesChanged(owner->second.product, owner->second.variant, before, after);
  }
  const auto bit = static_cast<std::int64_t>(badge);
  if (!gained.empty()) {
    session.Execute("UPDATE variant SET badges = badges | ? WHERE merchant_no = ? AND sku_key IN (?)",
                    {bit, merchant.number, gained});
  }
  if (!lost.empty()) {
    session.Execute("UPDATE variant SET badges = badges & ~? WHERE merchant_no = ? AND sku_key IN (?)",
                    {bit, merchant.number, lost});
  }
}

}  // namespace

Fingerprint FingerprintOf(const Listing& listing) {
  thread_local std::string text;
  text.clear();
  const auto add_text = [&](std::string_view part) {
    const auto size = static_cast<std::uint32_t>(part.size());
    text.append(reinterpret_cast<const char*>(&size), sizeof size).append(part);
  };
  const auto add_number = [&](const std::optional<std::int64_t>& number) {
    text.push_back(number ? '1' : '0');
    const std::int64_t value = number.value_or(0);
    text.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  add_text(listing.item_id);
  add_text(listing.name);
  add_text(listing.seller_sku);
  add_text(listing.gtin);
  text.push_back(static_cast<char>(listing.state));
  add_number(listing.price ? std::optional(listing.price->ten_thousandths) : std::nullopt);
  add_text(listing.price ? std::string_view(listing.price->currency) : std::string_view());
  add_number(listing.stock);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(text.data(), text.size()));
  Fingerprint fingerprint;
  std::memcpy(fingerprint.data(), canonical.digest, fingerprint.size());
  return fingerprint;
}

void ApplyListingChanges(Session& session, const Merchant& merchant, int channel,
                         const ListingChanges& changes, const ChannelMemory* memory) {
  MenuLedger ledger(session, merchant.number);
  std::vector<std::string_view> changed_ids;
  for (const Listing& listing : changes.updated) changed_ids.push_back(listing.listing_id);
  for (const std::string& id : changes.removed) changed_ids.push_back(id);
  std::vector<std::string> keys;  // the new ones first, in the order of created and updated
  keys.reserve(changes.created.size() + changes.updated.size());
  for (const auto* listings : {&changes.created, &changes.updated}) {
    for (const Listing& listing : *listings) keys.push_back(SkuKey(listing.seller_sku, merchant.sku_case));
  }
  LeaveOldPlaces(session, merchant, channel, changed_ids, ledger, keys);

  absl::flat_hash_set<std::string_view> distinct(keys.begin(), keys.end());
  distinct.erase(std::string_view());
  const Owners owners = FindOwners(session, merchant, {distinct.begin(), distinct.end()});

  if (!changed_ids.empty()) {
    session.Execute("DELETE FROM listing WHERE merchant_no = ? AND channel_no = ? AND listing_id IN (?)",
                    {merchant.number, channel, changed_ids});
  }
  RowBatch batch("listing", std::string(kWrittenColumns));
  std::size_t next_key = 0;
  for (const auto* listings : {&changes.created, &changes.updated}) {
    for (const Listing& listing : *listings) {
      const std::string& key = keys[next_key++];
      const bool in_pos = owners.contains(key);
      AddRow(batch, merchant, channel, listing, key, in_pos);
      ledger.ListingMoved(channel, listing.item_id, key, std::nullopt, ListingPlace{listing.state, in_pos});
    }
  }
  if (!batch.empty()) session.Load(batch);
  UpdateBadges(session, merchant, channel, ledger, owners, ledger.SettleKeys(channel, memory));
  ledger.Settle(channel, memory);
}

void StreamListings(Session& session, std::int64_t merchant_number, int channel,
                    const std::function<void(const KnownListing&)>& take) {
  session.Stream(
      "SELECT listing_id, item_id, sku_key, fingerprint, state FROM listing WHERE merchant_no = ? AND "
      "channel_no = ?",
      {merchant_number, channel}, [&](const Row& row) {
        KnownListing known{row.Text(0), row.Text(1), row.Text(2), {}, static_cast<ListingState>(row.Int(4))};
        std::memcpy(known.fingerprint.data(), row.Text(3).data(), known.fingerprint.size());
        take(known);
      });
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
