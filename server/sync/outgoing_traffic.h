#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/names.h"
#include "server/store/channel_traffic.h"
#include "server/store/database.h"
#include "server/store/jobs.h"
#include "server/sync/owned_channel.h"
#include "server/sync/push_pool.h"
#include "server/sync/rate_budget.h"

namespace skulink {

// Which channels this server may talk to: takes those that have something to be sent or a job, keeps their
// leases, and gives back those that have neither any more. Thread-safe.
class OutgoingTraffic {
 public:
  struct Options {
    absl::Duration lease;
    absl::Duration poll;  // how often the database is asked for something to be sent
    PushOptions push;
  };

  OutgoingTraffic(store::Database& database, const Options& options);
  // Gives all channels back. Jobs have ended.
  ~OutgoingTraffic();

  // There may be something new to be sent.
  void Wake();

  // As store::ClaimJob. The channel stays here until JobEnded.
  struct Job {
    store::JobRecord record;
    std::shared_ptr<OwnedChannel> channel;
  };
  std::optional<Job> ClaimJob(const std::string& owner);
  void JobEnded(const std::shared_ptr<OwnedChannel>& channel);

  // Of a channel that this server talks to; else null.
  std::shared_ptr<RateBudget> BudgetOf(const ChannelName& channel);

 private:
  using Clock = OwnedChannel::Clock;
  using Key = std::pair<std::int64_t, int>;  // merchant and channel
  struct Owned {
    std::shared_ptr<OwnedChannel> channel;
    int jobs = 0;
    absl::Time pause_written = absl::InfinitePast();  // RateBudget::held_until, as it was written last
  };

  void Keep();
  void WatchLeases();
  bool Renew();
  void Take();
  void GiveBackIdle();
  void WritePauses();
  Owned& Adopt(const store::ChannelTraffic& traffic, Clock::time_point held_until);
  void GiveBack(const OwnedChannel& channel);
  Clock::time_point LeaseFrom(Clock::time_point start) const;

  store::Database& database_;
  const Options options_;
  const std::string server_;  // among the owners
  RateBudgets budgets_;
  std::stop_source stop_;
  // Held by whoever takes channels or gives them back, until the database and owned_ agree again.
  std::mutex turn_;
  std::mutex mutex_;  // guards what follows; taken after turn_
  std::condition_variable changed_;
  bool woken_ = false;
  std::map<Key, Owned> owned_;
  std::optional<PushPool> pool_;
  std::thread keeper_, watcher_;
};

// A name for an owner that nobody else has.
std::string NewOwner();

}  // namespace skulink
