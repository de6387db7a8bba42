#include "common/sku_likeness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <random>

#include "common/sku_key.h"
#include "common/text.h"

namespace skulink {
namespace {

using enum SkuDifference;
using Differences = std::vector<SkuDifference>;

struct Pair {
  const char* sku;
  const char* other;
  Differences differences;
};
void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.sku << " and " << pair.other; }

class Alike : public testing::TestWithParam<Pair> {};

TEST_P(Alike, HaveOneLooseKeyAndDifferInTheseWays) {
  const auto& [sku, other, differences] = GetParam();
  EXPECT_EQ(LooseSkuKey(sku), LooseSkuKey(other));
  EXPECT_EQ(SkuDifferences(sku, other), differences);
  EXPECT_EQ(SkuDifferences(other, sku), differences);
}

INSTANTIATE_TEST_SUITE_P(
    OneWay, Alike,
    testing::Values(
        Pair{"ab-1", "AB-1", {kCase}}, Pair{"Straße", "STRASSE", {kCase}}, Pair{"AB 1", "AB1", {kInnerSpace}},
        Pair{"AB  1", "AB 1", {kInnerSpace}}, Pair{"AB\u00a01", "AB 1", {kInnerSpace}},
        Pair{"A -1", "A- 1", {kInnerSpace}}, Pair{"AB\u200b1", "AB1", {kInvisibleCharacter}},
        Pair{"\ufeffAB1", "AB1", {kInvisibleCharacter}}, Pair{"AB1\u00ad", "AB1", {kInvisibleCharacter}},
        Pair{"AB-1", "AB_1", {kDashOrUnderscore}}, Pair{"AB-1", "AB1", {kDashOrUnderscore}},
        Pair{"AB-1", "AB\u20111", {kDashOrUnderscore}}, Pair{"AB-1", "AB\u22121", {kDashOrUnderscore}},
        Pair{"AB-1", "AB\uff0d1", {kDashOrUnderscore}}, Pair{"2023-001", "2023001", {kDashOrUnderscore}},
        Pair{"AB-007", "AB-7", {kLeadingZero}}, Pair{"007", "7", {kLeadingZero}},
        Pair{"0AB", "AB", {kLeadingZero}}, Pair{"A00", "A0", {kLeadingZero}},
        Pair{"XL-02", "XL-2", {kLeadingZero}}, Pair{"000", "0", {kLeadingZero}},
        Pair{"B0-1", "BO-1", {kLookalike}}, Pair{"O07", "007", {kLookalike}},
        Pair{"1O05", "1005", {kLookalike}}, Pair{"Al", "A1", {kLookalike}}, Pair{"AI", "Al", {kLookalike}},
        Pair{"\u0410-1", "A-1", {kLookalike}}, Pair{"\u0391-1", "A-1", {kLookalike}},
        Pair{"AB-\uff11", "AB-1", {kLookalike}}, Pair{"\u00e9", "e\u0301", {kLookalike}}));

INSTANTIATE_TEST_SUITE_P(
    SeveralWays, Alike,
    testing::Values(Pair{"ab 1", "AB-1", {kCase, kInnerSpace, kDashOrUnderscore}},
                    Pair{"ab\u200b-01", "AB1", {kCase, kInvisibleCharacter, kDashOrUnderscore, kLeadingZero}},
                    Pair{"\u0430-1", "A-1", {kCase, kLookalike}}, Pair{"\uff41", "A", {kCase, kLookalike}},
                    Pair{"O07", "07", {kLeadingZero, kLookalike}},
                    Pair{"CO7", "C007", {kLeadingZero, kLookalike}}));

TEST(SkuLikeness, OuterWhiteSpaceDoesNotCount) {
  EXPECT_EQ(LooseSkuKey(" A-1\u3000"), LooseSkuKey("a1"));
  EXPECT_EQ(SkuDifferences("\t A-1 ", "a-1"), Differences{kCase});
  EXPECT_EQ(SkuDifferences("A-1", "A-1\u00a0"), Differences{});
}

TEST(SkuLikeness, WhatIsNotAlikeIsKeptApart) {
  for (const auto& [sku, other] : std::vector<std::pair<const char*, const char*>>{{"AB-1", "AB-2"},
                                                                                   {"100", "10"},
                                                                                   {"1-02", "1-2"},
                                                                                   {"AB/1", "AB1"},
                                                                                   {"A\u0301", "A"},
                                                                                   {"X1-02", "XL-02"}}) {
    EXPECT_NE(LooseSkuKey(sku), LooseSkuKey(other)) << sku << " " << other;
    EXPECT_EQ(SkuDifferences(sku, other), Differences{}) << sku << " " << other;
  }
}

TEST(SkuLikeness, ALetterOThatIsNotThereIsNoZero) {
  for (const auto& [sku, other] : std::vector<std::pair<const char*, const char*>>{
           {"CO7", "C7"}, {"COL-1", "CL-1"}, {"OAK", "AK"}, {"BOO", "BO"}}) {
    EXPECT_EQ(LooseSkuKey(sku), LooseSkuKey(other)) << sku;
    EXPECT_EQ(SkuDifferences(sku, other), Differences{}) << sku;
    EXPECT_EQ(SkuDifferences(other, sku), Differences{}) << sku;
  }
}

TEST(SkuLikeness, NothingIsLeftOfSeparators) {
  for (const char* sku : {"", " ", "---", "\u200b", "_ -\u2014"}) EXPECT_EQ(LooseSkuKey(sku), "") << sku;
  EXPECT_EQ(SkuDifferences("--", "---"), Differences{});
}

TEST(SkuLikeness, AVeryLongKeyIsCutOffAndTheRestIsStillCompared) {
  const std::string head(300, 'a');
  EXPECT_EQ(CodePoints(LooseSkuKey(head)), kLooseKeyLength);
  EXPECT_EQ(LooseSkuKey(head + "x"), LooseSkuKey(head + "y"));
  EXPECT_EQ(SkuDifferences(head + "x", head + "y"), Differences{});
  EXPECT_EQ(SkuDifferences(head + "x", head + "X"), Differences{kCase});
  // One that decomposes into many.
  std::string ligatures;
  for (int i = 0; i < 255; ++i) ligatures += "\ufdfa";
  EXPECT_LE(LooseSkuKey(ligatures).size(), 4 * kLooseKeyLength);
}

TEST(GtinKey, IsTheNumber) {
  EXPECT_EQ(GtinKey("036000291452"), 36000291452);
  EXPECT_EQ(GtinKey("0036000291452"), 36000291452);
  EXPECT_EQ(GtinKey(" 978-3-16 148410-0"), 9783161484100);
  EXPECT_EQ(GtinKey("12345670"), 12345670);
  EXPECT_EQ(GtinKey("99999999999999"), 99999999999999);
}

TEST(GtinKey, IsNothingForWhatIsNoGtin) {
  for (const char* text :
       {"", "1234567", "123456789012345", "8991234X67890", "00000000", "none", "8991234567890.0",
        "99999999999999999999999999", "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18"}) {
    EXPECT_EQ(GtinKey(text), std::nullopt) << text;
  }
}

class RandomSkus : public testing::Test {
 protected:
  std::size_t Below(std::size_t limit) { return random_() % limit; }
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

