#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "skulink/v1/sync_service.pb.h"

namespace skulink {

// Listings a second over the last seconds.
class ScanRate {
 public:
  void Note(absl::Time now, std::int64_t listings);
  double per_second() const { return per_second_; }
  // Fills in the rate, and when the scan will be done at it.
  void Estimate(v1::ScanProgress& progress) const;

 private:
  std::optional<absl::Time> since_;
  std::int64_t counted_ = 0;
  double per_second_ = 0;
};

}  // namespace skulink
