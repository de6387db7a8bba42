#include "server/sync/sync_engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>

#include "absl/time/clock.h"
#include "server/store/channel_traffic.h"
#include "server/store/channels.h"
#include "server/store/jobs.h"
#include "server/store/rekey.h"
#include "server/sync/download.h"
#include "server/sync/outgoing_traffic.h"
#include "server/sync/quick_scan.h"
#include "server/sync/retry.h"
#include "server/sync/running_job.h"
#include "server/sync/scan.h"
#include "server/sync/upload.h"

namespace skulink {
namespace {

constexpr absl::Duration kRekeyingPoll = absl::Seconds(1);

}  // namespace

class SyncEngine::Impl {
 public:
  Impl(store::Database& database, const SyncOptions& options)
      : database_(database),
        options_(options),
        traffic_(database, {.lease = options.lease, .poll = options.poll, .push = WithTimeout(options)}),
        scheduler_([this] { Schedule(); }),
        rekeyer_([this](const std::stop_token& stop) { Rekey(stop); }) {}

  ~Impl() {
    stop_.request_stop();
    rekeyer_.request_stop();
    Wake();
    scheduler_.join();
    for (auto& [owner, running] : running_) running.thread.join();
  }

  store::Database& database() { return database_; }
  const SyncOptions& options() const { return options_; }
  JobHub& hub() { return hub_; }

  void Publish(const v1::Job& job) { hub_.Publish(std::make_shared<const v1::Job>(job)); }

  void WakePushes() { traffic_.Wake(); }
  OutgoingTraffic& traffic() { return traffic_; }

  // The scheduler looks for work at once.
  void Wake() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

  void CancelRunning(const std::string& job_name) {
    const std::lock_guard lock(mutex_);
    for (auto& [owner, running] : running_) {
      if (running.job_name == job_name) running.runner->Cancel();
    }
  }

 private:
  struct Running {
    std::string job_name;
    std::shared_ptr<RunningJob> runner;
    std::thread thread;
    bool ended = false;
  };

  static PushOptions WithTimeout(const SyncOptions& options) {
    PushOptions push = options.push;
    push.call_timeout = std::min(push.call_timeout, options.seller_center_timeout);
    return push;
  }

  void Schedule() {
    using Clock = std::chrono::steady_clock;  // leases go on while somebody sets the machine's clock
    Clock::time_point next_renewal{}, next_look{};
    while (!stop_.stop_requested()) {
      Reap();
      bool renewed = true;
      if (Clock::now() >= next_renewal) {
        renewed = Renew();
        if (renewed) next_renewal = Clock::now() + absl::ToChronoNanoseconds(options_.lease / 4);
      }
      // After a time without the database it would else take its own jobs from itself.
      while (renewed && HasRoom() && Claim()) {
      }
      if (Clock::now() >= next_look) {
        PublishWatched();
        next_look = Clock::now() + std::chrono::seconds(1);
      }
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, absl::ToChronoNanoseconds(options_.poll), [this] { return woken_; });
      woken_ = false;
    }
  }

