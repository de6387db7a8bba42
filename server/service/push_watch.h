#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/service/inventory_handlers.h"
#include "server/service/live_streams.h"
#include "server/service/runtime.h"
#include "server/service/timer_queue.h"

namespace skulink {

// A stream of the pushes of one variant, which ends with its caller. Pushes are written by any server, so the
// store is looked at a few times a second: by the executor, one look after the other, each followed by a
// message when something changed or a heartbeat is due. What changes between two looks is one message.
class PushWatch final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                        public LiveStream,
                        public TimerQueue::Timed,
                        public std::enable_shared_from_this<PushWatch> {
 public:
  // The stream lives until gRPC is done with it.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const Runtime& runtime,
                                                           const grpc::ByteBuffer& request);

  PushWatch(const Runtime& runtime, const grpc::ByteBuffer& request) : runtime_(runtime), request_(request) {}

 private:
  using Clock = TimerQueue::Clock;

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void OnTimer() override;
  void End(const absl::Status& status) override;

  // On the executor.
  void Look();
  absl::Status Open();

  // The following hold mutex_. Each thing to do is followed by the next.
  void LookSoon();
  void Take(v1::WatchPushesResponse now);
  void LookLater();
  void EndWith(const absl::Status& status);
  void FinishIfIdle();

  const Runtime& runtime_;
  const grpc::ByteBuffer request_;
  std::shared_ptr<PushWatch> self_;        // until OnDone
  std::optional<WatchedVariant> watched_;  // of the one look at a time

  std::mutex mutex_;   // guards the following, and that Finish comes once, after the last look and write
  bool busy_ = false;  // looks or writes
  bool finished_ = false;
  std::string written_;  // what the last message said, without its times that run
  Clock::time_point last_write_ = Clock::time_point::min();
  grpc::ByteBuffer message_;         // being written
  std::optional<absl::Status> end_;  // how to finish, as soon as that can be
};

}  // namespace skulink
