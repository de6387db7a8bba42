#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/store/migrations.h"
#include "tests/integration/test_database.h"

namespace skulink::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Migration kFirst{1, "first",
                           "-- A comment; with a semicolon inside.\n"
                           "CREATE TABLE IF NOT EXISTS a (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB;\n"
                           "INSERT IGNORE INTO a VALUES (1);\n"
                           "CREATE TABLE IF NOT EXISTS b (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB;"};
constexpr Migration kSecond{2, "second",
                            "CREATE TABLE IF NOT EXISTS c (id INT NOT NULL PRIMARY KEY) ENGINE=InnoDB;\n\n"};
constexpr Migration kOnlyFirst[] = {kFirst};
constexpr Migration kBoth[] = {kFirst, kSecond};

class StoreMigrations : public testing::Test {
 protected:
  std::vector<std::string> Tables() {
    std::vector<std::string> tables;
    absl::Status status = database->Read([&](Session& session) {
      session.Query("SHOW TABLES", {}, [&](const Row& row) { tables.push_back(row.String(0)); });
    });
    EXPECT_TRUE(status.ok()) << status;
    return tables;
  }
  void Execute(std::string_view sql) {
    absl::Status status = database->Transact([&](Session& session) { session.Execute(sql); });
    EXPECT_TRUE(status.ok()) << status;
  }

  TestDatabase database{TestDatabase::Schema::kEmpty};
};

TEST_F(StoreMigrations, MakesTheSchemaAndRunsNothingTwice) {
  EXPECT_TRUE(Migrate(*database, kBoth).ok());
  EXPECT_TRUE(CheckSchema(*database, kBoth).ok());
  EXPECT_THAT(Tables(), ElementsAre("a", "b", "c", "schema_version"));

  Execute("DELETE FROM a");
  EXPECT_TRUE(Migrate(*database, kBoth).ok());
  auto rows = database->Read([](Session& session) {
    std::int64_t count = -1;
    session.Query("SELECT COUNT(*) FROM a", {}, [&](const Row& row) { count = row.Int(0); });
    return count;
  });
  EXPECT_EQ(rows.value(), 0);
}

TEST_F(StoreMigrations, AnOlderSchemaIsToBeMigrated) {
  EXPECT_THAT(CheckSchema(*database, kOnlyFirst).message(), HasSubstr("skulinkd migrate"));
  EXPECT_THAT(Tables(), ElementsAre());
  ASSERT_TRUE(Migrate(*database, kOnlyFirst).ok());

  absl::Status older = CheckSchema(*database, kBoth);

  EXPECT_EQ(older.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(older.message(), HasSubstr("version 2 (second)"));
  EXPECT_THAT(older.message(), HasSubstr("skulinkd migrate"));
  EXPECT_TRUE(Migrate(*database, kBoth).ok());
  EXPECT_TRUE(CheckSchema(*database, kBoth).ok());
}

TEST_F(StoreMigrations, ANewerSchemaIsRefused) {
  ASSERT_TRUE(Migrate(*database, kBoth).ok());
  for (const absl::Status& status : {CheckSchema(*database, kOnlyFirst), Migrate(*database, kOnlyFirst)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr("newer skulinkd"));
  }
}

TEST_F(StoreMigrations, AnotherMigrationOfTheSameVersionIsRefused) {
  ASSERT_TRUE(Migrate(*database, kOnlyFirst).ok());
  constexpr Migration kOther[] = {
      {1, "first", "CREATE TABLE IF NOT EXISTS z (id INT NOT NULL PRIMARY KEY);\n"}, kSecond};
  for (const absl::Status& status : {CheckSchema(*database, kOther), Migrate(*database, kOther)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.message(), HasSubstr("version 1 (first)"));
  }
  EXPECT_THAT(Tables(), ElementsAre("a", "b", "schema_version"));
}

TEST_F(StoreMigrations, AHalfAppliedMigrationIsSeenAndRunAgain) {
  ASSERT_TRUE(Migrate(*database, kBoth).ok());
  // As a server leaves it that was killed between the statements of the first migration; its lease has run
  // out.
  Execute("DROP TABLE b, c");
  Execute("DELETE FROM schema_version WHERE version = 2");
  Execute("UPDATE schema_version SET applied_at = NULL, lease_until = NOW(6)");

  EXPECT_THAT(CheckSchema(*database, kBoth).message(), HasSubstr("skulinkd migrate"));
  EXPECT_TRUE(Migrate(*database, kBoth).ok());
  EXPECT_TRUE(CheckSchema(*database, kBoth).ok());
  EXPECT_THAT(Tables(), ElementsAre("a", "b", "c", "schema_version"));
}

TEST_F(StoreMigrations, AFailedMigrationIsNotRecordedAsApplied) {
  constexpr Migration kWrong[] = {
      {1, "wrong", "CREATE TABLE IF NOT EXISTS a (id INT);\nNO SUCH STATEMENT;\n"}};
  EXPECT_FALSE(Migrate(*database, kWrong).ok());
  EXPECT_FALSE(CheckSchema(*database, kWrong).ok());
}

TEST_F(StoreMigrations, ColumnsAndKeysThatAMigrationAddedBeforeItStoppedHalfWayAreNoError) {
  Execute("CREATE TABLE a (id INT NOT NULL PRIMARY KEY, more INT, KEY by_more (more))");
  constexpr Migration kAdding[] = {
      {1, "adding",
       "ALTER TABLE a ADD COLUMN more INT;\nALTER TABLE a ADD KEY by_more (more);\n"
       "INSERT INTO a VALUES (1, 2);"}};
  EXPECT_TRUE(Migrate(*database, kAdding).ok());
  EXPECT_TRUE(CheckSchema(*database, kAdding).ok());
}

TEST_F(StoreMigrations, ServersThatMigrateAtTheSameTimeAllSucceed) {
  // Not repeatable: fails when any statement is run by two of them.
  constexpr Migration kFragile[] = {
      {1, "one", "CREATE TABLE one (id INT NOT NULL PRIMARY KEY);\nINSERT INTO one VALUES (1);\n"},
      {2, "two", "CREATE TABLE two (id INT NOT NULL PRIMARY KEY);\nINSERT INTO two VALUES (1);\n"}};
  {
    std::vector<std::jthread> servers;
    for (int i = 0; i < 6; ++i) {
      servers.emplace_back([&] {
        absl::Status status = Migrate(*database, kFragile);
        EXPECT_TRUE(status.ok()) << status;
      });
    }
  }
  EXPECT_TRUE(CheckSchema(*database, kFragile).ok());
  EXPECT_THAT(Tables(), ElementsAre("one", "schema_version", "two"));
}

TEST_F(StoreMigrations, TheBuiltInOnesAreNumberedFromOneAndFitTogether) {
  int version = 0;
  for (const Migration& migration : BuiltInMigrations()) EXPECT_EQ(migration.version, ++version);
  EXPECT_GE(version, 1);
  absl::Status status = Migrate(*database);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(CheckSchema(*database).ok());
}

}  // namespace
}  // namespace skulink::store
