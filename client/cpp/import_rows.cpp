#include "client/cpp/import_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "common/errors.h"
#include "common/money.h"
#include "common/text.h"

namespace skulink {
namespace internal {

absl::StatusOr<std::int64_t> ParseStock(std::string_view text, std::string_view field) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  std::int64_t stock = 0;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, "must be a whole number");
  }
  if (!absl::SimpleAtoi(std::string(text), &stock)) {
    return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "must be 0 to 1,000,000,000,000");
  }
  return stock;
}

v1::RefusedRow RefusedRowOf(std::int64_t line, const absl::Status& status) {
  v1::RefusedRow refused;
  refused.set_line(line);
  refused.set_field(FieldOf(status));
  refused.set_reason(ReasonOf(status));
  // Like the server's: it goes on from the field's name.
  std::string description(status.message());
  if (description.starts_with(refused.field() + " ")) description.erase(0, refused.field().size() + 1);
  refused.set_description(std::move(description));
  return refused;
}

absl::Status SetPrice(v1::Variant& variant, std::optional<std::int64_t> ten_thousandths,
                      const std::string& currency, std::string_view field) {
  if (!currency.empty() && !IsCurrency(currency)) {
    return InvalidField(field, v1::ERROR_REASON_CURRENCY_UNKNOWN,
                        "must be a currency of ISO 4217, such as USD");
  }
  if (ten_thousandths.has_value()) *variant.mutable_price() = ToProto(Money{*ten_thousandths, currency});
  return absl::OkStatus();
}

absl::Status CheckSendable(std::string_view text, std::string_view field) {
  if (!IsUtf8(text)) return InvalidField(field, v1::ERROR_REASON_TEXT_INVALID, "is not UTF-8");
  if (text.find('\0') != std::string_view::npos) {
    return InvalidField(field, v1::ERROR_REASON_TEXT_INVALID, "holds a NUL");
  }
  return absl::OkStatus();
}

}  // namespace internal

absl::StatusOr<ImportFormat> ImportFormatOf(std::string_view path) {
  const std::string name = absl::AsciiStrToLower(std::string(path));
  if (name.ends_with(".csv")) return ImportFormat::kCsv;
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) {
    return ImportFormat::kJsonLines;
  }
  return InvalidField("file", v1::ERROR_REASON_FORMAT_INVALID, "must end in .jsonl, .ndjson or .csv");
}

absl::StatusOr<ImportSource> OpenImportFile(const std::string& path, ImportFormat format) {
  SKULINK_ASSIGN_OR_RETURN(internal::LineReader lines, internal::LineReader::Open(path));
  if (format == ImportFormat::kCsv) return internal::ReadCsv(std::move(lines));
  return internal::ReadJsonLines(std::move(lines));
}

}  // namespace skulink
