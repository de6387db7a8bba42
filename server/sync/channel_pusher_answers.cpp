// What a ChannelPusher reads of the store, and what it makes of answers and writes of them.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/errors.h"
#include "common/names.h"
#include "server/sync/channel_pusher.h"
#include "server/sync/retry.h"

namespace skulink {
namespace {

using Clock = ChannelPusher::Clock;

// Between two looks of whoever changes one listing after the other.
constexpr absl::Duration kLookPause = absl::Milliseconds(50);
// Written at once.
constexpr std::size_t kSavedAtOnce = 2000;
// From so many failures on it is worth a line in the log.
constexpr int kFailuresToSay = 3;

Clock::duration Ticks(absl::Duration duration) { return absl::ToChronoNanoseconds(duration); }

std::string NameOf(const store::ChannelTraffic& traffic) {
  return ToString(ChannelName{traffic.merchant_id, traffic.channel_id});
}

}  // namespace

void ChannelPusher::Save() {
  std::vector<store::PushAnswer> answers;
  {
    const std::lock_guard lock(mutex_);
    const auto end = answers_.begin() + std::min(answers_.size(), kSavedAtOnce);
    answers.assign(std::make_move_iterator(answers_.begin()), std::make_move_iterator(end));
    answers_.erase(answers_.begin(), end);
  }
  const absl::Status saved = store::SavePushAnswers(database_, channel_->traffic(), answers);
  const std::lock_guard lock(mutex_);
  storing_ = false;
  if (saved.ok()) {
    for (const store::PushAnswer& answer : answers) in_flight_.erase(answer.push.listing_id);
    // Those that failed are due again, some of them soon; and values may have changed meanwhile.
    look_ = true;
    return;
  }
  answers_.insert(answers_.begin(), std::make_move_iterator(answers.begin()),
                  std::make_move_iterator(answers.end()));
  StoreFailed(saved);
}

void ChannelPusher::Fetch() {
  int limit = 0;
  {
    const std::lock_guard lock(mutex_);
    look_ = false;
    // Few, since values that wait here get old.
    const int batch = std::max({1, LargestBatch(v1::PUSH_KIND_STOCK), LargestBatch(v1::PUSH_KIND_PRICE)});
    limit = static_cast<int>(in_flight_.size()) + 2 * batch * options_.calls_at_once;
  }
  for (const v1::PushKind kind : {v1::PUSH_KIND_STOCK, v1::PUSH_KIND_PRICE}) {
    absl::StatusOr<std::vector<store::DuePush>> due =
        store::DuePushes(database_, channel_->traffic(), kind, limit);
    const std::lock_guard lock(mutex_);
    if (!due.ok()) {
      storing_ = false;
      look_ = true;
      StoreFailed(due.status());
      return;
    }
    more_ = static_cast<int>(due->size()) == limit;
    std::erase_if(*due, [&](const store::DuePush& push) { return in_flight_.contains(push.listing_id); });
    backlog_.assign(std::make_move_iterator(due->begin()), std::make_move_iterator(due->end()));
    backlog_kind_ = kind;
    next_look_ = Clock::now() + Ticks(kLookPause);
    if (!backlog_.empty()) {
      last_busy_ = Clock::now();
      break;
    }
  }
  const std::lock_guard lock(mutex_);
  storing_ = false;
}

void ChannelPusher::Plan() {
  const absl::StatusOr<bool> all = store::PlanSomeOfAll(database_, channel_->traffic());
  const std::lock_guard lock(mutex_);
  storing_ = false;
  last_busy_ = Clock::now();
  if (!all.ok()) return StoreFailed(all.status());
  plan_ = !*all;
  look_ = true;
}

void ChannelPusher::EndCall(const Task& task) {
  --calls_;
  if (task.doubtful) --doubtful_calls_;
}

void ChannelPusher::TakeFailure(Task task, const absl::Status& status) {
  const int size = static_cast<int>(task.pushes.size());
  const v1::ErrorReason reason = ReasonOf(status);
  if (absl::IsCancelled(status)) {
    channel_->MustLapse();
    return;
  }
  if (absl::IsUnavailable(status) || reason == v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED) {
    // One of the updates may be the cause.
    if (reason == v1::ERROR_REASON_SELLER_CENTER_TIMEOUT || reason == v1::ERROR_REASON_SELLER_CENTER_FAILED) {
      batch_limit_ = std::max(1, size / 2);
    }
    // Any of them may have been done; they are absolute, and so may be done again.
    absl::Duration pause = CallFailed(task, status);
    // One that always fails alone falls behind the others.
    if (size == 1) pause = std::max(pause, options_.pauses.shop.Before(task.pushes.front().attempts + 1));
    for (const store::DuePush& push : task.pushes) AnswerLater(push, status, pause);
    return;
  }
  // The call as it is will always be refused. One of the updates may be the cause, or the shop may take less
  // than it did.
  shop_.reset();
  if (size > 1) {
    batch_limit_ = size / 2;
    PutBack(std::move(task.pushes));
    return;
  }
  CallFailed(task, status);
  Answer(std::move(task.pushes.front()),
         {.result = WriteResult::kRefused, .description = std::string(status.message())});
}

void ChannelPusher::PutBack(std::vector<store::DuePush> pushes) {
  for (const store::DuePush& push : pushes) in_flight_.erase(push.listing_id);
  look_ = true;  // a fetch that is under way did not count them
  if (pushes.front().kind != backlog_kind_) return;
  backlog_.insert(backlog_.begin(), std::make_move_iterator(pushes.begin()),
                  std::make_move_iterator(pushes.end()));
}

void ChannelPusher::Answer(store::DuePush push, const WriteOutcome& outcome) {
  answers_.push_back(AnswerOf(std::move(push), outcome, options_.pauses));
}

void ChannelPusher::AnswerLater(const store::DuePush& push, const absl::Status& status,
                                absl::Duration pause) {
  answers_.push_back({.push = push,
                      .outcome = v1::PUSH_OUTCOME_RETRYING,
                      .description = std::string(status.message()),
                      .again_after = pause});
}

void ChannelPusher::CallSucceeded(const Task& task) {
  if (static_cast<int>(task.pushes.size()) >= batch_limit_)
    batch_limit_ = std::min(kMaxBatch, 2 * batch_limit_);
  if (task.begun < last_failure_) return;  // it says nothing of what came after
  if (failures_ >= kFailuresToSay) spdlog::info("{} takes pushes again", NameOf(channel_->traffic()));
  failures_ = 0;
}

absl::Duration ChannelPusher::CallFailed(const Task& task, const absl::Status& status) {
  const Clock::time_point now = Clock::now();
  // Calls that were under way together fail together, and count once.
  if (task.begun >= last_failure_ && ++failures_ == kFailuresToSay) {
    spdlog::warn("{} takes no pushes: {}", NameOf(channel_->traffic()), std::string(status.message()));
  }
  last_failure_ = now;
  const absl::Duration pause = std::max(options_.pauses.shop.Before(failures_), RetryAfter(status));
  pause_until_ = std::max(pause_until_, now + Ticks(pause));
  if (ReasonOf(status) == v1::ERROR_REASON_SELLER_CENTER_THROTTLED) channel_->budget()->Throttled(pause);
  return pause;
}

void ChannelPusher::StoreFailed(const absl::Status& status) {
  if (absl::IsAborted(status)) {
    spdlog::warn("pushes of {}: {}", NameOf(channel_->traffic()), std::string(status.message()));
    channel_->Lose();
    return;
  }
  // What is not written is sent again by whoever comes next.
  if (finishing_) answers_.clear();
  store_pause_until_ = Clock::now() + Ticks(kStoreRetry);
}

}  // namespace skulink
