#include "server/sync/running_job.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "common/errors.h"
#include "server/store/item_creations.h"
#include "server/store/merchants.h"
#include "server/store/old_jobs.h"
#include "server/store/planned_variants.h"

namespace skulink {

RunningJob::RunningJob(store::Database& database, store::JobRecord job, absl::Duration seller_center_timeout,
                       std::shared_ptr<OwnedChannel> channel, std::function<void(const v1::Job&)> publish)
    : database_(database),
      merchant_number_(job.merchant_number),
      merchant_id_(job.merchant_id),
      channel_number_(job.channel_number),
      job_(std::move(job)),
      timeout_(seller_center_timeout),
      channel_(std::move(channel)),
      publish_(std::move(publish)) {}

void RunningJob::Run(std::stop_token server_stop) {
  server_stop_ = std::move(server_stop);
  const std::stop_callback on_server_stop(server_stop_, [this] { stop_.request_stop(); });
  const std::stop_callback on_cancel(cancel_.get_token(), [this] { stop_.request_stop(); });
  if (job_.cancel_requested) Cancel();
  publish_(job_.job);
  absl::Status status;
  try {
    status = RunPhases();
  } catch (const std::exception& error) {  // no memory, no thread to be had: the job fails, not the server
    status = Error(absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL, error.what());
  }
  stop_.request_stop();  // what the phases began and did not end, for they failed
  Forget();
  malloc_trim(0);  // what a large job took is spread over the heap, which else keeps it
  if (!status.ok() && server_stop_.stop_requested() && !cancel_.stop_requested()) {
    const absl::Status released = store::ReleaseJob(database_, job_);
    if (!released.ok()) spdlog::warn("{} could not be given back: {}", job_.job.name(), released.ToString());
    return;
  }
  End(status);
  for (const auto& tidy :
       {store::RemoveOldScanPages, store::RemoveOldPlanned, store::TidyCreations, store::RemoveOldJobs}) {
    const absl::Status tidied = tidy(database_, job_);
    if (!tidied.ok()) spdlog::warn("what ended jobs left was not removed: {}", tidied.ToString());
  }
}

void RunningJob::End(const absl::Status& status) {
  if (status.ok()) return;
  if (absl::IsAborted(status)) {
    spdlog::warn("{} belongs to another server now", job_.job.name());
    return;
  }
  const bool cancelled = cancel_.stop_requested();
  ending_ = true;
  absl::Status saved;
  // Once more when what was written before it had been committed, though that was not answered.
  for (int attempt = 0; attempt < 2 && saved.ok() && job_.job.state() == v1::JOB_STATE_RUNNING; ++attempt) {
    saved = Save([&](store::Session& session, const store::Merchant&, store::JobRecord& job) {
      job.job.set_state(cancelled ? v1::JOB_STATE_CANCELLED : v1::JOB_STATE_FAILED);
      if (!cancelled) *job.job.mutable_error() = ToProto(status);
      NoteEnd(session, job);
    });
  }
  if (!saved.ok()) spdlog::warn("{}: its end could not be written: {}", job_.job.name(), saved.ToString());
}

absl::Status RunningJob::Connect() {
  SKULINK_ASSIGN_OR_RETURN(seller_center_, ConnectSellerCenter(job_.endpoint, timeout_));
  SKULINK_ASSIGN_OR_RETURN(shop_, Describe());
  items_at_once_.SetMost(static_cast<std::size_t>(shop_.max_items_per_get));
  channel_->budget()->SetLimit(shop_.max_requests_per_second);
  return absl::OkStatus();
}

absl::StatusOr<ShopDescription> RunningJob::Describe() {
  for (int failures = 1;; ++failures) {
    SKULINK_RETURN_IF_ERROR(channel_->TakeTurn(stop()));
    absl::StatusOr<ShopDescription> shop = seller_center_->DescribeShop(stop());
    if (shop.ok() || !absl::IsUnavailable(shop.status()) || failures >= kMaxFailures) return shop;
    PauseBeforeRetry(failures, shop.status(), *channel_->budget(), stop());
  }
}

bool RunningJob::Answers() {
  return channel_->TakeTurn(stop()).ok() && seller_center_->DescribeShop(stop()).ok();
}

absl::StatusOr<RunningJob::OfFirst<FoundItems>> RunningJob::GetFirstItems(std::span<const std::string> ids) {
  return AskForFirst(ids.size(), items_at_once_, [&](std::size_t count) {
    return seller_center_->GetItems({ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count)}, stop());
  });
}

absl::Status RunningJob::Save(const Change& change, const std::function<void(store::Session&)>& before_lock) {
  std::optional<store::JobRecord> written;  // nullopt: an earlier attempt had been committed after all
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database_.Transact([&](store::Session& session) {
      if (before_lock) before_lock(session);
      const store::Merchant merchant = store::LockMerchant(session, job_.merchant_number);
      store::JobRecord job = job_;
      written.reset();
      if (!store::FenceJob(session, job)) return;
      change(session, merchant, job);
      store::SaveJob(session, job);
      written = std::move(job);
    });
  }));
  if (!written) {
    SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
      absl::StatusOr<store::JobRecord> job = store::ReadJob(database_, {job_.merchant_id, job_.job_id});
      if (job.ok()) written = *std::move(job);
      return job.status();
    }));
    if (written->job.state() == v1::JOB_STATE_RUNNING && written->owner != job_.owner) {
      return absl::AbortedError("another server runs the job");
    }
  }
  job_ = *std::move(written);
  if (job_.cancel_requested) Cancel();
  publish_(job_.job);
  return absl::OkStatus();
}

absl::Status RunningJob::WhileStoreIsAway(const std::function<absl::Status()>& attempt) {
  while (true) {
    absl::Status status = attempt();
    const v1::ErrorReason reason = ReasonOf(status);
    const bool away = reason == v1::ERROR_REASON_STORE_UNAVAILABLE || reason == v1::ERROR_REASON_REKEYING;
    const std::stop_token stop = ending_ ? server_stop_ : stop_.get_token();
    if (!away || stop.stop_requested()) return status;
    SleepUnlessStopped(kStoreRetry, stop);
  }
}

}  // namespace skulink
