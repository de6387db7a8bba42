#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/type/money.pb.h"

namespace skulink {

// An amount as it is stored: ten-thousandths of the currency's unit, and the ISO 4217 code.
struct Money {
  std::int64_t ten_thousandths = 0;
  std::string currency;

  friend bool operator==(const Money&, const Money&) = default;
};

// Whether `code` is an ISO 4217 code in use for money (three capital letters).
bool IsCurrency(std::string_view code);

// Refuses, naming `field` (or `field`.currency_code): below zero, more than four decimals, too large, units
// and nanos of different sign, unknown currency. `default_currency` is taken when the code is empty.
absl::StatusOr<Money> FromProto(const google::type::Money& money, std::string_view default_currency,
                                std::string_view field);
// The same of the parts of a google.type.Money. A code that is empty stays so.
absl::StatusOr<Money> FromParts(std::string_view currency_code, std::int64_t units, std::int32_t nanos,
                                std::string_view field);
google::type::Money ToProto(const Money& money);

// A decimal number as text, without currency: `150000`, `19.99`, `1.5e3`. Refused as above, naming `field`.
absl::StatusOr<std::int64_t> ParseTenThousandths(std::string_view text, std::string_view field);

// `IDR 150000`, `USD 19.99`: as many decimals as are needed, at least two when there are any.
std::string ToString(const Money& money);

}  // namespace skulink
