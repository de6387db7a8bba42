#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/database.h"

namespace skulink::store {

struct EmbeddedMariadbOptions {
  std::filesystem::path data_dir;  // made when missing
  int buffer_pool_megabytes = 512;
  // False: a crash of the machine may lose the last second. For tests.
  bool durable = true;
};

// A MariaDB of our own: in `data_dir`, reached by a unix socket in a folder that only our user may enter,
// signing in as that user. Started anew when it dies, stopped by the destructor, and never left behind: when
// this process is killed, the kernel ends it; should it still be there at the next start, it is stopped
// first.
class EmbeddedMariadb {
 public:
  // Makes the data folder on first use and returns when MariaDB takes connections. Refuses a folder that
  // another skulinkd uses.
  static absl::StatusOr<std::unique_ptr<EmbeddedMariadb>> Start(const EmbeddedMariadbOptions& options);
  // Whether there is a database in the folder. Makes nothing.
  static bool Exists(const std::filesystem::path& data_dir);
  ~EmbeddedMariadb();

  // The database `skulink`, or another one by name.
  DatabaseAddress Address(const std::string& database = "skulink") const;
  // Of the running mariadbd, for tests and logs; 0 while there is none.
  int process_id() const;

 private:
  struct Instance;
  explicit EmbeddedMariadb(std::unique_ptr<Instance> instance);

  std::unique_ptr<Instance> instance_;
};

}  // namespace skulink::store
