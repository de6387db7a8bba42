#include "common/sku_likeness.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include "common/text.h"

namespace skulink {
namespace {

// Letters that look like a Latin one, after case folding: where the capitals look alike the small ones are
// taken for it as well, since case must not count.
struct Lookalike {
  char32_t letter;
  char latin;
};
constexpr auto kLookalikes = std::to_array<Lookalike>({
    // Latin
    {0x0131, 'i'},
    {0x0251, 'a'},
    {0x0261, 'g'},
    {0x0237, 'j'},
    // Greek
    {0x03B1, 'a'},
    {0x03B2, 'b'},
    {0x03B5, 'e'},
    {0x03B6, 'z'},
    {0x03B7, 'h'},
    {0x03B9, 'i'},
    {0x03BA, 'k'},
    {0x03BC, 'm'},
    {0x03BD, 'n'},
    {0x03BF, 'o'},
    {0x03C1, 'p'},
    {0x03C4, 't'},
    {0x03C5, 'y'},
    {0x03C7, 'x'},
    {0x03F3, 'j'},
    // Cyrillic
    {0x0430, 'a'},
    {0x0432, 'b'},
    {0x0435, 'e'},
    {0x043A, 'k'},
    {0x043C, 'm'},
    {0x043D, 'h'},
    {0x043E, 'o'},
    {0x0440, 'p'},
    {0x0441, 'c'},
    {0x0442, 't'},
    {0x0443, 'y'},
    {0x0445, 'x'},
    {0x0455, 's'},
    {0x0456, 'i'},
    {0x0458, 'j'},
    {0x04AF, 'y'},
    {0x04BB, 'h'},
    {0x04CF, 'i'},
    {0x0501, 'd'},
    {0x051B, 'q'},
    {0x051D, 'w'},
});
static_assert(std::is_sorted(kLookalikes.begin() + 4, kLookalikes.end(),
                             [](const Lookalike& a, const Lookalike& b) { return a.letter < b.letter; }));

char32_t LatinOf(char32_t folded) {
  if (folded < 0x80) return folded;
  const auto found = std::find_if(kLookalikes.begin(), kLookalikes.end(),
                                  [folded](const Lookalike& one) { return one.letter == folded; });
  return found == kLookalikes.end() ? folded : static_cast<char32_t>(found->latin);
}

bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }

// Takes the code points that `options` make of one.
template <typename Take>
void Decompose(char32_t c, int options, const Take& take) {
  std::array<utf8proc_int32_t, 32> made{};  // 18 at most
  int boundary = 0;
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), made.data(), made.size(),
                              static_cast<utf8proc_option_t>(options), &boundary);
  for (utf8proc_ssize_t i = 0; i < count && i < static_cast<utf8proc_ssize_t>(made.size()); ++i) {
    take(static_cast<char32_t>(made[static_cast<std::size_t>(i)]));
  }
}

enum class Kind : std::uint8_t { kShown, kZero, kSpace, kInvisible, kDash };

// One of the characters that a character of a SKU stands for.
struct Mark {
  Kind kind;
  char32_t raw;     // as written
  char32_t folded;  // case folded
  char32_t latin;   // in compatibility form, and the Latin letter that it looks like
  char32_t shown;   // and the digit
};

Kind KindOf(char32_t c) {
  if (c < 0x80 && c != '-' && c != '_') return IsWhiteSpace(c) ? Kind::kSpace : Kind::kShown;
  if (IsWhiteSpace(c)) return Kind::kSpace;
  const utf8proc_property_t& property = *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
  if (property.ignorable) return Kind::kInvisible;
  const bool is_dash = property.category == UTF8PROC_CATEGORY_PD ||
                       property.category == UTF8PROC_CATEGORY_PC || c == 0x2212;  // minus
  return is_dash ? Kind::kDash : Kind::kShown;
}

void AddMark(char32_t raw, char32_t folded, char32_t compatible, std::vector<Mark>& marks) {
  const char32_t latin = LatinOf(compatible);
  const char32_t shown = latin == 'o' ? U'0' : latin == 'i' || latin == 'l' ? U'1' : latin;
  // A white space that has another one as its compatibility form is the same kind of character.
  const Kind kind = KindOf(raw) == Kind::kShown ? KindOf(compatible) : KindOf(raw);
  marks.push_back({kind, raw, folded, latin, shown});
}

std::vector<Mark> MarksOf(std::string_view sku) {
  std::vector<Mark> marks;
  for (const char32_t raw : ToCodePoints(Trim(sku))) {
    if (raw < 0x80) {
      const char32_t folded = raw >= 'A' && raw <= 'Z' ? raw + ('a' - 'A') : raw;
      AddMark(raw, folded, folded, marks);
    } else if (KindOf(raw) != Kind::kShown) {
      AddMark(raw, raw, raw, marks);
    } else {
      Decompose(raw, UTF8PROC_CASEFOLD, [&](char32_t folded) {
        Decompose(folded, UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD,
                  [&](char32_t compatible) { AddMark(raw, folded, compatible, marks); });
      });
    }
  }
  return marks;
}

// Marks the zeros that do not count: see LooseSkuKey.
void FindLeadingZeros(std::vector<Mark>& marks) {
  std::vector<Mark*> shown;
  for (Mark& mark : marks) {
    if (mark.kind == Kind::kShown) shown.push_back(&mark);
  }
  bool at_start = true, in_number = false;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const bool is_last = i + 1 == shown.size();
    if (shown[i]->shown == '0' && !in_number && !is_last && (at_start || IsDigit(shown[i + 1]->shown))) {
      shown[i]->kind = Kind::kZero;
      continue;
    }
    at_start = false;
    in_number = IsDigit(shown[i]->latin) || (in_number && IsDigit(shown[i]->shown));
  }
}

