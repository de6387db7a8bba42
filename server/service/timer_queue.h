#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace skulink {

// Wakes many objects, each at one time, from one thread.
class TimerQueue {
 public:
  using Clock = std::chrono::steady_clock;

  class Timed {
   public:
    virtual ~Timed() = default;
    // Must be quick. May set its timer again.
    virtual void OnTimer() = 0;

   private:
    friend class TimerQueue;
    Clock::time_point wake_at_ = Clock::time_point::max();  // guarded by the queue's mutex
  };

  TimerQueue();
  ~TimerQueue();

  // In place of the time set before. An object that is gone by then is not woken.
  void Set(const std::shared_ptr<Timed>& timed, Clock::time_point at);
  void Cancel(Timed& timed);

 private:
  void Run();

  std::mutex mutex_;  // guards the following and each wake_at_
  std::condition_variable changed_;
  std::map<std::pair<Clock::time_point, Timed*>, std::weak_ptr<Timed>> waiting_;
  bool stopping_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace skulink
