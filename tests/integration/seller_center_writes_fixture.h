#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/integration/seller_center_fixture.h"

// What tests of writes to Seller Centers need again and again.
namespace skulink {

inline Money Idr(std::int64_t units) { return {.ten_thousandths = units * 10'000, .currency = "IDR"}; }

// For the listings of MakeListing.
inline StockUpdate MakeStockUpdate(int number, std::int64_t quantity) {
  return {.listing_id = ListingId(number), .item_id = MakeListing(number).item_id(), .quantity = quantity};
}
inline PriceUpdate MakePriceUpdate(int number, std::int64_t units) {
  return {.listing_id = ListingId(number), .item_id = MakeListing(number).item_id(), .price = Idr(units)};
}

// A new item with two listings, whose SKUs and key come from `name`.
inline ItemCreation MakeCreation(const std::string& name) {
  return {.idempotency_key = "key-" + name,
          .item_id = "",
          .title = "Kemeja " + name,
          .image_uris = {"https://images.example/" + name},
          .listings = {
              {.seller_sku = name + "-M", .option = "M", .price = Idr(150'000), .stock = 4, .gtin = ""},
              {.seller_sku = name + "-L", .option = "L", .price = Idr(155'000), .stock = 0, .gtin = "8991"}}};
}

// For one answer after the other, of either kind.
inline WriteResult ResultOf(const WriteOutcome& outcome) { return outcome.result; }
inline WriteResult ResultOf(const ItemCreated& created) { return created.outcome.result; }

template <typename Answer>
std::vector<WriteResult> ResultsOf(const absl::StatusOr<std::vector<Answer>>& answers) {
  EXPECT_TRUE(answers.ok()) << answers.status();
  std::vector<WriteResult> results;
  for (const Answer& answer : answers.ok() ? *answers : std::vector<Answer>()) {
    results.push_back(ResultOf(answer));
  }
  return results;
}

}  // namespace skulink
