// The order that gRPC makes, by means without locks: what was done before an operation was started, or before
// gRPC announced its end, comes before what is done when its tag comes out of the completion queue. All
// callbacks of the callback API are run by threads that take the tag of the callback out of such a queue.

#include <grpc/grpc.h>

#include <utility>

#include "absl/status/status.h"
#include "tests/tsan/library.h"

using skulink::tsan::InLibrary;

extern "C" grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* operations, size_t count,
                                                 void* tag, void* reserved) {
  static const auto start = InLibrary<decltype(grpc_call_start_batch)>("grpc_call_start_batch");
  if (tag != nullptr) __tsan_release(tag);
  return start(call, operations, count, tag, reserved);
}

extern "C" grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline,
                                                 void* reserved) {
  static const auto next = InLibrary<decltype(grpc_completion_queue_next)>("grpc_completion_queue_next");
  const grpc_event event = next(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE && event.tag != nullptr) __tsan_acquire(event.tag);
  return event;
}

extern "C" grpc_event grpc_completion_queue_pluck(grpc_completion_queue* queue, void* tag,
                                                  gpr_timespec deadline, void* reserved) {
  static const auto pluck = InLibrary<decltype(grpc_completion_queue_pluck)>("grpc_completion_queue_pluck");
  const grpc_event event = pluck(queue, tag, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE && event.tag != nullptr) __tsan_acquire(event.tag);
  return event;
}

struct grpc_cq_completion;

// Within gRPC: the operation with that tag has ended.
void grpc_cq_end_op(grpc_completion_queue* queue, void* tag, absl::Status error,
                    void (*done)(void*, grpc_cq_completion*), void* done_argument,
                    grpc_cq_completion* storage, bool internal) {
  static const auto end = InLibrary<decltype(grpc_cq_end_op)>(
      "_Z14grpc_cq_end_opP21grpc_completion_queuePvN4absl7debian36StatusEPFvS1_P18grpc_cq_completionES1_S6_"
      "b");
  if (tag != nullptr) __tsan_release(tag);
  end(queue, tag, std::move(error), done, done_argument, storage, internal);
}
