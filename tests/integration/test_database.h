#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "server/store/database.h"
#include "server/store/embedded_mariadb.h"

namespace skulink {

// A folder under the temporary directory, removed at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The MariaDB that all tests of the process share. Started by the first that needs it, stopped after the last
// test.
store::EmbeddedMariadb& SharedMariadb();

// An empty database of its own for one test, dropped at the end.
class TestDatabase {
 public:
  enum class Schema { kMigrated, kEmpty };
  explicit TestDatabase(Schema schema = Schema::kMigrated, int max_sessions = 8);
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;
  ~TestDatabase();

  store::Database& operator*() { return *database_; }
  store::Database* operator->() { return database_.get(); }
  // For another pool or another server on the same database.
  const store::DatabaseAddress& address() const { return address_; }

 private:
  std::string name_;
  store::DatabaseAddress address_;
  std::unique_ptr<store::Database> database_;
};

}  // namespace skulink
