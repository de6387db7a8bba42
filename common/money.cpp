#include "common/money.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/errors.h"

namespace skulink {
namespace {

constexpr std::int64_t kPerUnit = 10'000;
constexpr std::int32_t kNanosPerUnit = 1'000'000'000;
constexpr std::int32_t kNanosPerTenThousandth = 100'000;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

absl::Status OutOfRange(std::string_view field, std::string_view description) {
  return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE, description);
}
absl::Status Negative(std::string_view field) { return OutOfRange(field, "must not be negative"); }
absl::Status TooLarge(std::string_view field) {
  return OutOfRange(field, "must be at most 922337203685477.5807");
}
absl::Status TooFine(std::string_view field) { return OutOfRange(field, "must have at most four decimals"); }

absl::Status UnknownCurrency(std::string_view field) {
  return InvalidField(std::string(field) + ".currency_code", v1::ERROR_REASON_CURRENCY_UNKNOWN,
                      "must be a currency of ISO 4217, such as USD");
}

absl::StatusOr<std::int64_t> TenThousandths(std::int64_t units, std::int32_t nanos, std::string_view field) {
  if (nanos <= -kNanosPerUnit || nanos >= kNanosPerUnit) {
    return OutOfRange(field, "must have nanos between -999999999 and 999999999");
  }
  if ((units > 0 && nanos < 0) || (units < 0 && nanos > 0)) {
    return OutOfRange(field, "must have units and nanos of the same sign");
  }
  if (units < 0 || nanos < 0) return Negative(field);
  if (nanos % kNanosPerTenThousandth != 0) return TooFine(field);
  const std::int64_t fraction = nanos / kNanosPerTenThousandth;
  if (units > (kMax - fraction) / kPerUnit) return TooLarge(field);
  return units * kPerUnit + fraction;
}

// A decimal number without its sign: `digits` times ten to the power of `exponent`. No zeros at the ends of
// `digits`.
struct Decimal {
  std::string digits;
  std::int64_t exponent = 0;
};

bool TakeDigits(std::string_view& text, std::string& digits) {
  const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  digits.append(text.substr(0, count));
  text.remove_prefix(count);
  return count > 0;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// False when there is something else than an exponent. One that is too large for its type stops at the
// largest: it is far outside what money can be, as is the one below zero.
bool TakeExponent(std::string_view& text, std::int64_t& exponent) {
  if (!Take(text, "eE")) return true;
  const bool negative = !text.empty() && text.front() == '-';
  Take(text, "+-");
  std::string digits;
  if (!TakeDigits(text, digits)) return false;
  std::int32_t value = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) {
    value = std::numeric_limits<std::int32_t>::max();
  }
  exponent = negative ? -std::int64_t{value} : std::int64_t{value};
  return true;
}

// False when `text` is not a decimal number.
bool ParseDecimal(std::string_view text, Decimal& number) {
  bool has_digits = TakeDigits(text, number.digits);
  const std::size_t whole_digits = number.digits.size();
  if (Take(text, ".")) has_digits = TakeDigits(text, number.digits) || has_digits;
  if (!has_digits || !TakeExponent(text, number.exponent) || !text.empty()) return false;
  number.exponent -= static_cast<std::int64_t>(number.digits.size() - whole_digits);
  while (!number.digits.empty() && number.digits.back() == '0') {
    number.digits.pop_back();
    ++number.exponent;
  }
  number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
  return true;
}

}  // namespace

absl::StatusOr<Money> FromProto(const google::type::Money& money, std::string_view default_currency,
                                std::string_view field) {
  const std::string& code = money.currency_code();
  SKULINK_ASSIGN_OR_RETURN(
      Money result, FromParts(code.empty() ? default_currency : code, money.units(), money.nanos(), field));
  if (result.currency.empty()) return UnknownCurrency(field);
  return result;
}

absl::StatusOr<Money> FromParts(std::string_view currency_code, std::int64_t units, std::int32_t nanos,
                                std::string_view field) {
  Money result;
  SKULINK_ASSIGN_OR_RETURN(result.ten_thousandths, TenThousandths(units, nanos, field));
  result.currency = currency_code;
  if (!result.currency.empty() && !IsCurrency(result.currency)) return UnknownCurrency(field);
  return result;
}

google::type::Money ToProto(const Money& money) {
  google::type::Money proto;
  proto.set_currency_code(money.currency);
  proto.set_units(money.ten_thousandths / kPerUnit);
  proto.set_nanos(static_cast<std::int32_t>(money.ten_thousandths % kPerUnit) * kNanosPerTenThousandth);
  return proto;
}

absl::StatusOr<std::int64_t> ParseTenThousandths(std::string_view text, std::string_view field) {
  const bool negative = Take(text, "-");
  Decimal number;
  if (!ParseDecimal(text, number)) {
    return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, "must be a decimal number, such as 19.99");
  }
  if (number.digits.empty()) return 0;
  if (negative) return Negative(field);
  const std::int64_t zeros = number.exponent + 4;
  if (zeros < 0) return TooFine(field);
  constexpr std::int64_t kMaxDigits = std::numeric_limits<std::int64_t>::digits10 + 1;
  if (static_cast<std::int64_t>(number.digits.size()) + zeros > kMaxDigits) return TooLarge(field);
  number.digits.append(static_cast<std::size_t>(zeros), '0');
  std::int64_t value = 0;
  const auto parsed =
      std::from_chars(number.digits.data(), number.digits.data() + number.digits.size(), value);
  if (parsed.ec != std::errc()) return TooLarge(field);
  return value;
}

std::string ToString(const Money& money) {
  const std::int64_t fraction = money.ten_thousandths % kPerUnit;
  std::string text = absl::StrCat(money.currency, " ", money.ten_thousandths / kPerUnit);
  if (fraction == 0) return text;
  absl::StrAppendFormat(&text, ".%04d", fraction);
  for (int i = 0; i < 2 && text.back() == '0'; ++i) text.pop_back();
  return text;
}

}  // namespace skulink
