#include "server/store/session.h"

#include <mysql.h>
#include <soci/mysql/soci-mysql.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace skulink::store {
namespace {

std::optional<std::int64_t> ParseInt(std::string_view text) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw std::logic_error("a column read as a whole number is none");
  }
  return number;
}

using Result = std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)>;

void AppendHex(std::string& sql, std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  sql += "x'";
  for (unsigned char byte : bytes) {
    sql += kDigits[byte >> 4];
    sql += kDigits[byte & 15];
  }
  sql += '\'';
}

// What mysql_set_local_infile_handler reads from: the batch's text.
struct InfileSource {
  std::string_view rest;
};

int OpenInfile(void** state, const char*, void* source) {
  *state = source;
  return 0;
}

int ReadInfile(void* state, char* buffer, unsigned int size) {
  auto& source = *static_cast<InfileSource*>(state);
  std::string_view part = source.rest.substr(0, size);
  std::memcpy(buffer, part.data(), part.size());
  source.rest.remove_prefix(part.size());
  return static_cast<int>(part.size());
}

void CloseInfile(void*) {}

int InfileError(void*, char* message, unsigned int size) {
  constexpr std::string_view kMessage = "no file may be read";
  std::size_t length = std::min<std::size_t>(kMessage.size(), size - 1);
  std::memcpy(message, kMessage.data(), length);
  message[length] = '\0';
  return 2;
}

int RefuseInfile(void** state, const char*, void*) {
  *state = nullptr;
  return 1;
}

int ReadNothing(void*, char*, unsigned int) { return -1; }

// The library's own handler would send any file a hostile server asks for.
void RefuseFiles(MYSQL* connection) {
  mysql_set_local_infile_handler(connection, RefuseInfile, ReadNothing, CloseInfile, InfileError, nullptr);
}

}  // namespace

std::int64_t Row::Int(int column) const { return OptionalInt(column).value_or(0); }

std::optional<std::int64_t> Row::OptionalInt(int column) const {
  return IsNull(column) ? std::nullopt : ParseInt(Text(column));
}

Session::Session(const std::string& soci_connect_string) : soci_(soci::mysql, soci_connect_string) {
  RefuseFiles(native());
  Execute("SET NAMES utf8mb4");
  // The locks of a server that stands still, or cannot be reached any more, hold up all others. MariaDB makes
  // of a list of a thousand values a table that it joins as it sees fit, and may read, and lock, all rows to
  // look them up in it. MySQL reads the part for MariaDB as a comment, and has nothing of the kind.
  Execute(
      "SET sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', "
      "time_zone='+00:00',"
      " innodb_lock_wait_timeout=5 "
      "/*M!100318 , idle_transaction_timeout=8, in_predicate_conversion_threshold=0 */");
  Execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
}

st_mysql* Session::native() const {
  // SOCI's session has no const access to its backend.
  auto& session = const_cast<soci::session&>(soci_);
  return static_cast<soci::mysql_session_backend*>(session.get_backend())->conn_;
}

void Session::Throw() {
  unsigned number = mysql_errno(native());
  // Errors of the client library (2xxx): the connection is lost, or client and server are out of step.
  if (number >= 2000 && number < 3000) broken_ = true;
  throw StoreError(number, mysql_error(native()));
}

void Session::AppendText(std::string& sql, std::string_view text) const {
  std::size_t start = sql.size();
  sql.resize(start + 2 * text.size() + 2);
  sql[start] = '\'';
  unsigned long length = mysql_real_escape_string(native(), sql.data() + start + 1, text.data(), text.size());
  sql.resize(start + 1 + length);
  sql += '\'';
}

void Session::AppendKeys(std::string& sql, const Keys& keys) const {
  // The word that MySQL asks for; MariaDB reads no comment of that version.
  constexpr char kRow[] = "/*!80019ROW*/(";
  std::visit(
      [&](const auto* list) {
        sql += "VALUES ";
        if (list->empty()) absl::StrAppend(&sql, kRow, "NULL)");
        for (std::size_t i = 0; i < list->size(); ++i) {
          absl::StrAppend(&sql, i == 0 ? "" : ",", kRow);
          if constexpr (std::is_same_v<decltype(list), const std::vector<std::int64_t>*>) {
            absl::StrAppend(&sql, (*list)[i]);
          } else {
            sql += "_binary";
            AppendText(sql, (*list)[i]);
          }
          sql += ')';
        }
      },
      keys.list_);
}

void Session::Append(std::string& sql, const Value& value) const {
  auto append = [&](const auto& one) {
    using T = std::decay_t<decltype(one)>;
    if constexpr (std::is_same_v<T, std::monostate>) {
      sql += "NULL";
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      absl::StrAppend(&sql, one);
    } else if constexpr (std::is_same_v<T, Blob>) {
      AppendHex(sql, one.bytes);
    } else if constexpr (std::is_same_v<T, std::vector<Value>>) {
      for (std::size_t i = 0; i < one.size(); ++i) {
        sql += i == 0 ? '(' : ',';
        Append(sql, one[i]);
      }
      sql += ')';
    } else {
      AppendText(sql, one);
    }
  };
  auto append_list = [&](const auto& list) {
    if (list.empty()) sql += "NULL";
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i != 0) sql += ',';
      append(list[i]);
    }
  };
  std::visit(
      [&](const auto& one) {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, Keys>) {
          AppendKeys(sql, one);
        } else if constexpr (std::is_pointer_v<std::decay_t<decltype(one)>>) {
          append_list(*one);
        } else {
          append(one);
        }
      },
      value.value_);
}

