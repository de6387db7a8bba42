#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/money.h"

namespace skulink {

// Whether a listing can be bought as far as its state goes. The numbers are those of the protos and of the
// store.
enum class ListingState : std::uint8_t {
  kLive = 1,
  kInactive = 2,
  kPending = 3,
  kSuspended = 4,
  kDeleted = 5,
  kUnknown = 6,
};
inline constexpr int kListingStates = 6;

// What a Seller Center sells under one seller SKU.
struct Listing {
  std::string listing_id;
  std::string item_id;
  std::string name;
  std::string seller_sku;  // byte for byte
  ListingState state = ListingState::kUnknown;
  std::optional<Money> price;
  std::optional<std::int64_t> stock;
  std::string gtin;
};

}  // namespace skulink
