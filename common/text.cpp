#include "common/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace skulink {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t length;  // in bytes; 0 when there is no well-formed code point
};

CodePoint Decode(std::string_view text) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  if (bytes[0] < 0x80) return {bytes[0], 1};
  utf8proc_int32_t value = 0;
  const utf8proc_ssize_t length = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &value);
  if (length <= 0) return {0, 0};
  return {static_cast<char32_t>(value), static_cast<std::size_t>(length)};
}

// Most text is ASCII and is checked eight bytes at a time.
constexpr std::uint64_t EightTimes(std::uint8_t byte) { return 0x0101010101010101U * byte; }
constexpr std::uint64_t kHighBits = EightTimes(0x80);

std::uint64_t WordAt(const char* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// Whether `is_good` holds for each word of eight bytes. Words may overlap; a text shorter than one is filled
// up with spaces.
template <typename IsGood>
bool EveryWord(std::string_view text, const IsGood& is_good) {
  if (text.size() < sizeof(std::uint64_t)) {
    std::uint64_t word = EightTimes(' ');
    for (const char byte : text) word = word << 8 | static_cast<unsigned char>(byte);
    return is_good(word);
  }
  const char* const last = text.data() + text.size() - sizeof(std::uint64_t);
  for (const char* bytes = text.data(); bytes < last; bytes += sizeof(std::uint64_t)) {
    if (!is_good(WordAt(bytes))) return false;
  }
  return is_good(WordAt(last));
}

bool IsAscii(std::string_view text) {
  return EveryWord(text, [](std::uint64_t word) { return (word & kHighBits) == 0; });
}

// ASCII without control characters. Subtracting 0x20 sets the high bit of a byte below it, adding 1 that of
// DEL; a borrow into the next byte comes only from a byte that is refused anyway.
bool IsPlainAscii(std::string_view text) {
  return EveryWord(text, [](std::uint64_t word) {
    return ((word | (word - EightTimes(0x20)) | (word + EightTimes(1))) & kHighBits) == 0;
  });
}

bool IsContinuationByte(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

// C0, DEL, C1, and the two separators that end a line as a control character does.
bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029; }

bool IsRefused(char32_t c, ControlCharacters allowed) {
  if (!IsControl(c)) return false;
  switch (allowed) {
    case ControlCharacters::kNone:
      return true;
    case ControlCharacters::kTab:
      return c != '\t';
    case ControlCharacters::kWhiteSpace:
      return !IsWhiteSpace(c);
  }
  return true;
}

std::string_view TrimEnd(std::string_view utf8) {
  while (!utf8.empty()) {
    std::size_t start = utf8.size() - 1;
    while (start > 0 && IsContinuationByte(utf8[start])) --start;
    const CodePoint last = Decode(utf8.substr(start));
    if (last.length == 0 || !IsWhiteSpace(last.value)) break;
    utf8.remove_suffix(utf8.size() - start);
  }
  return utf8;
}

void AppendFolded(char32_t c, std::string& folded) {
  std::array<utf8proc_int32_t, 4> code_points{};  // full case folding makes three of one at most
  int boundary = 0;
  const utf8proc_ssize_t count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), code_points.data(),
                                                         code_points.size(), UTF8PROC_CASEFOLD, &boundary);
  for (utf8proc_ssize_t i = 0; i < count; ++i) AppendCodePoint(static_cast<char32_t>(code_points[i]), folded);
}

v1::ErrorReason ReasonOf(TextProblem problem) {
  switch (problem) {
    case TextProblem::kEmpty:
      return v1::ERROR_REASON_FIELD_REQUIRED;
    case TextProblem::kTooLong:
      return v1::ERROR_REASON_FIELD_TOO_LONG;
    case TextProblem::kNotUtf8:
    case TextProblem::kControlCharacter:
      break;
  }
  return v1::ERROR_REASON_TEXT_INVALID;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  if (IsAscii(text)) return true;
  while (!text.empty()) {
    if (text.size() >= sizeof(std::uint64_t) && (WordAt(text.data()) & kHighBits) == 0) {
      text.remove_prefix(sizeof(std::uint64_t));
      continue;
    }
    const std::size_t length = Decode(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t CodePoints(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char byte) { return !IsContinuationByte(byte); }));
}

