#include "server/sync/rate_budget.h"

#include <gtest/gtest.h>

#include <future>
#include <map>
#include <optional>
#include <vector>

#include "common/errors.h"

namespace skulink {
namespace {

using Priority = RateBudget::Priority;

// Stands still until a test moves it.
class SetClock final : public RateClock {
 public:
  absl::Time Now() override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  void Wait(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, absl::Time until) override {
    std::unique_lock own(mutex_);
    if (until <= now_) return;
    const int number = ++last_number_;
    waiting_[number] = {&changed, lock.mutex()};
    waiting_changed_.notify_all();
    own.unlock();
    changed.wait(lock);
    own.lock();
    waiting_.erase(number);
  }

  // Those who wait are no longer counted until they wait again.
  void Advance(absl::Duration duration) {
    std::map<int, Waiting> waiting;
    {
      const std::lock_guard lock(mutex_);
      now_ += duration;
      waiting.swap(waiting_);
    }
    for (const auto& [number, one] : waiting) {
      const std::lock_guard lock(*one.mutex);  // it is in its wait, not on the way there
      one.changed->notify_all();
    }
  }

  void AwaitWaiting(std::size_t count) {
    std::unique_lock lock(mutex_);
    waiting_changed_.wait(lock, [&] { return waiting_.size() == count; });
  }

 private:
  struct Waiting {
    std::condition_variable* changed = nullptr;
    std::mutex* mutex = nullptr;
  };
  std::mutex mutex_;  // guards what follows
  std::condition_variable waiting_changed_;
  absl::Time now_ = absl::UnixEpoch();
  std::map<int, Waiting> waiting_;
  int last_number_ = 0;
};

class RateBudgetTest : public testing::Test {
 protected:
  // Somebody who waits for a turn.
  std::future<absl::Status> Start(Priority priority, std::stop_token stop = {}) {
    return std::async(std::launch::async, [this, priority, stop] { return budget_.Take(priority, stop); });
  }
  static bool Waits(const std::future<absl::Status>& taker) {
    return taker.wait_for(std::chrono::seconds(0)) == std::future_status::timeout;
  }
  // Without waiting, or the test never ends.
  void TakeAtOnce(Priority priority = Priority::kWrite) { EXPECT_TRUE(budget_.Take(priority, {}).ok()); }

  SetClock clock_;
  RateBudget budget_{clock_};
};

TEST_F(RateBudgetTest, WriteThatCannotWaitIsToldWhenToComeAndReadsWaitForIt) {
  budget_.SetLimit(10);
  EXPECT_EQ(budget_.TryTakeWrite(), std::nullopt);
  const std::optional<absl::Duration> wait = budget_.TryTakeWrite();
  ASSERT_TRUE(wait);
  EXPECT_GT(*wait, absl::Milliseconds(99));
  EXPECT_LT(*wait, absl::Milliseconds(101));
  auto read = Start(Priority::kRead);
  clock_.AwaitWaiting(1);

  clock_.Advance(*wait);
  clock_.AwaitWaiting(1);
  EXPECT_TRUE(Waits(read));
  EXPECT_EQ(budget_.TryTakeWrite(), std::nullopt);

  clock_.AwaitWaiting(1);
  clock_.Advance(absl::Milliseconds(101));
  EXPECT_TRUE(read.get().ok());
}

TEST_F(RateBudgetTest, WriteThatDoesNotComeHoldsReadsUpForAMoment) {
  budget_.SetLimit(10);
  EXPECT_EQ(budget_.TryTakeWrite(), std::nullopt);
  const std::optional<absl::Duration> wait = budget_.TryTakeWrite();
  ASSERT_TRUE(wait);
  auto read = Start(Priority::kRead);
  clock_.AwaitWaiting(1);

  clock_.Advance(*wait + absl::Milliseconds(60));

  EXPECT_TRUE(read.get().ok());
}

TEST_F(RateBudgetTest, WithoutALimitNobodyWaits) {
  EXPECT_EQ(budget_.TryTakeWrite(), std::nullopt);
  EXPECT_FALSE(budget_.limited());
  for (int i = 0; i < 1000; ++i) TakeAtOnce(i % 2 == 0 ? Priority::kWrite : Priority::kRead);
}

TEST_F(RateBudgetTest, RequestsAreSpreadOverTheSecond) {
  budget_.SetLimit(10);
  EXPECT_TRUE(budget_.limited());
  TakeAtOnce();
  for (int i = 0; i < 25; ++i) {
    std::future<absl::Status> next = Start(Priority::kRead);
    clock_.AwaitWaiting(1);
    clock_.Advance(absl::Milliseconds(99));
    clock_.AwaitWaiting(1);
    EXPECT_TRUE(Waits(next));
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_TRUE(next.get().ok());
  }
}

TEST_F(RateBudgetTest, ATenthOfASecondGoesOutAtOnceAfterAPause) {
  budget_.SetLimit(50);
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 5; ++i) TakeAtOnce();

