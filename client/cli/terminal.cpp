#include "client/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_format.h"

namespace skulink::cli {
namespace {

// Takes the first code point off `text`; a byte that is none counts as one.
utf8proc_int32_t NextCodePoint(std::string_view& text) {
  utf8proc_int32_t code_point = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  text.remove_prefix(length > 0 ? static_cast<std::size_t>(length) : 1);
  return length > 0 ? code_point : 0xFFFD;
}

bool ControlsTerminal(utf8proc_int32_t code_point) {
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    // Among them are what turns the direction of writing, and what cannot be seen: a zero width space makes
    // two SKUs of one.
    case UTF8PROC_CATEGORY_CF:
      return true;
    default:
      return false;
  }
}

// As JSON has it: above U+FFFF, in two halves.
void AppendEscape(std::uint32_t code_point, std::string& escaped) {
  if (code_point < 0x10000) {
    absl::StrAppendFormat(&escaped, "\\u%04x", code_point);
  } else {
    const std::uint32_t above = code_point - 0x10000;
    absl::StrAppendFormat(&escaped, "\\u%04x\\u%04x", 0xD800 + (above >> 10), 0xDC00 + (above & 0x3FF));
  }
}

std::size_t Width(utf8proc_int32_t code_point) {
  return static_cast<std::size_t>(std::max(0, utf8proc_charwidth(code_point)));
}

const char* Code(Colour colour) {
  switch (colour) {
    case Colour::kBold:
      return "1";
    case Colour::kRed:
      return "31";
    case Colour::kGreen:
      return "32";
    case Colour::kYellow:
      return "33";
  }
  return "0";
}

}  // namespace

bool IsTerminal(std::FILE* file) { return isatty(fileno(file)) == 1; }

std::size_t TerminalWidth(std::FILE* file) {
  winsize size{};
  return ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool HasColours(std::FILE* file) {
  const char* no_color = std::getenv("NO_COLOR");
  return IsTerminal(file) && (no_color == nullptr || *no_color == '\0');
}

std::string Coloured(std::FILE* file, Colour colour, const std::string& text) {
  return HasColours(file) ? absl::StrFormat("\x1b[%sm%s\x1b[0m", Code(colour), text) : text;
}

std::string Escape(std::string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const std::string_view before = text;
    const utf8proc_int32_t code_point = NextCodePoint(text);
    if (ControlsTerminal(code_point)) {
      AppendEscape(static_cast<std::uint32_t>(code_point), escaped);
    } else if (code_point == 0xFFFD) {
      escaped += "\uFFFD";
    } else {
      escaped += before.substr(0, before.size() - text.size());
    }
  }
  return escaped;
}

std::size_t DisplayWidth(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty()) width += Width(NextCodePoint(utf8));
  return width;
}

std::string Cut(std::string_view utf8, std::size_t width) {
  if (DisplayWidth(utf8) <= width) return std::string(utf8);
  if (width == 0) return "";
  std::string_view rest = utf8;
  std::size_t used = 0;
  std::size_t kept = 0;
  while (!rest.empty()) {
    used += Width(NextCodePoint(rest));
    if (used > width - 1) break;
    kept = utf8.size() - rest.size();
  }
  return std::string(utf8.substr(0, kept)) + "…";
}

}  // namespace skulink::cli
