#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "server/store/embedded_mariadb.h"
#include "server/store/session.h"
#include "tests/integration/eventually.h"
#include "tests/integration/test_database.h"

namespace skulink::store {
namespace {

using testing::HasSubstr;

bool IsRunning(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/cmdline");
  return file.get() != std::ifstream::traits_type::eof();  // a zombie has none
}

class StoreEmbeddedMariadb : public testing::Test {
 protected:
  EmbeddedMariadbOptions Options() const {
    return {.data_dir = folder.path() / "data", .buffer_pool_megabytes = 64, .durable = true};
  }
  std::unique_ptr<EmbeddedMariadb> Start() {
    auto started = EmbeddedMariadb::Start(Options());
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }
  static void Execute(const EmbeddedMariadb& mariadb, std::string_view sql) {
    Session(mariadb.Address().soci_connect_string).Execute(sql);
  }
  static std::int64_t CountRows(const EmbeddedMariadb& mariadb) {
    std::int64_t count = -1;
    Session(mariadb.Address().soci_connect_string).Query("SELECT COUNT(*) FROM t", {}, [&](const Row& row) {
      count = row.Int(0);
    });
    return count;
  }
  // Runs `server` in a process of its own, which then waits to be killed. Returns when `server` has returned;
  // its answer is MariaDB's process.
  std::pair<pid_t, pid_t> InAnotherServer(const std::function<pid_t()>& server) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
      pid_t mariadbd = server();
      if (write(ready[1], &mariadbd, sizeof mariadbd) != sizeof mariadbd) _exit(1);
      for (;;) pause();
    }
    pid_t mariadbd = 0;
    EXPECT_EQ(read(ready[0], &mariadbd, sizeof mariadbd), static_cast<ssize_t>(sizeof mariadbd));
    close(ready[0]);
    close(ready[1]);
    return {child, mariadbd};
  }
  static void KillServer(pid_t server) {
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
  }

  TempDir folder;
};

TEST_F(StoreEmbeddedMariadb, KeepsItsDataFromOneStartToTheNextAndStops) {
  auto mariadb = Start();
  ASSERT_NE(mariadb, nullptr);
  Execute(*mariadb, "CREATE TABLE t (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB");
  Execute(*mariadb, "INSERT INTO t VALUES (1)");
  pid_t process = mariadb->process_id();
  EXPECT_TRUE(IsRunning(process));

  mariadb.reset();
  EXPECT_FALSE(IsRunning(process));
  mariadb = Start();
  EXPECT_EQ(CountRows(*mariadb), 1);
}

TEST_F(StoreEmbeddedMariadb, ListensOnNothingButASocketThatOnlyWeCanReach) {
  auto mariadb = Start();
  struct stat info {};
  ASSERT_EQ(stat((Options().data_dir / "mariadb").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  std::string networking;
  Session session(mariadb->Address().soci_connect_string);
  session.Query("SELECT CONCAT(@@skip_networking, @@port)", {},
                [&](const Row& row) { networking = row.String(0); });
  EXPECT_EQ(networking, "ON0");
}

TEST_F(StoreEmbeddedMariadb, ASecondServerOnTheFolderIsRefused) {
  auto mariadb = Start();
  absl::Status second = EmbeddedMariadb::Start(Options()).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.message(), HasSubstr("in use by another skulinkd, process " + std::to_string(getpid())));
  EXPECT_THAT(second.message(), HasSubstr(Options().data_dir.string()));
  EXPECT_TRUE(IsRunning(mariadb->process_id()));
}

TEST_F(StoreEmbeddedMariadb, EndsWithAServerThatIsKilled) {
  auto [server, mariadbd] = InAnotherServer([&] { return Start().release()->process_id(); });
  ASSERT_TRUE(IsRunning(mariadbd));
  pollfd end = {.fd = static_cast<int>(syscall(SYS_pidfd_open, mariadbd, 0)), .events = POLLIN, .revents = 0};
  KillServer(server);
  EXPECT_EQ(poll(&end, 1, 60'000), 1);
  EXPECT_FALSE(IsRunning(mariadbd));
  close(end.fd);
}

TEST_F(StoreEmbeddedMariadb, WhatAKilledServerLeftBehindIsStoppedAndNothingIsLost) {
  auto [server, mariadbd] = InAnotherServer([&] {
    auto mariadb = Start();
    Execute(*mariadb, "CREATE TABLE t (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB");
    Execute(*mariadb, "INSERT INTO t VALUES (1), (2)");
    return mariadb.release()->process_id();
  });
  // Stopped, it cannot follow the kernel's signal, as when it is busy.
  ASSERT_EQ(kill(mariadbd, SIGSTOP), 0);
  KillServer(server);
  ASSERT_TRUE(IsRunning(mariadbd));
  ASSERT_EQ(kill(mariadbd, SIGCONT), 0);

  auto mariadb = Start();

  ASSERT_NE(mariadb, nullptr);
  EXPECT_FALSE(IsRunning(mariadbd));
  EXPECT_NE(mariadb->process_id(), mariadbd);
  EXPECT_EQ(CountRows(*mariadb), 2);
}

TEST_F(StoreEmbeddedMariadb, IsStartedAgainWhenItIsKilled) {
  auto mariadb = Start();
  Execute(*mariadb, "CREATE TABLE t (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB");
  Execute(*mariadb, "INSERT INTO t VALUES (1)");
  auto database = Database::Open(mariadb->Address(), 2);
  ASSERT_TRUE(database.ok()) << database.status();
  pid_t killed = mariadb->process_id();

  kill(killed, SIGKILL);

  EXPECT_TRUE(Eventually([&] {
    absl::Status status =
        (*database)->Transact([](Session& session) { session.Execute("INSERT IGNORE INTO t VALUES (2)"); });
    EXPECT_TRUE(status.ok() || ReasonOf(status) == v1::ERROR_REASON_STORE_UNAVAILABLE) << status;
    return status.ok();
  }));
  EXPECT_NE(mariadb->process_id(), killed);
  EXPECT_EQ(CountRows(*mariadb), 2);
}

TEST_F(StoreEmbeddedMariadb, AnInterruptedFirstStartIsDoneAnew) {
  std::filesystem::create_directories(Options().data_dir / "mariadb.new.abcdef" / "mysql");
  std::ofstream(Options().data_dir / "mariadb.new.abcdef" / "ibdata1") << "half";
  auto mariadb = Start();
  ASSERT_NE(mariadb, nullptr);
  EXPECT_FALSE(std::filesystem::exists(Options().data_dir / "mariadb.new.abcdef"));
}

TEST_F(StoreEmbeddedMariadb, ALongPathOfTheFolderIsNoHindrance) {
  EmbeddedMariadbOptions options = Options();
  options.data_dir /= std::string(120, 'x');
  auto mariadb = EmbeddedMariadb::Start(options);
  ASSERT_TRUE(mariadb.ok()) << mariadb.status();
  Execute(**mariadb, "CREATE TABLE t (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB");
}

TEST_F(StoreEmbeddedMariadb, AFailedStartSaysWhatTheLogSays) {
  Start().reset();
  std::filesystem::resize_file(Options().data_dir / "mariadb" / "ibdata1", 100);
  absl::Status status = EmbeddedMariadb::Start(Options()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("InnoDB"));
}

TEST_F(StoreEmbeddedMariadb, AFolderThatCannotBeMadeIsNamed) {
  EmbeddedMariadbOptions options;
  options.data_dir = "/proc/skulink";
  absl::Status status = EmbeddedMariadb::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("/proc/skulink"));
}

}  // namespace
}  // namespace skulink::store
