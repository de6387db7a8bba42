#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace skulink {

// Threads for work that may block, which gRPC's own few threads must not.
class Executor {
 public:
  Executor(int threads, std::size_t max_waiting);
  // Does what is waiting, then ends.
  ~Executor();

  // False when too much is waiting already.
  bool TrySubmit(std::function<void()> work);

 private:
  void Run();

  const std::size_t max_waiting_;
  std::mutex mutex_;  // guards waiting_ and stopping_
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace skulink
