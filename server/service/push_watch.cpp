#include "server/service/push_watch.h"

#include <algorithm>
#include <utility>

#include "server/service/wire.h"

namespace skulink {
namespace {

// However short an interval the caller asks for.
constexpr std::chrono::milliseconds kLeastPause{100};

// Ages run by themselves.
std::string WithoutAges(v1::WatchPushesResponse pushes) {
  for (v1::Push& push : *pushes.mutable_pushes()) push.clear_age();
  return pushes.SerializeAsString();
}

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* PushWatch::Start(const Runtime& runtime,
                                                             const grpc::ByteBuffer& request) {
  const auto watch = std::make_shared<PushWatch>(runtime, request);
  watch->self_ = watch;
  runtime.streams.Add(watch);
  const std::lock_guard lock(watch->mutex_);
  watch->LookSoon();
  return watch.get();
}

void PushWatch::LookSoon() {
  if (busy_ || finished_ || end_) return;
  busy_ = true;
  if (runtime_.executor.TrySubmit([self = shared_from_this()] { self->Look(); })) return;
  busy_ = false;
  EndWith(Overloaded());
}

absl::Status PushWatch::Open() {
  v1::WatchPushesRequest request;
  SKULINK_RETURN_IF_ERROR(ParseMessage(request_, request));
  SKULINK_ASSIGN_OR_RETURN(watched_, OpenWatch(request));
  return absl::OkStatus();
}

void PushWatch::Look() {
  v1::WatchPushesResponse now;
  const absl::Status looked = WithoutExceptions([&]() -> absl::Status {
    if (!watched_) SKULINK_RETURN_IF_ERROR(Open());
    SKULINK_ASSIGN_OR_RETURN(now, ReadPushes(runtime_.database, *watched_));
    return absl::OkStatus();
  });
  const std::lock_guard lock(mutex_);
  busy_ = false;
  if (!looked.ok()) {
    EndWith(looked);
  } else if (end_) {
    FinishIfIdle();
  } else {
    Take(std::move(now));
  }
}

void PushWatch::Take(v1::WatchPushesResponse now) {
  std::string said = WithoutAges(now);
  const bool first = last_write_ == Clock::time_point::min();
  const bool changed = first || said != written_;
  if (!changed && Clock::now() < last_write_ + absl::ToChronoNanoseconds(runtime_.heartbeat)) {
    return LookLater();
  }
  written_ = std::move(said);
  last_write_ = Clock::now();
  now.set_heartbeat(!changed);
  message_ = SerializeMessage(now);
  busy_ = true;
  StartWrite(&message_);
}

void PushWatch::LookLater() {
  const Clock::duration pause =
      std::max<Clock::duration>(kLeastPause, absl::ToChronoNanoseconds(watched_->min_interval));
  const Clock::duration heartbeat = absl::ToChronoNanoseconds(runtime_.heartbeat);
  runtime_.timers.Set(shared_from_this(), Clock::now() + std::min(pause, heartbeat));
}

void PushWatch::OnTimer() {
  const std::lock_guard lock(mutex_);
  LookSoon();
}

void PushWatch::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  busy_ = false;
  if (!ok) return EndWith(CallCancelled());
  if (end_) return FinishIfIdle();
  LookLater();
}

void PushWatch::OnCancel() { End(CallCancelled()); }

void PushWatch::End(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  EndWith(status);
}

void PushWatch::EndWith(const absl::Status& status) {
  if (!end_) end_ = status;
  FinishIfIdle();
}

void PushWatch::FinishIfIdle() {
  if (busy_ || finished_ || !end_) return;
  finished_ = true;
  Finish(ToGrpcStatus(*end_));
}

void PushWatch::OnDone() {
  runtime_.streams.Remove(this);
  runtime_.timers.Cancel(*this);
  const auto self = std::move(self_);  // dropped on the way out
}

}  // namespace skulink
