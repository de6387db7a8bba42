#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "skulink/sellercenter/v1/seller_center_service.pb.h"

namespace skulink {

// A page as it lies in the bytes that were received: texts point into them, nothing is checked yet. Reading
// it this way takes half the time of parsing it to messages and moving their texts out; a scan reads millions
// of listings.
struct WirePrice {
  std::string_view currency_code;
  std::int64_t units = 0;
  std::int32_t nanos = 0;
};
struct WireListing {
  std::string_view listing_id, item_id, title, seller_sku, gtin;
  int state = 0;
  std::optional<WirePrice> price;
  std::optional<std::int64_t> stock;
};
struct WirePage {
  std::vector<WireListing> listings;
  std::string_view resume_token;
  std::optional<std::int64_t> listing_count;
};

// Reads a ListListingsResponse. False when the bytes are no message. `page` is best used again.
bool ReadWirePage(std::string_view bytes, WirePage& page);

// A listing that was parsed, in the same shape, so that listings are checked in one way only.
WireListing ViewOf(const sellercenter::v1::Listing& listing);

}  // namespace skulink
