#include "server/store/embedded_mariadb.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <soci/mysql/soci-mysql.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/store/child_process.h"
#include "server/store/connect_string.h"
#include "server/store/session.h"

namespace skulink::store {
namespace {

namespace fs = std::filesystem;

constexpr char kDatabaseDir[] = "mariadb";  // in the data folder
constexpr absl::Duration kPollInterval = absl::Milliseconds(5);
constexpr absl::Duration kGrace = absl::Seconds(60);
constexpr absl::Duration kPauseBeforeRestart = absl::Milliseconds(200);

absl::Status Failed(const std::string& message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STORE_UNAVAILABLE,
               absl::StrCat("embedded MariaDB: ", message));
}

absl::Status Failed(const std::string& what, int error) {
  return Failed(absl::StrCat(what, ": ", std::strerror(error)));
}

// The last lines of a log.
std::string Tail(const fs::path& log) {
  constexpr std::size_t kLength = 2000;
  std::ifstream file(log, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.size() <= kLength ? text : text.substr(text.size() - kLength);
}

// One skulinkd at a time in a data folder. The lock ends with the process, however it ends.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() {
    if (file_ >= 0) close(file_);
  }

  absl::Status Take(const fs::path& folder) {
    fs::path path = folder / "lock";
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) return Failed(absl::StrCat("cannot open ", path.string()), errno);
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      char holder[32] = "";
      [[maybe_unused]] ssize_t length = pread(file_, holder, sizeof holder - 1, 0);
      return Failed(absl::StrCat("the data folder ", folder.string(),
                                 " is in use by another skulinkd, process ", holder));
    }
    std::string id = absl::StrCat(getpid());
    if (ftruncate(file_, 0) != 0 || pwrite(file_, id.data(), id.size(), 0) < 0) {
      return Failed(absl::StrCat("cannot write ", path.string()), errno);
    }
    return absl::OkStatus();
  }

 private:
  int file_ = -1;
};

// MariaDB knows us by this name, through the socket; no password exists.
absl::StatusOr<std::string> OurUserName() {
  const passwd* entry = getpwuid(geteuid());
  if (entry == nullptr) {
    return Failed(absl::StrCat("user id ", geteuid(), " has no name on this system (see getent passwd)"));
  }
  return std::string(entry->pw_name);
}

absl::StatusOr<std::string> NeedProgram(const std::string& name) {
  std::string program = FindProgram(name);
  if (program.empty()) {
    return Failed(
        absl::StrCat(name, " is not installed (Debian package mariadb-server-core); or give --mysql"));
  }
  return program;
}

// Makes the system tables in a folder of another name and renames it when all is there.
absl::Status Initialise(const fs::path& data_dir, const fs::path& database_dir, const std::string& user) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(data_dir)) {  // of starts that were interrupted
    if (entry.path().filename().string().starts_with("mariadb.new.")) fs::remove_all(entry.path(), ignored);
  }
  if (fs::exists(database_dir)) return absl::OkStatus();
  SKULINK_ASSIGN_OR_RETURN(std::string install, NeedProgram("mariadb-install-db"));
  std::string new_dir = (data_dir / "mariadb.new.XXXXXX").string();
  if (mkdtemp(new_dir.data()) == nullptr) return Failed(absl::StrCat("cannot make ", new_dir), errno);
  fs::path log = data_dir / "mariadb-install.log";
  fs::remove(log, ignored);
  SKULINK_ASSIGN_OR_RETURN(
      pid_t child, StartChild({install, "--no-defaults", "--datadir=" + new_dir, "--user=" + user,
                               "--skip-test-db", "--skip-name-resolve", "--tmpdir=" + new_dir,
                               "--auth-root-authentication-method=socket", "--auth-root-socket-user=" + user},
                              log));
  std::string end = AwaitChild(child);
  waitpid(child, nullptr, 0);
  if (end != "exit status 0") return Failed(absl::StrCat("mariadb-install-db: ", end, "\n", Tail(log)));
  if (rename(new_dir.c_str(), database_dir.c_str()) != 0) return Failed("cannot rename " + new_dir, errno);
  return absl::OkStatus();
}

