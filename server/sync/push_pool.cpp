#include "server/sync/push_pool.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>

#include "absl/time/time.h"

namespace skulink {
namespace {

// How long calls may go on when the server stops.
constexpr absl::Duration kGrace = absl::Seconds(1);

}  // namespace

PushPool::PushPool(store::Database& database, const PushOptions& options)
    : database_(database), options_(options) {
  try {
    for (int i = 0; i < std::max(1, options.threads); ++i) threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error& error) {  // fewer do it, too
    spdlog::warn("{} of {} threads for pushes: {}", threads_.size(), options.threads, error.what());
    if (threads_.empty()) throw;
  }
}

PushPool::~PushPool() {
  {
    std::unique_lock lock(mutex_);
    for (auto& [pusher, entry] : entries_) {
      pusher->Finish();
      MakeReady(entry);
    }
    ending_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, absl::ToChronoNanoseconds(kGrace),
                      [this] { return ready_.empty() && at_work_ == 0; });
  }
  break_off_.request_stop();
  for (std::thread& thread : threads_) thread.join();
}

void PushPool::Add(const std::shared_ptr<OwnedChannel>& channel) {
  auto pusher = std::make_shared<ChannelPusher>(database_, channel, options_, doubtful_calls_);
  const std::lock_guard lock(mutex_);
  by_channel_[channel.get()] = pusher.get();
  Entry& entry = entries_[pusher.get()];
  entry.pusher = std::move(pusher);
  MakeReady(entry);
}

void PushPool::Remove(const std::shared_ptr<OwnedChannel>& channel) {
  std::shared_ptr<ChannelPusher> removed;  // outlives the lock
  const std::lock_guard lock(mutex_);
  const auto found = by_channel_.find(channel.get());
  if (found == by_channel_.end()) return;
  const auto entry = entries_.find(found->second);
  removed = std::move(entry->second.pusher);
  removed->Finish();
  later_.erase({entry->second.at, removed.get()});
  std::erase(ready_, removed.get());
  entries_.erase(entry);
  by_channel_.erase(found);
}

bool PushPool::RemoveIdle(const std::shared_ptr<OwnedChannel>& channel) {
  const std::shared_ptr<ChannelPusher> pusher = Find(channel);
  if (pusher != nullptr && !pusher->FinishIfIdle()) return false;
  Remove(channel);
  return true;
}

void PushPool::LookAll() {
  const std::lock_guard lock(mutex_);
  for (auto& [pusher, entry] : entries_) {
    pusher->Look();
    MakeReady(entry);
  }
}

void PushPool::PlanAll(const std::shared_ptr<OwnedChannel>& channel) {
  const std::shared_ptr<ChannelPusher> pusher = Find(channel);
  if (pusher == nullptr) return;
  pusher->PlanAll();
  Ready(pusher.get());
}

void PushPool::Work() {
  while (const std::shared_ptr<ChannelPusher> pusher = Next()) {
    const Clock::time_point again = pusher->Step([&] { Ready(pusher.get()); }, break_off_.get_token());
    const std::lock_guard lock(mutex_);
    --at_work_;
    if (ending_) changed_.notify_all();
    const auto entry = entries_.find(pusher.get());
    if (entry == entries_.end()) continue;
    if (again <= Clock::now()) {
      MakeReady(entry->second);
    } else {
      MakeReadyAt(entry->second, again);
    }
  }
}

std::shared_ptr<ChannelPusher> PushPool::Next() {
  std::unique_lock lock(mutex_);
  while (true) {
    CollectDue(Clock::now());
    if (!ready_.empty()) break;
    // Others may still be at a call whose answer is to be written; what is to be done later is not waited
    // for.
    if (ending_ && at_work_ == 0) return nullptr;
    if (ending_ || later_.empty() || timing_) {
      changed_.wait(lock);
    } else {  // one thread is enough to wait for the time
      timing_ = true;
      const Clock::time_point until =
          later_.begin()->first;  // a copy: the entry may go while it is waited for
      changed_.wait_until(lock, until);
      timing_ = false;
    }
  }
  if (!later_.empty() && !timing_) changed_.notify_one();
  Entry& entry = entries_.at(ready_.front());
  ready_.pop_front();
  entry.ready = false;
  ++at_work_;
  return entry.pusher;
}

std::shared_ptr<ChannelPusher> PushPool::Find(const std::shared_ptr<OwnedChannel>& channel) {
  const std::lock_guard lock(mutex_);
  const auto found = by_channel_.find(channel.get());
  return found == by_channel_.end() ? nullptr : entries_.at(found->second).pusher;
}

void PushPool::Ready(ChannelPusher* pusher) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(pusher);
  if (found != entries_.end()) MakeReady(found->second);
}

void PushPool::MakeReady(Entry& entry) {
  later_.erase({entry.at, entry.pusher.get()});
  entry.at = Clock::time_point::max();
  if (entry.ready) return;
  entry.ready = true;
  ready_.push_back(entry.pusher.get());
  changed_.notify_one();
}

void PushPool::MakeReadyAt(Entry& entry, Clock::time_point at) {
  if (entry.ready || at >= entry.at) return;
  later_.erase({entry.at, entry.pusher.get()});
  entry.at = at;
  later_.emplace(at, entry.pusher.get());
  if (later_.begin()->first == at) changed_.notify_all();  // somebody waits for a later one
}

void PushPool::CollectDue(Clock::time_point now) {
  while (!later_.empty() && later_.begin()->first <= now) {
    MakeReady(entries_.at(later_.begin()->second));
  }
}

}  // namespace skulink
