#include "server/store/listings.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/sku_key.h"
#include "common/string_map.h"
#include "common/text.h"
#include "server/store/pushes.h"

namespace skulink::store {
namespace {

using Owners = StringMap<PreparedChanges::Owner>;

// So that a statement stays under the max_allowed_packet that databases have by default, whatever the texts.
constexpr std::size_t kUpdatedAtOnce = 500;

constexpr char kWrittenColumns[] =
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

// Most updates leave a listing where it stands in the views: written in place, they touch no index.
void WriteUpdated(Session& session, const Merchant& merchant, int channel, std::span<const Listing> listings,
                  std::span<const std::string> sku_keys, const Owners& owners) {
  ValueRows rows;
  std::vector<std::string> name_keys;
  std::vector<Fingerprint> fingerprints;
  for (const Listing& listing : listings) {
    name_keys.push_back(NameKey(listing.name));
    fingerprints.push_back(FingerprintOf(listing));
  }
  for (std::size_t i = 0; i < listings.size(); ++i) {
    const Listing& listing = listings[i];
    const std::string& sku_key = sku_keys[i];
    const std::optional<Money>& price = listing.price;
    rows.push_back({merchant.number, channel, listing.listing_id, listing.item_id, listing.seller_sku,
                    sku_key, static_cast<int>(listing.state), owners.contains(sku_key), listing.name,
                    name_keys[i], price ? Value(price->ten_thousandths) : Value(std::nullopt),
                    price ? Value(price->currency) : Value(std::nullopt), listing.stock, listing.gtin,
                    Blob{std::string_view(fingerprints[i].data(), fingerprints[i].size())}});
  }
  session.Execute(
      absl::StrCat("INSERT INTO listing (", kWrittenColumns,
                   ") VALUES ? ON DUPLICATE KEY UPDATE item_id = VALUES(item_id), seller_sku = "
                   "VALUES(seller_sku), sku_key = VALUES(sku_key), state = VALUES(state), in_pos = "
                   "VALUES(in_pos), name = VALUES(name), name_key = VALUES(name_key), price = VALUES(price), "
                   "currency = VALUES(currency), stock = VALUES(stock), gtin = VALUES(gtin), fingerprint = "
                   "VALUES(fingerprint)"),
      {rows});
}

void DeleteListings(Session& session, const Merchant& merchant, int channel,
                    const std::vector<std::string_view>& ids) {
  if (ids.empty()) return;
  // Without the index a small table is read as a whole, and waits for rows of others.
  session.Execute(
      "DELETE l FROM listing l FORCE INDEX (PRIMARY) WHERE l.merchant_no = ? AND l.channel_no = ? AND "
      "l.listing_id IN (?)",
      {merchant.number, channel, ids});
}

// Adds the variants that own these keys.
void FindOwners(Session& session, const Merchant& merchant, const std::vector<std::string_view>& sku_keys,
                Owners& owners) {
  if (sku_keys.empty()) return;
  session.Query(
      "WITH asked (k) AS (?) SELECT v.sku_key, v.product_no, v.variant_no FROM asked STRAIGHT_JOIN variant v "
      "FORCE "
      "INDEX (by_sku) ON v.merchant_no = ? AND v.sku_key = asked.k",
      {Keys(sku_keys), merchant.number}, [&](const Row& row) {
        owners.emplace(row.Text(0), PreparedChanges::Owner{row.Int(1), row.Int(2)});
      });
}

// Of the items and keys of created listings, those that the channel has already: once the rows are loaded,
// counting them has to look up each, since this transaction wrote it.
ChannelMemory RememberPlaces(Session& session, const Merchant& merchant, int channel,
                             const std::vector<Listing>& created, const PreparedChanges& prepared) {
  ChannelMemory memory;
  absl::flat_hash_set<std::string_view> items, keys[2];  // in_pos: whether a variant owns the key
  for (std::size_t i = 0; i < created.size(); ++i) {
    items.insert(created[i].item_id);
    const std::string& key = prepared.sku_keys[i];
    if (!key.empty()) keys[prepared.owners.contains(key)].insert(key);
  }
  const std::vector<std::string_view> item_list(items.begin(), items.end());
  session.Query(
      "WITH asked (k) AS (?) SELECT l.item_id FROM asked STRAIGHT_JOIN listing l FORCE INDEX (by_item) ON "
      "l.merchant_no = ? AND l.channel_no = ? AND l.item_id = asked.k AND l.state = 1",
      {Keys(item_list), merchant.number, channel}, [&](const Row& row) { memory.AddItem(row.Text(0)); });
  for (const bool in_pos : {false, true}) {
    if (keys[in_pos].empty()) continue;
    const std::vector<std::string_view> key_list(keys[in_pos].begin(), keys[in_pos].end());
    session.Query(
        "WITH asked (k) AS (?) SELECT l.sku_key FROM asked STRAIGHT_JOIN listing l FORCE INDEX (by_sku) ON "
        "l.merchant_no = ? AND l.channel_no = ? AND l.state = 1 AND l.in_pos = ? AND l.sku_key = asked.k",
        {Keys(key_list), merchant.number, channel, in_pos},
        [&](const Row& row) { memory.AddSkuKey(row.Text(0)); });
  }
  return memory;
}

// Tells the ledger where the listings of `ids` stand before they are changed.
void LeaveOldPlaces(Session& session, const Merchant& merchant, int channel,
                    const std::vector<std::string_view>& ids, MenuLedger& ledger,
                    std::vector<std::string>& old_keys) {
  if (ids.empty()) return;
  session.Query(
      "WITH asked (k) AS (?) SELECT l.item_id, l.sku_key, l.state, l.in_pos FROM asked STRAIGHT_JOIN listing "
      "l FORCE "
      "INDEX (PRIMARY) ON l.merchant_no = ? AND l.channel_no = ? AND l.listing_id = asked.k",
      {Keys(ids), merchant.number, channel}, [&](const Row& row) {
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
  absl::flat_hash_set<std::int64_t> distinct;
  for (const MenuLedger::KeyChange& change : changes) {
    const auto owner = owners.find(change.sku_key);
    if (owner != owners.end()) distinct.insert(owner->second.product);
  }
  if (distinct.empty()) return;
  const std::vector<std::int64_t> products(distinct.begin(), distinct.end());
  ledger.LoadBadges(products);
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
  // By product: those of one item lie together, which takes two thirds of the time of a look-up for each key.
  if (!gained.empty()) {
    session.Execute(
        "UPDATE variant FORCE INDEX (PRIMARY) SET badges = badges | ? WHERE merchant_no = ? AND product_no "
        "IN "
        "(?) AND sku_key IN (?)",
        {bit, merchant.number, products, gained});
  }
  if (!lost.empty()) {
    session.Execute(
        "UPDATE variant FORCE INDEX (PRIMARY) SET badges = badges & ~? WHERE merchant_no = ? AND product_no "
        "IN "
        "(?) AND sku_key IN (?)",
        {bit, merchant.number, products, lost});
  }
}

void PlanPushes(Session& session, const Merchant& merchant, int channel, const ListingChanges& changes,
                const PreparedChanges& prepared) {
  PushPlanner planner(session, merchant.number);
  if (!planner.Keeps(channel)) return;
  const auto matched = [&](const Listing& listing, std::size_t key) {
    return listing.state == ListingState::kLive && prepared.owners.contains(prepared.sku_keys[key]);
  };
  for (std::size_t i = 0; i < changes.created.size(); ++i) {
    if (matched(changes.created[i], i)) planner.ListingCreated(channel, changes.created[i].listing_id);
  }
  for (std::size_t i = 0; i < changes.updated.size(); ++i) {
    const Listing& listing = changes.updated[i];
    if (matched(listing, changes.created.size() + i)) {
      planner.ListingTouched(channel, listing.listing_id);
    } else {
      planner.ListingLeft(channel, listing.listing_id);
    }
  }
  for (const std::string& id : changes.removed) planner.ListingLeft(channel, id);
  planner.Settle();
}

KnownListing KnownFromRow(const Row& row) {
  KnownListing known{row.Text(0), {}, static_cast<ListingState>(row.Int(2))};
  std::memcpy(known.fingerprint.data(), row.Text(1).data(), known.fingerprint.size());
  return known;
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

PreparedChanges PrepareListingChanges(Session& session, const Merchant& merchant, int channel,
                                      const ListingChanges& changes) {
  PreparedChanges prepared{.sku_case = merchant.sku_case,
                           .sku_revision = merchant.sku_revision,
                           .sku_keys = {},
                           .owners = {},
                           .created = RowBatch("listing", kWrittenColumns)};
  std::vector<std::string>& keys = prepared.sku_keys;
  keys.reserve(changes.created.size() + changes.updated.size());
  for (const auto* listings : {&changes.created, &changes.updated}) {
    for (const Listing& listing : *listings) keys.push_back(SkuKey(listing.seller_sku, merchant.sku_case));
  }
  absl::flat_hash_set<std::string_view> distinct(keys.begin(), keys.end());
  distinct.erase(std::string_view());
  FindOwners(session, merchant, {distinct.begin(), distinct.end()}, prepared.owners);
  for (std::size_t i = 0; i < changes.created.size(); ++i) {
    AddRow(prepared.created, merchant, channel, changes.created[i], keys[i],
           prepared.owners.contains(keys[i]));
  }
  return prepared;
}

void LoadCreated(Session& session, const PreparedChanges& prepared) {
  try {
    session.Load(prepared.created);
  } catch (const StoreError& error) {
    // Rows of a server that took the job over, or of an attempt whose answer was lost.
    if (error.number() != kDuplicateKey) throw;
    throw Stale();
  }
}

void ApplyListingChanges(Session& session, const Merchant& merchant, int channel,
                         const ListingChanges& changes, const ChannelMemory* memory,
                         const PreparedChanges* prepared, CreatedRows created_rows) {
  const bool holds = prepared != nullptr && prepared->sku_case == merchant.sku_case &&
                     prepared->sku_revision == merchant.sku_revision;
  std::optional<PreparedChanges> anew;
  // Loaded rows that are wrong: to write them once more would be too much for one transaction.
  if (!holds && created_rows == CreatedRows::kLoaded) throw Stale();
  if (!holds) prepared = &anew.emplace(PrepareListingChanges(session, merchant, channel, changes));
  const std::vector<std::string>& keys = prepared->sku_keys;
  ChannelMemory remembered;
  if (memory == nullptr && !changes.created.empty() && changes.updated.empty() && changes.removed.empty()) {
    remembered = RememberPlaces(session, merchant, channel, changes.created, *prepared);
    memory = &remembered;
  }
  if (created_rows == CreatedRows::kToLoad) session.Load(prepared->created);

  MenuLedger ledger(session, merchant.number);
  std::vector<std::string_view> changed_ids;
  for (const Listing& listing : changes.updated) changed_ids.push_back(listing.listing_id);
  changed_ids.insert(changed_ids.end(), changes.removed.begin(), changes.removed.end());
  std::vector<std::string> old_keys;
  LeaveOldPlaces(session, merchant, channel, changed_ids, ledger, old_keys);

  std::size_t next_key = 0;
  for (const auto* listings : {&changes.created, &changes.updated}) {
    for (const Listing& listing : *listings) {
      const std::string& key = keys[next_key++];
      ledger.ListingMoved(channel, listing.item_id, key, std::nullopt,
                          ListingPlace{listing.state, prepared->owners.contains(key)});
    }
  }
  for (std::size_t first = 0; first < changes.updated.size(); first += kUpdatedAtOnce) {
    const std::size_t count = std::min(kUpdatedAtOnce, changes.updated.size() - first);
    WriteUpdated(session, merchant, channel, std::span(changes.updated).subspan(first, count),
                 std::span(keys).subspan(changes.created.size() + first, count), prepared->owners);
  }
  DeleteListings(session, merchant, channel, {changes.removed.begin(), changes.removed.end()});

  const std::vector<MenuLedger::KeyChange> settled = ledger.SettleKeys(channel, memory);
  if (!settled.empty()) {
    absl::flat_hash_set<std::string_view> left(old_keys.begin(), old_keys.end());
    for (const std::string& key : keys) left.erase(key);
    left.erase(std::string_view());
    Owners owners;
    FindOwners(session, merchant, {left.begin(), left.end()}, owners);
    if (!owners.empty()) owners.insert(prepared->owners.begin(), prepared->owners.end());
    UpdateBadges(session, merchant, channel, ledger, owners.empty() ? prepared->owners : owners, settled);
  }
  ledger.Settle(channel, memory);
  PlanPushes(session, merchant, channel, changes, *prepared);
}

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

void WriteListingValues(Session& session, std::int64_t merchant_number, int channel,
                        const std::vector<LockedListing>& listings) {
  ValueRows rows;
  std::vector<Fingerprint> fingerprints;
  fingerprints.reserve(listings.size());  // rows point into it
  for (const LockedListing& locked : listings) {
    if (!locked.changed) continue;
    const Listing& listing = locked.listing;
    const std::optional<Money>& price = listing.price;
    const Fingerprint& fingerprint =
        fingerprints.emplace_back(locked.doubtful ? kDoubtful : FingerprintOf(listing));
    rows.push_back({merchant_number, channel, listing.listing_id, listing.item_id, listing.seller_sku,
                    locked.sku_key, static_cast<int>(listing.state), locked.in_pos, listing.name,
                    locked.name_key, price ? Value(price->ten_thousandths) : Value(std::nullopt),
                    price ? Value(price->currency) : Value(std::nullopt), listing.stock, listing.gtin,
                    Blob{std::string_view(fingerprint.data(), fingerprint.size())}});
  }
  if (rows.empty()) return;
  // A doubt stays until it is seen.
  session.Execute(
      absl::StrCat("INSERT INTO listing (", kWrittenColumns,
                   ") VALUES ? ON DUPLICATE KEY UPDATE price = VALUES(price), currency = VALUES(currency), "
                   "stock = VALUES(stock), fingerprint = IF(listing.fingerprint = ?, listing.fingerprint, "
                   "VALUES(fingerprint))"),
      {rows, Blob{std::string_view(kDoubtful.data(), kDoubtful.size())}});
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
