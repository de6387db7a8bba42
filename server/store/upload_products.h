#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/string_map.h"
#include "server/store/jobs.h"
#include "server/store/products.h"
#include "server/store/session.h"

// Products as an upload sees them: with what the channel has of them.
namespace skulink::store {

struct UploadVariant {
  Variant variant;  // without its stock
  std::string sku_key;
  std::int64_t offered = 0;  // units, by the channel's rule; none of what is not known to be there
  std::string listing_id;    // one of its key on the channel, of any state but DELETED; empty: there is none
  std::string item_id;       // its item
};

struct UploadProduct {
  std::int64_t number = 0;
  std::string id, name;
  std::vector<std::string> image_uris;
  std::map<std::int64_t, UploadVariant> variants;  // by number
  // The item of the channel that has most of them, then the first by id; where it has none of them, the last
  // that an upload made of the product, if there still are listings of it. Empty: none.
  std::string item_id;
  std::int64_t item_listings = 0;  // that the item has
};

// How many of these products, the first of them, have no more than so many variants together; at least one.
std::size_t CountWithin(Session& session, const JobRecord& job, const std::vector<std::int64_t>& numbers,
                        std::int64_t variants);

// By number; products that are gone are missing.
absl::flat_hash_map<std::int64_t, UploadProduct> ReadUploadProducts(Session& session, const JobRecord& job,
                                                                    const std::vector<std::int64_t>& numbers);

// Calls `take` with the key, the listing and the item of each listing of the channel, of any state but
// DELETED, that has one of these keys. `in_pos`: which of those that are (1) and are not (0) in the POS.
void FindListingsOfKeys(
    Session& session, const JobRecord& job, const std::vector<std::string_view>& sku_keys,
    const std::vector<std::int64_t>& in_pos,
    const std::function<void(std::string_view, std::string_view, std::string_view)>& take);

// Of these products, those that there are.
absl::flat_hash_set<std::int64_t> FindProducts(Session& session, const JobRecord& job,
                                               const std::vector<std::int64_t>& numbers);
// Of these keys, those that variants have.
StringSet FindKeysInPos(Session& session, const JobRecord& job,
                        const std::vector<std::string_view>& sku_keys);

// The channel was read in full once, so that what it has is known.
bool WasScannedInFull(Session& session, std::int64_t merchant_number, int channel);

}  // namespace skulink::store
