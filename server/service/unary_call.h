#pragma once

#include <google/protobuf/arena.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/errors.h"
#include "server/service/call_context.h"
#include "server/service/runtime.h"
#include "server/service/wire.h"

namespace skulink {

inline constexpr absl::Duration kCallLimit = absl::Seconds(60);
// For the few methods that go over all data of a merchant or channel.
inline constexpr absl::Duration kLongCallLimit = absl::Minutes(30);

// One unary call. It is parsed, done and answered on the executor; gRPC's own threads only hand it over.
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // Bytes in, bytes out.
  using Work = std::function<absl::Status(const grpc::ByteBuffer&, grpc::ByteBuffer&, CallContext&)>;

  // `limit`: the deadline of a caller who gives none or a later one. The call deletes itself.
  static grpc::ServerUnaryReactor* Start(const Runtime& runtime, grpc::CallbackServerContext& context,
                                         const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                         Work work, absl::Duration limit);

 private:
  UnaryCall(const Runtime& runtime, const grpc::ByteBuffer& request, grpc::ByteBuffer& response, Work work,
            absl::Time deadline)
      : runtime_(runtime),
        request_(request),
        response_(response),
        work_(std::move(work)),
        deadline_(deadline) {}
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }
  absl::Status Do();

  const Runtime& runtime_;
  const grpc::ByteBuffer& request_;
  grpc::ByteBuffer& response_;
  const Work work_;
  const absl::Time deadline_;
  std::atomic<bool> cancelled_ = false;
};

// What a method of the API does, free of gRPC.
template <typename Request, typename Response>
using Handler = absl::StatusOr<Response> (*)(const Request&, CallContext&);

// The same, with the answer in an arena: a page has a thousand texts and messages.
template <typename Request, typename Response>
using PageHandler = absl::Status (*)(const Request&, CallContext&, Response&);

template <typename Request, typename Response>
grpc::ServerUnaryReactor* StartUnary(const Runtime& runtime, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     Handler<Request, Response> handler, absl::Duration limit = kCallLimit) {
  const auto work = [handler](const grpc::ByteBuffer& in, grpc::ByteBuffer& out,
                              CallContext& call) -> absl::Status {
    Request message;
    SKULINK_RETURN_IF_ERROR(ParseMessage(in, message));
    SKULINK_ASSIGN_OR_RETURN(const Response answer, handler(message, call));
    out = SerializeMessage(answer);
    return absl::OkStatus();
  };
  return UnaryCall::Start(runtime, *context, *request, *response, work, limit);
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* StartUnary(const Runtime& runtime, grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                     PageHandler<Request, Response> handler,
                                     absl::Duration limit = kCallLimit) {
  const auto work = [handler](const grpc::ByteBuffer& in, grpc::ByteBuffer& out,
                              CallContext& call) -> absl::Status {
    Request message;
    SKULINK_RETURN_IF_ERROR(ParseMessage(in, message));
    google::protobuf::Arena arena;
    auto& answer = *google::protobuf::Arena::CreateMessage<Response>(&arena);
    SKULINK_RETURN_IF_ERROR(handler(message, call, answer));
    out = SerializeMessage(answer);
    return absl::OkStatus();
  };
  return UnaryCall::Start(runtime, *context, *request, *response, work, limit);
}

}  // namespace skulink
