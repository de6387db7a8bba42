#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/service/executor.h"
#include "server/service/live_streams.h"
#include "server/service/runtime.h"
#include "server/service/timer_queue.h"
#include "server/store/database.h"
#include "server/sync/sync_engine.h"

namespace skulink {

struct ServerOptions {
  std::string listen = "127.0.0.1:50051";  // port 0: any that is free
  int threads = 32;                        // calls at work at the same time
  std::size_t max_waiting = 1024;          // calls waiting for a thread; more are refused
  absl::Duration heartbeat = absl::Seconds(15);
  // Calls that are at work get this long to end when the server is stopped; then they are cut off.
  absl::Duration stop_grace = absl::Seconds(10);
  bool reflection = false;
};

// Whether a server could listen there now: UNAVAILABLE when the address is none of this machine or in use,
// INVALID_ARGUMENT naming `--listen` when it is no HOST:PORT.
absl::Status CheckListen(const std::string& listen);

// Serves skulink.v1 and grpc.health.v1.
class Server {
 public:
  // `database` and `engine` must outlive it.
  static absl::StatusOr<std::unique_ptr<Server>> Start(store::Database& database, SyncEngine& engine,
                                                       const ServerOptions& options);
  // Health says NOT_SERVING, streams end with UNAVAILABLE (SHUTTING_DOWN), calls at work are waited for.
  ~Server();

  // Where it listens: the host asked for and the port it got.
  const std::string& address() const { return address_; }

 private:
  Server(store::Database& database, SyncEngine& engine, const ServerOptions& options);

  const absl::Duration stop_grace_;
  std::string address_;
  // In this order: each uses those above it.
  LiveStreams streams_;
  TimerQueue timers_;
  Executor executor_;
  const Runtime runtime_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace skulink