std::u32string ToCodePoints(std::string_view utf8) {
  std::u32string code_points;
  code_points.reserve(utf8.size());
  while (!utf8.empty()) {
    const CodePoint next = Decode(utf8);
    if (next.length > 0) code_points.push_back(next.value);
    utf8.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  return code_points;
}

void AppendCodePoint(char32_t code_point, std::string& utf8) {
  if (code_point < 0x80) {
    utf8.push_back(static_cast<char>(code_point));
    return;
  }
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t length =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes.data());
  utf8.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

std::string_view FirstCodePoints(std::string_view utf8, std::size_t count) {
  if (utf8.size() <= count) return utf8;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if (IsContinuationByte(utf8[i])) continue;
    if (count == 0) return utf8.substr(0, i);
    --count;
  }
  return utf8;
}

std::string FoldCase(std::string_view utf8) {
  if (IsAscii(utf8)) return absl::AsciiStrToLower({utf8.data(), utf8.size()});
  std::string folded;
  folded.reserve(utf8.size());
  while (!utf8.empty()) {
    const CodePoint next = Decode(utf8);
    if (next.length == 0) {  // not UTF-8: no letter, stays as it is
      folded.push_back(utf8.front());
      utf8.remove_prefix(1);
      continue;
    }
    AppendFolded(next.value, folded);
    utf8.remove_prefix(next.length);
  }
  return folded;
}

std::string NameKey(std::string_view name) { return FoldCase(FirstCodePoints(name, kNameKeyLength)); }

bool IsWhiteSpace(char32_t code_point) {
  const char32_t c = code_point;
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view TrimStart(std::string_view utf8) {
  while (!utf8.empty()) {
    const CodePoint first = Decode(utf8);
    if (first.length == 0 || !IsWhiteSpace(first.value)) break;
    utf8.remove_prefix(first.length);
  }
  return utf8;
}

std::string_view Trim(std::string_view utf8) { return TrimEnd(TrimStart(utf8)); }

std::optional<TextProblem> CheckText(std::string_view text, const TextRule& rule) {
  std::size_t length = text.size();
  if (!IsPlainAscii(text)) {
    length = 0;
    bool refused = false;
    for (std::string_view rest = text; !rest.empty(); ++length) {
      const CodePoint next = Decode(rest);
      if (next.length == 0) return TextProblem::kNotUtf8;
      refused = refused || IsRefused(next.value, rule.allowed);
      rest.remove_prefix(next.length);
    }
    if (refused) return TextProblem::kControlCharacter;
  }
  if (length > rule.max_length) return TextProblem::kTooLong;
  if (rule.required && TrimStart(text).empty()) return TextProblem::kEmpty;
  return std::nullopt;
}

std::string Describe(TextProblem problem, const TextRule& rule) {
  switch (problem) {
    case TextProblem::kNotUtf8:
      return "is not UTF-8";
    case TextProblem::kControlCharacter:
      switch (rule.allowed) {
        case ControlCharacters::kNone:
          return "holds a control character";
        case ControlCharacters::kTab:
          return "holds a control character other than tab";
        case ControlCharacters::kWhiteSpace:
          return "holds a control character that is not white space";
      }
      break;
    case TextProblem::kTooLong:
      return absl::StrCat("is longer than ", rule.max_length, " characters");
    case TextProblem::kEmpty:
      return "is required";
  }
  return "";
}

absl::Status CheckTextField(std::string_view text, std::string_view field, const TextRule& rule) {
  const auto problem = CheckText(text, rule);
  if (!problem) return absl::OkStatus();
  return InvalidField(field, ReasonOf(*problem), Describe(*problem, rule));
}

}  // namespace skulink
