#include "server/store/pushes.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/text.h"
#include "server/store/listings.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

// Of a transaction: each is a push and a listing.
constexpr std::size_t kAnswersAtOnce = 2000;
// Code points: four bytes each at most.
constexpr std::size_t kMaxDescription = 250;

using PushKey = std::pair<std::string_view, v1::PushKind>;

struct StoredPush {
  std::int64_t product = 0, variant = 0, quantity = 0;
  std::string currency;
  std::int64_t version = 0;
  v1::PushOutcome outcome = v1::PUSH_OUTCOME_PENDING;
  std::optional<std::int64_t> due, applied;
  std::int64_t attempts = 0;
  std::string description;
  std::int64_t change_time = 0;
  std::optional<std::int64_t> attempt_time, apply_time;
};

// The Seller Center has the value, or may have it: an answer may have been lost.
bool MayBeThere(v1::PushOutcome outcome) {
  return outcome == v1::PUSH_OUTCOME_APPLIED || outcome == v1::PUSH_OUTCOME_RETRYING;
}

class Answers {
 public:
  Answers(Session& session, const ChannelTraffic& traffic, std::span<const PushAnswer> answers)
      : session_(session), traffic_(traffic), answers_(answers) {}

  void Save() {
    std::vector<std::string_view> listing_ids;
    for (const PushAnswer& answer : answers_) listing_ids.push_back(answer.push.listing_id);
    // Listings before pushes, as those that plan do it.
    std::vector<LockedListing> listings =
        LockListings(session_, traffic_.merchant_number, traffic_.channel_number, listing_ids);
    for (LockedListing& listing : listings) listings_[listing.listing.listing_id] = &listing;
    LockPushes(listing_ids);
    for (const PushAnswer& answer : answers_) Take(answer);
    WritePushes();
    WriteListingValues(session_, traffic_.merchant_number, traffic_.channel_number, listings);
  }

 private:
  void LockPushes(const std::vector<std::string_view>& listing_ids) {
    absl::flat_hash_set<PushKey> wanted;
    for (const PushAnswer& answer : answers_) wanted.emplace(answer.push.listing_id, answer.push.kind);
    session_.Query(
        absl::StrCat("SELECT listing_id, kind, product_no, variant_no, quantity, currency, version, outcome, "
                     "due, applied, attempts, description, change_time, attempt_time, apply_time, ",
                     kDatabaseNow,
                     " FROM push FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND channel_no = ? AND "
                     "listing_id IN (?) FOR UPDATE"),
        {traffic_.merchant_number, traffic_.channel_number, listing_ids}, [&](const Row& row) {
          now_ = row.Int(15);
          const auto found = wanted.find(PushKey(row.Text(0), static_cast<v1::PushKind>(row.Int(1))));
          if (found == wanted.end()) return;
          pushes_[*found] = {.product = row.Int(2),
                             .variant = row.Int(3),
                             .quantity = row.Int(4),
                             .currency = row.String(5),
                             .version = row.Int(6),
                             .outcome = static_cast<v1::PushOutcome>(row.Int(7)),
                             .due = row.OptionalInt(8),
                             .applied = row.OptionalInt(9),
                             .attempts = row.Int(10),
                             .description = row.String(11),
                             .change_time = row.Int(12),
                             .attempt_time = row.OptionalInt(13),
                             .apply_time = row.OptionalInt(14)};
        });
  }

  void Take(const PushAnswer& answer) {
    const auto found = pushes_.find(PushKey(answer.push.listing_id, answer.push.kind));
    if (found == pushes_.end()) {
      // Whoever plans the listing anew must not believe what was known before this value came.
      if (MayBeThere(answer.outcome)) SetListing(answer.push, /*known=*/false);
    } else if (found->second.version == answer.push.version) {
      TakeCurrent(answer, found->second);
    } else {
      TakeOlder(answer, found->second);
    }
  }

  void TakeCurrent(const PushAnswer& answer, StoredPush& push) {
    push.outcome = answer.outcome;
    push.description = std::string(FirstCodePoints(answer.description, kMaxDescription));
    push.attempts = answer.push.attempts + 1;
    push.attempt_time = now_;
    push.due.reset();
    switch (answer.outcome) {
      case v1::PUSH_OUTCOME_APPLIED:
        push.applied = push.quantity;
        push.apply_time = now_;
        SetListing(answer.push, /*known=*/true);
        break;
      case v1::PUSH_OUTCOME_NOT_LIVE:
      case v1::PUSH_OUTCOME_GONE:
        // The listing is not what we think. The next scan that sees it live takes it for changed, also where
        // the Seller Center never tells the value, and it is planned again.
        SetListing(answer.push, /*known=*/false);
        break;
      default:
        if (answer.again_after) push.due = now_ + absl::ToInt64Microseconds(*answer.again_after);
    }
  }

