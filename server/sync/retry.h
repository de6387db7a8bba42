#pragma once

#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/sync/rate_budget.h"

namespace skulink {

// Waits for `duration`, or until a stop is asked for.
void SleepUnlessStopped(absl::Duration duration, const std::stop_token& stop);

// How long to wait before the n-th try again (n from 1) of something that failed with `status`: what the
// status asks for, at least growing steps with jitter.
absl::Duration RetryPause(int attempt, const absl::Status& status);

// Waits so long; when the shop asked to be called less often, all who call it do.
void PauseBeforeRetry(int attempt, const absl::Status& status, RateBudget& budget,
                      const std::stop_token& stop);

// Failures one after the other, with nothing that succeeds between them, after which nothing is tried again.
inline constexpr int kMaxFailures = 6;

// How long to wait for a database that is away.
inline constexpr absl::Duration kStoreRetry = absl::Milliseconds(300);

}  // namespace skulink
