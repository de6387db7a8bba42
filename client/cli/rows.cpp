#include "client/cli/rows.h"

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "client/cli/terminal.h"
#include "common/money.h"
#include "google/protobuf/util/time_util.h"

namespace skulink::cli {
namespace {

constexpr std::size_t kRowsForWidths = 1000;
constexpr std::size_t kWidestCell = 60;
constexpr std::size_t kNarrowestName = 10;
constexpr std::size_t kGap = 2;

std::string CellText(const Row& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return Escape(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Row& element : value) absl::StrAppend(&text, text.empty() ? "" : " ", CellText(element));
  return text;
}

}  // namespace

RowPrinter::RowPrinter(const App& app, std::vector<Column> columns)
    : format_(app.output), columns_(std::move(columns)) {}

RowPrinter::~RowPrinter() {
  if (!waiting_.empty()) PrintWaiting();
  std::fflush(stdout);
}

void RowPrinter::Print(const Row& row) {
  if (format_ == OutputFormat::kJsonLines) {
    std::printf("%s\n", ToLine(row).c_str());
    return;
  }
  Cells cells;
  for (const Column& column : columns_) cells.push_back(CellText(row.at(column.key)));
  if (!widths_.empty()) return PrintCells(cells, false);
  waiting_.push_back(std::move(cells));
  if (waiting_.size() == kRowsForWidths) PrintWaiting();
}

void RowPrinter::PrintWaiting() {
  Cells headings;
  for (const Column& column : columns_) {
    headings.push_back(column.heading);
    widths_.push_back(DisplayWidth(column.heading));
  }
  for (const Cells& cells : waiting_) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths_[i] = std::max(widths_[i], std::min(DisplayWidth(cells[i]), kWidestCell));
    }
  }
  if (IsTerminal(stdout)) NarrowNames(TerminalWidth(stdout));
  PrintCells(headings, true);
  for (const Cells& cells : waiting_) PrintCells(cells, false);
  waiting_.clear();
}

void RowPrinter::NarrowNames(std::size_t terminal_width) {
  std::size_t width = kGap * (widths_.size() - 1);
  for (const std::size_t column : widths_) width += column;
  for (std::size_t i = 0; i < columns_.size() && width > terminal_width; ++i) {
    if (columns_[i].key != "name" || widths_[i] <= kNarrowestName) continue;
    const std::size_t narrower = std::min(width - terminal_width, widths_[i] - kNarrowestName);
    widths_[i] -= narrower;
    width -= narrower;
    narrowed_ = i;
  }
}

void RowPrinter::PrintCells(const Cells& cells, bool heading) const {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = i == narrowed_ ? Cut(cells[i], widths_[i]) : cells[i];
    const std::size_t width = DisplayWidth(cell);
    const std::string padding(widths_[i] > width ? widths_[i] - width : 0, ' ');
    const bool last = i + 1 == cells.size();
    if (columns_[i].number) {
      absl::StrAppend(&line, padding, cell, last ? "" : std::string(kGap, ' '));
    } else {
      absl::StrAppend(&line, cell, last ? "" : padding + std::string(kGap, ' '));
    }
  }
  if (IsTerminal(stdout)) line = Cut(line, TerminalWidth(stdout));
  std::printf("%s\n", (heading ? Coloured(stdout, Colour::kBold, line) : line).c_str());
}

void NoteLength(int printed, bool more) {
  if (!IsTerminal(stderr)) return;
  if (printed == 0) std::fputs("There is none.\n", stderr);
  if (more) std::fprintf(stderr, "There are more than %d; --limit 0 shows all.\n", printed);
}

std::string ToLine(const Row& row) {
  std::string line = row.dump(-1, ' ', false, Row::error_handler_t::replace);
  // JSON leaves DEL, the C1 control characters and the like as they are. Here they can only be inside a
  // string, where the escape means the same.
  return Escape(line);
}

Row TimeOrNull(bool has_time, const google::protobuf::Timestamp& time) {
  if (!has_time) return nullptr;
  return google::protobuf::util::TimeUtil::ToString(time);
}

void PutPrice(Row& row, bool has_price, const google::type::Money& price) {
  row["price"] = nullptr;
  row["currency"] = nullptr;
  if (!has_price) return;
  const absl::StatusOr<Money> money = FromProto(price, "", "price");
  if (!money.ok()) return;
  row["price"] = ToString(*money).substr(money->currency.size() + 1);  // behind `IDR `
  row["currency"] = money->currency;
}

Row TextOrNull(const std::string& text) { return text.empty() ? Row(nullptr) : Row(text); }

}  // namespace skulink::cli
