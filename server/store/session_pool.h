#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/store/database.h"
#include "server/store/session.h"

namespace skulink::store {

// At most `max_sessions` connections, made when needed. Thread-safe.
class SessionPool {
 public:
  SessionPool(DatabaseAddress address, int max_sessions);

  // A session of the pool; given back when destroyed, or closed when broken.
  class Lease {
   public:
    Lease(Lease&&) = default;
    ~Lease();
    Session& operator*() { return *session_; }
    Session* operator->() { return session_.get(); }

   private:
    friend class SessionPool;
    Lease(SessionPool* pool, std::unique_ptr<Session> session) : pool_(pool), session_(std::move(session)) {}
    SessionPool* pool_;
    std::unique_ptr<Session> session_;
  };

  // Throws PoolExhausted when no session came free within `patience`, and what Session throws when it cannot
  // connect.
  Lease Take(absl::Duration patience);

 private:
  std::unique_ptr<Session> Connect() const;
  void GiveBack(std::unique_ptr<Session> session);
  bool CanTake() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !idle_.empty() || open_ < max_sessions_; }

  const DatabaseAddress address_;
  const int max_sessions_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_ ABSL_GUARDED_BY(mutex_);
  int open_ ABSL_GUARDED_BY(mutex_) = 0;  // idle or taken
};

class PoolExhausted : public std::exception {
 public:
  const char* what() const noexcept override { return "no database connection came free in time"; }
};

}  // namespace skulink::store