  // A newer value was planned meanwhile. It goes behind those that have waited since before that: its place
  // was the older one's, which had its turn.
  void TakeOlder(const PushAnswer& answer, StoredPush& push) {
    if (push.due) push.due = std::max(*push.due, push.change_time);
    const DuePush& answered = answer.push;
    if (answer.outcome == v1::PUSH_OUTCOME_APPLIED) {
      push.applied = answered.quantity;
      SetListing(answered, /*known=*/true);
    }
    const bool same = push.quantity == answered.quantity && push.currency == answered.currency;
    if (push.outcome != v1::PUSH_OUTCOME_APPLIED || same || !MayBeThere(answer.outcome)) return;
    push.outcome = v1::PUSH_OUTCOME_PENDING;
    push.version = std::max(push.version + 1, now_);
    push.due = push.change_time = now_;
    push.attempts = 0;
    push.apply_time.reset();
  }

  // What the Seller Center has now.
  void SetListing(const DuePush& push, bool known) {
    const auto found = listings_.find(push.listing_id);
    if (found == listings_.end()) return;
    LockedListing& locked = *found->second;
    locked.changed = true;
    locked.doubtful = locked.doubtful || !known;
    if (push.kind == v1::PUSH_KIND_STOCK) {
      locked.listing.stock = known ? std::optional(push.quantity) : std::nullopt;
    } else {
      locked.listing.price = known ? std::optional(Money{push.quantity, push.currency}) : std::nullopt;
    }
  }

  void WritePushes() {
    if (pushes_.empty()) return;
    ValueRows rows;
    for (const auto& [key, push] : pushes_) {
      rows.push_back({traffic_.merchant_number, traffic_.channel_number, key.first,
                      static_cast<int>(key.second), push.product, push.variant, push.quantity, push.currency,
                      push.version, static_cast<int>(push.outcome), push.due, push.applied, push.attempts,
                      push.description, push.change_time, push.attempt_time, push.apply_time});
    }
    session_.Execute(
        "INSERT INTO push (merchant_no, channel_no, listing_id, kind, product_no, variant_no, quantity, "
        "currency, version, outcome, due, applied, attempts, description, change_time, attempt_time, "
        "apply_time) VALUES ? ON DUPLICATE KEY UPDATE version = VALUES(version), outcome = VALUES(outcome), "
        "due = VALUES(due), applied = VALUES(applied), attempts = VALUES(attempts), description = "
        "VALUES(description), change_time = VALUES(change_time), attempt_time = VALUES(attempt_time), "
        "apply_time = VALUES(apply_time)",
        {rows});
  }

  Session& session_;
  const ChannelTraffic& traffic_;
  const std::span<const PushAnswer> answers_;
  std::int64_t now_ = 0;  // by the database's clock
  absl::flat_hash_map<std::string_view, LockedListing*> listings_;
  absl::flat_hash_map<PushKey, StoredPush> pushes_;
};

}  // namespace

absl::StatusOr<std::vector<DuePush>> DuePushes(Database& database, const ChannelTraffic& traffic,
                                               v1::PushKind kind, int limit) {
  return database.Read([&](Session& session) {
    std::vector<DuePush> due;
    session.Query(
        absl::StrCat("SELECT p.listing_id, l.item_id, p.version, p.quantity, p.currency, p.attempts "
                     "FROM channel c STRAIGHT_JOIN push p FORCE INDEX (by_due) ON p.merchant_no = "
                     "c.merchant_no AND p.channel_no = c.channel_no STRAIGHT_JOIN listing l FORCE INDEX "
                     "(PRIMARY) ON l.merchant_no = p.merchant_no AND l.channel_no = p.channel_no AND "
                     "l.listing_id = p.listing_id WHERE c.merchant_no = ? AND c.channel_no = ? AND c.",
                     kind == v1::PUSH_KIND_STOCK ? "stock_sync" : "price_sync",
                     " AND NOT c.removing AND p.merchant_no = ? AND p.channel_no = ? AND p.kind = ? AND "
                     "p.due <= ",
                     kDatabaseNow, " ORDER BY p.due LIMIT ?"),
        {traffic.merchant_number, traffic.channel_number, traffic.merchant_number, traffic.channel_number,
         static_cast<int>(kind), limit},
        [&](const Row& row) {
          due.push_back({.listing_id = row.String(0),
                         .item_id = row.String(1),
                         .kind = kind,
                         .version = row.Int(2),
                         .quantity = row.Int(3),
                         .currency = row.String(4),
                         .attempts = static_cast<int>(row.Int(5))});
        });
    return due;
  });
}

absl::Status SavePushAnswers(Database& database, const ChannelTraffic& traffic,
                             const std::vector<PushAnswer>& answers) {
  for (std::span<const PushAnswer> left(answers); !left.empty();) {
    const std::span<const PushAnswer> some = left.first(std::min(kAnswersAtOnce, left.size()));
    SKULINK_RETURN_IF_ERROR(database.Transact([&](Session& session) {
      Answers(session, traffic, some).Save();
      // Last, since whoever renews or takes the channel waits for its row.
      FenceTraffic(session, traffic);
    }));
    left = left.subspan(some.size());
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