  std::future<absl::Status> sixth = Start(Priority::kWrite);
  clock_.AwaitWaiting(1);
  EXPECT_TRUE(Waits(sixth));
  clock_.Advance(absl::Milliseconds(20));
  EXPECT_TRUE(sixth.get().ok());
}

TEST_F(RateBudgetTest, OfLessThanOneASecondOneGoesOutAtOnce) {
  budget_.SetLimit(0.1);
  clock_.Advance(absl::Hours(1));
  TakeAtOnce();

  std::future<absl::Status> second = Start(Priority::kRead);
  clock_.AwaitWaiting(1);
  clock_.Advance(absl::Seconds(9));
  clock_.AwaitWaiting(1);
  EXPECT_TRUE(Waits(second));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(second.get().ok());
}

TEST_F(RateBudgetTest, AWriteGoesBeforeAReadThatCameEarlier) {
  budget_.SetLimit(10);
  TakeAtOnce();
  std::future<absl::Status> read = Start(Priority::kRead);
  clock_.AwaitWaiting(1);
  std::future<absl::Status> write = Start(Priority::kWrite);
  clock_.AwaitWaiting(2);

  clock_.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(write.get().ok());
  EXPECT_TRUE(Waits(read));
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(read.get().ok());
}

TEST_F(RateBudgetTest, WithinAPriorityTheFirstToComeGoesFirst) {
  for (const Priority priority : {Priority::kWrite, Priority::kRead}) {
    budget_.SetLimit(10);
    TakeAtOnce(priority);
    std::vector<std::future<absl::Status>> takers;
    for (std::size_t i = 0; i < 4; ++i) {
      takers.push_back(Start(priority));
      clock_.AwaitWaiting(i + 1);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      clock_.Advance(absl::Milliseconds(100));
      EXPECT_TRUE(takers[i].get().ok());
      for (std::size_t later = i + 1; later < 4; ++later) EXPECT_TRUE(Waits(takers[later]));
    }
    clock_.Advance(absl::Milliseconds(100));
  }
}

TEST_F(RateBudgetTest, ThrottledHoldsEverybodyBack) {
  budget_.Throttled(absl::Seconds(5));
  budget_.Throttled(absl::Seconds(2));  // sooner than what was asked for before
  std::future<absl::Status> write = Start(Priority::kWrite);
  std::future<absl::Status> read = Start(Priority::kRead);
  clock_.AwaitWaiting(2);

  clock_.Advance(absl::Seconds(4.9));
  clock_.AwaitWaiting(2);
  EXPECT_TRUE(Waits(write));
  EXPECT_TRUE(Waits(read));
  clock_.Advance(absl::Seconds(0.1));
  EXPECT_TRUE(write.get().ok());
  EXPECT_TRUE(read.get().ok());
}

TEST_F(RateBudgetTest, ThrottledReachesThoseWhoWaitAlready) {
  budget_.SetLimit(10);
  TakeAtOnce();
  std::future<absl::Status> write = Start(Priority::kWrite);
  clock_.AwaitWaiting(1);

  budget_.Throttled(absl::Seconds(1));
  clock_.Advance(absl::Milliseconds(100));
  clock_.AwaitWaiting(1);
  EXPECT_TRUE(Waits(write));
  clock_.Advance(absl::Milliseconds(900));
  EXPECT_TRUE(write.get().ok());
}

TEST_F(RateBudgetTest, AStopEndsTheWaitAndLetsTheOthersGo) {
  budget_.SetLimit(10);
  TakeAtOnce();
  std::stop_source stop;
  std::future<absl::Status> stopped = Start(Priority::kWrite, stop.get_token());
  clock_.AwaitWaiting(1);
  std::future<absl::Status> read = Start(Priority::kRead);
  clock_.AwaitWaiting(2);

  stop.request_stop();
  EXPECT_EQ(stopped.get().code(), absl::StatusCode::kCancelled);
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(read.get().ok());
}

TEST_F(RateBudgetTest, AfterAStopNobodyTakesOne) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(budget_.Take(Priority::kWrite, stop.get_token()).code(), absl::StatusCode::kCancelled);
}

