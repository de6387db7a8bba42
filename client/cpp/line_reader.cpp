#include "client/cpp/line_reader.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace skulink::internal {

absl::StatusOr<LineReader> LineReader::Open(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  return LineReader(path, file);
}

absl::StatusOr<std::optional<Line>> LineReader::Next() {
  line_.clear();
  bool any = false;
  bool too_long = false;
  while (true) {
    if (position_ == buffer_.size()) {
      buffer_.resize(1 << 16);
      errno = 0;
      buffer_.resize(std::fread(buffer_.data(), 1, buffer_.size(), file_.get()));
      position_ = 0;
      if (std::ferror(file_.get()) != 0)
        return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path_));
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
