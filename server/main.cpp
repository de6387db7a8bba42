#include <grpc/grpc.h>
#include <malloc.h>
#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "common/errors.h"
#include "google/protobuf/stubs/logging.h"
#include "server/service/server.h"
#include "server/store/database.h"
#include "server/store/embedded_mariadb.h"
#include "server/store/jobs.h"
#include "server/store/merchants.h"
#include "server/store/migrations.h"
#include "server/store/rekey.h"
#include "server/store/verify.h"
#include "server/sync/sync_engine.h"

// The program `skulinkd`: reads its options and puts the parts together.
namespace skulink {
namespace {

constexpr char kMysqlVariable[] = "SKULINK_MYSQL";

struct StoreOptions {
  std::string data_dir;
  std::string mysql;
};

// The database, and what runs it when it is our own.
struct Store {
  std::unique_ptr<store::EmbeddedMariadb> mariadb;
  std::unique_ptr<store::Database> database;
};

absl::StatusOr<std::filesystem::path> DefaultDataDir() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') {
    return std::filesystem::path(data) / "skulink";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::filesystem::path(home) / ".local/share/skulink";
  }
  return InvalidField("--data-dir", v1::ERROR_REASON_FIELD_REQUIRED, "is required where HOME is not set");
}

std::string MysqlUrl(const StoreOptions& options) {
  if (!options.mysql.empty() || !options.data_dir.empty()) return options.mysql;
  const char* url = std::getenv(kMysqlVariable);
  return std::string(url == nullptr ? "" : url);
}

// To serve, our own MariaDB is made when there is none, and its schema brought up to date; to look at it, it
// must be there and up to date, as an external database must be always.
enum class OwnStore { kMakeAndMigrate, kAsItIs };
absl::StatusOr<Store> OpenStore(const StoreOptions& options, int max_sessions, OwnStore own) {
  Store opened;
  const std::string url = MysqlUrl(options);
  if (!url.empty()) {
    SKULINK_ASSIGN_OR_RETURN(const store::DatabaseAddress address, store::ParseDatabaseUrl(url));
    SKULINK_ASSIGN_OR_RETURN(opened.database, store::Database::Open(address, max_sessions));
    SKULINK_RETURN_IF_ERROR(store::CheckSchema(*opened.database));
    return opened;
  }
  store::EmbeddedMariadbOptions embedded;
  embedded.data_dir = options.data_dir;
  if (options.data_dir.empty()) {
    SKULINK_ASSIGN_OR_RETURN(embedded.data_dir, DefaultDataDir());
  }
  if (own == OwnStore::kAsItIs && !store::EmbeddedMariadb::Exists(embedded.data_dir)) {
    return InvalidField("--data-dir", v1::ERROR_REASON_NOT_FOUND,
                        "has no store: there is none in " + embedded.data_dir.string());
  }
  spdlog::info("the catalogue is kept in {}", embedded.data_dir.string());
  SKULINK_ASSIGN_OR_RETURN(opened.mariadb, store::EmbeddedMariadb::Start(embedded));
  SKULINK_ASSIGN_OR_RETURN(opened.database, store::Database::Open(opened.mariadb->Address(), max_sessions));
  if (own == OwnStore::kMakeAndMigrate) {
    SKULINK_RETURN_IF_ERROR(store::Migrate(*opened.database));
    // Nobody else uses it: what a server that was killed left behind need not wait for its leases to run out.
    SKULINK_RETURN_IF_ERROR(store::ReleaseAllLeases(*opened.database));
    SKULINK_RETURN_IF_ERROR(store::FinishAbandonedRekeying(*opened.database));
  } else if (const absl::Status schema = store::CheckSchema(*opened.database); !schema.ok()) {
    return absl::FailedPreconditionError(
        "the store was made by another version; `skulinkd serve` of this one, started once, brings an older "
        "one "
        "up to date");
  }
  return opened;
}

// SIGTERM and SIGINT wait until somebody asks for them, in every thread started from here on.
sigset_t HoldStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

struct ServeOptions {
  ServerOptions server;
  SyncOptions sync;
};

absl::Status Serve(const StoreOptions& store_options, const ServeOptions& options) {
  SKULINK_RETURN_IF_ERROR(CheckListen(options.server.listen));  // before a database is started for nothing
  const sigset_t stop_signals = HoldStopSignals();
  // Every thread may need one, and so may each job: loading, preparing, and two for writing.
  const int max_sessions =
      options.server.threads + 4 * options.sync.max_running_jobs + options.sync.push.threads + 4;
  SKULINK_ASSIGN_OR_RETURN(const Store store,
                           OpenStore(store_options, max_sessions, OwnStore::kMakeAndMigrate));
  SKULINK_RETURN_IF_ERROR(store::EnsureDefaultMerchant(*store.database));
  grpc_init();  // never ended: when the last of its users goes, gRPC now and then takes ten seconds to end
  SyncEngine engine(*store.database, options.sync);
  SKULINK_ASSIGN_OR_RETURN(const std::unique_ptr<Server> server,
                           Server::Start(*store.database, engine, options.server));
  std::cout << "listening on " << server->address() << std::endl;

  int signal = 0;
  sigwait(&stop_signals, &signal);
  spdlog::info("stopping");
  // A second signal ends the program at once.
  pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
  return absl::OkStatus();
}

