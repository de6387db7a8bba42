#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/database.h"
#include "server/store/pushes.h"
#include "server/sync/owned_channel.h"
#include "server/sync/push_answers.h"

namespace skulink {

struct PushOptions {
  // Calls of Seller Centers, and transactions, at work at once for all channels; and calls for one of them.
  int threads = 16;
  int calls_at_once = 4;
  // How long an answer may take; less than a lease, so that no call outlives one.
  absl::Duration call_timeout = absl::Seconds(6);
  // Between the end of the last call and the end of the lease, at least.
  absl::Duration lease_margin = absl::Milliseconds(500);
  // How long a channel is kept after its last push.
  absl::Duration linger = absl::Seconds(5);
  PushPauses pauses;
};

// The pushes of one channel: reads what is due, sends it in batches and writes what became of it, in steps
// that several threads do at once. Thread-safe.
class ChannelPusher {
 public:
  using Clock = OwnedChannel::Clock;

  // Updates in a call that an adapter may take at most.
  static constexpr int kMaxBatch = 1000;

  // `doubtful_calls` counts the calls, of all channels, to shops that failed last.
  ChannelPusher(store::Database& database, std::shared_ptr<OwnedChannel> channel, const PushOptions& options,
                std::atomic<int>& doubtful_calls);

  const std::shared_ptr<OwnedChannel>& channel() const { return channel_; }

  // Does the next thing there is to do, if there is one; `more` is called before, when others may look for
  // more. Calls of the Seller Center end soon after `stop`. Returns when to step again, unless something
  // happens before.
  Clock::time_point Step(const std::function<void()>& more, const std::stop_token& stop);

  // There may be something new to be sent.
  void Look();
  // All listings of the channel are to be planned.
  void PlanAll();
  // Nothing is begun any more; what was answered is still written.
  void Finish();
  // Nothing is to be done, for a while already: finishes. False otherwise.
  bool FinishIfIdle();

 private:
  // What a thread is to do.
  struct Task {
    enum class Kind { kNone, kSave, kFetch, kPlan, kDescribe, kSend };
    Kind kind = Kind::kNone;
    // Of a call.
    Clock::time_point begun;
    bool doubtful = false;
    std::shared_ptr<SellerCenter> seller_center;
    std::vector<store::DuePush> pushes;  // of one kind
  };

  // With the lock held: what there is to do now, and that it is being done.
  Task Choose(Clock::time_point now);
  bool WantsFetch(Clock::time_point now);
  Task ChooseCall(Clock::time_point now);
  bool MayCall(Clock::time_point now, bool doubtful);
  std::vector<store::DuePush> NextBatch();
  void RefuseBacklog();
  int LargestBatch(v1::PushKind kind) const;
  void WakeAt(Clock::time_point at) { wake_ = std::min(wake_, at); }

  void Save();
  void Fetch();
  void Plan();
  void Describe(const Task& task, const std::stop_token& stop);
  void Send(Task task, const std::stop_token& stop);
  // Of a call: counted from the look at the lease, however late it is made.
  Clock::time_point DeadlineOf(const Task& task) const;

  // With the lock held.
  void EndCall(const Task& task);
  void TakeFailure(Task task, const absl::Status& status);
  void PutBack(std::vector<store::DuePush> pushes);
  void Answer(store::DuePush push, const WriteOutcome& outcome);
  void AnswerLater(const store::DuePush& push, const absl::Status& status, absl::Duration pause);
  void CallSucceeded(const Task& task);
  // Returns how long the channel waits now.
  absl::Duration CallFailed(const Task& task, const absl::Status& status);
  void StoreFailed(const absl::Status& status);

  store::Database& database_;
  const std::shared_ptr<OwnedChannel> channel_;
  const PushOptions options_;
  std::atomic<int>& doubtful_calls_;

  std::mutex mutex_;  // guards what follows
  bool finishing_ = false;
  Clock::time_point wake_;
  Clock::time_point last_busy_ = Clock::now();

  // Of the store. One thread at a time reads or writes there: so a read sees what was written before it, and
  // what it finds that is in flight is not sent twice.
  bool storing_ = false;
  bool look_ = true, more_ = false, plan_;
  Clock::time_point next_look_{}, store_pause_until_{};

  // Due and not sent yet, of one kind, the longest waiting first.
  std::deque<store::DuePush> backlog_;
  v1::PushKind backlog_kind_ = v1::PUSH_KIND_STOCK;
  // Listings of what was sent and whose answer is not written yet.
  absl::flat_hash_set<std::string> in_flight_;
  std::vector<store::PushAnswer> answers_;

  // Of the Seller Center.
  std::shared_ptr<SellerCenter> seller_center_;
  std::string endpoint_;  // of seller_center_
  std::optional<ShopDescription> shop_;
  Clock::time_point shop_known_until_{};
  bool describing_ = false;
  int calls_ = 0;
  int failures_ = 0;  // one after the other
  Clock::time_point last_failure_{}, pause_until_;
  int batch_limit_ = kMaxBatch;  // less than the shop takes, after batches that failed as a whole
};

}  // namespace skulink
