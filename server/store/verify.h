#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/database.h"

namespace skulink::store {

// What `skulinkd verify` found.
struct VerifyReport {
  std::int64_t merchants = 0, variants = 0, listings = 0;
  std::int64_t differences = 0;
  std::vector<std::string> first_differences;  // the first 100, for people
};

// Computes everything that is kept for the views, and what is to be sent, anew from SKUs and listings, and
// compares. Each merchant is read in one snapshot, so it can run beside a working server.
absl::StatusOr<VerifyReport> Verify(Database& database);

}  // namespace skulink::store
