#include "tests/integration/test_database.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <stdexcept>

#include "server/store/migrations.h"
#include "server/store/session.h"

namespace skulink {
namespace {

std::unique_ptr<TempDir> shared_folder;
std::unique_ptr<store::EmbeddedMariadb> shared_mariadb;

// Stopped before main returns: SOCI ends the client library in a static destructor.
class StopAfterTests : public testing::Environment {
 public:
  void TearDown() override {
    shared_mariadb.reset();
    shared_folder.reset();
  }
};
[[maybe_unused]] testing::Environment* const stop_after_tests =
    testing::AddGlobalTestEnvironment(new StopAfterTests);

void Need(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

void Administer(const std::string& statement) {
  store::Session session(SharedMariadb().Address("").soci_connect_string);
  session.Execute(statement);
}

}  // namespace

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "skulink-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

store::EmbeddedMariadb& SharedMariadb() {
  if (shared_mariadb == nullptr) {
    shared_folder = std::make_unique<TempDir>();
    auto started = store::EmbeddedMariadb::Start(
        {.data_dir = shared_folder->path(), .buffer_pool_megabytes = 64, .durable = false});
    Need(started.status());
    shared_mariadb = *std::move(started);
  }
  return *shared_mariadb;
}

TestDatabase::TestDatabase(Schema schema, int max_sessions) {
  static std::atomic<int> next = 1;
  name_ = "test" + std::to_string(next++);
  Administer("CREATE DATABASE " + name_ + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
  address_ = SharedMariadb().Address(name_);
  auto opened = store::Database::Open(address_, max_sessions);
  Need(opened.status());
  database_ = *std::move(opened);
  if (schema == Schema::kMigrated) Need(store::Migrate(*database_));
}

TestDatabase::~TestDatabase() {
  database_.reset();
  Administer("DROP DATABASE IF EXISTS " + name_);
}

}  // namespace skulink
