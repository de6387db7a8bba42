#include "server/service/runtime.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace skulink {

absl::Status Overloaded() {
  google::rpc::Status status = ToProto(
      Unavailable(v1::ERROR_REASON_OVERLOADED, "too many calls are waiting; try again", absl::Seconds(1)));
  status.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  return FromProto(status);
}

absl::Status CallCancelled() {
  return Error(absl::StatusCode::kCancelled, v1::ERROR_REASON_DEADLINE_EXCEEDED, "the caller cancelled");
}

absl::Status DeadlineExceeded() {
  return Error(absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_DEADLINE_EXCEEDED,
               "the deadline passed before the work began");
}

absl::Status WithoutExceptions(const std::function<absl::Status()>& handler) {
  try {
    return handler();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("exception: ", error.what()));
  }
}

}  // namespace skulink
