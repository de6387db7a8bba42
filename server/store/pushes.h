#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/money.h"
#include "common/string_map.h"
#include "server/store/channel_traffic.h"
#include "server/store/database.h"
#include "server/store/merchants.h"
#include "skulink/v1/inventory_service.pb.h"

// Which values are to be sent to which listings (design rule 8): the outbox.
namespace skulink::store {

// Plans what is to be sent, in the transaction of the change that makes it necessary: is told which SKU keys
// or listings a change touched, and after all rows are written brings the pushes of their live listings, on
// every channel that is kept in step, up to the variants' values. A value that is newer takes the place of
// the one that waits. The caller holds the merchant's lock.
class PushPlanner {
 public:
  PushPlanner(Session& session, std::int64_t merchant_number);

  // No channel of the merchant is kept in step: nothing to be told.
  bool idle() const { return channels_.empty(); }
  // Stock, price or owner of the key changed: all its live listings.
  void KeyTouched(std::string_view sku_key);
  // A scan wrote the listing, or somebody created it: it may be matched now, or have another value than was
  // applied (drift).
  void ListingTouched(int channel, std::string_view listing_id);
  // The listing is removed, or no longer matches or lives.
  void ListingLeft(int channel, std::string_view listing_id);

  void Settle();

 private:
  struct SyncedChannel {
    int number;
    bool stock, price;
  };
  Session& session_;
  std::int64_t merchant_;
  std::vector<SyncedChannel> channels_;
  StringSet sku_keys_;
  std::vector<std::pair<int, std::string>> touched_, left_;
};

// A channel whose rule changed, or was switched on: plans the next few thousand of its listings. True when
// none are left. Fenced by `traffic`.
absl::StatusOr<bool> PlanSomeOfAll(Database& database, const ChannelTraffic& traffic);

// What is to be sent now.
struct DuePush {
  std::string listing_id, item_id;
  v1::PushKind kind = v1::PUSH_KIND_STOCK;
  std::int64_t version = 0;
  std::int64_t quantity = 0;  // units, or ten-thousandths of `currency`
  std::string currency;       // of a price
  int attempts = 0;           // at this value, before this one
};
// Of one kind that is kept in step, the longest waiting first.
absl::StatusOr<std::vector<DuePush>> DuePushes(Database& database, const ChannelTraffic& traffic,
                                               v1::PushKind kind, int limit);

struct PushAnswer {
  DuePush push;
  v1::PushOutcome outcome = v1::PUSH_OUTCOME_RETRYING;
  std::string description;
  std::optional<absl::Duration> again_after;  // absent: not by itself
};
// Writes what became of pushes, fenced by `traffic` (ABORTED when another server has it). An answer to an
// older version than the row's says only what the Seller Center has. What was applied is written to the
// listing, too, so that a scan sees whether the Seller Center still has it.
absl::Status SavePushAnswers(Database& database, const ChannelTraffic& traffic,
                             const std::vector<PushAnswer>& answers);

}  // namespace skulink::store
