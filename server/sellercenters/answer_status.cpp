#include "server/sellercenters/answer_status.h"

#include <algorithm>

#include "common/errors.h"
#include "common/text.h"
#include "google/rpc/error_details.pb.h"

namespace skulink {
namespace {

constexpr std::size_t kMaxPrintable = 200;
constexpr absl::Duration kMaxRetryAfter = absl::Hours(1);

// Zero when the Seller Center did not say, or said nonsense.
absl::Duration RetryInfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) return absl::ZeroDuration();
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::RetryInfo info;
    if (!detail.UnpackTo(&info)) continue;
    absl::Duration delay =
        absl::Seconds(info.retry_delay().seconds()) + absl::Nanoseconds(info.retry_delay().nanos());
    return std::clamp(delay, absl::ZeroDuration(), kMaxRetryAfter);
  }
  return absl::ZeroDuration();
}

absl::Status MayBeTriedAgain(v1::ErrorReason reason, std::string_view message, const grpc::Status& status) {
  absl::Duration retry_after = RetryInfoOf(status);
  return retry_after > absl::ZeroDuration() ? Unavailable(reason, message, retry_after)
                                            : Error(absl::StatusCode::kUnavailable, reason, message);
}

std::string Saying(std::string_view what, const grpc::Status& status) {
  std::string said(what);
  if (!status.error_message().empty()) said += ": " + Printable(status.error_message());
  return said;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string printable;
  if (IsUtf8(text)) {
    printable = FirstCodePoints(text, kMaxPrintable);
  } else {
    printable = text.substr(0, kMaxPrintable);
    std::replace_if(
        printable.begin(), printable.end(), [](char c) { return (c & 0x80) != 0; }, '?');
  }
  std::replace_if(
      printable.begin(), printable.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  // What is left are C1 control characters (U+0080 to U+009F), and U+2028 and U+2029.
  for (std::size_t at = 0; (at = printable.find('\xc2', at)) != std::string::npos; ++at) {
    if (static_cast<unsigned char>(printable[at + 1]) >= 0xa0) continue;
    printable.erase(at, 1);
    printable[at] = ' ';
  }
  for (std::size_t at = 0; (at = printable.find("\xe2\x80", at)) != std::string::npos; ++at) {
    if (printable[at + 2] != '\xa8' && printable[at + 2] != '\xa9') continue;
    printable.erase(at, 2);
    printable[at] = ' ';
  }
  return printable;
}

absl::Status AnswerStatus(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return MayBeTriedAgain(v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE,
                             Saying("the Seller Center cannot be reached", status), status);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return MayBeTriedAgain(v1::ERROR_REASON_SELLER_CENTER_TIMEOUT,
                             Saying("the Seller Center did not answer in time", status), status);
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      // gRPC's own words for an answer over the size we take; it says so with the same code.
      if (status.error_message().find("message larger than max") != std::string::npos) {
        return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID,
                     Saying("the Seller Center's answer is too large", status),
                     {{"field", "message"}, {"most_bytes", std::to_string(kMaxAnswerBytes)}});
      }
      return MayBeTriedAgain(v1::ERROR_REASON_SELLER_CENTER_THROTTLED,
                             Saying("the Seller Center asks to be called less often", status), status);
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED,
                   Saying("the Seller Center does not let us in", status));
    case grpc::StatusCode::UNIMPLEMENTED:
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_UNABLE,
                   Saying("the Seller Center does not know the call", status));
    case grpc::StatusCode::INTERNAL:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::CANCELLED:  // the connection broke, or the Seller Center is being stopped
    case grpc::StatusCode::UNKNOWN:    // what gRPC makes of an exception or of a proxy's error page
      return MayBeTriedAgain(v1::ERROR_REASON_SELLER_CENTER_FAILED,
                             Saying("the Seller Center failed", status), status);
    default:
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_FAILED,
                   Saying("the Seller Center refused the call", status));
  }
}

absl::Status AnswerInvalid(std::string_view field, std::string_view description) {
  std::string message = "the Seller Center's answer is invalid: ";
  message.append(field).append(" ").append(description);
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID, message,
               {{"field", std::string(field)}});
}

absl::Status AnswerTimedOut() {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SELLER_CENTER_TIMEOUT,
               "the Seller Center did not answer in time");
}

}  // namespace skulink
