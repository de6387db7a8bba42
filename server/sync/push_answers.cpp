#include "server/sync/push_answers.h"

#include <algorithm>
#include <optional>

#include "absl/random/random.h"

namespace skulink {
namespace {

v1::PushOutcome OutcomeOf(WriteResult result) {
  switch (result) {
    case WriteResult::kOk:
      return v1::PUSH_OUTCOME_APPLIED;
    case WriteResult::kRetry:
      return v1::PUSH_OUTCOME_RETRYING;
    case WriteResult::kRefusedReserved:
      return v1::PUSH_OUTCOME_REFUSED_RESERVED;
    case WriteResult::kRefusedCampaign:
      return v1::PUSH_OUTCOME_REFUSED_CAMPAIGN;
    case WriteResult::kRefusedHoliday:
      return v1::PUSH_OUTCOME_REFUSED_HOLIDAY;
    case WriteResult::kRefusedValue:
      return v1::PUSH_OUTCOME_REFUSED_VALUE;
    case WriteResult::kNotLive:
      return v1::PUSH_OUTCOME_NOT_LIVE;
    case WriteResult::kGone:
      return v1::PUSH_OUTCOME_GONE;
    case WriteResult::kRefusedField:
    case WriteResult::kRefusedLimit:
    case WriteResult::kRefused:
      break;
  }
  return v1::PUSH_OUTCOME_REFUSED;
}

std::optional<absl::Duration> PauseAfter(v1::PushOutcome outcome, int attempt, const PushPauses& pauses) {
  switch (outcome) {
    case v1::PUSH_OUTCOME_RETRYING:
      return pauses.retry.Before(attempt);
    case v1::PUSH_OUTCOME_REFUSED_RESERVED:
    case v1::PUSH_OUTCOME_REFUSED_CAMPAIGN:
    case v1::PUSH_OUTCOME_REFUSED_HOLIDAY:
    case v1::PUSH_OUTCOME_REFUSED:
      return pauses.refused.Before(attempt);
    default:  // done, or of no use before the value or the listing is another
      return std::nullopt;
  }
}

}  // namespace

absl::Duration GrowingPause::Before(int attempt) const {
  absl::BitGen random;
  const absl::Duration step = first * static_cast<std::int64_t>(1 << std::clamp(attempt - 1, 0, 20));
  return std::min(step, longest) * absl::Uniform(random, 0.5, 1.0);
}

store::PushAnswer AnswerOf(const store::DuePush& push, const WriteOutcome& outcome,
                           const PushPauses& pauses) {
  store::PushAnswer answer{
      .push = push, .outcome = OutcomeOf(outcome.result), .description = outcome.description};
  answer.again_after = PauseAfter(answer.outcome, push.attempts + 1, pauses);
  if (answer.again_after && outcome.retry_after) {
    answer.again_after = std::max(*answer.again_after, *outcome.retry_after);
  }
  return answer;
}

}  // namespace skulink
