#pragma once

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"

namespace skulink {

// For how many things a call asks: as many as the Seller Center takes; fewer after a failure of which one of
// them may be the cause, or their number, down to one alone. Of one thread at a time.
class CallSize {
 public:
  // Whether it is nothing unusual that the Seller Center refuses what it is asked for.
  enum class Refusals { kUnusual, kUsual };
  explicit CallSize(Refusals refusals = Refusals::kUnusual) : refusals_(refusals) {}

  void SetMost(std::size_t most) { now_ = most_ = most; }
  std::size_t now() const { return now_; }

  void Succeeded();
  // Of a call for `asked` things.
  void Failed(std::size_t asked) { now_ = std::max<std::size_t>(1, asked / 2); }
  // What a call asked for alone always fails, or is refused. False when that is so of many one after the
  // other: then it is not for what they are, and the next will fail, too.
  bool LeaveOut(bool refused);
  // One was, and nothing succeeded since.
  bool left_out() const { return left_out_ > 0; }

 private:
  const Refusals refusals_;
  std::size_t most_ = 1, now_ = 1;
  int succeeded_ = 0, left_out_ = 0;  // in a row
};

// A call that failed so may not fail without one of the things that it asked for, or with fewer of them.
bool MayPassWithFewer(const absl::Status& status);

}  // namespace skulink
