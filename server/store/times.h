#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

// Times in the store: microseconds since 1970 UTC.
namespace skulink::store {

inline std::int64_t Now() { return absl::ToUnixMicros(absl::Now()); }

// The same by the database's clock, as SQL: leases need no servers whose clocks agree.
inline constexpr char kDatabaseNow[] = "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)";

inline std::optional<absl::Time> OptionalTime(const std::optional<std::int64_t>& micros) {
  return micros ? std::optional(absl::FromUnixMicros(*micros)) : std::nullopt;
}

}  // namespace skulink::store