// A SKU as it is compared: what is shown, and what stands before each of them and at the end.
class Reading {
 public:
  explicit Reading(std::string_view sku) : marks_(MarksOf(sku)) {
    FindLeadingZeros(marks_);
    for (std::size_t i = 0; i < marks_.size(); ++i) {
      if (marks_[i].kind == Kind::kShown) shown_.push_back(i);
    }
  }

  std::size_t size() const { return shown_.size(); }
  const Mark& Shown(std::size_t i) const { return marks_[shown_[i]]; }
  std::span<const Mark> Before(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : shown_[i - 1] + 1;
    const std::size_t end = i == shown_.size() ? marks_.size() : shown_[i];
    return std::span(marks_).subspan(begin, end - begin);
  }

 private:
  std::vector<Mark> marks_;
  std::vector<std::size_t> shown_;  // where in marks_
};

using Differences = std::set<SkuDifference>;

// A letter that case folding changes.
bool IsUpper(const Mark& mark) { return mark.raw != mark.folded; }

void CompareMarks(const Mark& a, const Mark& b, Differences& found) {
  if (a.raw == b.raw) return;
  if (a.folded == b.folded) {
    found.insert(SkuDifference::kCase);
    return;
  }
  found.insert(SkuDifference::kLookalike);
  if (a.latin == b.latin && IsUpper(a) != IsUpper(b)) found.insert(SkuDifference::kCase);
}

std::vector<Mark> OfKind(std::span<const Mark> marks, Kind kind) {
  std::vector<Mark> some;
  std::copy_if(marks.begin(), marks.end(), std::back_inserter(some),
               [kind](const Mark& mark) { return mark.kind == kind; });
  return some;
}

bool SameAsWritten(std::span<const Mark> a, std::span<const Mark> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Mark& one, const Mark& other) { return one.raw == other.raw; });
}

// False when there are more zeros on one side than it has that are written as a zero.
bool CompareZeros(const std::vector<Mark>& a, const std::vector<Mark>& b, Differences& found) {
  if (a.size() == b.size()) {
    for (std::size_t i = 0; i < a.size(); ++i) CompareMarks(a[i], b[i], found);
    return true;
  }
  const auto digits = [](const std::vector<Mark>& zeros) {
    return static_cast<std::size_t>(
        std::count_if(zeros.begin(), zeros.end(), [](const Mark& zero) { return zero.latin == '0'; }));
  };
  const auto& longer = a.size() > b.size() ? a : b;
  const std::size_t more = longer.size() - std::min(a.size(), b.size());
  if (more > digits(longer)) return false;
  found.insert(SkuDifference::kLeadingZero);
  if (a.size() - digits(a) != b.size() - digits(b)) found.insert(SkuDifference::kLookalike);
  return true;
}

bool CompareBefore(std::span<const Mark> a, std::span<const Mark> b, Differences& found) {
  if (SameAsWritten(a, b)) return true;
  if (!CompareZeros(OfKind(a, Kind::kZero), OfKind(b, Kind::kZero), found)) return false;
  constexpr std::pair<Kind, SkuDifference> kKinds[] = {
      {Kind::kSpace, SkuDifference::kInnerSpace},
      {Kind::kInvisible, SkuDifference::kInvisibleCharacter},
      {Kind::kDash, SkuDifference::kDashOrUnderscore},
  };
  for (const auto& [kind, difference] : kKinds) {
    if (!SameAsWritten(OfKind(a, kind), OfKind(b, kind))) found.insert(difference);
  }
  return true;
}

// The same in another order, `A -1` and `A- 1`: the first kind of what is moved differs.
void CompareOrder(std::span<const Mark> a, std::span<const Mark> b, Differences& found) {
  if (SameAsWritten(a, b)) return;
  if (!OfKind(a, Kind::kSpace).empty()) {
    found.insert(SkuDifference::kInnerSpace);
  } else if (!OfKind(a, Kind::kInvisible).empty()) {
    found.insert(SkuDifference::kInvisibleCharacter);
  } else {
    found.insert(SkuDifference::kDashOrUnderscore);
  }
}

}  // namespace

std::string LooseSkuKey(std::string_view sku) {
  const Reading reading(sku);
  std::string key;
  for (std::size_t i = 0; i < std::min(reading.size(), kLooseKeyLength); ++i) {
    AppendCodePoint(reading.Shown(i).shown, key);
  }
  return key;
}

std::vector<SkuDifference> SkuDifferences(std::string_view sku, std::string_view other) {
  const Reading a(sku), b(other);
  if (a.size() != b.size() || a.size() == 0) return {};
  Differences found;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a.Shown(i).shown != b.Shown(i).shown) return {};
    CompareMarks(a.Shown(i), b.Shown(i), found);
  }
  for (std::size_t i = 0; i <= a.size(); ++i) {
    if (!CompareBefore(a.Before(i), b.Before(i), found)) return {};
  }
  if (found.empty()) {
    for (std::size_t i = 0; i <= a.size(); ++i) CompareOrder(a.Before(i), b.Before(i), found);
  }
  return {found.begin(), found.end()};
}

std::optional<std::int64_t> GtinKey(std::string_view gtin) {
  constexpr int kFewestDigits = 8, kMostDigits = 14;
  int digits = 0;
  std::int64_t number = 0;
  for (const char32_t c : ToCodePoints(gtin)) {
    const Kind kind = KindOf(c);
    if (kind == Kind::kSpace || kind == Kind::kInvisible || kind == Kind::kDash) continue;
    if (!IsDigit(c) || ++digits > kMostDigits) return std::nullopt;
    number = number * 10 + static_cast<int>(c - '0');
  }
  if (digits < kFewestDigits || number == 0) return std::nullopt;
  return number;
}

}  // namespace skulink
