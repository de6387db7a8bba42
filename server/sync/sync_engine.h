#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/names.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/database.h"
#include "server/store/jobs.h"
#include "server/sync/channel_pusher.h"
#include "server/sync/job_hub.h"
#include "skulink/v1/sync_service.pb.h"

namespace skulink {

struct SyncOptions {
  int max_running_jobs = 4;
  absl::Duration seller_center_timeout = absl::Seconds(60);
  // How long another server waits before it takes over what one that fell silent was doing.
  absl::Duration lease = absl::Seconds(10);
  // How often the database is asked for work that another server was given, or left behind.
  absl::Duration poll = absl::Milliseconds(500);
  PushOptions push;
};

// Runs jobs and pushes: those begun here, and those left behind by a server that is gone. One server at a
// time has a channel's jobs and pushes. Thread-safe.
class SyncEngine {
 public:
  SyncEngine(store::Database& database, const SyncOptions& options);
  // Stops running jobs at their next page and pushes after the call they are at, gives their leases back, so
  // that another server can go on at once.
  ~SyncEngine();

  // As store::CreateJob.
  absl::StatusOr<v1::Job> StartJob(const store::JobRequest& request, const store::JobCheck& check = nullptr);
  absl::StatusOr<v1::Job> GetJob(const JobName& job);
  // The newest first, those before `before_job_id` (empty: from the newest). `channel_id` empty: of all
  // channels.
  absl::StatusOr<std::vector<v1::Job>> ListJobs(const std::string& merchant_id, const std::string& channel_id,
                                                const std::string& before_job_id, int limit);
  // Those with a number above `after_number`; `numbers` gets theirs.
  absl::StatusOr<std::vector<v1::JobItem>> ListJobItems(const JobName& job, std::int64_t after_number,
                                                        int limit, std::vector<std::int64_t>& numbers);
  // Returns once the job has ended, at the latest after `wait`. JOB_STATE when it has ended already in
  // another way than CANCELLED.
  absl::StatusOr<v1::Job> CancelJob(const JobName& job, absl::Duration wait);
  absl::StatusOr<v1::Job> ConfirmJob(const JobName& job);

  // Jobs that run here publish themselves; for watched jobs that run elsewhere the engine publishes what the
  // database says, once a second.
  JobHub& hub();

  // Stocks, prices or how channels are kept in step changed: there may be something to be sent.
  void WakePushes();

  struct CheckedChannel {
    ShopDescription shop;
    absl::Duration round_trip;
  };
  // Waits for the Seller Center for `patience` at most.
  absl::StatusOr<CheckedChannel> CheckChannel(const ChannelName& channel, absl::Duration patience);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skulink
