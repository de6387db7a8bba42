#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "skulink/v1/error_reason.pb.h"

// Errors are absl::Status with google.rpc details as payloads (type URL -> serialized message), so that a
// status crosses gRPC, the jobs table and the client library without loss.
namespace skulink {

inline constexpr std::string_view kErrorDomain = "skulink.v1";

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// A status with ErrorInfo{reason, domain, metadata}.
absl::Status Error(absl::StatusCode code, v1::ErrorReason reason, std::string_view message,
                   const ErrorMetadata& metadata = {});

// INVALID_ARGUMENT with ErrorInfo (metadata `field`) and BadRequest naming the field. `description` continues
// the field's name: "must be 1 to 1000"; the message is "<field> <description>".
absl::Status InvalidField(std::string_view field, v1::ErrorReason reason, std::string_view description);

// The same with another code, and metadata besides `field`.
absl::Status FieldError(absl::StatusCode code, std::string_view field, v1::ErrorReason reason,
                        std::string_view description, ErrorMetadata metadata);

// NOT_FOUND, metadata `resource`.
absl::Status NotFound(std::string_view resource_name);

// ALREADY_EXISTS, metadata `resource`.
absl::Status AlreadyExists(std::string_view resource_name);

// ABORTED, metadata `resource`: the etag given for it is not the current one.
absl::Status EtagMismatch(std::string_view resource_name);

// UNAVAILABLE with RetryInfo.
absl::Status Unavailable(v1::ErrorReason reason, std::string_view message, absl::Duration retry_after);

// What the details say; UNSPECIFIED or empty when they do not.
v1::ErrorReason ReasonOf(const absl::Status& status);
std::string FieldOf(const absl::Status& status);
std::string MetadataOf(const absl::Status& status, std::string_view key);
// Zero when there is no RetryInfo.
absl::Duration RetryAfter(const absl::Status& status);

// "FIELD_REQUIRED" for ERROR_REASON_FIELD_REQUIRED: what ErrorInfo.reason holds.
std::string ReasonName(v1::ErrorReason reason);

google::rpc::Status ToProto(const absl::Status& status);
absl::Status FromProto(const google::rpc::Status& status);

}  // namespace skulink

// Leaves the function with the status when it is not OK.
#define SKULINK_RETURN_IF_ERROR(expression)          \
  do {                                               \
    absl::Status skulink_status = (expression);      \
    if (!skulink_status.ok()) return skulink_status; \
  } while (false)

// Declares or assigns `target` from a StatusOr, or leaves the function with its status.
#define SKULINK_ASSIGN_OR_RETURN(target, expression) \
  SKULINK_ASSIGN_OR_RETURN_(SKULINK_CONCAT_(skulink_or_, __LINE__), target, expression)
#define SKULINK_ASSIGN_OR_RETURN_(value_or, target, expression) \
  auto value_or = (expression);                                 \
  if (!value_or.ok()) return std::move(value_or).status();      \
  target = *std::move(value_or)
#define SKULINK_CONCAT_(a, b) SKULINK_CONCAT_INNER_(a, b)
#define SKULINK_CONCAT_INNER_(a, b) a##b
