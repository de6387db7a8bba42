#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "server/store/channel_traffic.h"
#include "server/sync/rate_budget.h"

namespace skulink {

// A channel to whose Seller Center this server alone may talk, for as long as its lease is renewed. Shared by
// the channel's job and its pushes. Thread-safe.
class OwnedChannel {
 public:
  using Clock = std::chrono::steady_clock;

  OwnedChannel(store::ChannelTraffic traffic, std::shared_ptr<RateBudget> budget,
               Clock::time_point held_until)
      : traffic_(std::move(traffic)),
        budget_(std::move(budget)),
        held_until_(held_until),
        endpoint_(traffic_.endpoint) {}

  // Waits until a job's next request may be made. CANCELLED when a stop is asked for, or when the lease was
  // not renewed in time, as by a server that was stopped meanwhile: then the channel is lost.
  absl::Status TakeTurn(const std::stop_token& stop) {
    const absl::Status taken = budget_->Take(RateBudget::Priority::kRead, stop);
    if (!taken.ok() || Clock::now() < held_until()) return taken;
    Lose();
    return absl::CancelledError("the right to talk to the channel was lost");
  }

  // As it was taken.
  const store::ChannelTraffic& traffic() const { return traffic_; }
  const std::shared_ptr<RateBudget>& budget() const { return budget_; }

  // Until when nobody else takes the channel.
  Clock::time_point held_until() const {
    const std::lock_guard lock(mutex_);
    return held_until_;
  }
  void Renewed(Clock::time_point held_until, std::string endpoint) {
    const std::lock_guard lock(mutex_);
    held_until_ = held_until;
    endpoint_ = std::move(endpoint);
  }
  // As it was when the lease was renewed.
  std::string endpoint() const {
    const std::lock_guard lock(mutex_);
    return endpoint_;
  }

  // Another server may have it, or soon will.
  std::stop_token lost() const { return lost_.get_token(); }
  void Lose() { lost_.request_stop(); }

  // A call was broken off, and the shop may still be at it: the channel goes to nobody before the lease ends.
  void MustLapse() {
    const std::lock_guard lock(mutex_);
    must_lapse_ = true;
  }
  bool must_lapse() const {
    const std::lock_guard lock(mutex_);
    return must_lapse_;
  }

 private:
  const store::ChannelTraffic traffic_;
  const std::shared_ptr<RateBudget> budget_;
  std::stop_source lost_;
  mutable std::mutex mutex_;  // guards what follows
  Clock::time_point held_until_;
  std::string endpoint_;
  bool must_lapse_ = false;
};

}  // namespace skulink
