#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/channels.h"
#include "server/store/database.h"
#include "server/store/variant_choice.h"
#include "skulink/v1/inventory_service.pb.h"

namespace skulink::store {

// What a channel with this rule offers of v.stock, as SQL.
std::string OfferedStock(const StockSync& rule);

struct StockChange {
  VariantChoice variant;
  std::int64_t quantity = 0;  // to set, or to add
};

struct StockRequest {
  enum class Kind { kSet, kAdjust };
  Kind kind = Kind::kSet;
  std::vector<StockChange> changes;
  std::string request_id;  // may be empty
  std::string request;     // serialized, without its request_id
};

// Sets or adjusts stocks in order, all or nothing, and plans what is to be sent. One for each change, with
// the stock after all of them. Errors name the field of the request: NOT_FOUND, a variant twice,
// STOCK_UNKNOWN, STOCK_BELOW_ZERO, VALUE_OUT_OF_RANGE. A request_id that was answered within a day is
// answered again, or REQUEST_ID_REUSED. Quantities are in the range of their field.
absl::StatusOr<v1::SetStockResponse> ChangeStock(Database& database, std::string_view merchant_id,
                                                 const StockRequest& request);

}  // namespace skulink::store
