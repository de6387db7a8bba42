#include "common/money.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/errors.h"

namespace skulink {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

google::type::Money Proto(std::int64_t units, std::int32_t nanos, const std::string& currency = "USD") {
  google::type::Money money;
  money.set_currency_code(currency);
  money.set_units(units);
  money.set_nanos(nanos);
  return money;
}

TEST(IsCurrency, KnowsIso4217) {
  for (const char* code : {"AED", "IDR", "JPY", "USD", "EUR", "XOF", "KWD", "VED", "ZMW", "ZWG", "XCG"}) {
    EXPECT_TRUE(IsCurrency(code)) << code;
  }
  for (const char* code : {"", "usd", "US", "USDX", "AAA", "ZZZ", "XXX", "XTS", "XAU", "U D"}) {
    EXPECT_FALSE(IsCurrency(code)) << code;
  }
}

TEST(MoneyFromProto, IsExact) {
  EXPECT_EQ(FromProto(Proto(19, 990'000'000), "", "price").value(), (Money{199'900, "USD"}));
  EXPECT_EQ(FromProto(Proto(0, 100'000), "", "price").value(), (Money{1, "USD"}));
  EXPECT_EQ(FromProto(Proto(0, 999'900'000), "", "price").value(), (Money{9'999, "USD"}));
  EXPECT_EQ(FromProto(Proto(0, 0), "", "price").value(), (Money{0, "USD"}));
  EXPECT_EQ(FromProto(Proto(922'337'203'685'477, 580'700'000), "", "price").value(), (Money{kMax, "USD"}));
}

TEST(MoneyFromProto, TakesTheDefaultCurrencyWhenThereIsNone) {
  EXPECT_EQ(FromProto(Proto(1, 0, ""), "IDR", "price")->currency, "IDR");
  EXPECT_EQ(FromProto(Proto(1, 0, "EUR"), "IDR", "price")->currency, "EUR");
}

TEST(MoneyFromProto, RefusesAmountsOutsideTheRange) {
  constexpr struct {
    const char* name;
    std::int64_t units;
    std::int32_t nanos;
    const char* message;
  } kCases[] = {
      {"negative units", -1, 0, "price must not be negative"},
      {"negative nanos", 0, -100'000, "price must not be negative"},
      {"both negative", -5, -1, "price must not be negative"},
      {"least units", std::numeric_limits<std::int64_t>::min(), 0, "price must not be negative"},
      {"five decimals", 1, 10'000, "price must have at most four decimals"},
      {"nine decimals", 0, 1, "price must have at most four decimals"},
      {"one too many", 922'337'203'685'477, 580'800'000, "price must be at most 922337203685477.5807"},
      {"one unit too many", 922'337'203'685'478, 0, "price must be at most 922337203685477.5807"},
      {"most units", kMax, 999'900'000, "price must be at most 922337203685477.5807"},
      {"signs differ", 1, -100'000, "price must have units and nanos of the same sign"},
      {"signs differ the other way", -1, 100'000, "price must have units and nanos of the same sign"},
      {"nanos too many", 0, 1'000'000'000, "price must have nanos between -999999999 and 999999999"},
      {"nanos too few", 0, std::numeric_limits<std::int32_t>::min(),
       "price must have nanos between -999999999 and 999999999"},
  };
  for (const auto& [name, units, nanos, message] : kCases) {
    const absl::Status status = FromProto(Proto(units, nanos), "", "price").status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_VALUE_OUT_OF_RANGE) << name;
    EXPECT_EQ(status.message(), message) << name;
    EXPECT_EQ(FieldOf(status), "price") << name;
  }
}

TEST(MoneyFromProto, RefusesUnknownCurrencies) {
  for (const char* code : {"usd", "XXX", "ABC", "\xC3\xA9"}) {
    const absl::Status status = FromProto(Proto(1, 0, code), "IDR", "variants[2].price").status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CURRENCY_UNKNOWN) << code;
    EXPECT_EQ(FieldOf(status), "variants[2].price.currency_code") << code;
  }
  EXPECT_EQ(ReasonOf(FromProto(Proto(1, 0, ""), "", "price").status()), v1::ERROR_REASON_CURRENCY_UNKNOWN);
}

TEST(MoneyToProto, ComesBackUnchanged) {
  for (std::int64_t amount : {std::int64_t{0}, std::int64_t{1}, std::int64_t{9'999}, std::int64_t{10'000},
                              std::int64_t{199'900}, std::int64_t{1'500'000'000}, kMax}) {
    const Money money = {amount, "IDR"};
    EXPECT_EQ(FromProto(ToProto(money), "", "price").value(), money);
  }
  EXPECT_EQ(ToProto({kMax, "IDR"}).units(), 922'337'203'685'477);
  EXPECT_EQ(ToProto({kMax, "IDR"}).nanos(), 580'700'000);
}

TEST(ParseTenThousandths, IsExact) {
  const std::string zeros(2'000, '0');
  const std::pair<std::string, std::int64_t> cases[] = {
      {"0", 0},
      {"-0.00", 0},
      {"150000", 1'500'000'000},
      {"19.99", 199'900},
      {"0.0001", 1},
      {".5", 5'000},
      {"5.", 50'000},
      {"007", 70'000},
      {"1.5e3", 15'000'000},
      {"1.5E+3", 15'000'000},
      {"15000e-4", 15'000},
      {"1e-4", 1},
      {"10000000e-11", 1},
      {"1.23450", 12'345},
      {"0.1", 1'000},
      {"4.35", 43'500},
      {"922337203685477.5807", kMax},
      {"9223372036854775807e-4", kMax},
      {"900719925474099.3", 9'007'199'254'740'993'000},
      {"0e99999999999999999999", 0},
      {"0e-99999999999999999999", 0},
      {zeros + "1." + zeros, 10'000},
      {"1" + zeros + "e-2000", 10'000},
      {"0." + zeros + "1e2001", 10'000},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = ParseTenThousandths(text, "price");
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(ParseTenThousandths, RefusesWhatIsNoDecimalNumber) {
  for (std::string_view text :
       {"",   " ",   "-",  ".",     "-.",   "+1",  "--1", "1 ",   " 1",    "1,5", "1.2.3",
        "1e", "1e+", "e5", "1e5.0", "0x10", "NaN", "inf", "Rp 5", "1_000", "１",  "1e5x"}) {
    const absl::Status status = ParseTenThousandths(text, "price").status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FORMAT_INVALID) << text;
    EXPECT_EQ(FieldOf(status), "price") << text;
  }
  EXPECT_FALSE(ParseTenThousandths(std::string_view("1\0", 2), "price").ok());
}

TEST(ParseTenThousandths, RefusesNumbersOutsideTheRange) {
  const std::pair<std::string, std::string> cases[] = {
      {"-1", "price must not be negative"},
      {"-0.0001", "price must not be negative"},
      {"-1e-99", "price must not be negative"},
      {"0.00001", "price must have at most four decimals"},
      {"1.00001", "price must have at most four decimals"},
      {"1e-5", "price must have at most four decimals"},
      {"1e-99999999999999999999", "price must have at most four decimals"},
      {"922337203685477.5808", "price must be at most 922337203685477.5807"},
      {"922337203685478", "price must be at most 922337203685477.5807"},
      {"999999999999999.9999", "price must be at most 922337203685477.5807"},
      {"1e15", "price must be at most 922337203685477.5807"},
      {"1e99999999999999999999", "price must be at most 922337203685477.5807"},
      {std::string(1'000, '9'), "price must be at most 922337203685477.5807"},
  };
  for (const auto& [text, message] : cases) {
    const absl::Status status = ParseTenThousandths(text, "price").status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_VALUE_OUT_OF_RANGE) << text;
    EXPECT_EQ(status.message(), message) << text;
  }
}

TEST(MoneyToString, HasAsManyDecimalsAsNeeded) {
  EXPECT_EQ(ToString(Money{1'500'000'000, "IDR"}), "IDR 150000");
  EXPECT_EQ(ToString(Money{199'900, "USD"}), "USD 19.99");
  EXPECT_EQ(ToString(Money{199'000, "USD"}), "USD 19.90");
  EXPECT_EQ(ToString(Money{12'340, "KWD"}), "KWD 1.234");
  EXPECT_EQ(ToString(Money{1, "USD"}), "USD 0.0001");
  EXPECT_EQ(ToString(Money{500, "USD"}), "USD 0.05");
  EXPECT_EQ(ToString(Money{0, "USD"}), "USD 0");
  EXPECT_EQ(ToString(Money{kMax, "USD"}), "USD 922337203685477.5807");
}

}  // namespace
}  // namespace skulink