TEST_F(RateBudgetTest, TheRequestInAnswerToWhichTheLimitWasSaidCounts) {
  EXPECT_EQ(budget_.TryTakeWrite(), std::nullopt);
  budget_.SetLimit(10);

  const std::optional<absl::Duration> wait = budget_.TryTakeWrite();

  ASSERT_TRUE(wait);
  EXPECT_GT(*wait, absl::Milliseconds(99));
  EXPECT_LT(*wait, absl::Milliseconds(101));
}

TEST_F(RateBudgetTest, WhoHasLittlePatienceIsToldThatTheTurnDidNotCome) {
  budget_.SetLimit(10);
  TakeAtOnce();
  std::future<absl::Status> impatient = std::async(
      std::launch::async, [this] { return budget_.Take(Priority::kWrite, {}, absl::Milliseconds(50)); });
  clock_.AwaitWaiting(1);
  std::future<absl::Status> read = Start(Priority::kRead);
  clock_.AwaitWaiting(2);

  clock_.Advance(absl::Milliseconds(50));
  EXPECT_EQ(ReasonOf(impatient.get()), v1::ERROR_REASON_SELLER_CENTER_THROTTLED);
  clock_.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(read.get().ok());
}

TEST_F(RateBudgetTest, WhoHasLittlePatienceIsToldOfAPauseAtOnce) {
  budget_.Throttled(absl::Seconds(10));

  const absl::Status status = budget_.Take(Priority::kWrite, {}, absl::Seconds(5));

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_THROTTLED);
  EXPECT_EQ(RetryAfter(status), absl::Seconds(10));
}

TEST_F(RateBudgetTest, AnotherLimitHoldsAtOnce) {
  budget_.SetLimit(0.001);
  TakeAtOnce();
  std::future<absl::Status> write = Start(Priority::kWrite);
  clock_.AwaitWaiting(1);

  budget_.SetLimit(0);
  EXPECT_TRUE(write.get().ok());
  TakeAtOnce();
}

// By the real clock, which is only asked to go on.
TEST(RateBudgets, AreSharedByThoseOfOneChannel) {
  RateBudgets budgets;
  const std::shared_ptr<RateBudget> one = budgets.Of(1, 1);
  EXPECT_EQ(budgets.Of(1, 1), one);
  EXPECT_NE(budgets.Of(1, 2), one);
  EXPECT_NE(budgets.Of(2, 1), one);
  one->SetLimit(1000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(one->Take(Priority::kRead, {}).ok());
}

}  // namespace
}  // namespace skulink
