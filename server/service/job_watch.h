#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "server/service/live_streams.h"
#include "server/service/runtime.h"
#include "server/service/sync_handlers.h"
#include "server/service/timer_queue.h"
#include "server/sync/job_hub.h"

namespace skulink {

// A stream of the newest states of one job, until it has ended or needs confirmation. It takes no thread: the
// hub hands it snapshots, of which it keeps the newest; the timer and the end of the write before make it
// write.
class JobWatch final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                       public LiveStream,
                       public TimerQueue::Timed,
                       public std::enable_shared_from_this<JobWatch> {
 public:
  // Reads the request and does what it asks for before watching begins.
  using Open = std::function<absl::StatusOr<WatchedJob>(CallContext&)>;
  // One message of the stream.
  using Encode = grpc::ByteBuffer (*)(const v1::Job& job, bool heartbeat);

  // The stream lives until gRPC is done with it.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const Runtime& runtime, Open open, Encode encode);

  JobWatch(const Runtime& runtime, Open open, Encode encode)
      : runtime_(runtime), open_(std::move(open)), encode_(encode) {}

 private:
  using Clock = TimerQueue::Clock;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void OnTimer() override;
  void End(const absl::Status& status) override;

  // On the executor: finds the job and its state.
  void Begin();
  absl::Status OpenAndSubscribe();
  // From the hub.
  void Take(JobSnapshot job);

  // The following hold mutex_. Advance does the one thing that is to be done now, or sets the timer for it.
  void Keep(JobSnapshot job);
  void EndWith(const absl::Status& status);
  void Advance();
  void Write(bool heartbeat);
  bool IsLast() const;

  const Runtime& runtime_;
  const Open open_;
  const Encode encode_;
  std::atomic<bool> cancelled_ = false;
  std::shared_ptr<JobWatch> self_;                      // until OnDone
  std::unique_ptr<JobHub::Subscription> subscription_;  // set before Begin ends, reset in OnDone

  std::mutex mutex_;  // guards the following, and that Finish comes once, after the last write
  JobSnapshot newest_;
  bool unsent_ = false;  // newest_ was not written yet
  bool writing_ = false;
  bool beginning_ = true;  // Begin has not ended: the stream must not be done before
  bool finished_ = false;
  Clock::duration min_interval_{};
  Clock::time_point last_write_ = Clock::time_point::min();
  grpc::ByteBuffer message_;         // being written
  std::optional<absl::Status> end_;  // how to finish, as soon as that can be
};

}  // namespace skulink
