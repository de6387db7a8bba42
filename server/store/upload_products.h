#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/store/jobs.h"
#include "server/store/products.h"
#include "server/store/session.h"

// Products as an upload sees them: with what the channel has of them.
namespace skulink::store {

struct UploadVariant {
  Variant variant;
  std::string sku_key;
  std::string listing_id;  // one of its key on the channel, of any state but DELETED; empty: there is none
  std::string item_id;     // its item
};

struct UploadProduct {
  std::int64_t number = 0;
  std::string id, name;
  std::vector<std::string> image_uris;
  std::map<std::int64_t, UploadVariant> variants;  // by number
  std::string item_id;  // the item of the channel that has most of them, then the first by id; empty: none
  std::int64_t item_listings = 0;  // that the item has
};

// By number; products that are gone are missing.
absl::flat_hash_map<std::int64_t, UploadProduct> ReadUploadProducts(Session& session, const JobRecord& job,
                                                                    const std::vector<std::int64_t>& numbers);

}  // namespace skulink::store
