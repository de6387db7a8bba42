#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/errors.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/database.h"
#include "server/store/jobs.h"
#include "server/sync/call_size.h"
#include "server/sync/owned_channel.h"
#include "server/sync/retry.h"

namespace skulink {

// A job that this server runs, from where it stands to its end. What all kinds of jobs have in common: the
// Seller Center, writes that are fenced and wait for a database that is away, cancelling, and how they end.
class RunningJob {
 public:
  // `job` was claimed, with `channel`. `publish` is called with each state of the job once it is written.
  RunningJob(store::Database& database, store::JobRecord job, absl::Duration seller_center_timeout,
             std::shared_ptr<OwnedChannel> channel, std::function<void(const v1::Job&)> publish);
  virtual ~RunningJob() = default;
  RunningJob(const RunningJob&) = delete;
  RunningJob& operator=(const RunningJob&) = delete;

  // Returns when the job has ended, needs confirmation, or belongs to another server; or soon after
  // `server_stop`, when the server stops or may not talk to the channel any more, leaving the job to a
  // successor.
  void Run(std::stop_token server_stop);
  // Somebody asked to cancel the job; from any thread.
  void Cancel() { cancel_.request_stop(); }

 protected:
  // All the work. OK when the job's end, or that it needs confirmation, is written.
  virtual absl::Status RunPhases() = 0;
  // Gives back what RunPhases took, once stop() says to stop.
  virtual void Forget() {}
  // What to write when the job fails or is cancelled.
  virtual void NoteEnd(store::Session&, store::JobRecord&) {}

  // Connects to the Seller Center and reads shop().
  absl::Status Connect();
  SellerCenter& seller_center() { return *seller_center_; }
  OwnedChannel& channel() { return *channel_; }
  const ShopDescription& shop() const { return shop_; }

  // What the Seller Center answered for the first `count` of the things that it was to be asked for; or why
  // it has no answer for the first of them, though it may have one for others.
  template <typename Answer>
  struct OfFirst {
    std::size_t count = 0;
    absl::StatusOr<Answer> answer;
  };

  // Calls the Seller Center when its turn has come, and again after errors that may pass. `call(n)` asks for
  // the first n of `count` things: as many as `size` says, fewer when that may help.
  template <typename Call>
  auto AskForFirst(std::size_t count, CallSize& size, const Call& call)
      -> absl::StatusOr<OfFirst<typename decltype(call(count))::value_type>> {
    using Answered = OfFirst<typename decltype(call(count))::value_type>;
    bool of_some = false;  // the last failure may be one of some of what was asked for
    for (int failures = 0;;) {
      const std::size_t asked = std::min(size.now(), count);
      SKULINK_RETURN_IF_ERROR(channel_->TakeTurn(stop()));
      auto answer = call(asked);
      if (answer.ok()) {
        size.Succeeded();
        return Answered{asked, std::move(answer)};
      }
      const absl::Status& status = answer.status();
      const bool may_pass = absl::IsUnavailable(status);
      if (of_some != MayPassWithFewer(status)) failures = 0;
      of_some = MayPassWithFewer(status);
      if (of_some && asked > 1) {
        size.Failed(asked);
        failures = 0;
      } else if (!may_pass || ++failures >= (of_some && size.left_out() ? 1 : kMaxFailures)) {
        if (!of_some || !size.LeaveOut(!may_pass) || (may_pass && !Answers())) return status;
        return Answered{1, std::move(answer)};
      }
      if (may_pass) PauseBeforeRetry(std::max(1, failures), status, *channel_->budget(), stop());
    }
  }

  // What the Seller Center says of the first of these items. Of one thread at a time.
  absl::StatusOr<OfFirst<FoundItems>> GetFirstItems(std::span<const std::string> ids);

  // Writes the job as `change` makes it, and what else `change` writes, in one transaction that holds the
  // merchant's lock. `before_lock` is called in it first.
  using Change = std::function<void(store::Session&, const store::Merchant&, store::JobRecord&)>;
  absl::Status Save(const Change& change, const std::function<void(store::Session&)>& before_lock = nullptr);
  // Runs `attempt` until it does not fail for a database that is away, or the server stops or the job is
  // cancelled.
  absl::Status WhileStoreIsAway(const std::function<absl::Status()>& attempt);

  store::Database& database() { return database_; }
  // As it was written last: of the thread that writes.
  const store::JobRecord& job() const { return job_; }
  // Of the job; they never change.
  std::int64_t merchant_number() const { return merchant_number_; }
  const std::string& merchant_id() const { return merchant_id_; }
  int channel_number() const { return channel_number_; }
  // The server stops, or the job is cancelled.
  std::stop_token stop() const { return stop_.get_token(); }
  bool stopped() const { return stop_.stop_requested(); }
  const std::stop_token& server_stop() const { return server_stop_; }

 private:
  void End(const absl::Status& status);
  absl::StatusOr<ShopDescription> Describe();
  // Whether the Seller Center answers at all.
  bool Answers();

  store::Database& database_;
  const std::int64_t merchant_number_;
  const std::string merchant_id_;
  const int channel_number_;
  store::JobRecord job_;
  const absl::Duration timeout_;
  const std::shared_ptr<OwnedChannel> channel_;
  const std::function<void(const v1::Job&)> publish_;
  std::stop_token server_stop_;
  std::stop_source cancel_;
  std::stop_source stop_;
  bool ending_ = false;  // what is left is to write how the job ended, cancelled or not
  std::unique_ptr<SellerCenter> seller_center_;
  ShopDescription shop_;
  CallSize items_at_once_;  // in GetItems
};

}  // namespace skulink
