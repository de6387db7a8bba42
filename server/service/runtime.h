#pragma once

#include <functional>

#include "absl/time/time.h"
#include "server/service/executor.h"
#include "server/service/live_streams.h"
#include "server/service/timer_queue.h"
#include "server/store/database.h"
#include "server/sync/sync_engine.h"

namespace skulink {

// What all calls share.
struct Runtime {
  store::Database& database;
  SyncEngine& engine;
  Executor& executor;
  LiveStreams& streams;
  TimerQueue& timers;
  absl::Duration heartbeat;
};

// RESOURCE_EXHAUSTED with RetryInfo: the executor takes no more.
absl::Status Overloaded();
// The caller has gone or its deadline has passed.
absl::Status CallCancelled();
absl::Status DeadlineExceeded();

// Runs a handler; what it throws (out of memory, defects) becomes a status.
absl::Status WithoutExceptions(const std::function<absl::Status()>& handler);

}  // namespace skulink
