#include "server/sync/channel_pusher.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/sync/retry.h"

namespace skulink {
namespace {

using Clock = ChannelPusher::Clock;

// After which the shop is asked again what it takes.
constexpr absl::Duration kDescriptionAge = absl::Minutes(10);
// Batches are of this size before a shop has said what it takes.
constexpr int kUsualBatch = 100;
// What was fetched is fetched anew after so long.
constexpr absl::Duration kOldBacklog = absl::Milliseconds(500);
// A call of a doubtful shop waits so long for a thread.
constexpr absl::Duration kThreadPause = absl::Milliseconds(50);
// A shop that failed is not forgotten for so long, however little there is to be sent.
constexpr absl::Duration kFailureMemory = absl::Minutes(10);
// Answers that wait to be written: with more, nothing is sent.
constexpr std::size_t kMostAnswers = 20'000;

Clock::duration Ticks(absl::Duration duration) { return absl::ToChronoNanoseconds(duration); }

}  // namespace

ChannelPusher::ChannelPusher(store::Database& database, std::shared_ptr<OwnedChannel> channel,
                             const PushOptions& options, std::atomic<int>& doubtful_calls)
    : database_(database),
      channel_(std::move(channel)),
      options_(options),
      doubtful_calls_(doubtful_calls),
      plan_(channel_->traffic().plan_all),
      pause_until_(Clock::now() + Ticks(channel_->traffic().pause)) {}

Clock::time_point ChannelPusher::Step(const std::function<void()>& more, const std::stop_token& stop) {
  Task task;
  {
    const std::lock_guard lock(mutex_);
    wake_ = Clock::time_point::max();
    task = Choose(Clock::now());
    if (task.kind == Task::Kind::kNone) return wake_;
  }
  more();
  switch (task.kind) {
    case Task::Kind::kSave:
      Save();
      break;
    case Task::Kind::kFetch:
      Fetch();
      break;
    case Task::Kind::kPlan:
      Plan();
      break;
    case Task::Kind::kDescribe:
      Describe(task, stop);
      break;
    default:
      Send(std::move(task), stop);
  }
  return Clock::now();
}

void ChannelPusher::Look() {
  const std::lock_guard lock(mutex_);
  look_ = true;
}

void ChannelPusher::PlanAll() {
  const std::lock_guard lock(mutex_);
  plan_ = true;
}

void ChannelPusher::Finish() {
  const std::lock_guard lock(mutex_);
  finishing_ = true;
}

bool ChannelPusher::FinishIfIdle() {
  const std::lock_guard lock(mutex_);
  if (storing_ || calls_ > 0 || !in_flight_.empty() || !backlog_.empty() || plan_ || more_) return false;
  // It would only be taken again, to wait.
  if (Clock::now() < pause_until_) return false;
  const absl::Duration quiet = absl::FromChrono(Clock::now() - last_busy_);
  if (quiet < (failures_ > 0 ? kFailureMemory : options_.linger)) return false;
  finishing_ = true;
  return true;
}

ChannelPusher::Task ChannelPusher::Choose(Clock::time_point now) {
  if (channel_->lost().stop_requested()) return {};
  if (!storing_) {
    Task::Kind kind = Task::Kind::kNone;
    if (now < store_pause_until_) {
      WakeAt(store_pause_until_);
    } else if (!answers_.empty()) {
      kind = Task::Kind::kSave;
    } else if (!finishing_ && WantsFetch(now)) {
      kind = Task::Kind::kFetch;
    } else if (!finishing_ && plan_) {
      kind = Task::Kind::kPlan;
    }
    storing_ = kind != Task::Kind::kNone;
    if (storing_) return {.kind = kind, .begun = now};
  }
  return finishing_ ? Task() : ChooseCall(now);
}

bool ChannelPusher::WantsFetch(Clock::time_point now) {
  // What waits here gets old: values change, and kinds are switched off.
  const bool old = !backlog_.empty() && now >= next_look_ + Ticks(kOldBacklog);
  if (!look_ && !more_ && !old) return false;
  if (now < pause_until_) {
    WakeAt(pause_until_);
    return false;
  }
  const int enough = LargestBatch(backlog_kind_) * options_.calls_at_once;
  const bool few = backlog_.empty() || static_cast<int>(backlog_.size()) < enough;
  // Stock that became due goes before prices that wait.
  if (!few && !old && !(look_ && backlog_kind_ == v1::PUSH_KIND_PRICE)) return false;
  if (!more_ && now < next_look_) {
    WakeAt(next_look_);
    return false;
  }
  return true;
}

bool ChannelPusher::MayCall(Clock::time_point now, bool doubtful) {
  if (calls_ >= (failures_ > 0 ? 1 : options_.calls_at_once)) return false;
  if (now < pause_until_) {
    WakeAt(pause_until_);
    return false;
  }
  if (now + Ticks(options_.call_timeout + options_.lease_margin) > channel_->held_until()) {
    WakeAt(now + Ticks(kStoreRetry));  // the lease is about to be renewed
    return false;
  }
  // Shops that do not answer must leave threads for those that do.
  if (doubtful && doubtful_calls_ >= std::max(1, options_.threads / 2)) {
    WakeAt(now + Ticks(kThreadPause));
    return false;
  }
  if (const std::optional<absl::Duration> wait = channel_->budget()->TryTakeWrite()) {
    WakeAt(now + Ticks(*wait));
    return false;
  }
  return true;
}

ChannelPusher::Task ChannelPusher::ChooseCall(Clock::time_point now) {
  if (backlog_.empty() || answers_.size() > kMostAnswers) return {};
  if (const std::string endpoint = channel_->endpoint(); endpoint != endpoint_ || !seller_center_) {
    absl::StatusOr<std::unique_ptr<SellerCenter>> connected =
        ConnectSellerCenter(endpoint, options_.call_timeout);
    if (!connected.ok()) {  // only when the address is none
      AnswerLater(backlog_.front(), connected.status(), CallFailed({.begun = now}, connected.status()));
      backlog_.pop_front();
      WakeAt(now);
      return {};
    }
    seller_center_ = *std::move(connected);
    endpoint_ = endpoint;
    shop_.reset();
  }
  const bool describe = !shop_ || now >= shop_known_until_;
  if (describe && describing_) return {};
  if (!describe && LargestBatch(backlog_kind_) == 0) {
    RefuseBacklog();
    WakeAt(now);
    return {};
  }
  const bool sendable = describe || std::any_of(backlog_.begin(), backlog_.end(), [&](const auto& push) {
                          return !in_flight_.contains(push.listing_id);
                        });
  const bool doubtful = failures_ > 0 || describe;
  if (!sendable || !MayCall(now, doubtful)) return {};
  Task task{.kind = describe ? Task::Kind::kDescribe : Task::Kind::kSend,
            .begun = now,
            .doubtful = doubtful,
            .seller_center = seller_center_};
  if (!describe) task.pushes = NextBatch();
  describing_ = describe;
  ++calls_;
  if (doubtful) ++doubtful_calls_;
  return task;
}

std::vector<store::DuePush> ChannelPusher::NextBatch() {
  const std::size_t most = LargestBatch(backlog_kind_);
  std::vector<store::DuePush> batch;
  std::vector<store::DuePush> in_the_way;  // another value of the listing is on its way
  while (!backlog_.empty() && batch.size() < most) {
    store::DuePush push = std::move(backlog_.front());
    backlog_.pop_front();
    const bool free = in_flight_.insert(push.listing_id).second;
    (free ? batch : in_the_way).push_back(std::move(push));
  }
  backlog_.insert(backlog_.begin(), std::make_move_iterator(in_the_way.begin()),
                  std::make_move_iterator(in_the_way.end()));
  return batch;
}

void ChannelPusher::RefuseBacklog() {
  const bool stock = backlog_kind_ == v1::PUSH_KIND_STOCK;
  const WriteOutcome outcome{
      .result = WriteResult::kRefused,
      .description = absl::StrCat("the shop takes no ", stock ? "stock" : "prices", " from us"),
      .retry_after = options_.pauses.refused.longest};
  for (store::DuePush& push : backlog_) {
    if (in_flight_.insert(push.listing_id).second) Answer(std::move(push), outcome);
  }
  backlog_.clear();
}

int ChannelPusher::LargestBatch(v1::PushKind kind) const {
  if (!shop_) return kUsualBatch;
  const int most = kind == v1::PUSH_KIND_STOCK ? shop_->max_stock_updates : shop_->max_price_updates;
  return std::min(most, batch_limit_);
}

void ChannelPusher::Describe(const Task& task, const std::stop_token& stop) {
  absl::StatusOr<ShopDescription> shop = task.seller_center->DescribeShop(stop, DeadlineOf(task));
  const std::lock_guard lock(mutex_);
  EndCall(task);
  describing_ = false;
  if (absl::IsCancelled(shop.status())) return;
  if (shop.ok()) {
    channel_->budget()->SetLimit(shop->max_requests_per_second);
    shop_ = *std::move(shop);
    shop_known_until_ = Clock::now() + Ticks(kDescriptionAge);
    return;
  }
  const absl::Duration pause = CallFailed(task, shop.status());
  for (const store::DuePush& push : NextBatch()) AnswerLater(push, shop.status(), pause);
}

void ChannelPusher::Send(Task task, const std::stop_token& stop) {
  absl::StatusOr<std::vector<WriteOutcome>> outcomes;
  if (task.pushes.front().kind == v1::PUSH_KIND_STOCK) {
    std::vector<StockUpdate> updates;
    updates.reserve(task.pushes.size());
    for (const store::DuePush& push : task.pushes) {
      updates.push_back({.listing_id = push.listing_id, .item_id = push.item_id, .quantity = push.quantity});
    }
    outcomes = task.seller_center->UpdateStock(updates, stop, DeadlineOf(task));
  } else {
    std::vector<PriceUpdate> updates;
    updates.reserve(task.pushes.size());
    for (const store::DuePush& push : task.pushes) {
      updates.push_back({.listing_id = push.listing_id,
                         .item_id = push.item_id,
                         .price = {.ten_thousandths = push.quantity, .currency = push.currency}});
    }
    outcomes = task.seller_center->UpdatePrice(updates, stop, DeadlineOf(task));
  }
  const std::lock_guard lock(mutex_);
  EndCall(task);
  last_busy_ = Clock::now();
  if (!outcomes.ok()) return TakeFailure(std::move(task), outcomes.status());
  CallSucceeded(task);
  for (std::size_t i = 0; i < task.pushes.size(); ++i) {
    Answer(std::move(task.pushes[i]), (*outcomes)[i]);
  }
}

Clock::time_point ChannelPusher::DeadlineOf(const Task& task) const {
  return task.begun + Ticks(options_.call_timeout);
}

}  // namespace skulink