  // A character of a SKU on its way to another SKU.
  using Text = std::vector<std::string>;
  static std::string Join(const Text& text) {
    std::string joined;
    for (const std::string& c : text) joined += c;
    return joined;
  }
  // Letters that nothing here is taken for, a dash, a number without zeros before it, a dash, letters again.
  Text Sku() {
    const std::vector<std::string> letters = {"A", "B", "E", "F", "G", "H", "K", "P", "R", "T", "X", "Z"};
    Text sku = {OneOf(letters), OneOf(letters), OneOf(letters), "-", OneOf<std::string>({"1", "2", "9"})};
    for (std::size_t i = Below(4); i > 0; --i) sku.push_back(OneOf<std::string>({"0", "1", "5"}));
    sku.insert(sku.end(), {"-", OneOf(letters), OneOf(letters)});
    return sku;
  }
  // Not before the first character or after the last.
  void Insert(Text& text, const std::vector<std::string>& choices) {
    text.insert(text.begin() + 1 + static_cast<std::ptrdiff_t>(Below(text.size() - 1)), OneOf(choices));
  }

  void Change(Text& text, SkuDifference difference) {
    switch (difference) {
      case kCase:
        text.back() = FoldCase(text.back());
        break;
      case kInnerSpace:
        Insert(text, {" ", "\t", "\u00a0", "\u3000"});
        break;
      case kInvisibleCharacter:
        Insert(text, {"\u200b", "\ufeff", "\u00ad", "\u200d", "\u2060"});
        break;
      case kDashOrUnderscore: {
        const auto dash = std::find(text.begin(), text.end(), "-");
        if (dash == text.end() || Below(2) == 0)
          return Insert(text, {"-", "_", "\u2011", "\u2014", "\u2212"});
        *dash = OneOf<std::string>({"", "_", "\u2013", "\uff0d"});
        break;
      }
      case kLeadingZero:
        text.insert(std::find_if(text.begin(), text.end(), [](const std::string& c) { return IsDigit(c); }),
                    1 + Below(3), "0");
        break;
      case kLookalike:
        if (Below(2) == 0 && ReplaceDigit(text)) return;
        text.front() = kTwins.at(text.front())[Below(kTwins.at(text.front()).size())];
        break;
    }
  }

