#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/string_map.h"
#include "server/store/channel_traffic.h"
#include "server/store/channels.h"
#include "server/store/database.h"
#include "skulink/v1/inventory_service.pb.h"

// Which values are to be sent to which listings (design rule 8): the outbox.
namespace skulink::store {

// Plans what is to be sent, in the transaction of the change that makes it necessary: is told which SKU keys
// or listings a change touched, and after all rows are written brings the pushes of their live listings, on
// every channel that is kept in step, up to the variants' values. A value that is newer takes the place of
// the one that waits; one that the Seller Center is known to have is not sent. The caller holds the
// merchant's lock.
class PushPlanner {
 public:
  // Rows that one transaction plans at most. What is more is left to PlanSomeOfAll.
  static constexpr std::int64_t kRowsAtOnce = 6000;

  PushPlanner(Session& session, std::int64_t merchant_number);

  // No channel of the merchant is, or was, kept in step: nothing to be told.
  bool idle() const { return channels_.empty(); }
  bool Keeps(int channel) const { return channels_.contains(channel); }

  // The key has a variant, whose stock, or whose stock, price or self, is another one.
  void StockTouched(std::string_view sku_key) { keys_of_stock_.emplace(sku_key); }
  void KeyTouched(std::string_view sku_key) { keys_.emplace(sku_key); }
  // The key's variant went to another key or is no more, or lost its stock or price.
  void KeyLeft(std::string_view sku_key) { keys_left_.emplace(sku_key); }
  // A scan wrote the listing, or somebody created it, and it is live and matched: it may have another value
  // than was applied (drift).
  void ListingCreated(int channel, std::string_view listing_id);
  void ListingTouched(int channel, std::string_view listing_id);
  // The listing is removed, or no longer matches or lives.
  void ListingLeft(int channel, std::string_view listing_id);

  void Settle();

 private:
  friend absl::StatusOr<bool> PlanSomeOfAll(Database& database, const ChannelTraffic& traffic);

  struct KeptChannel {
    int number = 0;
    StockSync stock_sync;
    bool stock = false, price = false;          // kept in step
    std::optional<std::string> push_all_after;  // see migration 0006
    bool push_again = false;
    int push_unknown = 0;  // see migration 0008
    std::vector<std::string> created, touched, left;
  };
  // Listings l and their variants v, as SQL with one `?` for each of `values`.
  struct Selection {
    std::string sql;
    std::vector<std::string_view> texts;  // of an IN (?); else:
    std::string after, last;              // of a range of listing ids
  };

  void SettleChannel(KeptChannel& channel);
  void PlanKeys(const KeptChannel& channel, v1::PushKind kind, const StringSet& keys);
  void PlanListings(const KeptChannel& channel, const std::vector<std::string>& listing_ids);
  bool PlanNext(int channel);
  void Plan(const KeptChannel& channel, v1::PushKind kind, const Selection& selection, bool seen);
  void Drop(const KeptChannel& channel, const std::string& pushes, const Selection& selection);
  void DeleteListings(int channel, const std::vector<std::string>& listing_ids);
  void Doubt(int channel, const std::vector<std::string_view>& listing_ids);
  void Postpone(int channel, std::string_view after);

  Session& session_;
  const std::int64_t merchant_;
  std::int64_t rows_left_ = kRowsAtOnce;
  std::map<int, KeptChannel> channels_;
  StringSet keys_of_stock_, keys_, keys_left_;
};

// How many kinds of pushes each matched listing of the channel has.
std::size_t PushKinds(Session& session, std::int64_t merchant_number, int channel);

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
