#include "client/cpp/line_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace skulink::internal {
namespace {

// What a file is that is no text in UTF-8, told by its first bytes; empty when it may be one. Without this
// every line of it would be refused by itself.
std::string_view OtherFormat(std::string_view start) {
  using std::string_view_literals::operator""sv;
  struct Known {
    std::string_view bytes, name;
  };
  constexpr Known kKnown[] = {{"\x1f\x8b"sv, "compressed by gzip"},
                              {"PK\x03\x04"sv, "a zip archive or a workbook"},
                              {"\x28\xb5\x2f\xfd"sv, "compressed by zstd"},
                              {"\xfd\x37zXZ"sv, "compressed by xz"},
                              {"BZh"sv, "compressed by bzip2"},
                              {"\xff\xfe"sv, "in UTF-16"},
                              {"\xfe\xff"sv, "in UTF-16"}};
  for (const Known& known : kKnown) {
    if (start.starts_with(known.bytes)) return known.name;
  }
  return start.substr(0, 16).find('\0') == std::string_view::npos ? "" : "binary, or in UTF-16";
}

}  // namespace

absl::StatusOr<LineReader> LineReader::Open(const std::string& path) {
  const bool standard_input = path == "-";
  std::FILE* file = standard_input ? fdopen(dup(STDIN_FILENO), "rb") : std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  LineReader reader(standard_input ? "standard input" : path, file);
  SKULINK_RETURN_IF_ERROR(reader.FillBuffer());
  if (const std::string_view other = OtherFormat(reader.buffer_); !other.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(reader.path_, " is ", std::string(other), "; it must be text in UTF-8"));
  }
  return reader;
}

absl::Status LineReader::FillBuffer() {
  buffer_.resize(1 << 16);
  errno = 0;
  buffer_.resize(std::fread(buffer_.data(), 1, buffer_.size(), file_.get()));
  position_ = 0;
  if (std::ferror(file_.get()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path_));
}

absl::StatusOr<std::optional<Line>> LineReader::Next() {
  line_.clear();
  bool any = false;
  bool too_long = false;
  while (true) {
    if (position_ == buffer_.size()) {
      SKULINK_RETURN_IF_ERROR(FillBuffer());
      if (buffer_.empty()) {
        if (!any) return std::nullopt;
        break;
      }
    }
    any = true;
    const std::size_t end = buffer_.find('\n', position_);
    const std::size_t length = std::min(end, buffer_.size()) - position_;
    // A byte order mark does not count, so it may stand above the limit for a moment.
    const std::size_t room = kMaxLineBytes + 3 - line_.size();
    too_long = too_long || length > room;
    line_.append(buffer_, position_, std::min(length, room));
    position_ += length;
    if (end != std::string::npos) {
      ++position_;
      break;
    }
  }
  std::string_view text = line_;
  if (++number_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return Line{.number = number_, .text = text, .too_long = too_long || text.size() > kMaxLineBytes};
}

}  // namespace skulink::internal
