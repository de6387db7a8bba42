#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "server/service/live_streams.h"
#include "server/service/product_import.h"
#include "server/service/runtime.h"

namespace skulink {

// One ImportProducts call: each message is done on the executor and answered. While an answer is being
// written the next message is read and done; no more than that is ever held.
class ImportStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                           public LiveStream {
 public:
  // The stream lives until gRPC is done with it.
  static grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Start(const Runtime& runtime);

  explicit ImportStream(const Runtime& runtime) : runtime_(runtime) {}

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  void End(const absl::Status& status) override;

  // On the executor.
  void Work();
  absl::StatusOr<grpc::ByteBuffer> Answer();

  // These hold mutex_.
  void EndWith(const absl::Status& status);
  void Advance();

  const Runtime& runtime_;
  std::atomic<bool> cancelled_ = false;
  std::shared_ptr<ImportStream> self_;  // until OnDone
  ProductImport import_;                // used by one message at a time
  grpc::ByteBuffer request_;            // being read or worked on

  std::mutex mutex_;  // guards the following, and that Finish comes once, after the last write
  bool working_ = false;
  bool writing_ = false;
  bool all_read_ = false;
  bool finished_ = false;
  std::optional<grpc::ByteBuffer> answer_;  // waits for the write before it
  grpc::ByteBuffer written_;                // being written
  std::optional<absl::Status> end_;         // how to finish, as soon as that can be
};

}  // namespace skulink
