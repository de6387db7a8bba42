#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/store/database.h"
#include "server/sync/channel_pusher.h"
#include "server/sync/owned_channel.h"

namespace skulink {

// The threads that push, for all channels that this server has: few, however many the channels. Thread-safe.
class PushPool {
 public:
  PushPool(store::Database& database, const PushOptions& options);
  // Ends soon: calls that take longer are broken off.
  ~PushPool();

  void Add(const std::shared_ptr<OwnedChannel>& channel);
  // The channel is lost: nothing of it is begun any more.
  void Remove(const std::shared_ptr<OwnedChannel>& channel);
  // Removes the channel if there has been nothing to push for a while.
  bool RemoveIdle(const std::shared_ptr<OwnedChannel>& channel);
  // There may be something new to be sent, on any channel.
  void LookAll();
  void PlanAll(const std::shared_ptr<OwnedChannel>& channel);

 private:
  using Clock = ChannelPusher::Clock;
  // When a pusher is to step, now or later.
  struct Entry {
    std::shared_ptr<ChannelPusher> pusher;
    bool ready = false;  // waits in ready_
    Clock::time_point at = Clock::time_point::max();
  };

  void Work();
  std::shared_ptr<ChannelPusher> Next();
  std::shared_ptr<ChannelPusher> Find(const std::shared_ptr<OwnedChannel>& channel);
  void Ready(ChannelPusher* pusher);
  // With the lock held.
  void MakeReady(Entry& entry);
  void MakeReadyAt(Entry& entry, Clock::time_point at);
  void CollectDue(Clock::time_point now);

  store::Database& database_;
  const PushOptions options_;
  std::atomic<int> doubtful_calls_ = 0;
  std::stop_source break_off_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::unordered_map<ChannelPusher*, Entry> entries_;
  std::unordered_map<const OwnedChannel*, ChannelPusher*> by_channel_;
  std::deque<ChannelPusher*> ready_;
  std::set<std::pair<Clock::time_point, ChannelPusher*>> later_;
  bool timing_ = false;  // a thread waits for the first of later_
  bool ending_ = false;
  int at_work_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace skulink
