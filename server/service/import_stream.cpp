#include "server/service/import_stream.h"

#include <utility>

#include "common/errors.h"
#include "server/service/unary_call.h"
#include "server/service/wire.h"

namespace skulink {

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ImportStream::Start(const Runtime& runtime) {
  const auto stream = std::make_shared<ImportStream>(runtime);
  stream->self_ = stream;
  runtime.streams.Add(stream);
  stream->StartRead(&stream->request_);
  return stream.get();
}

void ImportStream::OnReadDone(bool ok) {
  const std::lock_guard lock(mutex_);
  if (!ok) {
    all_read_ = true;
  } else if (!end_) {
    working_ = runtime_.executor.TrySubmit([this] { Work(); });
    if (!working_) EndWith(Overloaded());
  }
  Advance();
}

void ImportStream::Work() {
  // The stream is not finished, and so not destroyed, while it is working.
  const auto self = self_;
  absl::StatusOr<grpc::ByteBuffer> answer = Answer();
  const std::lock_guard lock(mutex_);
  working_ = false;
  if (answer.ok()) {
    answer_ = *std::move(answer);
  } else {
    EndWith(answer.status());
  }
  Advance();
}

absl::StatusOr<grpc::ByteBuffer> ImportStream::Answer() {
  if (cancelled_) return CallCancelled();
  CallContext call{runtime_.database, runtime_.engine, absl::Now() + kCallLimit, cancelled_};
  grpc::ByteBuffer bytes;
  const absl::Status done = WithoutExceptions([&]() -> absl::Status {
    v1::ImportProductsRequest request;
    SKULINK_RETURN_IF_ERROR(ParseMessage(request_, request));
    SKULINK_ASSIGN_OR_RETURN(const v1::ImportProductsResponse response, import_.Take(request, call));
    bytes = SerializeMessage(response);
    return absl::OkStatus();
  });
  if (!done.ok()) return done;
  return bytes;
}

void ImportStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (!ok) EndWith(CallCancelled());
  Advance();
}

void ImportStream::OnCancel() {
  cancelled_ = true;
  End(CallCancelled());
}

void ImportStream::End(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  EndWith(status);
}

void ImportStream::EndWith(const absl::Status& status) {
  if (!end_) end_ = status;
  Advance();
}

void ImportStream::OnDone() {
  runtime_.streams.Remove(this);
  const auto self = std::move(self_);  // dropped on the way out
}

void ImportStream::Advance() {
  if (writing_ || finished_) return;
  if (answer_ && !cancelled_) {
    written_ = *std::move(answer_);
    answer_.reset();
    writing_ = true;
    StartWrite(&written_);
    if (!end_ && !all_read_) StartRead(&request_);
    return;
  }
  if (working_) return;
  if (!end_ && all_read_) end_ = absl::OkStatus();
  if (!end_) return;
  finished_ = true;
  Finish(ToGrpcStatus(*end_));
}

}  // namespace skulink
