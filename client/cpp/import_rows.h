#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/line_reader.h"
#include "skulink/import.h"

// What the two file formats share.
namespace skulink::internal {

// The products of a file in JSON Lines.
ImportSource ReadJsonLines(LineReader lines);
// The products of a CSV file; refused when the header is.
absl::StatusOr<ImportSource> ReadCsv(LineReader lines);

// Whole units: digits, nothing else.
absl::StatusOr<std::int64_t> ParseStock(std::string_view text, std::string_view field);

v1::RefusedRow RefusedRowOf(std::int64_t line, const absl::Status& status);

// Sets `variant`'s price; without one it has none. CURRENCY_UNKNOWN naming `field` also then.
absl::Status SetPrice(v1::Variant& variant, std::optional<std::int64_t> ten_thousandths,
                      const std::string& currency, std::string_view field);

// TEXT_INVALID when a text that is to be sent is not UTF-8 or holds a NUL.
absl::Status CheckSendable(std::string_view text, std::string_view field);

}  // namespace skulink::internal
