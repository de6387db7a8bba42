#include "server/sellercenters/page_stream.h"

#include <utility>

#include "grpcpp/channel.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "server/sellercenters/answer_status.h"

namespace skulink {
namespace {

constexpr char kMethod[] = "/skulink.sellercenter.v1.SellerCenterService/ListListings";

// A read that fails has seen the end of the stream, so that its status is there at once; except when a page
// was too large for us: then gRPC waits for the rest of it, which need not come.
constexpr absl::Duration kStatusTimeout = absl::Seconds(1);

}  // namespace

PageStream::PageStream(const std::shared_ptr<grpc::Channel>& channel,
                       const sellercenter::v1::ListListingsRequest& request, absl::Duration timeout,
                       std::stop_token stop)
    : timeout_(timeout), stop_(std::move(stop)), on_stop_(stop_, [this] { context_.TryCancel(); }) {
  grpc::TemplatedGenericStub<sellercenter::v1::ListListingsRequest, grpc::ByteBuffer> stub(channel);
  context_.set_initial_metadata_corked(true);  // goes out with the request, in one operation
  call_ = stub.PrepareCall(&context_, kMethod, &queue_);
  call_->StartCall(nullptr);
  call_->WriteLast(request, grpc::WriteOptions(), this);
  Wait(timeout_);  // what came of it is told by the first Read
}

PageStream::~PageStream() {
  if (!finished_) {
    context_.TryCancel();
    (void)Finish();
  }
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

absl::StatusOr<std::optional<grpc::ByteBuffer>> PageStream::Next() {
  grpc::ByteBuffer page;
  call_->Read(&page, this);
  if (Wait(timeout_)) return page;
  if (absl::Status status = Finish(); !status.ok()) return status;
  return std::nullopt;
}

bool PageStream::Wait(absl::Duration timeout) {
  void* tag;
  bool ok = false;
  if (queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(absl::Now() + timeout)) ==
      grpc::CompletionQueue::TIMEOUT) {
    cancelled_ = true;
    context_.TryCancel();
    queue_.Next(&tag, &ok);
  }
  return ok;
}

absl::Status PageStream::Finish() {
  grpc::Status status;
  call_->Finish(&status, this);
  Wait(kStatusTimeout);
  finished_ = true;
  if (stop_.stop_requested()) return absl::CancelledError("stopped");
  if (cancelled_ && status.error_code() == grpc::StatusCode::CANCELLED) return AnswerTimedOut();
  return status.ok() ? absl::OkStatus() : AnswerStatus(status);
}

}  // namespace skulink
