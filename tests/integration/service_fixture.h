#pragma once

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/errors.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "server/service/server.h"
#include "server/sync/sync_engine.h"
#include "tests/integration/test_database.h"

namespace skulink {

// Long enough to be reached only by a defect.
inline constexpr absl::Duration kTestPatience = absl::Seconds(60);

// What a call ended with, as a program of any language sees it.
absl::Status FromGrpc(const grpc::Status& status);

void SetDeadline(grpc::ClientContext& context, absl::Duration patience = kTestPatience);

// A server of our own on a free port, with an empty store that has the merchant `default`.
class ServiceTest : public testing::Test {
 protected:
  // To be called once, by each test.
  void StartServer(const ServerOptions& options = {}, const SyncOptions& sync = {});
  void StopServer() { server_.reset(); }

  SyncEngine& engine() { return *engine_; }
  store::Database& database() { return *database_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  const std::string& address() { return server_->address(); }

  // Calls `MerchantService.GetMerchant`, for instance, with these bytes and returns the answer's.
  absl::StatusOr<std::string> CallBytes(const std::string& method, const std::string& request,
                                        absl::Duration patience = kTestPatience);
  // With a request in protobuf's text format; the answer is in `Debug` format.
  absl::StatusOr<std::string> CallText(const std::string& method, const std::string& request);

  template <typename Response>
  absl::StatusOr<Response> Call(const std::string& method, const google::protobuf::Message& request,
                                absl::Duration patience = kTestPatience) {
    SKULINK_ASSIGN_OR_RETURN(const std::string bytes,
                             CallBytes(method, request.SerializeAsString(), patience));
    Response response;
    if (!response.ParseFromString(bytes)) return absl::DataLossError("the answer does not parse");
    return response;
  }

 private:
  TestDatabase database_;
  std::unique_ptr<SyncEngine> engine_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A port that takes connections and never answers: calls to it stay at work.
class SilentPort {
 public:
  SilentPort();
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort();
  // Returns once somebody has connected.
  void AwaitCaller() const;
  std::string endpoint() const { return "grpc://127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  int port_;
};

// The request of `MerchantService.GetMerchant`, for instance, from text format.
std::unique_ptr<google::protobuf::Message> ParseRequest(const std::string& method, const std::string& text);

// A message in text format.
template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) throw std::runtime_error(text);
  return message;
}

}  // namespace skulink
