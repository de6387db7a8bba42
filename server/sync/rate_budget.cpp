#include "server/sync/rate_budget.h"

#include <algorithm>
#include <chrono>

#include "common/errors.h"

namespace skulink {
namespace {

class SteadyClock final : public RateClock {
 public:
  absl::Time Now() override {
    return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }

  void Wait(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, absl::Time until) override {
    if (until == absl::InfiniteFuture()) {
      changed.wait(lock);
    } else {
      changed.wait_for(lock, absl::ToChronoNanoseconds(until - Now()));
    }
  }
};

// A write that finds others waiting asks again after this.
constexpr absl::Duration kAskAgain = absl::Milliseconds(5);
// A write that was told when to ask again may come so much later, threads being busy.
constexpr absl::Duration kWriteDelay = absl::Milliseconds(50);

// Of a second's requests, how many may go out at once: one at least.
double MostAtOnce(double per_second) { return std::max(1.0, per_second / 10); }

// Adding up parts of seconds comes a little short of the whole.
constexpr double kWholeRequest = 1 - 1e-6;

}  // namespace

RateClock& RateClock::Steady() {
  static SteadyClock clock;
  return clock;
}

void RateBudget::SetLimit(double requests_per_second) {
  const std::lock_guard lock(mutex_);
  if (requests_per_second == per_second_) return;
  const absl::Time now = clock_.Now();
  Refill(now);
  // One to begin with, unless there was one just now: the limit is said in answer to a request.
  const double refilled = absl::ToDoubleSeconds(now - last_unlimited_) * requests_per_second;
  left_ = per_second_ == 0 ? std::min(1.0, refilled) : std::min(left_, MostAtOnce(requests_per_second));
  per_second_ = requests_per_second;
  changed_.notify_all();
}

bool RateBudget::limited() {
  const std::lock_guard lock(mutex_);
  return per_second_ > 0;
}

absl::Status RateBudget::Take(Priority priority, const std::stop_token& stop, absl::Duration patience) {
  // Before the lock, and so ended after it: what it calls takes the lock.
  const std::stop_callback on_stop(stop, [this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  const absl::Time give_up = clock_.Now() + patience;
  absl::Status status;
  const std::uint64_t turn = ++last_turn_;
  std::set<std::uint64_t>& waiting = waiting_[static_cast<std::size_t>(priority)];
  waiting.insert(turn);
  while (!stop.stop_requested()) {
    std::optional<absl::Time> until = absl::InfiniteFuture();  // those who go before tell when they have gone
    if (IsNext(priority, turn)) {
      const bool too_soon = priority == Priority::kRead && clock_.Now() < write_expected_until_;
      until = too_soon ? write_expected_until_ : TakeNow();
    }
    if (!until) break;
    if (std::max(clock_.Now(), held_until_) >= give_up) {
      status = Unavailable(v1::ERROR_REASON_SELLER_CENTER_THROTTLED,
                           "the Seller Center asks to be called less often than it would be now",
                           std::max(absl::Seconds(1), held_until_ - clock_.Now()));
      break;
    }
    clock_.Wait(changed_, lock, std::min(*until, give_up));
  }
  waiting.erase(turn);
  changed_.notify_all();
  return stop.stop_requested() ? absl::CancelledError("stopped") : status;
}

std::optional<absl::Duration> RateBudget::TryTakeWrite() {
  const std::lock_guard lock(mutex_);
  const absl::Time now = clock_.Now();
  const bool first = waiting_[static_cast<std::size_t>(Priority::kWrite)].empty();
  const std::optional<absl::Time> until = first ? TakeNow() : now + kAskAgain;
  write_expected_until_ = until ? *until + kWriteDelay : absl::InfinitePast();
  if (until) return *until - now;
  changed_.notify_all();
  return std::nullopt;
}

void RateBudget::Throttled(absl::Duration retry_after) {
  const std::lock_guard lock(mutex_);
  held_until_ = std::max(held_until_, clock_.Now() + retry_after);
}

absl::Time RateBudget::held_until() {
  const std::lock_guard lock(mutex_);
  return held_until_;
}

bool RateBudget::IsNext(Priority priority, std::uint64_t turn) const {
  const auto& [writes, reads] = waiting_;
  if (priority == Priority::kWrite) return turn == *writes.begin();
  return writes.empty() && turn == *reads.begin();
}

std::optional<absl::Time> RateBudget::TakeNow() {
  const absl::Time now = clock_.Now();
  if (now < held_until_) return held_until_;
  if (per_second_ == 0) {
    last_unlimited_ = now;
    return std::nullopt;
  }
  Refill(now);
  if (left_ < kWholeRequest) return now + absl::Seconds((1 - left_) / per_second_);
  left_ -= 1;
  return std::nullopt;
}

void RateBudget::Refill(absl::Time now) {
  if (per_second_ > 0) {
    const double passed = absl::ToDoubleSeconds(now - as_of_);
    left_ = std::min(MostAtOnce(per_second_), left_ + passed * per_second_);
  }
  as_of_ = now;
}

std::shared_ptr<RateBudget> RateBudgets::Of(std::int64_t merchant_number, int channel_number) {
  const std::lock_guard lock(mutex_);
  std::erase_if(budgets_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<RateBudget>& known = budgets_[{merchant_number, channel_number}];
  std::shared_ptr<RateBudget> budget = known.lock();
  if (!budget) known = budget = std::make_shared<RateBudget>();
  return budget;
}

}  // namespace skulink
