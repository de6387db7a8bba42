#pragma once

#include <soci/soci.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"

struct st_mysql;

namespace skulink::store {

// Thrown inside the store; Database turns it into a status at the store's border.
class StoreError : public std::runtime_error {
 public:
  StoreError(unsigned number, const std::string& message) : std::runtime_error(message), number_(number) {}
  // MySQL error number.
  unsigned number() const { return number_; }

 private:
  unsigned number_;
};

// Thrown inside a transaction to roll it back and answer `status`.
class Refused : public std::exception {
 public:
  explicit Refused(absl::Status status) : status_(std::move(status)) {}
  const absl::Status& status() const { return status_; }
  const char* what() const noexcept override { return "refused"; }

 private:
  absl::Status status_;
};

// Thrown inside a transaction, what it was begun with being out of date, to roll it back and run it again.
class Stale : public std::exception {
 public:
  const char* what() const noexcept override { return "out of date"; }
};

// MySQL's number of the error for a row whose key is there already.
inline constexpr unsigned kDuplicateKey = 1062;

// Bytes that need not be UTF-8, as a value of a statement.
struct Blob {
  std::string_view bytes;
};

// A list as a table of one column: `WITH asked (k) AS (?) SELECT ... FROM asked STRAIGHT_JOIN t FORCE INDEX
// (...) ON
// ... = asked.k` looks each up, whatever the statistics of the indexes say. IN (?) of many may be made a scan
// of all rows, and takes twice the time.
class Keys {
 public:
  explicit Keys(const std::vector<std::int64_t>& numbers) : list_(&numbers) {}
  explicit Keys(const std::vector<std::string>& texts) : list_(&texts) {}
  explicit Keys(const std::vector<std::string_view>& texts) : list_(&texts) {}

 private:
  friend class Session;
  std::variant<const std::vector<std::int64_t>*, const std::vector<std::string>*,
               const std::vector<std::string_view>*>
      list_;
};

class Value;
// Rows of a statement, for `VALUES ?`.
using ValueRows = std::vector<std::vector<Value>>;

// A value of a statement: takes the place of one `?`. Lists are rendered with commas, for IN (?); an empty
// list as NULL, which no value equals.
class Value {
 public:
  Value(std::int64_t number) : value_(number) {}                      // NOLINT(google-explicit-constructor)
  Value(int number) : value_(std::int64_t{number}) {}                 // NOLINT(google-explicit-constructor)
  Value(bool flag) : value_(std::int64_t{flag}) {}                    // NOLINT(google-explicit-constructor)
  Value(std::string_view utf8) : value_(utf8) {}                      // NOLINT(google-explicit-constructor)
  Value(const std::string& utf8) : value_(std::string_view(utf8)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* utf8) : value_(std::string_view(utf8)) {}         // NOLINT(google-explicit-constructor)
  Value(Blob blob) : value_(blob) {}                                  // NOLINT(google-explicit-constructor)
  Value(std::nullopt_t) : value_(std::monostate{}) {}                 // NOLINT(google-explicit-constructor)
  template <typename T>
  Value(const std::optional<T>& value) : Value(value ? Value(*value) : Value(std::nullopt)) {}  // NOLINT
  Value(const std::vector<std::int64_t>& numbers)
      : value_(&numbers) {}                                         // NOLINT(google-explicit-constructor)
  Value(const std::vector<std::string>& texts) : value_(&texts) {}  // NOLINT(google-explicit-constructor)
  Value(const std::vector<std::string_view>& texts)
      : value_(&texts) {}                          // NOLINT(google-explicit-constructor)
  Value(const ValueRows& rows) : value_(&rows) {}  // NOLINT(google-explicit-constructor)
  Value(Keys keys) : value_(keys) {}               // NOLINT(google-explicit-constructor)

