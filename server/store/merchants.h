#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/sku_key.h"
#include "server/store/database.h"

namespace skulink::store {

struct Merchant {
  std::int64_t number = 0;  // first column of every key; never changes
  std::string id;
  std::string display_name;
  std::string currency;
  SkuCase sku_case = SkuCase::kSensitive;
  bool allow_negative_stock = false;
  std::int64_t version = 0;       // the etag
  std::int64_t sku_revision = 0;  // another one when a SKU key came to a variant or left it
  absl::Time create_time, update_time;
};

struct MerchantChange {
  std::optional<std::string> display_name;
  std::optional<std::string> currency;
  std::optional<SkuCase> sku_case;
  std::optional<bool> allow_negative_stock;
  std::optional<std::int64_t> version;  // ETAG_MISMATCH when it is not the current one
};

// ALREADY_EXISTS when the id is taken. Reads id, display_name, currency, sku_case,
// allow_negative_stock.
absl::StatusOr<Merchant> CreateMerchant(Database& database, const Merchant& merchant);
absl::StatusOr<Merchant> GetMerchant(Database& database, std::string_view merchant_id);
// By id, those after `after_id`.
absl::StatusOr<std::vector<Merchant>> ListMerchants(Database& database, std::string_view after_id, int limit);
// A change of sku_case computes all keys and matches of the merchant anew (rekey.h) before it returns.
absl::StatusOr<Merchant> UpdateMerchant(Database& database, std::string_view merchant_id,
                                        const MerchantChange& change);

// Creates the merchant `default` unless it is there.
absl::Status EnsureDefaultMerchant(Database& database);

// The merchant's row, held for the rest of the transaction: whoever changes what the views are made of holds
// it, so that changes of one merchant come one after the other. Throws Refused: NOT_FOUND, or UNAVAILABLE
// (REKEYING) unless `also_rekeying`.
Merchant LockMerchant(Session& session, std::string_view merchant_id, bool also_rekeying = false);
Merchant LockMerchant(Session& session, std::int64_t merchant_number);

// Throws Refused (NOT_FOUND) when there is none.
Merchant RequireMerchant(Session& session, std::string_view merchant_id);

// UNAVAILABLE (REKEYING).
absl::Status Rekeying(std::string_view merchant_id);

}  // namespace skulink::store
