#include "server/store/database.h"

#include <soci/mysql/soci-mysql.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/store/session_pool.h"

namespace skulink::store {
namespace {

constexpr int kAttempts = 5;
constexpr absl::Duration kShortestPause = absl::Milliseconds(10);
constexpr absl::Duration kLongestPause = absl::Milliseconds(200);
constexpr absl::Duration kPatienceForSession = absl::Seconds(10);
constexpr absl::Duration kRetryAfter = absl::Seconds(1);

// An exception of the store, without the statement and the values that SOCI puts into what().
struct Failure {
  absl::Status refused;     // not OK: the body's own answer
  unsigned number = 0;      // MySQL's error number, 0 when it has none
  bool exhausted = false;   // no session came free
  bool stale = false;       // the body says to run it again
  std::string description;  // for the log
};

Failure CurrentFailure() {
  try {
    throw;
  } catch (const Refused& refused) {
    return {.refused = refused.status()};
  } catch (const Stale& stale) {
    return {.stale = true, .description = stale.what()};
  } catch (const PoolExhausted& exhausted) {
    return {.exhausted = true, .description = exhausted.what()};
  } catch (const StoreError& error) {
    return {.number = error.number(), .description = error.what()};
  } catch (const soci::mysql_soci_error& error) {
    return {.number = error.err_num_, .description = error.get_error_message()};
  } catch (const soci::soci_error& error) {
    return {.description = error.get_error_message()};
  } catch (const std::exception& error) {
    return {.description = error.what()};
  }
}

// The connection is lost, or could not be made.
bool Lost(unsigned number) {
  switch (number) {
    case 1053:  // server shutdown in progress
    case 1927:  // connection was killed
      return true;
    case 2020:  // a packet that is too large is so again
      return false;
    default:
      return number >= 2000 && number < 3000;
  }
}

// The database says that the same again may work.
bool Conflict(unsigned number) {
  switch (number) {
    case 1205:  // lock wait timeout
    case 1213:  // deadlock, or a conflict in a cluster
    case 1047:  // a node of a cluster that is not ready
      return true;
    default:
      return false;
  }
}

bool Busy(unsigned number) {
  switch (number) {
    case 1040:  // too many connections
    case 1203:  // too many connections of the user
    case 1290:  // read-only
    case 1836:  // read-only
      return true;
    default:
      return false;
  }
}

// MySQL's message, without the part in quotes where it repeats values of the statement.
std::string Masked(unsigned number, const std::string& message) {
  switch (number) {
    case kDuplicateKey:  // duplicate entry '...' for key
    case 1064:           // syntax, near '...'
    case 1292:           // incorrect value: '...' for column
    case 1366: {         // the same
      std::size_t begin = message.find('\'');
      std::size_t end = std::min(message.rfind("' for "), message.rfind('\''));
      if (begin == message.npos || end <= begin) return message;
      return message.substr(0, begin + 1) + "..." + message.substr(end);
    }
    default:
      return message;
  }
}

absl::Status StoreUnavailable(std::string_view message) {
  return Unavailable(v1::ERROR_REASON_STORE_UNAVAILABLE, message, kRetryAfter);
}

absl::Status StatusOf(const Failure& failure) {
  if (!failure.refused.ok()) return failure.refused;
  if (failure.exhausted) return StoreUnavailable("all connections to the database are in use");
  absl::BitGen random;
  std::string incident = absl::StrCat(absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16));
  if (failure.stale || Lost(failure.number) || Conflict(failure.number) || Busy(failure.number)) {
    spdlog::warn("database unavailable: error {}: {}", failure.number, failure.description);
    return StoreUnavailable("the database cannot be reached or is busy");
  }
  spdlog::error("incident {}: database error {}: {}", incident, failure.number,
                Masked(failure.number, failure.description));
  return Error(absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL,
               absl::StrCat("internal error, incident ", incident), {{"incident", incident}});
}

void Pause(int attempt) {
  absl::BitGen random;
  absl::Duration longest = std::min(kLongestPause, kShortestPause * (1 << attempt) * 2);
  absl::SleepFor(kShortestPause + absl::Uniform(random, 0.0, 1.0) * (longest - kShortestPause));
}

}  // namespace

Database::Database(std::unique_ptr<SessionPool> pool) : pool_(std::move(pool)) {}
Database::~Database() = default;

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseAddress& address, int max_sessions) {
  auto pool = std::make_unique<SessionPool>(address, max_sessions);
  try {
    pool->Take(kPatienceForSession);
  } catch (const std::exception&) {
    Failure failure = CurrentFailure();
    // Whoever starts the server is told what the matter is; the client library's messages hold no password.
    return Error(
        Lost(failure.number) ? absl::StatusCode::kUnavailable : absl::StatusCode::kFailedPrecondition,
        v1::ERROR_REASON_STORE_UNAVAILABLE,
        absl::StrCat("cannot connect to the database: ", failure.description));
  }
  return std::unique_ptr<Database>(new Database(std::move(pool)));
}

absl::Status Database::RunAgain(Kind kind, const std::function<void(Session&)>& body) {
  for (int attempt = 1;; ++attempt) {
    bool committing = false;
    bool may_run_again = true;
    Failure failure;
    try {
      SessionPool::Lease session = pool_->Take(kPatienceForSession);
      session->Begin();
      try {
        switch (kind) {
          case Kind::kRead:
            break;
          case Kind::kSnapshot:
            session->Execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            session->Execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
            break;
          case Kind::kTransaction:
            session->Execute("START TRANSACTION");
            break;
        }
        session->Begin();
        body(*session);
        committing = kind == Kind::kTransaction;
        if (kind != Kind::kRead) session->Execute("COMMIT");
        return absl::OkStatus();
      } catch (const std::exception&) {
        failure = CurrentFailure();
        if (Lost(failure.number)) session->set_broken();
        // What a transaction did is undone, so it can be done anew; what was read may have been passed on.
        may_run_again = kind == Kind::kTransaction || !session->touched();
      }
    } catch (const std::exception&) {
      failure = CurrentFailure();
    }
    if (committing && Lost(failure.number)) {
      return StoreUnavailable(
          "the connection to the database was lost while committing; it may have happened");
    }
    bool worth_it = failure.stale || Conflict(failure.number) || Lost(failure.number);
    if (!may_run_again || !worth_it || attempt == kAttempts) return StatusOf(failure);
    Pause(attempt);
  }
}

}  // namespace skulink::store
