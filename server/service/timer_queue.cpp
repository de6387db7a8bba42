#include "server/service/timer_queue.h"

namespace skulink {

TimerQueue::TimerQueue() : thread_([this] { Run(); }) {}

TimerQueue::~TimerQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
}

void TimerQueue::Set(const std::shared_ptr<Timed>& timed, Clock::time_point at) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.erase({timed->wake_at_, timed.get()});
    timed->wake_at_ = at;
    const auto entry = waiting_.emplace(std::pair(at, timed.get()), timed).first;
    is_first = entry == waiting_.begin();
  }
  if (is_first) changed_.notify_one();
}

void TimerQueue::Cancel(Timed& timed) {
  const std::lock_guard lock(mutex_);
  waiting_.erase({timed.wake_at_, &timed});
  timed.wake_at_ = Clock::time_point::max();
}

void TimerQueue::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waiting_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Clock::time_point first = waiting_.begin()->first.first;
    if (first > Clock::now()) {
      changed_.wait_until(lock, first);
      continue;
    }
    // Locked before the entry goes: an object that is being destroyed is not touched.
    std::shared_ptr<Timed> due = waiting_.begin()->second.lock();
    waiting_.erase(waiting_.begin());
    if (due != nullptr) {
      due->wake_at_ = Clock::time_point::max();
      lock.unlock();
      due->OnTimer();
      due.reset();
      lock.lock();
    }
  }
}

}  // namespace skulink
