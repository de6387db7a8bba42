#pragma once

#include <stop_token>
#include <string_view>

#include "absl/status/status.h"
#include "common/sku_key.h"
#include "server/store/database.h"
#include "server/store/merchants.h"

// Computing all keys of a merchant anew after its sku_case changed, or a migration brought new kinds of keys.
// Too much for one transaction: while it is under way the merchant is marked, and whoever asks for it is told
// REKEYING.
namespace skulink::store {

// Throws Refused (SKU_CASE_CLASH, with the variants) when `sku_case` would give two variants one key.
void RefuseClashes(Session& session, const Merchant& merchant, SkuCase sku_case);

// Returns once nothing is left to do of a merchant that is marked: does it, or waits for the server that is
// at it, and takes over from one that fell silent. Can be called again after any interruption; `stop` is one,
// answered with CANCELLED.
absl::Status FinishRekeying(Database& database, std::string_view merchant_id,
                            const std::stop_token& stop = {});

// Finishes what servers that died left half-way, and what a migration marked.
absl::Status FinishAbandonedRekeying(Database& database, const std::stop_token& stop = {});

}  // namespace skulink::store
