#include "server/store/migrations.h"

#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace skulink::store {
namespace {

// A server that dies in the middle of a migration holds the others up for this long.
constexpr int kLeaseSeconds = 10;
constexpr absl::Duration kPollInterval = absl::Milliseconds(50);
constexpr unsigned kNoSuchTable = 1146, kDuplicateColumn = 1060, kDuplicateKey = 1061;

constexpr std::string_view kCreateSchemaVersion = R"sql(
CREATE TABLE IF NOT EXISTS schema_version (
  version INT NOT NULL,
  name VARCHAR(100) NOT NULL,
  checksum CHAR(16) NOT NULL,
  owner BIGINT NOT NULL,
  lease_until DATETIME(6) NOT NULL,
  applied_at DATETIME(6) NULL,
  PRIMARY KEY (version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
)sql";

struct Recorded {
  std::string name;
  std::string checksum;
  bool applied = false;
};
using Schema = std::map<int, Recorded>;

std::string Checksum(const Migration& migration) {
  return absl::StrCat(absl::Hex(XXH3_64bits(migration.sql.data(), migration.sql.size()), absl::kZeroPad16));
}

absl::Status SchemaError(const std::string& message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STORE_UNAVAILABLE, message);
}

absl::StatusOr<Schema> ReadSchema(Database& database) {
  return database.Read([](Session& session) {
    Schema schema;
    try {
      session.Query("SELECT version, name, checksum, applied_at IS NOT NULL FROM schema_version", {},
                    [&](const Row& row) {
                      schema[static_cast<int>(row.Int(0))] = {row.String(1), row.String(2), row.Int(3) != 0};
                    });
    } catch (const StoreError& error) {
      if (error.number() != kNoSuchTable) throw;  // a database that was never migrated
    }
    return schema;
  });
}

// Whether this server knows everything that was done to the schema.
absl::Status CheckKnown(const Schema& schema, std::span<const Migration> migrations) {
  int newest = migrations.empty() ? 0 : migrations.back().version;
  for (const auto& [version, recorded] : schema) {
    if (version > newest) {
      return SchemaError(absl::StrCat("the database's schema has version ", version, " (", recorded.name,
                                      "), this server knows ", newest, ": use a newer skulinkd"));
    }
    auto known = std::find_if(migrations.begin(), migrations.end(),
                              [v = version](const Migration& migration) { return migration.version == v; });
    if (known == migrations.end() || Checksum(*known) != recorded.checksum) {
      return SchemaError(absl::StrCat("version ", version, " (", recorded.name,
                                      ") of the database's schema is not the one this server knows"));
    }
  }
  return absl::OkStatus();
}

bool Applied(const Schema& schema, const Migration& migration) {
  auto found = schema.find(migration.version);
  return found != schema.end() && found->second.applied;
}

std::vector<std::string_view> Statements(std::string_view sql) {
  std::vector<std::string_view> statements;
  while (!sql.empty()) {
    std::size_t end = sql.find(";\n");
    std::string_view statement = sql.substr(0, end);
    statement.remove_prefix(std::min(statement.find_first_not_of(" \n"), statement.size()));
    statement = statement.substr(0, statement.find_last_not_of(" \n") + 1);
    if (end == sql.npos && statement.ends_with(';')) statement.remove_suffix(1);
    if (!statement.empty()) statements.push_back(statement);
    sql.remove_prefix(end == sql.npos ? sql.size() : end + 2);
  }
  return statements;
}

// Takes or renews the right to apply a migration; false when it is applied, or another server has it. The row
// stands before the first change, so that a migration that stopped half-way is seen.
absl::StatusOr<bool> Claim(Database& database, const Migration& migration, std::int64_t owner) {
  return database.Transact([&](Session& session) {
    session.Execute(
        "INSERT IGNORE INTO schema_version (version, name, checksum, owner, lease_until)"
        " VALUES (?, ?, ?, 0, '2000-01-01')",
        {migration.version, migration.name, Checksum(migration)});
    return session.Execute(
               "UPDATE schema_version SET owner = ?, lease_until = NOW(6) + INTERVAL ? SECOND"
               " WHERE version = ? AND applied_at IS NULL AND (owner = ? OR lease_until < NOW(6))",
               {owner, kLeaseSeconds, migration.version, owner}) == 1;
  });
}

absl::Status Apply(Database& database, const Migration& migration, std::int64_t owner) {
  spdlog::info("migrating the database's schema to version {} ({})", migration.version, migration.name);
  for (std::string_view statement : Statements(migration.sql)) {
    SKULINK_ASSIGN_OR_RETURN(bool claimed, Claim(database, migration, owner));
    if (!claimed) return absl::OkStatus();  // held up for so long that another server took over
    SKULINK_RETURN_IF_ERROR(database.Transact([&](Session& session) {
      try {
        session.Execute(statement);
      } catch (const StoreError& error) {
        // Added before a migration stopped half-way; MySQL knows no ADD COLUMN IF NOT EXISTS.
        if (error.number() != kDuplicateColumn && error.number() != kDuplicateKey) throw;
      }
    }));
  }
  return database.Transact([&](Session& session) {
    session.Execute("UPDATE schema_version SET applied_at = NOW(6) WHERE version = ? AND owner = ?",
                    {migration.version, owner});
  });
}

}  // namespace

absl::Status CheckSchema(Database& database, std::span<const Migration> migrations) {
  SKULINK_ASSIGN_OR_RETURN(Schema schema, ReadSchema(database));
  SKULINK_RETURN_IF_ERROR(CheckKnown(schema, migrations));
  for (const Migration& migration : migrations) {
    if (!Applied(schema, migration)) {
      return SchemaError(absl::StrCat("the database's schema lacks version ", migration.version, " (",
                                      std::string(migration.name), "): run `skulinkd migrate`"));
    }
  }
  return absl::OkStatus();
}

absl::Status Migrate(Database& database, std::span<const Migration> migrations) {
  absl::BitGen random;
  auto owner = absl::Uniform<std::int64_t>(absl::IntervalClosed, random, 1, INT64_MAX);
  SKULINK_ASSIGN_OR_RETURN(Schema schema, ReadSchema(database));
  if (schema.empty() && !migrations.empty()) {
    SKULINK_RETURN_IF_ERROR(
        database.Transact([](Session& session) { session.Execute(kCreateSchemaVersion); }));
  }
  for (const Migration& migration : migrations) {
    for (;;) {
      SKULINK_RETURN_IF_ERROR(CheckKnown(schema, migrations));
      if (Applied(schema, migration)) break;
      SKULINK_ASSIGN_OR_RETURN(bool claimed, Claim(database, migration, owner));
      if (claimed) {
        SKULINK_RETURN_IF_ERROR(Apply(database, migration, owner));
      } else {
        absl::SleepFor(kPollInterval);
      }
      SKULINK_ASSIGN_OR_RETURN(schema, ReadSchema(database));
    }
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
