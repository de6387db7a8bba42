#include "absl/strings/str_cat.h"
#include "server/store/session.h"

namespace skulink::store {

void RowBatch::Separate() {
  if (row_open_) text_ += '\t';
  row_open_ = true;
}

RowBatch& RowBatch::Add(std::int64_t number) {
  Separate();
  absl::StrAppend(&text_, number);
  return *this;
}

RowBatch& RowBatch::Add(const std::optional<std::int64_t>& number) {
  return number ? Add(*number) : AddNull();
}

RowBatch& RowBatch::Add(std::string_view text) {
  using namespace std::string_view_literals;
  Separate();
  constexpr std::string_view kSpecial = "\t\n\\\0"sv;
  constexpr std::string_view kEscaped = "tn\\0"sv;
  for (;;) {
    std::size_t plain = text.find_first_of(kSpecial);
    text_ += text.substr(0, plain);
    if (plain == text.npos) return *this;
    text_ += '\\';
    text_ += kEscaped[kSpecial.find(text[plain])];
    text.remove_prefix(plain + 1);
  }
}

RowBatch& RowBatch::AddNull() {
  Separate();
  text_ += "\\N";
  return *this;
}

void RowBatch::EndRow() {
  text_ += '\n';
  row_open_ = false;
  ++rows_;
}

void RowBatch::Clear() {
  text_.clear();
  row_open_ = false;
  rows_ = 0;
}

}  // namespace skulink::store
