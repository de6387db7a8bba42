#include "server/service/request_fields.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors.h"

namespace skulink {
namespace {

constexpr absl::Duration kDefaultInterval = absl::Milliseconds(250);
constexpr absl::Duration kMinInterval = absl::Milliseconds(50);
constexpr absl::Duration kMaxInterval = absl::Seconds(60);

bool IsUuid(std::string_view text) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), kForm.begin(), kForm.end(),
                    [](char c, char form) { return form == 'x' ? absl::ascii_isxdigit(c) : c == form; });
}

}  // namespace

absl::Status CheckGiven(bool present, std::string_view field) {
  if (present) return absl::OkStatus();
  return InvalidField(field, v1::ERROR_REASON_FIELD_REQUIRED, "is required");
}

absl::StatusOr<std::optional<std::int64_t>> ParseEtag(std::string_view etag, std::string_view field) {
  if (etag.empty()) return std::nullopt;
  std::int64_t version = 0;
  if (!absl::SimpleAtoi(std::string(etag), &version)) {
    return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID,
                        "must be empty or the etag of the resource as it was read");
  }
  return version;
}

std::string MakeEtag(std::int64_t version) { return absl::StrCat(version); }

absl::StatusOr<UpdateMask> UpdateMask::Parse(const google::protobuf::FieldMask& mask,
                                             std::initializer_list<std::string_view> known) {
  for (const std::string& path : mask.paths()) {
    if (path != "*" && std::find(known.begin(), known.end(), path) == known.end()) {
      return InvalidField(
          "update_mask", v1::ERROR_REASON_FORMAT_INVALID,
          absl::StrCat("must be empty, *, or name some of ",
                       absl::StrJoin(known, ", ",
                                     [](std::string* out, std::string_view part) { out->append(part); })));
    }
  }
  return UpdateMask(mask);
}

bool UpdateMask::Has(std::string_view path) const {
  const auto& paths = mask_.paths();
  return paths.empty() || std::any_of(paths.begin(), paths.end(), [path](const std::string& given) {
           return given == "*" || given == path;
         });
}

absl::StatusOr<std::int64_t> ReadNumberToken(const google::protobuf::Message& request) {
  SKULINK_ASSIGN_OR_RETURN(const std::string text, ReadTextToken(request));
  std::int64_t number = 0;
  if (!text.empty() && !absl::SimpleAtoi(text, &number)) {
    return InvalidField("page_token", v1::ERROR_REASON_PAGE_TOKEN_INVALID, "was not made by this server");
  }
  return number;
}

absl::StatusOr<std::string> ReadTextToken(const google::protobuf::Message& request) {
  SKULINK_ASSIGN_OR_RETURN(PagePosition position, ReadPageToken(request, 1));
  return position.empty() ? std::string() : std::move(position.front());
}

absl::StatusOr<std::string> ReadRequestId(std::string_view request_id) {
  if (!request_id.empty() && !IsUuid(request_id)) {
    return InvalidField("request_id", v1::ERROR_REASON_FORMAT_INVALID, "must be empty or a UUID");
  }
  return absl::AsciiStrToLower(std::string(request_id));
}

absl::StatusOr<absl::Duration> ReadMinInterval(bool given, const google::protobuf::Duration& min_interval) {
  if (!given) return kDefaultInterval;
  const absl::Duration interval =
      absl::Seconds(min_interval.seconds()) + absl::Nanoseconds(min_interval.nanos());
  if (interval < kMinInterval || interval > kMaxInterval) {
    return InvalidField("min_interval", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be ", absl::FormatDuration(kMinInterval), " to ",
                                     absl::FormatDuration(kMaxInterval)));
  }
  return interval;
}

std::string DescriptionOf(const absl::Status& invalid_field) {
  const std::string message(invalid_field.message());
  return message.substr(std::min(message.size(), FieldOf(invalid_field).size() + 1));
}

absl::Status WithinField(std::string_view parent, const absl::Status& invalid_field) {
  const std::string field = std::string(parent) + "." + FieldOf(invalid_field);
  return InvalidField(field, ReasonOf(invalid_field), DescriptionOf(invalid_field));
}

}  // namespace skulink