absl::Status MigrateStore(const StoreOptions& options) {
  const std::string url = MysqlUrl(options);
  if (url.empty()) return InvalidField("--mysql", v1::ERROR_REASON_FIELD_REQUIRED, "is required");
  SKULINK_ASSIGN_OR_RETURN(const store::DatabaseAddress address, store::ParseDatabaseUrl(url));
  SKULINK_ASSIGN_OR_RETURN(const auto database, store::Database::Open(address, 2));
  SKULINK_RETURN_IF_ERROR(store::Migrate(*database));
  SKULINK_RETURN_IF_ERROR(
      store::FinishAbandonedRekeying(*database));  // now, rather than when the first server starts
  std::cout << "the schema is up to date" << std::endl;
  return absl::OkStatus();
}

absl::Status VerifyStore(const StoreOptions& options) {
  SKULINK_ASSIGN_OR_RETURN(const Store store, OpenStore(options, 4, OwnStore::kAsItIs));
  SKULINK_ASSIGN_OR_RETURN(const store::VerifyReport report, store::Verify(*store.database));
  std::cout << "verified " << report.merchants << " merchants, " << report.variants << " variants, "
            << report.listings << " listings: " << report.differences << " differences" << std::endl;
  for (const std::string& difference : report.first_differences) std::cout << difference << std::endl;
  if (report.differences == 0) return absl::OkStatus();
  return absl::DataLossError("what is kept for the views is not what it should be");
}

void AddStoreOptions(CLI::App& command, StoreOptions& options) {
  auto* mysql =
      command.add_option("--mysql", options.mysql,
                         std::string("External database, mysql://USER:PASSWORD@HOST/DATABASE; better "
                                     "given as ") +
                             kMysqlVariable + ", which other users cannot see");
  command
      .add_option("--data-dir", options.data_dir,
                  "Folder of the server's own MariaDB, used when no external database is given; by default "
                  "$XDG_DATA_HOME/skulink or ~/.local/share/skulink")
      ->excludes(mysql);
}

void AddServeOptions(CLI::App& command, ServeOptions& options, double& timeout_seconds) {
  command.add_option("--listen", options.server.listen, "HOST:PORT; port 0 takes a free one")
      ->capture_default_str();
  command.add_option("--threads", options.server.threads, "Calls at work at the same time")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_option("--max-jobs", options.sync.max_running_jobs, "Jobs at work at the same time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command
      .add_option("--seller-center-timeout", timeout_seconds,
                  "Seconds to wait for each answer of a Seller Center")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command.add_flag("--reflection", options.server.reflection, "Offer gRPC server reflection");
}

void SetUpLogging(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("skulinkd"));
  spdlog::set_level(spdlog::level::from_str(level));
  // What protobuf has to say is about bytes that callers sent, and they are told.
  google::protobuf::SetLogHandler([](google::protobuf::LogLevel, const char*, int,
                                     const std::string& message) { spdlog::debug("protobuf: {}", message); });
}

// Whether no command is given, but for the options before one.
bool MeansServe(const std::vector<std::string>& arguments) {
  std::size_t first = 0;
  while (first < arguments.size() && arguments[first].starts_with("--log-level")) {
    first += arguments[first] == "--log-level" ? 2 : 1;  // its value may stand by itself
  }
  if (first >= arguments.size()) return true;
  const std::string& argument = arguments[first];
  return argument.starts_with('-') && argument != "--help" && argument != "-h" && argument != "--version";
}

int Run(std::vector<std::string> arguments) {
  CLI::App root("Keeps a point-of-sale catalogue and its online shops in step: the server.", "skulinkd");
  root.set_version_flag("--version", SKULINK_VERSION);
  root.require_subcommand(1);
  std::string log_level = "info";
  root.add_option("--log-level", log_level, "How much to log, to stderr")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  root.fallthrough();

  StoreOptions store;
  ServeOptions serve;
  double timeout_seconds = absl::ToDoubleSeconds(serve.sync.seller_center_timeout);
  CLI::App& serve_command = *root.add_subcommand("serve", "Run the server (the default)");
  AddStoreOptions(serve_command, store);
  AddServeOptions(serve_command, serve, timeout_seconds);
  CLI::App& migrate_command =
      *root.add_subcommand("migrate", "Bring the schema of an external database up to date");
  AddStoreOptions(migrate_command, store);
  CLI::App& verify_command = *root.add_subcommand(
      "verify",
      "Compute all views anew, compare, and print the differences. With --data-dir the server must "
      "be stopped; beside an external database it may run");
  AddStoreOptions(verify_command, store);

  if (MeansServe(arguments)) arguments.insert(arguments.begin(), "serve");
  try {
    root.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? 0 : 2;
  }

  SetUpLogging(log_level);
  std::signal(SIGPIPE, SIG_IGN);
  serve.sync.seller_center_timeout = absl::Seconds(timeout_seconds);
  const absl::Status status = serve_command.parsed()     ? Serve(store, serve)
                              : migrate_command.parsed() ? MigrateStore(store)
                                                         : VerifyStore(store);
  if (status.ok()) return 0;
  std::cerr << "skulinkd: " << status.message() << std::endl;
  return 1;
}

}  // namespace
}  // namespace skulink

int main(int argc, char** argv) {
  // Fixed, since glibc else lets each of its heaps keep up to 64 MB of what a large scan needed once.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  return skulink::Run({argv + 1, argv + argc});
}
