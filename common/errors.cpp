#include "common/errors.h"

#include <algorithm>
#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/text.h"
#include "google/rpc/error_details.pb.h"
#include "skulink/error_info.pb.h"

namespace skulink {
namespace {

constexpr char kReasonPrefix[] = "ERROR_REASON_";

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat("type.googleapis.com/google.rpc.", Detail::descriptor()->name());
}

template <typename Detail>
void SetDetail(const Detail& detail, absl::Status& status) {
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(detail.SerializeAsString()));
}

template <typename Detail>
std::optional<Detail> GetDetail(const absl::Status& status) {
  const auto payload = status.GetPayload(TypeUrl<Detail>());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

// Protobuf strings must be UTF-8, or nobody can read the status. Only a text from outside can be something
// else.
std::string AsUtf8(std::string text) {
  if (!IsUtf8(text)) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  }
  return text;
}

}  // namespace

absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, std::string_view message,
                   const ErrorMetadata& metadata) {
  ErrorInfo info;
  info.set_reason(ReasonName(reason));
  info.set_domain(std::string(kErrorDomain));
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = AsUtf8(value);
  absl::Status status(code, AsUtf8(std::string(message)));
  SetDetail(info, status);
  return status;
}

absl::Status InvalidField(std::string_view field, v1::ErrorReason reason, std::string_view description) {
  return FieldError(absl::StatusCode::kInvalidArgument, field, reason, description, {});
}

absl::Status FieldError(absl::StatusCode code, std::string_view field, v1::ErrorReason reason,
                        std::string_view description, ErrorMetadata metadata) {
  const std::string name(field);
  metadata.emplace_back("field", name);
  absl::Status status = Error(code, reason, name + " " + std::string(description), metadata);
  google::rpc::BadRequest bad_request;
  auto& violation = *bad_request.add_field_violations();
  violation.set_field(AsUtf8(name));
  violation.set_description(AsUtf8(std::string(description)));
  SetDetail(bad_request, status);
  return status;
}

absl::Status NotFound(std::string_view resource_name) {
  const std::string name(resource_name);
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND, name + " does not exist",
               {{"resource", name}});
}

absl::Status AlreadyExists(std::string_view resource_name) {
  const std::string name(resource_name);
  return Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALREADY_EXISTS, name + " exists already",
               {{"resource", name}});
}

absl::Status EtagMismatch(std::string_view resource_name) {
  const std::string name(resource_name);
  return Error(absl::StatusCode::kAborted, v1::ERROR_REASON_ETAG_MISMATCH,
               name + " was changed since it was read", {{"resource", name}});
}

absl::Status Unavailable(v1::ErrorReason reason, std::string_view message, absl::Duration retry_after) {
  absl::Status status = Error(absl::StatusCode::kUnavailable, reason, message);
  google::rpc::RetryInfo retry;
  auto& delay = *retry.mutable_retry_delay();
  absl::Duration below_a_second;
  delay.set_seconds(absl::IDivDuration(retry_after, absl::Seconds(1), &below_a_second));
  delay.set_nanos(static_cast<std::int32_t>(absl::ToInt64Nanoseconds(below_a_second)));
  SetDetail(retry, status);
  return status;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const auto info = GetDetail<ErrorInfo>(status);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (info.has_value() && info->domain() == kErrorDomain) {
    v1::ErrorReason_Parse(kReasonPrefix + info->reason(), &reason);
  }
  return reason;
}

std::string FieldOf(const absl::Status& status) { return MetadataOf(status, "field"); }

std::string MetadataOf(const absl::Status& status, std::string_view key) {
  const auto info = GetDetail<ErrorInfo>(status);
  if (!info.has_value()) return "";
  const auto found = info->metadata().find(std::string(key));
  return found == info->metadata().end() ? "" : found->second;
}

absl::Duration RetryAfter(const absl::Status& status) {
  const auto retry = GetDetail<google::rpc::RetryInfo>(status);
  if (!retry.has_value()) return absl::ZeroDuration();
  return absl::Seconds(retry->retry_delay().seconds()) + absl::Nanoseconds(retry->retry_delay().nanos());
}

std::string ReasonName(v1::ErrorReason reason) {
  return std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), kReasonPrefix));
}

google::rpc::Status ToProto(const absl::Status& status) {
  google::rpc::Status proto;
  proto.set_code(status.raw_code());
  proto.set_message(AsUtf8(std::string(status.message())));
  status.ForEachPayload([&proto](absl::string_view type_url, const absl::Cord& payload) {
    auto& detail = *proto.add_details();
    detail.set_type_url(std::string(type_url));
    detail.set_value(std::string(payload));
  });
  // absl visits payloads in no particular order; equal statuses shall be equal bytes.
  std::sort(proto.mutable_details()->begin(), proto.mutable_details()->end(),
            [](const auto& a, const auto& b) { return a.type_url() < b.type_url(); });
  return proto;
}

absl::Status FromProto(const google::rpc::Status& proto) {
  absl::Status status(static_cast<absl::StatusCode>(proto.code()), proto.message());
  for (const auto& detail : proto.details()) status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  return status;
}

}  // namespace skulink