  // A change of sku_case that a server left half-way keeps the merchant from everything.
  void Rekey(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const absl::Status status = store::FinishAbandonedRekeying(database_, stop);
      if (!status.ok() && !stop.stop_requested()) spdlog::warn("rekeying: {}", status.ToString());
      SleepUnlessStopped(kRekeyingPoll, stop);
    }
  }

  bool HasRoom() {
    const std::lock_guard lock(mutex_);
    return !stop_.stop_requested() && running_.size() < static_cast<std::size_t>(options_.max_running_jobs);
  }

  std::shared_ptr<RunningJob> MakeRunner(OutgoingTraffic::Job claimed) {
    if (claimed.record.job.kind() == v1::JOB_KIND_DOWNLOAD) return Make<Download>(std::move(claimed));
    if (claimed.record.job.kind() == v1::JOB_KIND_UPLOAD) return Make<Upload>(std::move(claimed));
    const v1::ScanMode mode = claimed.record.job.scan_mode();
    const bool quick = mode == v1::SCAN_MODE_UPDATED || mode == v1::SCAN_MODE_ITEM;
    return quick ? Make<QuickScan>(std::move(claimed)) : Make<Scan>(std::move(claimed));
  }

  template <typename Runner>
  std::shared_ptr<RunningJob> Make(OutgoingTraffic::Job claimed) {
    return std::make_shared<Runner>(database_, std::move(claimed.record), options_.seller_center_timeout,
                                    std::move(claimed.channel), [this](const v1::Job& now) { Publish(now); });
  }

  bool Claim() {
    const std::string owner = NewOwner();
    std::optional<OutgoingTraffic::Job> job = traffic_.ClaimJob(owner);
    if (!job) return false;
    const std::string name = job->record.job.name();
    const std::shared_ptr<OwnedChannel> channel = job->channel;
    const std::shared_ptr<RunningJob> runner = MakeRunner(*std::move(job));
    const std::lock_guard lock(mutex_);
    Running& running = running_[owner];
    running.job_name = name;
    running.runner = runner;
    try {
      running.thread = std::thread([this, owner, runner, channel] { Run(owner, *runner, channel); });
    } catch (const std::system_error& error) {  // its lease runs out, and a server that has room takes it
      spdlog::warn("no thread for {}: {}", name, error.what());
      running_.erase(owner);
      traffic_.JobEnded(channel);
      return false;
    }
    return true;
  }

  void Run(const std::string& owner, RunningJob& runner, const std::shared_ptr<OwnedChannel>& channel) {
    std::stop_source leave;
    {
      const std::stop_callback on_stop(stop_.get_token(), [&] { leave.request_stop(); });
      const std::stop_callback on_loss(channel->lost(), [&] { leave.request_stop(); });
      runner.Run(leave.get_token());
    }
    traffic_.JobEnded(channel);
    const std::lock_guard ending(mutex_);
    running_.at(owner).ended = true;
    woken_ = true;
    changed_.notify_all();
  }

  // Joins the threads of jobs that ended, and lets go of these without the lock: nobody waits for that.
  void Reap() {
    std::vector<Running> ended;
    {
      const std::lock_guard lock(mutex_);
      for (auto running = running_.begin(); running != running_.end();) {
        if (!running->second.ended) {
          ++running;
          continue;
        }
        ended.push_back(std::move(running->second));
        running = running_.erase(running);
      }
    }
    for (Running& running : ended) running.thread.join();
  }

  // False when a lease could not be renewed.
  bool Renew() {
    std::vector<std::string> owners;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [owner, running] : running_) owners.push_back(owner);
    }
    bool all = true;
    for (const std::string& owner : owners) {
      const absl::StatusOr<std::vector<JobName>> to_cancel =
          store::RenewLeases(database_, owner, options_.lease);
      if (to_cancel.ok()) {
        for (const JobName& name : *to_cancel) CancelRunning(ToString(name));
      } else {
        all = false;  // the others' leases need not run out for that
      }
    }
    return all;
  }

  bool Runs(const std::string& job_name) {
    const std::lock_guard lock(mutex_);
    return std::any_of(running_.begin(), running_.end(),
                       [&](const auto& running) { return running.second.job_name == job_name; });
  }

  // Jobs that are watched here and run elsewhere, or nowhere.
  void PublishWatched() {
    for (const std::string& name : hub_.Watched()) {
      if (Runs(name)) continue;
      const absl::StatusOr<JobName> parsed = ParseJobName(name, "name");
      if (!parsed.ok()) continue;
      const absl::StatusOr<store::JobRecord> job = store::ReadJob(database_, *parsed);
      if (job.ok()) Publish(job->job);
    }
  }

  store::Database& database_;
  const SyncOptions options_;
  JobHub hub_;
  std::stop_source stop_;
  OutgoingTraffic traffic_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool woken_ = false;
  // By owner, of which each claim has another: a job that is claimed without our knowing (the answer to the
  // COMMIT was lost), or whose end could not be written, has an owner that does not renew its lease.
  std::map<std::string, Running> running_;
  std::thread scheduler_;
  std::jthread rekeyer_;
};

SyncEngine::SyncEngine(store::Database& database, const SyncOptions& options)
    : impl_(std::make_unique<Impl>(database, options)) {}
SyncEngine::~SyncEngine() = default;

JobHub& SyncEngine::hub() { return impl_->hub(); }

