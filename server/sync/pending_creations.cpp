#include "server/sync/pending_creations.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

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
std::string ItemWithAll(const ItemCreation& creation, SkuCase sku_case, const ItemsOfKeys& items) {
  const std::vector<std::string> keys = KeysOf(creation, sku_case);
  std::set<std::string> with_all = items.at(keys.front());
  for (const std::string& key : keys) {
    std::erase_if(with_all, [&](const std::string& item) { return !items.at(key).contains(item); });
  }
  if (!creation.item_id.empty()) return with_all.contains(creation.item_id) ? creation.item_id : "";
  return with_all.empty() ? "" : *with_all.begin();
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
    ItemsOfKeys items;
    for (const store::CreationRecord& record : records) {
      absl::StatusOr<ItemCreation> creation = UnpackCreation(record.request);
      if (!creation.ok()) throw store::Refused(creation.status());
      for (std::string& key : KeysOf(*creation, sku_case)) items[std::move(key)];
      creations.push_back(*std::move(creation));
    }
    std::vector<std::string_view> keys;
    for (const auto& [key, of_key] : items) keys.push_back(key);
    store::FindListingsOfKeys(session, job, keys, {0, 1},
                              [&](std::string_view key, std::string_view, std::string_view item_id) {
                                items.at(key).emplace(item_id);
                              });
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::string item_id = ItemWithAll(creations[i], sku_case, items);
      if (item_id.empty()) {
        pending.groups.push_back({.creation = std::move(creations[i]), .product = records[i].product});
        continue;
      }
      records[i].outcome = static_cast<int>(WriteResult::kOk);
      records[i].item_id = item_id;
      pending.found.push_back(std::move(records[i]));
    }
    return pending;
  });
}

}  // namespace skulink
