#include "tests/seller_center_simulator/request_rate.h"

#include <algorithm>

namespace skulink::simulator {

// Two at least, so that requests that keep to the rate but are a little late on their way are not refused.
RequestRate::RequestRate(double per_second)
    : per_second_(per_second), most_(std::max(2.0, per_second)), left_(most_) {}

std::optional<std::chrono::nanoseconds> RequestRate::Refuse(Clock::time_point now) {
  if (per_second_ == 0) return std::nullopt;
  const std::chrono::duration<double> passed = now - as_of_;
  left_ = std::min(most_, left_ + passed.count() * per_second_);
  as_of_ = now;
  if (left_ >= 1) {
    left_ -= 1;
    return std::nullopt;
  }
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>((1 - left_) / per_second_));
}

}  // namespace skulink::simulator
