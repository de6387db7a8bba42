#include "server/service/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/errors.h"
#include "server/service/services.h"

namespace skulink {
namespace {

// What the API allows, and something for the frame around it.
constexpr int kMaxRequestBytes = 4 * 1024 * 1024 + 64 * 1024;

// Linking the reflection plugin puts it into every server; this takes it out again.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    });
  }
};

void SetArguments(grpc::ServerBuilder& builder) {
  // A port in use is an error, not shared with another server.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  // Streams of progress are quiet for long: find out when a caller is gone, and allow callers to do the same.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 20'000);
}

}  // namespace

Server::Server(store::Database& database, SyncEngine& engine, const ServerOptions& options)
    : stop_grace_(options.stop_grace),
      executor_(options.threads, options.max_waiting),
      runtime_{database, engine, executor_, streams_, timers_, options.heartbeat},
      services_(MakeServices(runtime_)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(store::Database& database, SyncEngine& engine,
                                                      const ServerOptions& options) {
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<Server> server(new Server(database, engine, options));
  grpc::ServerBuilder builder;
  SetArguments(builder);
  if (options.reflection) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  } else {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  int port = 0;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  for (const auto& service : server->services_) builder.RegisterService(service.get());
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_FORMAT_INVALID,
                 absl::StrCat("cannot listen on ", options.listen,
                              ": not an address of this machine, or in use by another program"));
  }
  server->address_ = absl::StrCat(options.listen.substr(0, options.listen.rfind(':')), ":", port);
  return server;
}

Server::~Server() {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->SetServingStatus(false);
  streams_.EndAll(Unavailable(v1::ERROR_REASON_SHUTTING_DOWN, "the server is being stopped; call again",
                              absl::Seconds(1)));
  server_->Shutdown(absl::ToChronoTime(absl::Now() + stop_grace_));
}

}  // namespace skulink
