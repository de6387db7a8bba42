#pragma once

#include "absl/time/clock.h"

namespace skulink {

// Whether `condition` comes true within a minute. For what nothing signals: wait for a signal where there is
// one.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (!condition()) {
    if (absl::Now() > give_up) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

}  // namespace skulink
