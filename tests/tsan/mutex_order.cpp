// The order that absl::Mutex makes, in Debian's libraries too: each unlock comes before the next lock.

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/tsan/library.h"

#define SKULINK_ABSL(rest) "_ZN4absl7debian3" rest
#define SKULINK_ABSL_CONST(rest) "_ZNK4absl7debian3" rest

using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Time;
using skulink::tsan::InLibrary;

namespace {

// Who unlocks a mutex looks, while it still has it, whether those who wait have what they wait for; and they
// themselves look in the midst of a wait. This is whose conditions this thread is looking at.
thread_local Mutex* looking_at = nullptr;

class Looking {
 public:
  explicit Looking(Mutex* mutex) : before_(looking_at) { looking_at = mutex; }
  ~Looking() { looking_at = before_; }
  Looking(const Looking&) = delete;
  Looking& operator=(const Looking&) = delete;

 private:
  Mutex* const before_;
};

// A call that has the mutex before and after, and not in between.
class Wait {
 public:
  explicit Wait(Mutex* mutex) : mutex_(mutex), looking_(mutex) { __tsan_release(mutex_); }
  ~Wait() { __tsan_acquire(mutex_); }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;

 private:
  Mutex* const mutex_;
  const Looking looking_;
};

}  // namespace

void Mutex::Lock() {
  static const auto lock = InLibrary<void(Mutex*)>(SKULINK_ABSL("5Mutex4LockEv"));
  lock(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  static const auto unlock = InLibrary<void(Mutex*)>(SKULINK_ABSL("5Mutex6UnlockEv"));
  const Looking looking(this);
  __tsan_release(this);
  unlock(this);
}

bool Mutex::TryLock() {
  static const auto try_lock = InLibrary<bool(Mutex*)>(SKULINK_ABSL("5Mutex7TryLockEv"));
  const bool locked = try_lock(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::ReaderLock() {
  static const auto lock = InLibrary<void(Mutex*)>(SKULINK_ABSL("5Mutex10ReaderLockEv"));
  lock(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  static const auto unlock = InLibrary<void(Mutex*)>(SKULINK_ABSL("5Mutex12ReaderUnlockEv"));
  const Looking looking(this);
  __tsan_release(this);
  unlock(this);
}

bool Mutex::ReaderTryLock() {
  static const auto try_lock = InLibrary<bool(Mutex*)>(SKULINK_ABSL("5Mutex13ReaderTryLockEv"));
  const bool locked = try_lock(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::LockWhen(const Condition& condition) {
  static const auto lock_when =
      InLibrary<void(Mutex*, const Condition&)>(SKULINK_ABSL("5Mutex8LockWhenERKNS0_9ConditionE"));
  const Looking looking(this);
  lock_when(this, condition);
  __tsan_acquire(this);
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  static const auto lock_when = InLibrary<bool(Mutex*, const Condition&, Time)>(
      SKULINK_ABSL("5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE"));
  const Looking looking(this);
  const bool holds = lock_when(this, condition, deadline);
  __tsan_acquire(this);
  return holds;
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  static const auto lock_when = InLibrary<bool(Mutex*, const Condition&, Duration)>(
      SKULINK_ABSL("5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE"));
  const Looking looking(this);
  const bool holds = lock_when(this, condition, timeout);
  __tsan_acquire(this);
  return holds;
}

void Mutex::Await(const Condition& condition) {
  static const auto await =
      InLibrary<void(Mutex*, const Condition&)>(SKULINK_ABSL("5Mutex5AwaitERKNS0_9ConditionE"));
  const Wait wait(this);
  await(this, condition);
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static const auto await = InLibrary<bool(Mutex*, const Condition&, Time)>(
      SKULINK_ABSL("5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE"));
  const Wait wait(this);
  return await(this, condition, deadline);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static const auto await = InLibrary<bool(Mutex*, const Condition&, Duration)>(
      SKULINK_ABSL("5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE"));
  const Wait wait(this);
  return await(this, condition, timeout);
}

bool Condition::Eval() const {
  static const auto eval = InLibrary<bool(const Condition*)>(SKULINK_ABSL_CONST("9Condition4EvalEv"));
  Mutex* const mutex = looking_at;
  if (mutex == nullptr) return eval(this);
  __tsan_acquire(mutex);
  const bool holds = eval(this);
  __tsan_release(mutex);
  return holds;
}

void CondVar::Wait(Mutex* mutex) {
  static const auto next = InLibrary<void(CondVar*, Mutex*)>(SKULINK_ABSL("7CondVar4WaitEPNS0_5MutexE"));
  const ::Wait wait(mutex);
  next(this, mutex);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto next = InLibrary<bool(CondVar*, Mutex*, Time)>(
      SKULINK_ABSL("7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE"));
  const ::Wait wait(mutex);
  return next(this, mutex, deadline);
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static const auto next = InLibrary<bool(CondVar*, Mutex*, Duration)>(
      SKULINK_ABSL("7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE"));
  const ::Wait wait(mutex);
  return next(this, mutex, timeout);
}
