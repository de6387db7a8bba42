#include "common/text.h"

#include <gtest/gtest.h>

#include <array>

namespace skulink {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr std::array<std::string_view, 25> kWhiteSpace = {
    "\t",     "\n",     "\v",     "\f",     "\r",     " ",      "\u0085", "\u00A0", "\u1680",
    "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
    "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};

// They look like nothing, but are no White_Space.
constexpr std::array<std::string_view, 5> kInvisible = {"\u200B", "\u180E", "\u200D", "\u2060", "\uFEFF"};

struct NamedText {
  std::string_view name;
  std::string_view text;
};
constexpr NamedText kNotUtf8[] = {
    {"lone continuation byte", "abc\x80"},
    {"truncated two bytes", "abcdefgh\xC3"},
    {"truncated three bytes", "\xE2\x82"},
    {"truncated four bytes", "\xF0\x9F\x98"},
    {"lead byte before ASCII", "\xC3(abcdefgh"},
    {"overlong slash in two bytes", "\xC0\xAF"},
    {"overlong slash in three bytes", "\xE0\x80\xAF"},
    {"overlong slash in four bytes", "\xF0\x80\x80\xAF"},
    {"overlong NUL", "\xC0\x80"},
    {"first surrogate", "\xED\xA0\x80"},
    {"last surrogate", "\xED\xBF\xBF"},
    {"above U+10FFFF", "\xF4\x90\x80\x80"},
    {"five bytes", "\xF8\x88\x80\x80\x80"},
    {"0xFE", "\xFE"},
    {"0xFF after eight ASCII bytes", "12345678\xFF"},
    {"Latin-1", "Caf\xE9 Noir"},
};

TEST(IsUtf8, TakesWellFormedText) {
  for (std::string_view text :
       {""sv, "Baju"sv, "a\0b"sv, "Jalapeño 日本 ✨"sv, "\u007F\u0080\u07FF\u0800"sv, "\uD7FF\uE000\uFFFF"sv,
        "\U00010000\U0010FFFF"sv, "1234567é"sv, "12345678é9"sv}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(IsUtf8, RefusesEverythingElse) {
  for (const auto& [name, text] : kNotUtf8) EXPECT_FALSE(IsUtf8(text)) << name;
}

TEST(CodePoints, CountsCharactersNotBytes) {
  EXPECT_EQ(CodePoints(""), 0U);
  EXPECT_EQ(CodePoints("Baju"), 4U);
  EXPECT_EQ(CodePoints("é日✨\U0001F455"), 4U);
}

TEST(FirstCodePoints, CutsBetweenCharacters) {
  EXPECT_EQ(FirstCodePoints("é日✨x", 2), "é日");
  EXPECT_EQ(FirstCodePoints("é日", 2), "é日");
  EXPECT_EQ(FirstCodePoints("é日", 9), "é日");
  EXPECT_EQ(FirstCodePoints("é", 0), "");
  EXPECT_EQ(FirstCodePoints("abc", 2), "ab");
}

// The expected texts are those of Unicode's CaseFolding.txt, statuses C and F.
TEST(FoldCase, FoldsFully) {
  constexpr struct {
    std::string_view name, text, folded;
  } kCases[] = {
      {"ASCII", "BAJU-Merah 012", "baju-merah 012"},
      {"accents stay", "ÉÀÜ", "éàü"},
      {"combining accents are not composed", "E\u0301", "e\u0301"},
      {"precomposed accents are not decomposed", "\u00E9", "\u00E9"},
      {"sharp s", "Straße", "strasse"},
      {"capital sharp s", "\u1E9E", "ss"},
      {"I with dot above", "\u0130", "i\u0307"},
      {"dotless i stays", "\u0131", "\u0131"},
      {"capital I is not Turkish", "I", "i"},
      {"sigmas are one letter", "ΣΑΣςσ", "σασσσ"},
      {"micro sign is mu", "\u00B5", "\u03BC"},
      {"Kelvin sign is k", "\u212A", "k"},
      {"Angstrom sign", "\u212B", "\u00E5"},
      {"long s", "\u017F", "s"},
      {"ligature ffi", "\uFB03", "ffi"},
      {"ligature st", "\uFB06", "st"},
      {"Armenian ligature", "\u0587", "\u0565\u0582"},
      {"Greek with iota below", "\u1F80", "\u1F00\u03B9"},
      {"three characters from one", "\u0390", "\u03B9\u0308\u0301"},
      {"n after apostrophe", "\u0149", "\u02BCn"},
      {"digraph in title case", "\u01C5", "\u01C6"},
      {"Cherokee capital stays", "\u13A0", "\u13A0"},
      {"Cherokee small becomes capital", "\uAB70", "\u13A0"},
      {"Cherokee small letter YE", "\u13F8", "\u13F0"},
      {"Georgian capital", "\u1C90", "\u10D0"},
      {"Cyrillic", "ЖЁ", "жё"},
      {"full-width letters stay full-width", "\uFF21", "\uFF41"},
      {"Deseret, four bytes", "\U00010400", "\U00010428"},
      {"Adlam, four bytes", "\U0001E900", "\U0001E922"},
      {"soft hyphen and joiners stay", "A\u00AD\u200D\u200B", "a\u00AD\u200D\u200B"},
      {"no case", "日本 ไทย ✨", "日本 ไทย ✨"},
      {"Hangul stays whole", "\uAC01", "\uAC01"},
      {"circled letter", "\u24B6", "\u24D0"},
  };
  for (const auto& [name, text, folded] : kCases) EXPECT_EQ(FoldCase(text), folded) << name;
}

TEST(FoldCase, KeepsNulBytes) { EXPECT_EQ(FoldCase("A\0B\0É"s), "a\0b\0é"s); }

TEST(NameKey, FoldsTheFirst32CharactersOfTheName) {
  EXPECT_EQ(NameKey("Kaos Polos"), "kaos polos");
  EXPECT_EQ(NameKey(std::string(32, 'A') + "B"), std::string(32, 'a'));

  std::string sharp, folded;
  for (int i = 0; i < 32; ++i) {
    sharp += "ß";
    folded += "ss";
  }
  EXPECT_EQ(NameKey(sharp + "x"), folded);
}

TEST(NameKey, OfTheBeginningOfANameIsTheBeginningOfItsKey) {
  const std::string key = NameKey("Große Bluse ΣΑΣ İstanbul Edition");
  for (std::string_view beginning : {"GROß", "große bluse σας", "Große Bluse ΣΑΣ İ"}) {
    EXPECT_EQ(key.substr(0, NameKey(beginning).size()), NameKey(beginning)) << beginning;
  }
}

TEST(Trim, RemovesEveryWhiteSpaceAtBothEnds) {
  for (std::string_view space : kWhiteSpace) {
    const std::string text = std::string(space) + "a" + std::string(space) + "b" + std::string(space);
    const std::string inner = "a" + std::string(space) + "b";
    EXPECT_EQ(Trim(text), inner);
    EXPECT_EQ(TrimStart(text), inner + std::string(space));
    EXPECT_EQ(Trim(space), "");
  }
}

TEST(Trim, RemovesRunsOfDifferentWhiteSpace) {
  std::string all;
  for (std::string_view space : kWhiteSpace) all += space;
  EXPECT_EQ(Trim(all + "日" + all), "日");
  EXPECT_EQ(Trim(all), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(Trim, KeepsInvisibleCharactersThatAreNoWhiteSpace) {
  for (std::string_view invisible : kInvisible) {
    const std::string text = std::string(invisible) + "a" + std::string(invisible);
    EXPECT_EQ(Trim(text), text);
  }
  EXPECT_EQ(Trim("\x1F"
                 "a\0"sv),
            "\x1F"
            "a\0"sv);
}

constexpr TextRule kName = {.max_length = 10, .allowed = ControlCharacters::kTab, .required = true};
constexpr TextRule kSku = {.max_length = 10, .allowed = ControlCharacters::kWhiteSpace};
constexpr TextRule kPlain = {.max_length = 10};

TEST(CheckText, CountsTheLimitInCharacters) {
  EXPECT_EQ(CheckText("1234567890", kPlain), std::nullopt);
  EXPECT_EQ(CheckText("12345678901", kPlain), TextProblem::kTooLong);
  EXPECT_EQ(CheckText("éééééééééé", kPlain), std::nullopt);
  EXPECT_EQ(CheckText("ééééééééééé", kPlain), TextProblem::kTooLong);
}

TEST(CheckText, SaysFirstThatATextIsNotUtf8) {
  for (const auto& [name, text] : kNotUtf8) EXPECT_EQ(CheckText(text, kSku), TextProblem::kNotUtf8) << name;
  EXPECT_EQ(CheckText("\x01 and much too long \xFF", kPlain), TextProblem::kNotUtf8);
}

TEST(CheckText, RefusesControlCharactersAtEveryPosition) {
  for (std::string_view control : {"\0"sv, "\x01"sv, "\x1F"sv, "\x7F"sv, "\u0080"sv, "\u009F"sv}) {
    for (std::size_t position = 0; position < 9; ++position) {
      std::string text = "abcdefgh";
      text.insert(position, control);
      for (const TextRule& rule : {kName, kSku, kPlain}) {
        EXPECT_EQ(CheckText(text, rule), TextProblem::kControlCharacter) << position;
      }
    }
  }
}

TEST(CheckText, AllowsWhiteSpaceControlsByRule) {
  EXPECT_EQ(CheckText("a\tb", kPlain), TextProblem::kControlCharacter);
  EXPECT_EQ(CheckText("a\tb", kName), std::nullopt);
  EXPECT_EQ(CheckText("a\tb", kSku), std::nullopt);
  for (std::string_view line_end : {"\n", "\v", "\f", "\r", "\u0085", "\u2028", "\u2029"}) {
    const std::string text = "é" + std::string(line_end);
    EXPECT_EQ(CheckText(text, kPlain), TextProblem::kControlCharacter);
    EXPECT_EQ(CheckText(text, kName), TextProblem::kControlCharacter);
    EXPECT_EQ(CheckText(text, kSku), std::nullopt);
  }
}

TEST(CheckText, AllowsEverythingThatIsNoControlCharacter) {
  for (std::string_view text : {" ", "~", "\u00A0", "\u200B", "\uFEFF", "\uFFFF", "\U0001F455", "Ω日✨"}) {
    EXPECT_EQ(CheckText(text, kPlain), std::nullopt) << text;
  }
}

TEST(CheckText, CallsABlankTextEmptyWhereOneIsRequired) {
  for (std::string_view blank : {"", " ", "\t", "\u3000 \u00A0"}) {
    EXPECT_EQ(CheckText(blank, kName), TextProblem::kEmpty);
    EXPECT_EQ(CheckText(blank, kSku), std::nullopt);
  }
}

TEST(Describe, SaysWhatIsWrong) {
  EXPECT_EQ(Describe(TextProblem::kNotUtf8, kName), "is not UTF-8");
  EXPECT_EQ(Describe(TextProblem::kTooLong, kName), "is longer than 10 characters");
  EXPECT_EQ(Describe(TextProblem::kEmpty, kName), "is required");
  EXPECT_EQ(Describe(TextProblem::kControlCharacter, kPlain), "holds a control character");
  EXPECT_EQ(Describe(TextProblem::kControlCharacter, kName), "holds a control character other than tab");
  EXPECT_EQ(Describe(TextProblem::kControlCharacter, kSku),
            "holds a control character that is not white space");
}

}  // namespace
}  // namespace skulink
