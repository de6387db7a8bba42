// How long is waited before something is tried again.
#include "server/sync/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stop_token>
#include <vector>

#include "common/errors.h"

namespace skulink {
namespace {

// So many that both ends of a range are met.
constexpr int kDraws = 500;

const absl::Status kFailed =
    Unavailable(v1::ERROR_REASON_SELLER_CENTER_FAILED, "failed", absl::ZeroDuration());

absl::Status ThrottledFor(absl::Duration retry_after) {
  return Unavailable(v1::ERROR_REASON_SELLER_CENTER_THROTTLED, "not now", retry_after);
}

std::vector<absl::Duration> Pauses(int attempt, const absl::Status& status) {
  std::vector<absl::Duration> pauses(kDraws);
  for (absl::Duration& pause : pauses) pause = RetryPause(attempt, status);
  std::sort(pauses.begin(), pauses.end());
  return pauses;
}

TEST(RetryPauseTest, GrowsTwofoldUpToTwentySeconds) {
  absl::Duration step = absl::Milliseconds(200);
  for (int attempt = 1; attempt <= 50; ++attempt, step = std::min(2 * step, absl::Seconds(20))) {
    SCOPED_TRACE(attempt);
    const std::vector<absl::Duration> pauses = Pauses(attempt, kFailed);
    EXPECT_GE(pauses.front(), step / 2);
    EXPECT_LE(pauses.back(), step);
  }
  EXPECT_EQ(step, absl::Seconds(20)) << "the longest was met";
}

// So that those who failed together do not come back together.
TEST(RetryPauseTest, IsSpreadOverHalfOfTheStep) {
  for (const int attempt : {1, 4, 20}) {
    SCOPED_TRACE(attempt);
    const std::vector<absl::Duration> pauses = Pauses(attempt, kFailed);
    EXPECT_NE(RetryPause(attempt, kFailed), RetryPause(attempt, kFailed));
    EXPECT_LT(pauses.front(), 0.6 * pauses.back());
    EXPECT_GT(std::set<absl::Duration>(pauses.begin(), pauses.end()).size(), 0.9 * kDraws);
  }
}

TEST(RetryPauseTest, ATimeThatIsGivenWinsOverAShorterPause) {
  for (const absl::Duration given : {absl::Seconds(1), absl::Seconds(90), absl::Minutes(59)}) {
    EXPECT_EQ(RetryPause(1, ThrottledFor(given)), given);
  }
  EXPECT_EQ(RetryPause(50, ThrottledFor(absl::Seconds(21))), absl::Seconds(21));
}

TEST(RetryPauseTest, ATimeThatIsGivenMakesNoPauseShorter) {
  const std::vector<absl::Duration> pauses = Pauses(5, ThrottledFor(absl::Milliseconds(1)));
  EXPECT_GE(pauses.front(), absl::Milliseconds(1600));
  EXPECT_LE(pauses.back(), absl::Milliseconds(3200));
  EXPECT_LT(pauses.front(), pauses.back());
}

TEST(RetryPauseTest, NoMoreThanAnHourIsGranted) {
  EXPECT_EQ(RetryPause(1, ThrottledFor(absl::Hours(1))), absl::Hours(1));
  EXPECT_EQ(RetryPause(1, ThrottledFor(absl::Hours(100))), absl::Hours(1));
}

TEST(PauseBeforeRetryTest, HoldsAllWhoCallTheShopOnlyWhenItIsThrottled) {
  std::stop_source stop;
  stop.request_stop();  // no waiting here
  RateBudget failed, throttled;
  const absl::Time before = RateClock::Steady().Now();

  PauseBeforeRetry(1, kFailed, failed, stop.get_token());
  PauseBeforeRetry(1, ThrottledFor(absl::Minutes(10)), throttled, stop.get_token());

  EXPECT_EQ(failed.held_until(), absl::InfinitePast());
  EXPECT_GE(throttled.held_until(), before + absl::Minutes(10));
  EXPECT_LE(throttled.held_until(), RateClock::Steady().Now() + absl::Minutes(10));
}

}  // namespace
}  // namespace skulink