 private:
  friend class Session;
  std::variant<std::monostate, std::int64_t, std::string_view, Blob, const std::vector<std::int64_t>*,
               const std::vector<std::string>*, const std::vector<std::string_view>*, const ValueRows*, Keys>
      value_;
};

// One row of a native query. Valid only while the callback runs.
class Row {
 public:
  Row(char** cells, const unsigned long* lengths) : cells_(cells), lengths_(lengths) {}
  bool IsNull(int column) const { return cells_[column] == nullptr; }
  // Empty when NULL.
  std::string_view Text(int column) const {
    return IsNull(column) ? std::string_view() : std::string_view(cells_[column], lengths_[column]);
  }
  std::string String(int column) const { return std::string(Text(column)); }
  // 0 when NULL.
  std::int64_t Int(int column) const;
  std::optional<std::int64_t> OptionalInt(int column) const;

 private:
  char** cells_;
  const unsigned long* lengths_;
};

// Many rows for one table, built up in memory in the form LOAD DATA reads, and as bounded as the caller makes
// it.
class RowBatch {
 public:
  // `columns`: comma-separated.
  RowBatch(std::string table, std::string columns) : table_(std::move(table)), columns_(std::move(columns)) {}
  RowBatch& Add(std::int64_t number);
  RowBatch& Add(const std::optional<std::int64_t>& number);
  RowBatch& Add(std::string_view text);
  RowBatch& AddNull();
  void EndRow();
  std::int64_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  void Clear();

 private:
  friend class Session;
  void Separate();
  std::string table_, columns_, text_;
  bool row_open_ = false;
  std::int64_t rows_ = 0;
};

// One connection, used by one thread at a time. SOCI for statements about one thing; the native handle under
// it for sets, pages, bulk and streams. Both throw.
class Session {
 public:
  explicit Session(const std::string& soci_connect_string);

  // Statements with :names, one row: `session.soci() << "SELECT ... WHERE a=:a", soci::use(a),
  // soci::into(b)`. Bind and fetch only long long, int, double and std::string, as lvalues, with an indicator
  // where NULL can be; no vectors, no rowset, no row, no `:` outside '...'. All else of SOCI 4.0.3's MySQL
  // backend has traps.
  soci::session& soci() { return soci_; }

  // Native. Each `?` takes one value. Returns the rows matched or inserted.
  std::int64_t Execute(std::string_view sql, std::initializer_list<Value> values = {});
  // Rows that the last Execute, an INSERT ... SELECT, chose, whether or not they were there already.
  std::int64_t records() const { return InfoCount("Records: "); }
  // Native; the whole result is in memory before the first row is handed over.
  void Query(std::string_view sql, std::initializer_list<Value> values,
             const std::function<void(const Row&)>& take);
  // Native; rows are handed over as they arrive. `take` must not use the session.
  void Stream(std::string_view sql, std::initializer_list<Value> values,
              const std::function<void(const Row&)>& take);
  // LOAD DATA LOCAL from memory. A row that the table would not take as it is throws, as INSERT in strict
  // mode does.
  enum class OnDuplicate { kThrow, kReplace, kIgnore };
  void Load(const RowBatch& batch, OnDuplicate on_duplicate = OnDuplicate::kThrow);

  // Not to be used again: the connection was lost or its state is unknown.
  bool broken() const { return broken_; }
  void set_broken() { broken_ = true; }

  // Something was handed over to the caller or written by a native statement since `Begin`.
  bool touched() const { return touched_; }
  void Begin() { touched_ = false; }
  // A transaction is open, as the server last said.
  bool in_transaction() const;
  // The connection is encrypted.
  bool encrypted() const;

  // For KILL QUERY from another session, and for tests.
  std::uint64_t connection_id() const;

 private:
  st_mysql* native() const;
  std::string Render(std::string_view sql, std::initializer_list<Value> values) const;
  void Append(std::string& sql, const Value& value) const;
  void AppendText(std::string& sql, std::string_view text) const;
  void AppendKeys(std::string& sql, const Keys& keys) const;
  void Send(std::string_view sql);
  std::int64_t InfoCount(std::string_view name) const;
  void CheckLoaded(OnDuplicate on_duplicate);
  [[noreturn]] void Throw();

  soci::session soci_;
  bool broken_ = false;
  bool touched_ = false;
};

}  // namespace skulink::store
