#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace skulink::cli {

bool IsTerminal(std::FILE* file);
// Columns of the terminal; 80 when it does not say.
std::size_t TerminalWidth(std::FILE* file);
// On a terminal, unless NO_COLOR is set.
bool HasColours(std::FILE* file);

enum class Colour { kBold, kRed, kGreen, kYellow };
// `text` with `colour` where `file` has colours.
std::string Coloured(std::FILE* file, Colour colour, const std::string& text);

// Text from outside, safe for a terminal: characters that control it, turn the direction of writing or cannot
// be seen are written as \u001b. `text` must be UTF-8.
std::string Escape(std::string_view text);

// Columns that a text takes: none for combining marks, two for most East Asian characters and emoji.
std::size_t DisplayWidth(std::string_view utf8);
// The longest beginning that takes at most `width` columns, with an ellipsis where something is left out.
std::string Cut(std::string_view utf8, std::size_t width);

}  // namespace skulink::cli
