#pragma once

#include <stdexcept>
#include <string>

#include "tests/seller_center_simulator/listing_book.h"

namespace skulink::simulator {

// `FILE:LINE: FIELD: what is wrong`.
class BrokenListingsFile : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads a listings file: JSON Lines of
// {"listing_id","item_id","name","seller_sku","price","stock","status","gtin"}. All but listing_id may be
// null or absent. `status` is active (also when absent), inactive, archived, deleted, pending, suspended or
// unknown; `price` is a number in `currency`. Throws BrokenListingsFile.
ListingBook ReadListingsFile(const std::string& path, const std::string& currency);

}  // namespace skulink::simulator