// A server that was killed may have left its MariaDB behind. FindProcesses tells it by program and data
// folder.
absl::Status StopStale(const fs::path& database_dir) {
  auto running = [&] { return FindProcesses({"mariadbd", "mysqld"}, "--datadir=" + database_dir.string()); };
  for (int signal : {SIGTERM, SIGKILL}) {
    std::vector<pid_t> stale = running();
    for (pid_t process : stale) {
      spdlog::info("stopping process {}, the MariaDB of a server that was killed", process);
      if (kill(process, signal) != 0 && errno != ESRCH) {
        return Failed(absl::StrCat("cannot stop process ", process, ", which uses ", database_dir.string()),
                      errno);
      }
    }
    absl::Time give_up = absl::Now() + kGrace;
    while (!stale.empty() && absl::Now() < give_up) {
      absl::SleepFor(kPollInterval);
      stale = running();
    }
    if (stale.empty()) return absl::OkStatus();
  }
  return Failed(absl::StrCat("a MariaDB that uses ", database_dir.string(), " does not end"));
}

std::vector<std::string> Arguments(const std::string& program, const EmbeddedMariadbOptions& options,
                                   const fs::path& database_dir, const fs::path& socket,
                                   const std::string& user) {
  return {program, "--no-defaults", "--datadir=" + database_dir.string(), "--user=" + user,
          "--socket=" + socket.string(),
          // Of its own: a mariadbd that starts deletes the temporary tables of all that share its folder.
          "--tmpdir=" + database_dir.string(), "--pid-file=" + (database_dir / "mariadb.pid").string(),
          "--skip-networking", "--skip-name-resolve", "--skip-log-bin", "--skip-symbolic-links",
          "--log-warnings=1", "--local-infile=1", "--secure-file-priv=" + database_dir.string(),
          "--character-set-server=utf8mb4", "--max-connections=200", "--max-allowed-packet=64M",
          "--performance-schema=OFF", "--innodb-log-file-size=512M",
          absl::StrCat("--innodb-buffer-pool-size=", options.buffer_pool_megabytes, "M"),
          absl::StrCat("--innodb-flush-log-at-trx-commit=", options.durable ? 1 : 0)};
}

}  // namespace

// The thread of an instance starts mariadbd, so that it lives as long as the kernel's watch over it needs,
// and starts it again when it dies.
struct EmbeddedMariadb::Instance {
  ~Instance() {
    Stop();
    std::error_code ignored;
    if (!socket_dir.empty()) fs::remove_all(socket_dir, ignored);
  }

  void Keep() {
    for (;;) {
      absl::StatusOr<pid_t> child = StartChild(arguments, log);
      std::string end;
      if (child.ok()) {
        {
          absl::MutexLock lock(&mutex);
          process = *child;
          if (stopping) kill(process, SIGTERM);  // told to stop before there was anything to signal
        }
        end = AwaitChild(*child);
      } else {
        end = std::string(child.status().message());
      }
      absl::MutexLock lock(&mutex);
      // Under the lock, so that nobody signals a number that may be another process's by now.
      if (child.ok()) waitpid(*child, nullptr, 0);
      process = 0;
      if (!ready) failure = end;
      if (stopping || !ready) return;
      spdlog::error("the embedded MariaDB ended ({}); starting it again. Its log: {}", end, log.string());
      mutex.AwaitWithTimeout(absl::Condition(&stopping), kPauseBeforeRestart);
      if (stopping) return;
    }
  }

