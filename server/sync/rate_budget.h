#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace skulink {

// The time that a RateBudget goes by; tests have one of their own. Thread-safe.
class RateClock {
 public:
  virtual ~RateClock() = default;

  virtual absl::Time Now() = 0;
  // Waits until `changed` is notified or it is `until`, which may be never; may also return for no reason.
  virtual void Wait(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                    absl::Time until) = 0;

  // One that nobody sets.
  static RateClock& Steady();
};

// How many requests a second go to one shop, and whose turn it is: writes of stock and prices go before
// reads, within each the first to come goes first. Requests are spread over the second: no more than a tenth
// of it goes out at once after a pause, since shops count by windows of their own. Thread-safe.
class RateBudget {
 public:
  enum class Priority { kWrite, kRead };  // a read: scans, look-ups, creations

  explicit RateBudget(RateClock& clock = RateClock::Steady()) : clock_(clock) {}

  // 0: no limit, as at the start.
  void SetLimit(double requests_per_second);
  bool limited();

  // Waits until one request may be made. CANCELLED when a stop is asked for; UNAVAILABLE
  // (SELLER_CENTER_THROTTLED) when the turn has not come, or will not come, within `patience`.
  absl::Status Take(Priority priority, const std::stop_token& stop,
                    absl::Duration patience = absl::InfiniteDuration());

  // For who cannot wait: takes a write's turn when it is one now. Else returns after how long to ask again;
  // until then reads wait.
  std::optional<absl::Duration> TryTakeWrite();

  // The shop asked to be called less often: nobody may make a request for so long.
  void Throttled(absl::Duration retry_after);
  // Until when that is, by the clock.
  absl::Time held_until();

 private:
  // With the lock held.
  bool IsNext(Priority priority, std::uint64_t turn) const;
  // Takes a request, or says when one may be made.
  std::optional<absl::Time> TakeNow();
  void Refill(absl::Time now);

  RateClock& clock_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  double per_second_ = 0;
  double left_ = 0;  // requests that may be made at once, as of `as_of_`
  absl::Time as_of_ = absl::InfinitePast();
  absl::Time last_unlimited_ =
      absl::InfinitePast();  // the last request that was made before there was a limit
  absl::Time held_until_ = absl::InfinitePast();
  absl::Time write_expected_until_ = absl::InfinitePast();  // reads wait for one that was too early
  std::uint64_t last_turn_ = 0;
  std::array<std::set<std::uint64_t>, 2> waiting_;  // turns by priority
};

// The budgets of channels, each there as long as somebody has it. Thread-safe.
class RateBudgets {
 public:
  std::shared_ptr<RateBudget> Of(std::int64_t merchant_number, int channel_number);

 private:
  std::mutex mutex_;  // guards what follows
  std::map<std::pair<std::int64_t, int>, std::weak_ptr<RateBudget>> budgets_;
};

}  // namespace skulink
