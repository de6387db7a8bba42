#include "server/sync/call_size.h"

#include "common/errors.h"

namespace skulink {
namespace {

// Calls that succeed before a larger one is tried: one that takes too long costs as much as all of them.
constexpr int kBeforeMore = 4;
constexpr int kMostLeftOut = 20;

}  // namespace

void CallSize::Succeeded() {
  left_out_ = 0;
  if (now_ == most_ || ++succeeded_ < kBeforeMore) return;
  succeeded_ = 0;
  now_ = std::min(2 * now_, most_);
}

bool CallSize::LeaveOut(bool refused) {
  return (refused && refusals_ == Refusals::kUsual) || ++left_out_ < kMostLeftOut;
}

bool MayPassWithFewer(const absl::Status& status) {
  switch (ReasonOf(status)) {
    case v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID:
    case v1::ERROR_REASON_SELLER_CENTER_FAILED:
    case v1::ERROR_REASON_SELLER_CENTER_TIMEOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace skulink
