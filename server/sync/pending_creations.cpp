#include "server/sync/pending_creations.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/sku_key.h"
#include "common/string_map.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/merchants.h"
#include "server/store/upload_products.h"

namespace skulink {
namespace {

using ItemsOfKeys = StringMap<std::set<std::string>>;

std::vector<std::string> KeysOf(const ItemCreation& creation, SkuCase sku_case) {
  std::vector<std::string> keys;
  for (const ListingCreation& listing : creation.listings)
    keys.push_back(SkuKey(listing.seller_sku, sku_case));
  return keys;
}

// The item that has a listing of each key, and is the one to which they were to be added; empty: there is
// none.
std::string ItemWithAll(const ItemCreation& creation, const std::vector<std::string>& keys,
                        const ItemsOfKeys& items) {
  std::set<std::string> with_all = items.at(keys.front());
  for (const std::string& key : keys) {
    std::erase_if(with_all, [&](const std::string& item) { return !items.at(key).contains(item); });
  }
  if (!creation.item_id.empty()) return with_all.contains(creation.item_id) ? creation.item_id : "";
  return with_all.empty() ? "" : *with_all.begin();
}

// Those, by place, of which the POS has neither the product nor any of the SKUs. To ask for them once more
// might make what nobody wants; what was made of them a scan finds.
absl::flat_hash_set<std::size_t> Unwanted(store::Session& session, const store::JobRecord& job,
                                          const std::vector<store::CreationRecord>& records,
                                          const std::vector<std::vector<std::string>>& keys_of) {
  std::vector<std::int64_t> products;
  for (const store::CreationRecord& record : records) products.push_back(record.product);
  const auto there = store::FindProducts(session, job, products);
  absl::flat_hash_set<std::size_t> unwanted;
  std::vector<std::string_view> keys;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (there.contains(records[i].product)) continue;
    unwanted.insert(i);
    keys.insert(keys.end(), keys_of[i].begin(), keys_of[i].end());
  }
  const StringSet in_pos = store::FindKeysInPos(session, job, keys);
  absl::erase_if(unwanted, [&](std::size_t i) {
    return std::any_of(keys_of[i].begin(), keys_of[i].end(),
                       [&](const std::string& key) { return in_pos.contains(key); });
  });
  return unwanted;
}

}  // namespace

absl::StatusOr<PendingCreations> ReadPendingCreations(store::Database& database, const store::JobRecord& job,
                                                      const store::CreationRecord& after, int limit) {
  return database.Read([&](store::Session& session) {
    PendingCreations pending;
    std::vector<store::CreationRecord> records = store::FindUnknownCreations(session, job, after, limit);
    if (records.empty()) return pending;
    pending.last = records.back();
    const store::Merchant merchant = store::RequireMerchant(session, job.merchant_id);
    const SkuCase sku_case = merchant.sku_case;
    pending.currency = merchant.currency;
    std::vector<ItemCreation> creations;
    std::vector<std::vector<std::string>> keys_of;
    ItemsOfKeys items;
    for (const store::CreationRecord& record : records) {
      absl::StatusOr<ItemCreation> creation = UnpackCreation(record.request);
      if (!creation.ok()) throw store::Refused(creation.status());
      for (const std::string& key : keys_of.emplace_back(KeysOf(*creation, sku_case))) items[key];
      creations.push_back(*std::move(creation));
    }
    std::vector<std::string_view> keys;
    for (const auto& [key, of_key] : items) keys.push_back(key);
    store::FindListingsOfKeys(session, job, keys, {0, 1},
                              [&](std::string_view key, std::string_view, std::string_view item_id) {
                                items.at(key).emplace(item_id);
                              });
    const auto unwanted = Unwanted(session, job, records, keys_of);
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::string item_id = ItemWithAll(creations[i], keys_of[i], items);
      if (item_id.empty() && unwanted.contains(i)) continue;
      if (item_id.empty()) {
        pending.groups.push_back({.creation = std::move(creations[i]), .product = records[i].product});
        continue;
      }
      if (records[i].job_id != job.job_id) records[i].job_id.clear();  // it has ended: nobody comes back
      records[i].outcome = static_cast<int>(WriteResult::kOk);
      records[i].item_id = item_id;
      pending.found.push_back(std::move(records[i]));
    }
    return pending;
  });
}

}  // namespace skulink
