#include "common/sku_key.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "common/text.h"

namespace skulink {
namespace {

constexpr SkuCase kBoth[] = {SkuCase::kSensitive, SkuCase::kIgnore};

TEST(SkuKey, DropsOuterWhiteSpaceOnly) {
  for (SkuCase sku_case : kBoth) {
    EXPECT_EQ(SkuKey(" \u00A0\u3000ab 01\t\r\n", sku_case), "ab 01");
    EXPECT_EQ(SkuKey("a  b", sku_case), "a  b");
    EXPECT_EQ(SkuKey("\u200Bab", sku_case), "\u200Bab");
  }
}

TEST(SkuKey, IsEmptyWithoutSku) {
  for (SkuCase sku_case : kBoth) {
    EXPECT_EQ(SkuKey("", sku_case), "");
    EXPECT_EQ(SkuKey(" \t\u2003", sku_case), "");
  }
}

TEST(SkuKey, KeepsApartWhatOnlyLooksAlike) {
  const std::vector<std::string> different = {"ab-1",  "ab1",   "ab_1",      "ab\u20111", "ab 1",
                                              "ab-01", "0ab-1", "ab-\uFF11", "\u0430b-1", "a\u200Bb-1"};
  for (SkuCase sku_case : kBoth) {
    for (const std::string& a : different) {
      for (const std::string& b : different) {
        EXPECT_EQ(SkuKey(a, sku_case) == SkuKey(b, sku_case), a == b) << a << " and " << b;
      }
    }
  }
}

TEST(SkuKey, CountsCaseOnlyWhenSensitive) {
  EXPECT_EQ(SkuKey("Straße-XL", SkuCase::kSensitive), "Straße-XL");
  EXPECT_EQ(SkuKey("Straße-XL", SkuCase::kIgnore), SkuKey("STRASSE-xl", SkuCase::kIgnore));
  EXPECT_NE(SkuKey("İ", SkuCase::kIgnore), SkuKey("I", SkuCase::kIgnore));
}

TEST(SkuKeyPrefix, KeepsWhiteSpaceAtTheEnd) {
  EXPECT_EQ(SkuKeyPrefix(" Ab ", SkuCase::kSensitive), "Ab ");
  EXPECT_EQ(SkuKeyPrefix("\u3000Ab\t", SkuCase::kIgnore), "ab\t");
  EXPECT_EQ(SkuKeyPrefix(" ", SkuCase::kIgnore), "");
}

// Random texts of characters that could trouble: white space, letters that fold to several, no letters, four
// bytes.
class RandomSkus : public testing::TestWithParam<SkuCase> {
 protected:
  std::string Text(std::size_t max_length) {
    return Join(
        {"a", "Z",      "0",      "-",      " ",      "\t",     "ß",      "İ",  "Σ",          "ς",
         "ﬃ", "\u1E9E", "\uAB70", "\u0345", "\u00A0", "\u3000", "\u200B", "日", "\U00010400", "\U0001F455"},
        max_length);
  }
  std::string WhiteSpace() {
    return Join({" ", "\t", "\n", "\u0085", "\u00A0", "\u1680", "\u2028", "\u202F", "\u3000"}, 4);
  }

 private:
  std::string Join(const std::vector<std::string>& pieces, std::size_t max_length) {
    std::string text;
    for (std::size_t length = random_() % (max_length + 1); length > 0; --length)
      text += pieces[random_() % pieces.size()];
    return text;
  }
  std::mt19937 random_{20240607};
};

TEST_P(RandomSkus, HaveAKeyThatIsItsOwnKey) {
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = SkuKey(Text(12), GetParam());
    ASSERT_TRUE(IsUtf8(key));
    ASSERT_EQ(SkuKey(key, GetParam()), key);
  }
}

TEST_P(RandomSkus, HaveTheSameKeyWithOuterWhiteSpace) {
  for (int i = 0; i < 20'000; ++i) {
    const std::string raw = Text(12);
    ASSERT_EQ(SkuKey(WhiteSpace() + raw + WhiteSpace(), GetParam()), SkuKey(raw, GetParam())) << raw;
  }
}

TEST_P(RandomSkus, AreFoundByEveryPrefix) {
  for (int i = 0; i < 5'000; ++i) {
    const std::string raw(Trim(Text(12)));
    const std::string key = SkuKey(raw, GetParam());
    for (std::size_t length = 0; length <= CodePoints(raw); ++length) {
      ASSERT_TRUE(key.starts_with(SkuKeyPrefix(FirstCodePoints(raw, length), GetParam()))) << raw;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(SkuKey, RandomSkus, testing::ValuesIn(kBoth), [](const auto& test) {
  return test.param == SkuCase::kIgnore ? "IgnoreCase" : "CaseSensitive";
});

}  // namespace
}  // namespace skulink
