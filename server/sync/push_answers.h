#pragma once

#include "absl/time/time.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/pushes.h"

namespace skulink {

// Pauses before something is tried again: the first, and what they grow to.
struct GrowingPause {
  absl::Duration first, longest;

  // Before the n-th try again (n from 1): twice the one before, with jitter.
  absl::Duration Before(int attempt) const;
};

struct PushPauses {
  // A listing that the Seller Center cannot change for the moment.
  GrowingPause retry{absl::Seconds(1), absl::Minutes(5)};
  // A listing that it refuses to change, until buyers or campaigns let go of it.
  GrowingPause refused{absl::Minutes(1), absl::Hours(1)};
  // A shop that cannot be reached, does not let us in, or asks to be called less often.
  GrowingPause shop{absl::Milliseconds(200), absl::Minutes(1)};
};

// What is written of a push that the Seller Center answered.
store::PushAnswer AnswerOf(const store::DuePush& push, const WriteOutcome& outcome, const PushPauses& pauses);

}  // namespace skulink
