#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <thread>

#include "server/store/session.h"
#include "tests/integration/test_database.h"

namespace skulink::store {
namespace {

class StoreDatabase : public testing::Test {
 protected:
  StoreDatabase() {
    auto made = database->Transact([](Session& session) {
      session.Execute(
          "CREATE TABLE t (id BIGINT NOT NULL PRIMARY KEY, number BIGINT NOT NULL) ENGINE=InnoDB");
      session.Execute("INSERT INTO t VALUES (1, 0), (2, 0)");
    });
    EXPECT_TRUE(made.ok()) << made;
  }

  std::int64_t Number(int id) {
    return *database->Read([&](Session& session) {
      std::int64_t number = -1;
      session.Query("SELECT number FROM t WHERE id = ?", {id}, [&](const Row& row) { number = row.Int(0); });
      return number;
    });
  }

  void Kill(std::uint64_t connection) {
    Session killer(database.address().soci_connect_string);
    killer.Execute("KILL ?", {static_cast<std::int64_t>(connection)});
  }

  TestDatabase database{TestDatabase::Schema::kEmpty, 4};
};

constexpr std::string_view kAddOne = "UPDATE t SET number = number + 1 WHERE id = ?";

TEST_F(StoreDatabase, CommitsAndAnswersWhatTheBodyReturns) {
  absl::StatusOr<std::string> answer = database->Transact([](Session& session) {
    session.Execute(kAddOne, {1});
    return std::string("done");
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, "done");
  EXPECT_EQ(Number(1), 1);
}

TEST_F(StoreDatabase, RefusedRollsBackAndAnswersItsStatus) {
  absl::Status status = database->Transact([](Session& session) {
    session.Execute(kAddOne, {1});
    throw Refused(absl::AlreadyExistsError("taken"));
  });
  EXPECT_EQ(status, absl::AlreadyExistsError("taken"));
  EXPECT_EQ(Number(1), 0);
}

TEST_F(StoreDatabase, AnUnexpectedErrorIsRolledBackAndTellsNothingButAnIncident) {
  int runs = 0;
  absl::Status status = database->Transact([&](Session& session) {
    ++runs;
    session.Execute(kAddOne, {1});
    session.Execute("INSERT INTO t VALUES (1, ?)", {"secret"});
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INTERNAL);
  EXPECT_EQ(MetadataOf(status, "incident").size(), 16u);
  EXPECT_EQ(status.ToString().find("secret"), std::string::npos);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Number(1), 0);
}

TEST_F(StoreDatabase, SociErrorsAreAnsweredAlike) {
  absl::Status status = database->Read([](Session& session) {
    long long id = 1;
    session.soci() << "SELECT nothing FROM nowhere WHERE id = :id", soci::use(id);
  });
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INTERNAL);
}

TEST_F(StoreDatabase, TwoThatDeadlockBothSucceed) {
  std::latch both_hold_one(2);
  std::atomic<int> runs = 0;
  auto add_both = [&](int first, int second) {
    bool again = false;
    return database->Transact([&, again](Session& session) mutable {
      ++runs;
      session.Execute(kAddOne, {first});
      if (!again) both_hold_one.arrive_and_wait();
      again = true;
      session.Execute(kAddOne, {second});
    });
  };
  absl::Status other;
  std::jthread thread([&] { other = add_both(2, 1); });
  absl::Status status = add_both(1, 2);
  thread.join();

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(other.ok()) << other;
  EXPECT_EQ(Number(1), 2);
  EXPECT_EQ(Number(2), 2);
  EXPECT_GE(runs, 3);
}

TEST_F(StoreDatabase, AConnectionLostBeforeCommitIsRunAgain) {
  int runs = 0;
  absl::Status status = database->Transact([&](Session& session) {
    session.Execute(kAddOne, {1});
    if (++runs == 1) Kill(session.connection_id());
    session.Execute(kAddOne, {2});
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Number(1), 1);
  EXPECT_EQ(Number(2), 1);
}

TEST_F(StoreDatabase, AConnectionLostAtCommitIsNotRunAgain) {
  int runs = 0;
  absl::Status status = database->Transact([&](Session& session) {
    ++runs;
    session.Execute(kAddOne, {1});
    Kill(session.connection_id());
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_GT(RetryAfter(status), absl::ZeroDuration());
  EXPECT_EQ(runs, 1);
}

TEST_F(StoreDatabase, GivesUpAfterSomeAttempts) {
  int runs = 0;
  absl::Status status = database->Transact([&](Session& session) {
    ++runs;
    Kill(session.connection_id());
    session.Execute(kAddOne, {1});
  });
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(runs, 5);
  EXPECT_EQ(Number(1), 0);
}

TEST_F(StoreDatabase, AReadIsRunAgainUnlessSomethingWasHandedOver) {
  int runs = 0;
  absl::Status status = database->Read([&](Session& session) {
    if (++runs == 1) Kill(session.connection_id());
    session.Query("SELECT 1", {}, [](const Row&) {});
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);

  runs = 0;
  status = database->Read([&](Session& session) {
    ++runs;
    session.Query("SELECT 1", {}, [](const Row&) {});
    Kill(session.connection_id());
    session.Query("SELECT 2", {}, [](const Row&) {});
  });
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(runs, 1);
}

TEST_F(StoreDatabase, ASnapshotDoesNotMoveAndCannotWrite) {
  absl::Status status = database->ReadSnapshot([&](Session& session) {
    auto number = [&] {
      std::int64_t value = -1;
      session.Query("SELECT number FROM t WHERE id = 1", {}, [&](const Row& row) { value = row.Int(0); });
      return value;
    };
    EXPECT_EQ(number(), 0);
    EXPECT_TRUE(database->Transact([](Session& other) { other.Execute(kAddOne, {1}); }).ok());
    EXPECT_EQ(number(), 0);
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Number(1), 1);
  EXPECT_FALSE(database->ReadSnapshot([](Session& session) { session.Execute(kAddOne, {1}); }).ok());
  EXPECT_EQ(Number(1), 1);
}

TEST_F(StoreDatabase, TheNextUserOfASessionFindsNothingOfTheLast) {
  TestDatabase one(TestDatabase::Schema::kEmpty, 1);
  ASSERT_TRUE(
      one->Transact([](Session& session) { session.Execute("CREATE TABLE t (id INT) ENGINE=InnoDB"); }).ok());
  std::uint64_t first = 0, second = 0;
  ASSERT_TRUE(one->Read([&](Session& session) {
                   first = session.connection_id();
                   session.Execute("START TRANSACTION");
                   session.Execute("INSERT INTO t VALUES (1)");
                 })
                  .ok());
  std::int64_t rows = -1;
  ASSERT_TRUE(one->Read([&](Session& session) {
                   second = session.connection_id();
                   EXPECT_FALSE(session.in_transaction());
                   session.Query("SELECT COUNT(*) FROM t", {}, [&](const Row& row) { rows = row.Int(0); });
                 })
                  .ok());
  EXPECT_EQ(first, second);
  EXPECT_EQ(rows, 0);
}

TEST_F(StoreDatabase, SurvivesThatAllItsIdleConnectionsWereCut) {
  std::vector<std::uint64_t> connections;
  std::mutex mutex;
  {
    std::latch all_in_use(4);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        auto status = database->Read([&](Session& session) {
          std::lock_guard lock(mutex);
          connections.push_back(session.connection_id());
        });
        EXPECT_TRUE(status.ok());
        all_in_use.count_down();
      });
    }
  }
  for (std::uint64_t connection : connections) {
    try {
      Kill(connection);
    } catch (const StoreError&) {  // one connection may have served several threads
    }
  }
  absl::Status status = database->Transact([](Session& session) { session.Execute(kAddOne, {1}); });
  EXPECT_TRUE(status.ok()) << status;
}

// A server that stands still, or cannot be reached any more, must not hold up the others.
TEST_F(StoreDatabase, ASessionThatHoldsALockAndDoesNothingIsEnded) {
  Session still(database.address().soci_connect_string);
  std::int64_t allowed = 0;
  still.Query("SELECT @@idle_transaction_timeout", {}, [&](const Row& row) { allowed = row.Int(0); });
  EXPECT_EQ(allowed, 8);
  still.Execute("SET SESSION idle_transaction_timeout = 1");
  still.Execute("START TRANSACTION");
  still.Query("SELECT * FROM t FOR UPDATE", {}, [](const Row&) {});

  absl::Status status = database->Transact([](Session& session) { session.Execute(kAddOne, {1}); });

  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THROW(still.Execute("COMMIT"), StoreError);
  EXPECT_TRUE(still.broken());
}

TEST_F(StoreDatabase, ThreadsShareFewerSessionsThanTheyAre) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 25; ++n) {
          absl::Status status = database->Transact([](Session& session) { session.Execute(kAddOne, {1}); });
          EXPECT_TRUE(status.ok()) << status;
        }
      });
    }
  }
  EXPECT_EQ(Number(1), 16 * 25);
}

TEST_F(StoreDatabase, OpenSaysWhyItCannotConnect) {
  absl::Status nowhere =
      Database::Open({.soci_connect_string = "unix_socket='/nonexistent/socket' user='x'"}, 1).status();
  EXPECT_EQ(nowhere.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(nowhere.message(), testing::HasSubstr("/nonexistent/socket"));

  absl::Status no_database = Database::Open(SharedMariadb().Address("nonexistent"), 1).status();
  EXPECT_EQ(no_database.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(no_database.message(), testing::HasSubstr("nonexistent"));
}

}  // namespace
}  // namespace skulink::store