absl::StatusOr<v1::Job> SyncEngine::StartJob(const store::JobRequest& request, const store::JobCheck& check) {
  absl::StatusOr<v1::Job> job = store::CreateJob(impl_->database(), request, check);
  if (job.ok()) impl_->Wake();
  return job;
}

absl::StatusOr<v1::Job> SyncEngine::GetJob(const JobName& name) {
  absl::StatusOr<store::JobRecord> job = store::ReadJob(impl_->database(), name);
  if (!job.ok()) return job.status();
  return std::move(job->job);
}

absl::StatusOr<std::vector<v1::Job>> SyncEngine::ListJobs(const std::string& merchant_id,
                                                          const std::string& channel_id,
                                                          const std::string& before_job_id, int limit) {
  return store::ListJobs(impl_->database(), merchant_id, channel_id, before_job_id, limit);
}

absl::StatusOr<std::vector<v1::JobItem>> SyncEngine::ListJobItems(const JobName& name,
                                                                  std::int64_t after_number, int limit,
                                                                  std::vector<std::int64_t>& numbers) {
  return store::ListJobItems(impl_->database(), name, after_number, limit, numbers);
}

absl::StatusOr<v1::Job> SyncEngine::CancelJob(const JobName& name, absl::Duration wait) {
  struct Seen {
    std::mutex mutex;
    std::condition_variable changed;
    bool running = true;
  } seen;
  const auto watch = impl_->hub().Subscribe(ToString(name), [&](const JobSnapshot& job) {
    const std::lock_guard lock(seen.mutex);
    seen.running = job->state() == v1::JOB_STATE_RUNNING;
    seen.changed.notify_all();
  });
  absl::StatusOr<v1::Job> job = store::RequestCancel(impl_->database(), name);
  if (!job.ok() || job->state() != v1::JOB_STATE_RUNNING) {
    if (!job.ok()) return job;
    impl_->Publish(*job);
    SKULINK_ASSIGN_OR_RETURN(const store::JobRecord ended, store::ReadJob(impl_->database(), name));
    SKULINK_RETURN_IF_ERROR(store::RemoveOldScanPages(impl_->database(), ended));
    return job;
  }
  impl_->CancelRunning(ToString(name));
  {
    std::unique_lock lock(seen.mutex);
    seen.changed.wait_for(lock, absl::ToChronoNanoseconds(wait), [&] { return !seen.running; });
  }
  return GetJob(name);
}

absl::StatusOr<v1::Job> SyncEngine::ConfirmJob(const JobName& name) {
  absl::StatusOr<v1::Job> job = store::Confirm(impl_->database(), name);
  if (job.ok()) impl_->Wake();
  return job;
}

void SyncEngine::WakePushes() { impl_->WakePushes(); }

absl::StatusOr<SyncEngine::CheckedChannel> SyncEngine::CheckChannel(const ChannelName& name,
                                                                    absl::Duration patience) {
  SKULINK_ASSIGN_OR_RETURN(const store::Channel channel,
                           store::GetChannel(impl_->database(), name.merchant, name.channel));
  const absl::Time give_up = absl::Now() + std::min(patience, impl_->options().seller_center_timeout);
  if (const std::shared_ptr<RateBudget> budget = impl_->traffic().BudgetOf(name)) {
    // As a write: somebody waits for the answer.
    SKULINK_RETURN_IF_ERROR(budget->Take(RateBudget::Priority::kWrite, {}, give_up - absl::Now()));
  } else {
    // Where another server talks to the shop, this one call comes in between, unless the shop asked for none.
    SKULINK_ASSIGN_OR_RETURN(const absl::Duration pause,
                             store::PauseOf(impl_->database(), name.merchant, name.channel));
    if (pause > absl::ZeroDuration())
      return Unavailable(v1::ERROR_REASON_SELLER_CENTER_THROTTLED,
                         "the Seller Center asks not to be called now", pause);
  }
  const absl::Time start = absl::Now();
  SKULINK_ASSIGN_OR_RETURN(const std::unique_ptr<SellerCenter> seller_center,
                           ConnectSellerCenter(channel.endpoint, give_up - start));
  SKULINK_ASSIGN_OR_RETURN(ShopDescription shop, seller_center->DescribeShop());
  return CheckedChannel{std::move(shop), absl::Now() - start};
}

}  // namespace skulink
