#include "server/sync/retry.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "absl/random/random.h"
#include "common/errors.h"

namespace skulink {
namespace {

constexpr absl::Duration kShortestPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(20);
constexpr absl::Duration kLongestAskedFor = absl::Hours(1);

}  // namespace

void SleepUnlessStopped(absl::Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
}

absl::Duration RetryPause(int attempt, const absl::Status& status) {
  absl::BitGen random;
  const absl::Duration step = std::min(kLongestPause, kShortestPause * (1 << std::min(attempt, 10)));
  const absl::Duration jittered = step * absl::Uniform(random, 0.5, 1.0);
  return std::max(jittered, std::min(RetryAfter(status), kLongestAskedFor));
}

void PauseBeforeRetry(int attempt, const absl::Status& status, RateBudget& budget,
                      const std::stop_token& stop) {
  const absl::Duration pause = RetryPause(attempt, status);
  if (ReasonOf(status) == v1::ERROR_REASON_SELLER_CENTER_THROTTLED) budget.Throttled(pause);
  SleepUnlessStopped(pause, stop);
}

}  // namespace skulink
