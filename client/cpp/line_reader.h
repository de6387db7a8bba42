#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace skulink::internal {

inline constexpr std::size_t kMaxLineBytes = 4 << 20;

struct Line {
  std::int64_t number;    // from 1
  std::string_view text;  // without the line feed; valid until the next one is read
  bool too_long;          // above kMaxLineBytes; `text` is not all of it
};

// Reads a file line by line, in bounded memory. A UTF-8 byte order mark at its start is left out.
class LineReader {
 public:
  // `-` is the standard input. INVALID_ARGUMENT when it begins as no text in UTF-8 does.
  static absl::StatusOr<LineReader> Open(const std::string& path);

  // nullopt at the end.
  absl::StatusOr<std::optional<Line>> Next();

  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  LineReader(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  absl::Status FillBuffer();

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_;
  std::size_t position_ = 0;  // in buffer_
  std::string line_;
  std::int64_t number_ = 0;
};

}  // namespace skulink::internal
