#include "server/service/unary_call.h"

#include <algorithm>
#include <utility>

namespace skulink {

grpc::ServerUnaryReactor* UnaryCall::Start(const Runtime& runtime, grpc::CallbackServerContext& context,
                                           const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                           Work work, absl::Duration limit) {
  const absl::Time deadline = std::min(absl::FromChrono(context.deadline()), absl::Now() + limit);
  auto* call = new UnaryCall(runtime, request, response, std::move(work), deadline);
  if (!runtime.executor.TrySubmit([call] { call->Finish(ToGrpcStatus(call->Do())); })) {
    call->Finish(ToGrpcStatus(Overloaded()));
  }
  return call;
}

absl::Status UnaryCall::Do() {
  // It may have waited for long.
  if (cancelled_) return CallCancelled();
  if (absl::Now() >= deadline_) return DeadlineExceeded();
  CallContext call{runtime_.database, runtime_.engine, deadline_, cancelled_};
  return WithoutExceptions([&] { return work_(request_, response_, call); });
}

}  // namespace skulink
