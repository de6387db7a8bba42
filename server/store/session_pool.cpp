#include "server/store/session_pool.h"

#include <utility>

#include "absl/cleanup/cleanup.h"

namespace skulink::store {
namespace {

constexpr unsigned kTlsError = 2026;

// Whether the session may be used by somebody else: nothing of its last use is left in it.
bool Clean(Session& session) {
  if (session.broken()) return false;
  try {
    if (session.in_transaction()) session.Execute("ROLLBACK");
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

SessionPool::SessionPool(DatabaseAddress address, int max_sessions)
    : address_(std::move(address)), max_sessions_(max_sessions) {}

SessionPool::Lease::~Lease() {
  if (session_ != nullptr) pool_->GiveBack(std::move(session_));
}

SessionPool::Lease SessionPool::Take(absl::Duration patience) {
  {
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(this, &SessionPool::CanTake), patience))
      throw PoolExhausted();
    if (!idle_.empty()) {
      std::unique_ptr<Session> session = std::move(idle_.back());
      idle_.pop_back();
      return Lease(this, std::move(session));
    }
    ++open_;
  }
  absl::Cleanup give_up_place = [this] {
    absl::MutexLock lock(&mutex_);
    --open_;
  };
  std::unique_ptr<Session> session = Connect();
  std::move(give_up_place).Cancel();
  return Lease(this, std::move(session));
}

std::unique_ptr<Session> SessionPool::Connect() const {
  auto session = std::make_unique<Session>(address_.soci_connect_string);
  if (address_.tls && !session->encrypted()) {
    throw StoreError(kTlsError, "the connection is not encrypted");
  }
  return session;
}

void SessionPool::GiveBack(std::unique_ptr<Session> session) {
  bool broken = session->broken();
  bool clean = Clean(*session);
  std::vector<std::unique_ptr<Session>> closed;  // closed without the lock
  absl::MutexLock lock(&mutex_);
  if (clean) {
    idle_.push_back(std::move(session));
    return;
  }
  --open_;
  // When one connection was lost, the others of before are likely lost too.
  if (broken) {
    open_ -= static_cast<int>(idle_.size());
    closed.swap(idle_);
  }
}

}  // namespace skulink::store
