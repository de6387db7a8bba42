#pragma once

#include <chrono>
#include <optional>

namespace skulink::simulator {

// How many requests a second are taken: what was not used of the last second may be used in one go.
// Not thread-safe.
class RequestRate {
 public:
  using Clock = std::chrono::steady_clock;

  // 0: all.
  explicit RequestRate(double per_second);

  // Takes a request; when it is one too many, returns after how long one will be taken again.
  std::optional<std::chrono::nanoseconds> Refuse(Clock::time_point now);

 private:
  const double per_second_;
  const double most_;
  double left_;
  Clock::time_point as_of_{};
};

}  // namespace skulink::simulator