std::string Session::Render(std::string_view sql, std::initializer_list<Value> values) const {
  std::string rendered;
  rendered.reserve(sql.size() + 32 * values.size());
  auto next = values.begin();
  for (char c : sql) {
    if (c != '?') {
      rendered += c;
    } else if (next == values.end()) {
      throw std::logic_error("a statement has more ? than values");
    } else {
      Append(rendered, *next++);
    }
  }
  if (next != values.end()) throw std::logic_error("a statement has fewer ? than values");
  return rendered;
}

void Session::Send(std::string_view sql) {
  if (mysql_real_query(native(), sql.data(), sql.size()) != 0) Throw();
}

std::int64_t Session::Execute(std::string_view sql, std::initializer_list<Value> values) {
  std::string statement = Render(sql, values);
  touched_ = true;
  Send(statement);
  if (mysql_field_count(native()) != 0) {
    Result unwanted(mysql_store_result(native()), mysql_free_result);
    throw std::logic_error("Execute was given a statement that answers rows");
  }
  return static_cast<std::int64_t>(mysql_affected_rows(native()));
}

void Session::Query(std::string_view sql, std::initializer_list<Value> values,
                    const std::function<void(const Row&)>& take) {
  Send(Render(sql, values));
  Result result(mysql_store_result(native()), mysql_free_result);
  if (result == nullptr) Throw();
  while (MYSQL_ROW cells = mysql_fetch_row(result.get())) {
    touched_ = true;
    take(Row(cells, mysql_fetch_lengths(result.get())));
  }
}

void Session::Stream(std::string_view sql, std::initializer_list<Value> values,
                     const std::function<void(const Row&)>& take) {
  Send(Render(sql, values));
  // Freeing the result reads what is left of it, so that the connection stays usable when `take` throws.
  Result result(mysql_use_result(native()), mysql_free_result);
  if (result == nullptr) Throw();
  while (MYSQL_ROW cells = mysql_fetch_row(result.get())) {
    touched_ = true;
    take(Row(cells, mysql_fetch_lengths(result.get())));
  }
  if (mysql_errno(native()) != 0) Throw();
}

void Session::Load(const RowBatch& batch, OnDuplicate on_duplicate) {
  if (batch.row_open_) throw std::logic_error("a RowBatch is loaded in the middle of a row");
  if (batch.empty()) return;
  std::string duplicates = on_duplicate == OnDuplicate::kReplace  ? "REPLACE "
                           : on_duplicate == OnDuplicate::kIgnore ? "IGNORE "
                                                                  : "";
  // CHARACTER SET binary: the bytes go into each column as they are; a VARCHAR column still checks that they
  // are UTF-8.
  std::string statement = absl::StrCat("LOAD DATA LOCAL INFILE 'batch' ", duplicates, "INTO TABLE ",
                                       batch.table_, " CHARACTER SET binary (", batch.columns_, ")");
  InfileSource source{batch.text_};
  mysql_set_local_infile_handler(native(), OpenInfile, ReadInfile, CloseInfile, InfileError, &source);
  absl::Cleanup refuse_again = [this] { RefuseFiles(native()); };
  touched_ = true;
  Send(statement);
  CheckLoaded(on_duplicate);
}

// "Records: 3  Deleted: 0  Skipped: 1  Warnings: 1": what the last statement answered. mysql_warning_count
// would stop at 65535.
std::int64_t Session::InfoCount(std::string_view name) const {
  const char* const answered = mysql_info(native());
  const std::string_view info = answered != nullptr ? answered : "";
  std::int64_t number = 0;
  if (std::size_t at = info.find(name); at != info.npos) {
    std::from_chars(info.data() + at + name.size(), info.data() + info.size(), number);
  }
  return number;
}

// With LOCAL the server makes warnings of most errors, since it cannot stop the client from sending.
void Session::CheckLoaded(OnDuplicate on_duplicate) {
  const std::int64_t warnings = InfoCount("Warnings: ");
  if (warnings == 0 || (on_duplicate == OnDuplicate::kIgnore && warnings == InfoCount("Skipped: "))) return;
  unsigned number = 0;
  std::string message = "LOAD DATA gave warnings";
  Query("SHOW WARNINGS", {}, [&](const Row& row) {
    auto code = static_cast<unsigned>(row.Int(1));
    bool expected = on_duplicate == OnDuplicate::kIgnore && code == kDuplicateKey;
    if (number != 0 || expected) return;
    number = code;
    message = row.String(2);
  });
  throw StoreError(number, message);
}

bool Session::in_transaction() const {
  unsigned status = 0;
  return mariadb_get_infov(native(), MARIADB_CONNECTION_SERVER_STATUS, &status) == 0 &&
         (status & SERVER_STATUS_IN_TRANS) != 0;
}

bool Session::encrypted() const { return mysql_get_ssl_cipher(native()) != nullptr; }

std::uint64_t Session::connection_id() const { return mysql_thread_id(native()); }

}  // namespace skulink::store
