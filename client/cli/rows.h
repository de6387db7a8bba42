#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/cli/app.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/type/money.pb.h"
#include "nlohmann/json.hpp"

namespace skulink::cli {

// A row of output: what --output jsonl prints, key by key in this order.
using Row = nlohmann::ordered_json;

// A column of the table: the key of the row and its heading.
struct Column {
  std::string key;
  std::string heading;
  bool number = false;  // aligned at its right
};

// Prints rows to the standard output, as a table or as JSON Lines. No rows, no output.
class RowPrinter {
 public:
  RowPrinter(const App& app, std::vector<Column> columns);
  ~RowPrinter();
  RowPrinter(const RowPrinter&) = delete;
  RowPrinter& operator=(const RowPrinter&) = delete;

  void Print(const Row& row);

 private:
  using Cells = std::vector<std::string>;

  void PrintWaiting();
  // What people recognise is cut before what they copy.
  void NarrowNames(std::size_t terminal_width);
  void PrintCells(const Cells& cells, bool heading) const;

  const OutputFormat format_;
  const std::vector<Column> columns_;
  // The first rows wait until the columns' widths are known from them; later ones may be wider.
  std::vector<Cells> waiting_;
  std::vector<std::size_t> widths_;
  std::optional<std::size_t> narrowed_;  // the column of names, whose cells are cut
};

// On a terminal, says when there is nothing, or more than was printed.
void NoteLength(int printed, bool more);

// Prints the rows of a call, at most `limit` of them (0: all), or its error.
template <class ApiRow>
void PrintPages(App& app, const std::vector<Column>& columns, Pages<ApiRow> pages, int limit,
                Row (*to_row)(const ApiRow&)) {
  int printed = 0;
  bool more = false;
  {
    RowPrinter printer(app, columns);
    for (const ApiRow& row : pages) {
      more = limit > 0 && printed == limit;
      if (more) break;
      printer.Print(to_row(row));
      ++printed;
    }
  }
  if (app.Check(pages.status())) NoteLength(printed, more);
}
// A JSON value on one line, with nothing in it that controls a terminal.
std::string ToLine(const Row& row);

// Parts of rows.
Row TimeOrNull(bool has_time, const google::protobuf::Timestamp& time);
void PutPrice(Row& row, bool has_price, const google::type::Money& price);
Row TextOrNull(const std::string& text);

}  // namespace skulink::cli