  std::mt19937 random_{20240607};

 private:
  static bool IsDigit(const std::string& c) { return c.size() == 1 && c[0] >= '0' && c[0] <= '9'; }
  // One that is not the first of the number.
  bool ReplaceDigit(Text& text) {
    auto digit = std::find_if(text.begin(), text.end(), IsDigit);
    digit = std::find_if(digit + 1, text.end(), [](const std::string& c) { return c == "0" || c == "1"; });
    if (digit == text.end()) return false;
    *digit = *digit == "0" ? OneOf<std::string>({"O", "\u041e", "\uff10"})
                           : OneOf<std::string>({"I", "l", "\u0406", "\uff11"});
    return true;
  }

  const std::map<std::string, Text> kTwins = {{"A", {"\u0410", "\u0391", "\uff21"}},
                                              {"B", {"\u0412", "\u0392"}},
                                              {"E", {"\u0415", "\u0395"}},
                                              {"F", {"\uff26"}},
                                              {"G", {"\uff27"}},
                                              {"H", {"\u041d", "\u0397"}},
                                              {"K", {"\u041a", "\u039a"}},
                                              {"P", {"\u0420", "\u03a1"}},
                                              {"R", {"\uff32"}},
                                              {"T", {"\u0422", "\u03a4"}},
                                              {"X", {"\u0425", "\u03a7"}},
                                              {"Z", {"\u0396", "\uff3a"}}};
};

TEST_F(RandomSkus, ChangedInAnyWaysAreAlikeAndDifferInExactlyThese) {
  // In the order in which none undoes what another did: an inserted character stands in no other's way.
  const Differences kOrder = {kLookalike,        kCase,       kLeadingZero,
                              kDashOrUnderscore, kInnerSpace, kInvisibleCharacter};
  for (int i = 0; i < 20'000; ++i) {
    const Text sku = Sku();
    Text other = sku;
    Differences expected;
    for (const SkuDifference difference : kOrder) {
      if (Below(3) != 0) continue;
      Change(other, difference);
      expected.push_back(difference);
    }
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(LooseSkuKey(Join(sku)), LooseSkuKey(Join(other))) << Join(sku) << " " << Join(other);
    ASSERT_EQ(SkuDifferences(Join(sku), Join(other)), expected) << Join(sku) << " " << Join(other);
    ASSERT_EQ(SkuDifferences(Join(other), Join(sku)), expected) << Join(sku) << " " << Join(other);
  }
}

TEST_F(RandomSkus, OfAnyCharactersAreComparedInTheSameWayFromBothSides) {
  const std::vector<std::string> pieces = {"a",      "A",      "0",      "O",      "o", "1", "l", "I",
                                           "-",      "_",      " ",      "\u200b", "ß", "ſ", "İ", "\u0430",
                                           "\u0410", "\uff21", "\uff10", "\u0301", "é", "日"};
  const auto text = [&] {
    std::string joined;
    for (std::size_t i = Below(5); i > 0; --i) joined += OneOf(pieces);
    return joined;
  };
  int alike = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string a = text(), b = text();
    ASSERT_EQ(LooseSkuKey(SkuKey(a, SkuCase::kIgnore)), LooseSkuKey(a)) << a;
    const Differences found = SkuDifferences(a, b);
    ASSERT_EQ(found, SkuDifferences(b, a)) << a << " " << b;
    if (found.empty()) continue;
    ++alike;
    ASSERT_EQ(LooseSkuKey(a), LooseSkuKey(b)) << a << " " << b;
    ASSERT_NE(SkuKey(a, SkuCase::kSensitive), SkuKey(b, SkuCase::kSensitive)) << a << " " << b;
    const Differences without_case = SkuDifferences(SkuKey(a, SkuCase::kIgnore), SkuKey(b, SkuCase::kIgnore));
    ASSERT_EQ(std::count(without_case.begin(), without_case.end(), kCase), 0) << a << " " << b;
  }
  EXPECT_GT(alike, 1000);
}

}  // namespace
}  // namespace skulink
