#include "server/service/job_watch.h"

#include <algorithm>
#include <utility>

#include "common/errors.h"
#include "server/service/unary_call.h"
#include "server/service/wire.h"

namespace skulink {
namespace {

bool HasEnded(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED || state == v1::JOB_STATE_NEEDS_CONFIRMATION;
}

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* JobWatch::Start(const Runtime& runtime, Open open,
                                                            Encode encode) {
  const auto watch = std::make_shared<JobWatch>(runtime, std::move(open), encode);
  watch->self_ = watch;
  runtime.streams.Add(watch);
  if (!runtime.executor.TrySubmit([watch] { watch->Begin(); })) {
    const std::lock_guard lock(watch->mutex_);
    watch->beginning_ = false;
    watch->EndWith(Overloaded());
  }
  return watch.get();
}

void JobWatch::Begin() {
  const absl::Status opened =
      cancelled_ ? CallCancelled() : WithoutExceptions([this] { return OpenAndSubscribe(); });
  const std::lock_guard lock(mutex_);
  beginning_ = false;
  if (!opened.ok()) EndWith(opened);
  Advance();
}

absl::Status JobWatch::OpenAndSubscribe() {
  CallContext call{runtime_.database, runtime_.engine, absl::Now() + kCallLimit, cancelled_};
  SKULINK_ASSIGN_OR_RETURN(const WatchedJob watched, open_(call));
  {
    const std::lock_guard lock(mutex_);
    min_interval_ = absl::ToChronoNanoseconds(watched.min_interval);
  }
  // First this, so that no change between the two is missed.
  subscription_ = runtime_.engine.hub().Subscribe(ToString(watched.job),
                                                  [this](JobSnapshot job) { Take(std::move(job)); });
  SKULINK_ASSIGN_OR_RETURN(v1::Job job, runtime_.engine.GetJob(watched.job));
  const std::lock_guard lock(mutex_);
  Keep(std::make_shared<const v1::Job>(std::move(job)));
  return absl::OkStatus();
}

// The publisher has work to do and perhaps thousands of watchers: writing is left to the timer's thread.
void JobWatch::Take(JobSnapshot job) {
  const std::lock_guard lock(mutex_);
  Keep(std::move(job));
  if (!beginning_ && !writing_ && !finished_) {
    runtime_.timers.Set(self_, IsLast() ? Clock::now() : last_write_ + min_interval_);
  }
}

void JobWatch::Keep(JobSnapshot job) {
  if (newest_ != nullptr && job->revision() <= newest_->revision()) return;
  newest_ = std::move(job);
  unsent_ = true;
}

void JobWatch::OnTimer() {
  const std::lock_guard lock(mutex_);
  Advance();
}

void JobWatch::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (!ok) EndWith(CallCancelled());
  Advance();
}

void JobWatch::OnCancel() {
  cancelled_ = true;
  End(CallCancelled());
}

void JobWatch::End(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  EndWith(status);
}

void JobWatch::EndWith(const absl::Status& status) {
  if (!end_) end_ = status;
  Advance();
}

void JobWatch::OnDone() {
  runtime_.streams.Remove(this);
  runtime_.timers.Cancel(*this);
  subscription_.reset();
  const auto self = std::move(self_);  // dropped on the way out
}

bool JobWatch::IsLast() const { return newest_ != nullptr && HasEnded(newest_->state()); }

void JobWatch::Advance() {
  if (beginning_ || writing_ || finished_) return;
  if (!end_ && !unsent_ && IsLast()) end_ = absl::OkStatus();
  if (end_) {
    finished_ = true;
    Finish(ToGrpcStatus(*end_));
    return;
  }
  const bool at_once = last_write_ == Clock::time_point::min() || IsLast();
  const auto pause = unsent_ ? min_interval_ : absl::ToChronoNanoseconds(runtime_.heartbeat);
  if (at_once || Clock::now() >= last_write_ + pause) {
    Write(!unsent_);
  } else {
    runtime_.timers.Set(shared_from_this(), last_write_ + pause);
  }
}

void JobWatch::Write(bool heartbeat) {
  writing_ = true;
  unsent_ = false;
  last_write_ = Clock::now();
  message_ = encode_(*newest_, heartbeat);
  StartWrite(&message_);
}

}  // namespace skulink
