#pragma once

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "server/store/database.h"

namespace skulink::store {

// One step of the schema, forward only. `sql`: statements, each ended by `;` at the end of a line, each such
// that running it again after it was done changes nothing (CREATE TABLE IF NOT EXISTS, INSERT IGNORE): a
// migration that was interrupted is run again from its start.
struct Migration {
  int version;
  std::string_view name;
  std::string_view sql;
};

// Those of server/store/migrations, by version.
std::span<const Migration> BuiltInMigrations();

// Brings the schema to the last of `migrations`. Servers that migrate at the same time wait for each other.
// Refuses, as CheckSchema does, a schema that has other migrations than these.
absl::Status Migrate(Database& database, std::span<const Migration> migrations = BuiltInMigrations());

// OK when the schema is exactly that of `migrations`. FAILED_PRECONDITION when it is older (the message says
// to run `skulinkd migrate`), newer, or another one.
absl::Status CheckSchema(Database& database, std::span<const Migration> migrations = BuiltInMigrations());

}  // namespace skulink::store
