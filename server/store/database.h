#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/errors.h"
#include "server/store/session.h"

namespace skulink::store {

class SessionPool;

// Where a database is: what SOCI connects with.
struct DatabaseAddress {
  std::string soci_connect_string;
  // TLS was asked for: each new connection must have a cipher and a host name that fits its certificate.
  bool tls = false;
};

// `mysql://user:password@host:3306/database?tls=verify&ca=FILE` (percent-encoded), or `...?socket=PATH`.
// Errors name `--mysql`.
absl::StatusOr<DatabaseAddress> ParseDatabaseUrl(const std::string& url);

// A pool of sessions, and the one place where transactions begin and end and where exceptions become
// statuses. Thread-safe. Destroyed before main returns (SOCI ends the client library in a static destructor).
class Database {
 public:
  // Connects once, to see that it can.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const DatabaseAddress& address, int max_sessions);
  ~Database();

  // Runs `body(Session&)` outside a transaction (each statement by itself) or in a read-only snapshot
  // transaction, so that several queries see the same moment. Returns what `body` returns, in a StatusOr
  // (Status for void). Tried again from the start, a few times, when the connection was lost before anything
  // was read or the database says to.
  template <typename Body>
  auto Read(Body&& body) {
    return Run(Kind::kRead, std::forward<Body>(body));
  }
  template <typename Body>
  auto ReadSnapshot(Body&& body) {
    return Run(Kind::kSnapshot, std::forward<Body>(body));
  }
  // Runs `body(Session&)` in a transaction (READ COMMITTED) and commits it. Rolled back and run again from
  // the start on deadlock, lock wait timeout, a cluster conflict, Stale, and when the connection is lost
  // before COMMIT was sent. When it is lost during COMMIT, whether it was committed is not known: the answer
  // is UNAVAILABLE, and bodies must be such that the caller can repeat them.
  template <typename Body>
  auto Transact(Body&& body) {
    return Run(Kind::kTransaction, std::forward<Body>(body));
  }

 private:
  enum class Kind { kRead, kSnapshot, kTransaction };
  explicit Database(std::unique_ptr<SessionPool> pool);
  absl::Status RunAgain(Kind kind, const std::function<void(Session&)>& body);

  template <typename Body>
  auto Run(Kind kind, Body&& body) {
    using Result = std::invoke_result_t<Body&, Session&>;
    if constexpr (std::is_void_v<Result>) {
      return RunAgain(kind, [&](Session& session) { body(session); });
    } else {
      std::optional<Result> result;
      absl::Status status = RunAgain(kind, [&](Session& session) { result.emplace(body(session)); });
      return status.ok() ? absl::StatusOr<Result>(*std::move(result))
                         : absl::StatusOr<Result>(std::move(status));
    }
  }

  std::unique_ptr<SessionPool> pool_;
};

}  // namespace skulink::store
