#include "server/sync/scan_rate.h"

#include "absl/time/clock.h"

namespace skulink {
namespace {

constexpr absl::Duration kLongestEstimate = absl::Hours(30 * 24);

void SetTime(google::protobuf::Timestamp* timestamp, absl::Time time) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
  timestamp->set_nanos(static_cast<std::int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp->seconds()))));
}

}  // namespace

void ScanRate::Note(absl::Time now, std::int64_t listings) {
  constexpr absl::Duration kWindow = absl::Seconds(1);
  if (!since_) since_ = now;
  counted_ += listings;
  const absl::Duration passed = now - *since_;
  if (passed < kWindow) {
    if (per_second_ == 0 && passed > absl::Milliseconds(50))
      per_second_ = counted_ / absl::ToDoubleSeconds(passed);
    return;
  }
  const double latest = counted_ / absl::ToDoubleSeconds(passed);
  per_second_ = per_second_ == 0 ? latest : 0.7 * per_second_ + 0.3 * latest;
  since_ = now;
  counted_ = 0;
}

void ScanRate::Estimate(v1::ScanProgress& progress) const {
  progress.set_listings_per_second(per_second_);
  progress.clear_estimated_end_time();
  const std::int64_t left = progress.listings_expected() - progress.listings_seen() - progress.refused();
  if (!progress.has_listings_expected() || per_second_ <= 0 || left < 0) return;
  const absl::Duration time_left = absl::Seconds(static_cast<double>(left) / per_second_);
  // A count that makes no sense gives no time either.
  if (time_left < kLongestEstimate) SetTime(progress.mutable_estimated_end_time(), absl::Now() + time_left);
}

}  // namespace skulink
