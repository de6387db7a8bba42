#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"

namespace skulink {

// One call of ListListings. Pages are taken as bytes: to gRPC, a message that cannot be parsed and the end of
// the stream look alike, and one must not pass for the other. A completion queue, because it can be waited on
// for a time.
class PageStream {
 public:
  // Each wait for the Seller Center ends after `timeout`, and when a stop is asked for.
  PageStream(const std::shared_ptr<grpc::Channel>& channel,
             const sellercenter::v1::ListListingsRequest& request, absl::Duration timeout,
             std::stop_token stop);
  ~PageStream();

  // The next page; nullopt when the Seller Center ended the stream with OK.
  absl::StatusOr<std::optional<grpc::ByteBuffer>> Next();

 private:
  using Call = grpc::ClientAsyncReaderWriter<sellercenter::v1::ListListingsRequest, grpc::ByteBuffer>;

  // Waits for what was started last and returns whether it went well. Cancels the call when that takes too
  // long.
  bool Wait(absl::Duration timeout);
  absl::Status Finish();

  const absl::Duration timeout_;
  const std::stop_token stop_;
  bool cancelled_ = false;  // since nothing came in time
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<Call> call_;
  bool finished_ = false;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace skulink