  // Until it takes connections, as long as that takes: after a crash it first repairs itself.
  absl::Status AwaitReady(const DatabaseAddress& address) {
    for (;;) {
      {
        absl::MutexLock lock(&mutex);
        if (!failure.empty()) return Failed(absl::StrCat("mariadbd: ", failure, "\n", Tail(log)));
      }
      try {
        Session session(address.soci_connect_string);
        session.Execute("CREATE DATABASE IF NOT EXISTS skulink CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        absl::MutexLock lock(&mutex);
        ready = true;
        return absl::OkStatus();
      } catch (const soci::mysql_soci_error& error) {
        if (error.err_num_ < 2000 || error.err_num_ >= 3000) return Failed(error.get_error_message());
      } catch (const std::exception& error) {
        return Failed(error.what());
      }
      absl::SleepFor(kPollInterval);
    }
  }

  void Stop() {
    if (!keeper.joinable()) return;
    {
      absl::MutexLock lock(&mutex);
      stopping = true;
      if (process != 0) kill(process, SIGTERM);
      auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex) { return process == 0; };
      if (!mutex.AwaitWithTimeout(absl::Condition(&ended), kGrace)) kill(process, SIGKILL);
    }
    keeper.join();
  }

  FolderLock folder;
  fs::path log, socket, socket_dir;
  std::string user;
  std::vector<std::string> arguments;
  std::thread keeper;

  mutable absl::Mutex mutex;
  pid_t process ABSL_GUARDED_BY(mutex) = 0;
  bool ready ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::string failure ABSL_GUARDED_BY(mutex);
};

EmbeddedMariadb::EmbeddedMariadb(std::unique_ptr<Instance> instance) : instance_(std::move(instance)) {}
EmbeddedMariadb::~EmbeddedMariadb() = default;

absl::StatusOr<std::unique_ptr<EmbeddedMariadb>> EmbeddedMariadb::Start(
    const EmbeddedMariadbOptions& options) {
  std::error_code error;
  fs::create_directories(options.data_dir, error);
  fs::path data_dir = fs::canonical(options.data_dir, error);
  if (error)
    return Failed(
        absl::StrCat("cannot use the data folder ", options.data_dir.string(), ": ", error.message()));
  auto instance = std::make_unique<Instance>();
  SKULINK_RETURN_IF_ERROR(instance->folder.Take(data_dir));
  SKULINK_ASSIGN_OR_RETURN(instance->user, OurUserName());
  SKULINK_ASSIGN_OR_RETURN(std::string program, NeedProgram("mariadbd"));
  fs::path database_dir = data_dir / kDatabaseDir;
  SKULINK_RETURN_IF_ERROR(StopStale(database_dir));
  SKULINK_RETURN_IF_ERROR(Initialise(data_dir, database_dir, instance->user));
  // The socket is inside; nobody else gets to it.
  if (chmod(database_dir.c_str(), 0700) != 0) return Failed("cannot chmod " + database_dir.string(), errno);
  instance->socket = database_dir / "mariadb.sock";
  if (instance->socket.native().size() >= sizeof(sockaddr_un::sun_path)) {
    std::string short_dir = (fs::temp_directory_path() / "skulink-XXXXXX").string();
    if (mkdtemp(short_dir.data()) == nullptr) return Failed("cannot make " + short_dir, errno);
    instance->socket_dir = short_dir;
    instance->socket = instance->socket_dir / "mariadb.sock";
  }
  instance->log = data_dir / "mariadb.log";
  fs::rename(instance->log, data_dir / "mariadb.log.old", error);  // there is none at first
  instance->arguments = Arguments(program, options, database_dir, instance->socket, instance->user);
  instance->keeper = std::thread([keeper = instance.get()] { keeper->Keep(); });
  std::unique_ptr<EmbeddedMariadb> mariadb(new EmbeddedMariadb(std::move(instance)));
  SKULINK_RETURN_IF_ERROR(mariadb->instance_->AwaitReady(mariadb->Address("")));
  return mariadb;
}

bool EmbeddedMariadb::Exists(const fs::path& data_dir) {
  std::error_code ignored;
  return fs::exists(data_dir / kDatabaseDir, ignored);
}

DatabaseAddress EmbeddedMariadb::Address(const std::string& database) const {
  return MakeAddress({.socket = instance_->socket.string(), .user = instance_->user, .database = database});
}

int EmbeddedMariadb::process_id() const {
  absl::MutexLock lock(&instance_->mutex);
  return instance_->process;
}

}  // namespace skulink::store
