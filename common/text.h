#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace skulink {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// Code points of a UTF-8 text.
std::size_t CodePoints(std::string_view utf8);

// They themselves; what is not well-formed is left out.
std::u32string ToCodePoints(std::string_view utf8);
void AppendCodePoint(char32_t code_point, std::string& utf8);

// The first `count` code points of a UTF-8 text.
std::string_view FirstCodePoints(std::string_view utf8, std::size_t count);

// Full Unicode case folding. `utf8` must be UTF-8.
std::string FoldCase(std::string_view utf8);

// A name as it is searched by: case-folded, its first 32 code points (of the name; folding may make it
// longer).
std::string NameKey(std::string_view name);
inline constexpr std::size_t kNameKeyLength = 32;

// The 25 code points with Unicode's property White_Space.
bool IsWhiteSpace(char32_t code_point);

// Removes Unicode White_Space at the start, or at both ends.
std::string_view TrimStart(std::string_view utf8);
std::string_view Trim(std::string_view utf8);

// What may be in a text field, and how long it may be.
enum class ControlCharacters {
  kNone,        // no C0 or C1 control character, no U+2028, U+2029
  kTab,         // a name: none but tab
  kWhiteSpace,  // a SKU: those that are White_Space
};
struct TextRule {
  std::size_t max_length;  // in code points
  ControlCharacters allowed = ControlCharacters::kNone;
  bool required = false;  // not empty after trimming
};

// What is wrong with a text; nullopt when nothing is. The text need not be UTF-8: that is the first thing
// checked.
enum class TextProblem { kNotUtf8, kControlCharacter, kTooLong, kEmpty };
std::optional<TextProblem> CheckText(std::string_view text, const TextRule& rule);

// For an error message: `is not UTF-8`, `is longer than 255 characters`, ...
std::string Describe(TextProblem problem, const TextRule& rule);

// CheckText as an InvalidField.
absl::Status CheckTextField(std::string_view text, std::string_view field, const TextRule& rule);

}  // namespace skulink
