#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

// What is said of a Seller Center that did not answer as it should.
namespace skulink {

// Text from outside, fit for an error message or a name: UTF-8, no control characters, at most 200
// characters.
std::string Printable(std::string_view text);

// Of one answer, or one page.
inline constexpr int kMaxAnswerBytes = 16 << 20;

// The status of a call that the Seller Center, or gRPC, ended with `status`, which is not OK.
// UNAVAILABLE (with its RetryInfo) when the call may be made again, otherwise FAILED_PRECONDITION.
absl::Status AnswerStatus(const grpc::Status& status);

// The Seller Center answered with something that its protocol does not allow. `field` says where.
absl::Status AnswerInvalid(std::string_view field, std::string_view description);

// No answer came in time.
absl::Status AnswerTimedOut();

}  // namespace skulink
