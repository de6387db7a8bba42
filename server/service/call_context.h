#pragma once

#include <atomic>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/store/database.h"
#include "server/sync/sync_engine.h"

namespace skulink {

// What a handler has besides its request.
struct CallContext {
  store::Database& database;
  SyncEngine& engine;
  absl::Time deadline;
  const std::atomic<bool>& cancelled;

  // Nobody waits for the answer any more.
  bool Abandoned() const { return cancelled || absl::Now() >= deadline; }
};

}  // namespace skulink
