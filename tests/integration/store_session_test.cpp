#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/session.h"
#include "tests/integration/test_database.h"

namespace skulink::store {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

// A session of its own on a fresh database with one table.
class StoreSession : public testing::Test {
 protected:
  StoreSession() {
    session.Execute(
        "CREATE TABLE t (id BIGINT NOT NULL PRIMARY KEY, number BIGINT NULL, bytes VARBINARY(300) NOT NULL "
        "DEFAULT '',"
        " words VARCHAR(300) NULL) ENGINE=InnoDB CHARSET=utf8mb4 COLLATE=utf8mb4_bin");
  }

  std::vector<std::string> Column(std::string_view sql, std::initializer_list<Value> values = {}) {
    std::vector<std::string> cells;
    session.Query(sql, values,
                  [&](const Row& row) { cells.push_back(row.IsNull(0) ? "NULL" : row.String(0)); });
    return cells;
  }

  unsigned ErrorOf(const std::function<void()>& action) {
    try {
      action();
    } catch (const StoreError& error) {
      return error.number();
    }
    return 0;
  }

  TestDatabase database{TestDatabase::Schema::kEmpty};
  Session session{database.address().soci_connect_string};
};

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

const std::string kAwkwardText =
    "tab\t newline\n return\r quote' double\" back\\slash nul\0 ? % _ \\N é 漢 😀 \xEF\xBB\xBF"s;

TEST_F(StoreSession, PinsItsSettings) {
  EXPECT_THAT(Column("SELECT @@sql_mode"),
              ElementsAre("STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"));
  EXPECT_THAT(Column("SELECT CONCAT_WS(' ', @@time_zone, @@tx_isolation, @@innodb_lock_wait_timeout, "
                     "@@character_set_client, @@character_set_results)"),
              ElementsAre("+00:00 READ-COMMITTED 5 utf8mb4 utf8mb4"));
}

TEST_F(StoreSession, ValuesComeBackAsTheyWereGiven) {
  session.Execute("INSERT INTO t VALUES (?, ?, ?, ?)", {1, INT64_MIN, Blob{AllBytes()}, kAwkwardText});
  session.Execute("INSERT INTO t VALUES (?, ?, ?, ?)", {2, std::nullopt, "", std::optional<std::string>()});

  int rows = 0;
  session.Query("SELECT number, bytes, words FROM t ORDER BY id", {}, [&](const Row& row) {
    ++rows;
    if (rows == 1) {
      EXPECT_EQ(row.Int(0), INT64_MIN);
      EXPECT_EQ(row.Text(1), AllBytes());
      EXPECT_EQ(row.Text(2), kAwkwardText);
    } else {
      EXPECT_EQ(row.OptionalInt(0), std::nullopt);
      EXPECT_EQ(row.Text(1), "");
      EXPECT_TRUE(row.IsNull(2));
    }
  });
  EXPECT_EQ(rows, 2);
}

TEST_F(StoreSession, ATextIsFoundByItself) {
  session.Execute("INSERT INTO t (id, bytes, words) VALUES (7, ?, ?)", {kAwkwardText, kAwkwardText});
  EXPECT_THAT(Column("SELECT id FROM t WHERE bytes = ? AND words = ?", {kAwkwardText, kAwkwardText}),
              ElementsAre("7"));
}

TEST_F(StoreSession, ListsTakeThePlaceOfOnePlaceholder) {
  session.Execute("INSERT INTO t (id, words) VALUES (1, 'a'), (2, ?), (3, 'c')", {"b'?"});
  std::vector<std::int64_t> ids = {1, 3};
  std::vector<std::string> words = {"b'?", "c"};
  std::vector<std::string_view> none;
  EXPECT_THAT(Column("SELECT id FROM t WHERE id IN (?) ORDER BY id", {ids}), ElementsAre("1", "3"));
  EXPECT_THAT(Column("SELECT id FROM t WHERE words IN (?) ORDER BY id", {words}), ElementsAre("2", "3"));
  EXPECT_THAT(Column("SELECT id FROM t WHERE words IN (?)", {none}), ElementsAre());
}

TEST_F(StoreSession, RowsTakeThePlaceOfOnePlaceholder) {
  const std::string bytes = AllBytes();
  const ValueRows rows = {{1, std::nullopt, Blob{bytes}, kAwkwardText}, {2, 20, "b", std::nullopt}};
  session.Execute("INSERT INTO t (id, number, bytes, words) VALUES ?", {rows});
  EXPECT_THAT(Column("SELECT number FROM t ORDER BY id"), ElementsAre("NULL", "20"));
  EXPECT_THAT(Column("SELECT bytes FROM t ORDER BY id"), ElementsAre(bytes, "b"));
  EXPECT_THAT(Column("SELECT words FROM t ORDER BY id"), ElementsAre(kAwkwardText, "NULL"));
}

TEST_F(StoreSession, KeysAreATableToJoin) {
  const std::vector<std::string> texts = {"a", AllBytes(), kAwkwardText, "long" + std::string(290, ' '),
                                          "not there"};
  for (std::size_t i = 0; i + 1 < texts.size(); ++i) {
    session.Execute("INSERT INTO t (id, bytes) VALUES (?, ?)", {static_cast<int>(i), Blob{texts[i]}});
  }
  const std::vector<std::int64_t> numbers = {3, 7, 1}, none;
  EXPECT_THAT(
      Column("WITH asked (k) AS (?) SELECT id FROM asked STRAIGHT_JOIN t ON bytes = asked.k ORDER BY id",
             {Keys(texts)}),
      ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(Column("WITH asked (k) AS (?) SELECT id FROM asked STRAIGHT_JOIN t ON id = asked.k ORDER BY id",
                     {Keys(numbers)}),
              ElementsAre("1", "3"));
  EXPECT_THAT(
      Column("WITH asked (k) AS (?) SELECT id FROM asked STRAIGHT_JOIN t ON id = asked.k", {Keys(none)}),
      ElementsAre());
}

TEST_F(StoreSession, PlaceholdersAndValuesMustBeAsMany) {
  EXPECT_THROW(session.Execute("DELETE FROM t WHERE id = ? OR id = ?", {1}), std::logic_error);
  EXPECT_THROW(session.Execute("DELETE FROM t WHERE id = ?", {1, 2}), std::logic_error);
}

TEST_F(StoreSession, ExecuteCountsRowsMatchedEvenWhenNothingChanges) {
  session.Execute("INSERT INTO t (id, number) VALUES (1, 5)");
  EXPECT_EQ(session.Execute("UPDATE t SET number = 5 WHERE id = 1"), 1);
  EXPECT_EQ(session.Execute("UPDATE t SET number = 5 WHERE id = 2"), 0);
}

TEST_F(StoreSession, ErrorsCarryTheirNumberAndLeaveTheSessionUsable) {
  session.Execute("INSERT INTO t (id) VALUES (1)");
  EXPECT_EQ(ErrorOf([&] { session.Execute("INSERT INTO t (id) VALUES (1)"); }), 1062u);
  EXPECT_FALSE(session.broken());
  EXPECT_THAT(Column("SELECT COUNT(*) FROM t"), ElementsAre("1"));
}

TEST_F(StoreSession, ALostConnectionBreaksTheSession) {
  Session other(database.address().soci_connect_string);
  other.Execute("KILL ?", {static_cast<std::int64_t>(session.connection_id())});
  unsigned number = ErrorOf([&] { session.Execute("DO 1"); });
  EXPECT_TRUE(number == 2006 || number == 2013) << number;
  EXPECT_TRUE(session.broken());
}

TEST_F(StoreSession, StreamsManyRowsAndIsUsableAfterAnExceptionInTheMiddle) {
  std::int64_t sum = 0;
  session.Stream("SELECT seq FROM seq_1_to_100000", {}, [&](const Row& row) { sum += row.Int(0); });
  EXPECT_EQ(sum, 100000LL * 100001 / 2);

  struct Enough {};
  EXPECT_THROW(session.Stream("SELECT seq FROM seq_1_to_100000", {}, [](const Row&) { throw Enough(); }),
               Enough);
  EXPECT_THAT(Column("SELECT 5"), ElementsAre("5"));
}

TEST_F(StoreSession, SociWorksOnTheSameConnection) {
  long long id = 3;
  std::string words = kAwkwardText, found;
  session.soci() << "INSERT INTO t (id, words) VALUES (:id, :words)", soci::use(id), soci::use(words);
  session.soci() << "SELECT words FROM t WHERE id = :id", soci::use(id), soci::into(found);
  EXPECT_EQ(found, kAwkwardText);
}

TEST_F(StoreSession, LoadKeepsEveryByteAndNull) {
  RowBatch batch("t", "id, number, bytes, words");
  batch.Add(1).Add(INT64_MIN).Add(AllBytes()).Add(kAwkwardText).EndRow();
  batch.Add(2).Add(std::optional<std::int64_t>()).Add("").AddNull().EndRow();
  batch.Add(3).Add(std::optional<std::int64_t>(INT64_MAX)).Add("\\N").Add("").EndRow();
  EXPECT_EQ(batch.rows(), 3);

  session.Load(batch);

  EXPECT_THAT(Column("SELECT id FROM t WHERE id = 1 AND number = ? AND bytes = ? AND words = ?",
                     {INT64_MIN, Blob{AllBytes()}, kAwkwardText}),
              ElementsAre("1"));
  EXPECT_THAT(Column("SELECT id FROM t WHERE number IS NULL AND bytes = '' AND words IS NULL"),
              ElementsAre("2"));
  EXPECT_THAT(Column("SELECT id FROM t WHERE number = ? AND bytes = ? AND words = ''", {INT64_MAX, "\\N"}),
              ElementsAre("3"));
  EXPECT_THAT(Column("SELECT COUNT(*) FROM t"), ElementsAre("3"));
}

TEST_F(StoreSession, LoadOfManyRowsKeepsThemAll) {
  RowBatch batch("t", "id, bytes");
  for (int id = 0; id < 100'000; ++id) batch.Add(id).Add(std::string(50, static_cast<char>(id))).EndRow();
  session.Load(batch);
  EXPECT_THAT(Column("SELECT COUNT(*) FROM t WHERE bytes = REPEAT(CHAR(id & 255), 50)"),
              ElementsAre("100000"));
}

TEST_F(StoreSession, AnEmptyOrClearedBatchLoadsNothing) {
  RowBatch batch("t", "id");
  session.Load(batch);
  batch.Add(1).EndRow();
  batch.Clear();
  session.Load(batch);
  EXPECT_TRUE(batch.empty());
  EXPECT_THAT(Column("SELECT COUNT(*) FROM t"), ElementsAre("0"));
}

TEST_F(StoreSession, LoadTreatsDuplicatesAsAsked) {
  session.Execute("INSERT INTO t (id, number) VALUES (1, 10)");
  RowBatch batch("t", "id, number");
  batch.Add(1).Add(20).EndRow();
  batch.Add(2).Add(20).EndRow();

  EXPECT_EQ(ErrorOf([&] { session.Load(batch); }), 1062u);
  session.Execute("DELETE FROM t WHERE id = 2");
  session.Load(batch, Session::OnDuplicate::kIgnore);
  EXPECT_THAT(Column("SELECT number FROM t ORDER BY id"), ElementsAre("10", "20"));
  session.Load(batch, Session::OnDuplicate::kReplace);
  EXPECT_THAT(Column("SELECT number FROM t ORDER BY id"), ElementsAre("20", "20"));
}

TEST_F(StoreSession, LoadIgnoresMoreDuplicatesThanTheServerKeepsWarningsOf) {
  RowBatch batch("t", "id");
  for (int id = 0; id < 70'000; ++id) batch.Add(id).EndRow();
  session.Load(batch);
  session.Load(batch, Session::OnDuplicate::kIgnore);
  EXPECT_THAT(Column("SELECT COUNT(*) FROM t"), ElementsAre("70000"));
}

// LOCAL makes warnings of these, so each needs to be seen as an error.
TEST_F(StoreSession, LoadRefusesRowsThatDoNotFit) {
  struct Case {
    std::string_view name, columns;
    std::function<void(RowBatch&)> add;
  };
  std::string long_text(301, 'x');
  const Case cases[] = {
      {"too long", "id, bytes", [&](RowBatch& batch) { batch.Add(5).Add(long_text); }},
      {"not UTF-8", "id, words", [](RowBatch& batch) { batch.Add(5).Add("\xff"); }},
      {"no number", "id, number", [](RowBatch& batch) { batch.Add(5).Add("five"); }},
      {"NULL", "id, bytes", [](RowBatch& batch) { batch.Add(5).AddNull(); }},
      {"a column too few", "id, bytes, words", [](RowBatch& batch) { batch.Add(5).Add("b"); }},
      {"a column too many", "id", [](RowBatch& batch) { batch.Add(5).Add("b"); }},
  };
  for (const Case& one : cases) {
    for (auto on_duplicate :
         {Session::OnDuplicate::kThrow, Session::OnDuplicate::kIgnore, Session::OnDuplicate::kReplace}) {
      RowBatch batch("t", std::string(one.columns));
      one.add(batch);
      batch.EndRow();
      EXPECT_NE(ErrorOf([&] { session.Load(batch, on_duplicate); }), 0u)
          << one.name << ", on duplicate " << static_cast<int>(on_duplicate);
    }
  }
}

TEST_F(StoreSession, NoFileIsReadWhenTheServerAsksForOne) {
  const std::string statement = "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t (words)";
  RowBatch batch("t", "id");
  batch.Add(1).EndRow();
  EXPECT_NE(ErrorOf([&] { session.Execute(statement); }), 0u) << "before any Load";
  session.Load(batch);
  EXPECT_NE(ErrorOf([&] { session.Execute(statement); }), 0u) << "after a Load";
  Session other(database.address().soci_connect_string);
  std::int64_t rows = -1;
  other.Query("SELECT COUNT(*) FROM t", {}, [&](const Row& row) { rows = row.Int(0); });
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace skulink::store
