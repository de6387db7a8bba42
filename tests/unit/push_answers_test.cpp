// When a stock or price that was not taken is sent again.
#include "server/sync/push_answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <vector>

namespace skulink {
namespace {

// So many that both ends of a range are met.
constexpr int kDraws = 500;

std::vector<absl::Duration> Pauses(const GrowingPause& pause, int attempt) {
  std::vector<absl::Duration> pauses(kDraws);
  for (absl::Duration& one : pauses) one = pause.Before(attempt);
  std::sort(pauses.begin(), pauses.end());
  return pauses;
}

TEST(GrowingPauseTest, GrowsTwofoldFromTheFirstToTheLongest) {
  const GrowingPause pause{absl::Milliseconds(10), absl::Milliseconds(100)};
  const std::vector<int> steps = {10, 20, 40, 80, 100, 100, 100};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    SCOPED_TRACE(i + 1);
    const std::vector<absl::Duration> pauses = Pauses(pause, static_cast<int>(i) + 1);
    EXPECT_GE(pauses.front(), absl::Milliseconds(steps[i]) / 2);
    EXPECT_LE(pauses.back(), absl::Milliseconds(steps[i]));
  }
}

TEST(GrowingPauseTest, StaysTheLongestHoweverOftenItIsTried) {
  const GrowingPause pause{absl::Minutes(1), absl::Hours(1)};
  for (const int attempt : {7, 21, 22, 32, 33, 64, 65, 1'000'000, std::numeric_limits<int>::max()}) {
    SCOPED_TRACE(attempt);
    const std::vector<absl::Duration> pauses = Pauses(pause, attempt);
    EXPECT_GE(pauses.front(), absl::Minutes(30));
    EXPECT_LE(pauses.back(), absl::Hours(1));
  }
}

TEST(GrowingPauseTest, IsTheFirstBeforeAnythingFailed) {
  const std::vector<absl::Duration> pauses = Pauses({absl::Seconds(1), absl::Minutes(1)}, 0);
  EXPECT_GE(pauses.front(), absl::Milliseconds(500));
  EXPECT_LE(pauses.back(), absl::Seconds(1));
}

// So that those who failed together do not come back together.
TEST(GrowingPauseTest, IsSpreadOverHalfOfTheStep) {
  const GrowingPause pause{absl::Seconds(1), absl::Minutes(5)};
  for (const int attempt : {1, 3, 100}) {
    SCOPED_TRACE(attempt);
    const std::vector<absl::Duration> pauses = Pauses(pause, attempt);
    EXPECT_NE(pause.Before(attempt), pause.Before(attempt));
    EXPECT_LT(pauses.front(), 0.6 * pauses.back());
    EXPECT_GT(std::set<absl::Duration>(pauses.begin(), pauses.end()).size(), 0.9 * kDraws);
  }
}

// Of pauses that cannot be taken for each other's.
constexpr PushPauses kPauses{.retry = {absl::Seconds(1), absl::Seconds(8)},
                             .refused = {absl::Minutes(1), absl::Minutes(8)},
                             .shop = {absl::Hours(1), absl::Hours(8)}};

store::PushAnswer AnswerTo(WriteResult result, int attempts_before = 0,
                           std::optional<absl::Duration> retry_after = std::nullopt) {
  return AnswerOf({.attempts = attempts_before}, {.result = result, .retry_after = retry_after}, kPauses);
}

void ExpectBetween(const std::optional<absl::Duration>& pause, absl::Duration most) {
  ASSERT_TRUE(pause.has_value());
  EXPECT_GE(*pause, most / 2);
  EXPECT_LE(*pause, most);
}

TEST(PushAnswerTest, WhatPassesIsTriedAgainSoonAndWhatIsRefusedLater) {
  for (int attempts = 0; attempts < 6; ++attempts) {
    SCOPED_TRACE(attempts);
    const int step = std::min(8, 1 << attempts);
    ExpectBetween(AnswerTo(WriteResult::kRetry, attempts).again_after, absl::Seconds(step));
    for (const WriteResult refused :
         {WriteResult::kRefusedReserved, WriteResult::kRefusedCampaign, WriteResult::kRefusedHoliday,
          WriteResult::kRefused, WriteResult::kRefusedField, WriteResult::kRefusedLimit}) {
      ExpectBetween(AnswerTo(refused, attempts).again_after, absl::Minutes(step));
    }
  }
}

TEST(PushAnswerTest, ATimeThatIsGivenWinsOverAShorterPauseAndMakesNoneShorter) {
  for (const WriteResult result : {WriteResult::kRetry, WriteResult::kRefusedReserved}) {
    EXPECT_EQ(AnswerTo(result, 0, absl::Hours(2)).again_after, absl::Hours(2));
  }
  ExpectBetween(AnswerTo(WriteResult::kRetry, 3, absl::Milliseconds(1)).again_after, absl::Seconds(8));
}

TEST(PushAnswerTest, WhatIsDoneOrOfNoUseIsNotTriedAgainWhateverTimeIsGiven) {
  for (const WriteResult result :
       {WriteResult::kOk, WriteResult::kRefusedValue, WriteResult::kNotLive, WriteResult::kGone}) {
    EXPECT_EQ(AnswerTo(result).again_after, std::nullopt);
    EXPECT_EQ(AnswerTo(result, 3, absl::Minutes(1)).again_after, std::nullopt);
  }
}

}  // namespace
}  // namespace skulink
