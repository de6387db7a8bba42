#include "server/store/push_check.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/money.h"
#include "common/product_rules.h"
#include "common/string_map.h"
#include "server/store/channels.h"
#include "skulink/v1/inventory_service.pb.h"

namespace skulink::store {
namespace {

struct KnownVariant {
  std::int64_t product, number;
  std::optional<std::int64_t> stock;
  std::optional<Money> price;
};

struct KeptChannel {
  int number = 0;
  StockSync stock_sync;
  bool price_sync = false;
  std::optional<std::string> push_all_after;
  bool push_again = false;
};

struct StoredPush {
  std::int64_t product, variant;
  Money value;  // units and no currency, of stock
  v1::PushOutcome outcome;
  bool due;
  std::optional<std::int64_t> applied;
};

// As the proto says it, with the hundreds apart.
std::int64_t QuantityOf(const StockSync& rule, std::int64_t stock) {
  if (stock <= 0) return 0;
  const std::int64_t share = stock / 100 * rule.percentage + stock % 100 * rule.percentage / 100;
  return std::max<std::int64_t>(0, std::min(share - rule.buffer, rule.maximum.value_or(kMaxStock)));
}

// All others wait for a time.
bool WaitsForNothing(v1::PushOutcome outcome) {
  return outcome == v1::PUSH_OUTCOME_APPLIED || outcome == v1::PUSH_OUTCOME_REFUSED_VALUE ||
         outcome == v1::PUSH_OUTCOME_NOT_LIVE || outcome == v1::PUSH_OUTCOME_GONE;
}

class ChannelCheck {
 public:
  ChannelCheck(Session& session, const Merchant& merchant, const KeptChannel& channel,
               const StringMap<KnownVariant>& variants,
               const std::function<void(const std::string&)>& differs)
      : channel_(channel), variants_(variants), differs_(differs) {
    session.Stream(
        "SELECT listing_id, kind, product_no, variant_no, quantity, currency, outcome, due IS NOT NULL, "
        "applied FROM push WHERE merchant_no = ? AND channel_no = ?",
        {merchant.number, channel.number}, [&](const Row& row) {
          pushes_[static_cast<int>(row.Int(1))].emplace(row.Text(0),
                                                        StoredPush{row.Int(2),
                                                                   row.Int(3),
                                                                   {row.Int(4), row.String(5)},
                                                                   static_cast<v1::PushOutcome>(row.Int(6)),
                                                                   row.Int(7) != 0,
                                                                   row.OptionalInt(8)});
        });
    session.Stream(
        "SELECT listing_id, sku_key, stock, price, currency FROM listing WHERE merchant_no = ? AND "
        "channel_no = ? AND state = 1",
        {merchant.number, channel.number}, [&](const Row& row) { CheckListing(row); });
    for (const auto& [kind, pushes] : pushes_) {
      for (const auto& [listing_id, push] : pushes) {
        if (!IsPlannedYet(listing_id)) continue;
        differs_(absl::StrCat(Name(kind, listing_id), " is of a listing that is to have none"));
      }
    }
  }

 private:
  static std::string Text(const Money& value) {
    return absl::StrCat(value.currency, value.currency.empty() ? "" : " ", value.ten_thousandths);
  }
  std::string Name(int kind, std::string_view listing_id) const {
    return absl::StrCat(kind == v1::PUSH_KIND_STOCK ? "stock" : "price", " push of listing ",
                        std::string(listing_id), " of channel ", channel_.number);
  }
  bool IsPlannedYet(std::string_view listing_id) const {
    return !channel_.push_all_after || (!channel_.push_again && listing_id <= *channel_.push_all_after);
  }

  void CheckListing(const Row& row) {
    const auto found = variants_.find(row.Text(1));
    if (found == variants_.end()) return;
    const KnownVariant& variant = found->second;
    std::optional<Money> stock, listed_stock, listed_price;
    if (variant.stock) stock = Money{QuantityOf(channel_.stock_sync, *variant.stock), ""};
    if (!row.IsNull(2)) listed_stock = Money{row.Int(2), ""};
    if (!row.IsNull(3)) listed_price = Money{row.Int(3), row.String(4)};
    Check(row.Text(0), v1::PUSH_KIND_STOCK, channel_.stock_sync.enabled, variant, stock, listed_stock);
    Check(row.Text(0), v1::PUSH_KIND_PRICE, channel_.price_sync, variant, variant.price, listed_price);
  }

  void Check(std::string_view listing_id, v1::PushKind kind, bool kept, const KnownVariant& variant,
             const std::optional<Money>& right, const std::optional<Money>& listed) {
    if (!right) return;
    const auto found = pushes_[kind].find(listing_id);
    const bool checked = kept && IsPlannedYet(listing_id);
    if (found == pushes_[kind].end()) {
      if (checked) differs_(absl::StrCat("no ", Name(kind, listing_id), ", right is ", Text(*right)));
      return;
    }
    const StoredPush push = found->second;
    pushes_[kind].erase(found);
    if (!IsPlannedYet(listing_id)) return;
    if (push.product != variant.product || push.variant != variant.number) {
      differs_(absl::StrCat(Name(kind, listing_id), " is of variant ", push.product, "/", push.variant,
                            ", right is ", variant.product, "/", variant.number));
    }
    if (!checked) return;
    if (push.value != *right) {
      differs_(
          absl::StrCat(Name(kind, listing_id), ": stored ", Text(push.value), ", right is ", Text(*right)));
    }
    const bool applied = push.outcome == v1::PUSH_OUTCOME_APPLIED;
    if (WaitsForNothing(push.outcome) == push.due ||
        (applied && push.applied != push.value.ten_thousandths) ||
        (applied && listed && *listed != push.value)) {
      differs_(absl::StrCat(Name(kind, listing_id), " is ", v1::PushOutcome_Name(push.outcome),
                            push.due ? ", due" : "", ", the listing has ",
                            listed ? Text(*listed) : "no known value"));
    }
  }

  const KeptChannel& channel_;
  const StringMap<KnownVariant>& variants_;
  const std::function<void(const std::string&)>& differs_;
  std::map<int, StringMap<StoredPush>> pushes_;  // by kind: those not met yet
};

}  // namespace

void CheckPushes(Session& session, const Merchant& merchant,
                 const std::function<void(const std::string&)>& differs) {
  std::vector<KeptChannel> channels;
  session.Query(
      "SELECT channel_no, stock_sync AND NOT removing, stock_percentage, stock_buffer, stock_maximum, "
      "price_sync AND NOT removing, push_all_after, push_again FROM channel c WHERE merchant_no = ? AND "
      "(stock_sync OR "
      "price_sync OR EXISTS (SELECT 1 FROM push p WHERE p.merchant_no = c.merchant_no AND p.channel_no = "
      "c.channel_no))",
      {merchant.number}, [&](const Row& row) {
        channels.push_back({.number = static_cast<int>(row.Int(0)),
                            .stock_sync = {.enabled = row.Int(1) != 0,
                                           .percentage = static_cast<int>(row.Int(2)),
                                           .buffer = row.Int(3),
                                           .maximum = row.OptionalInt(4)},
                            .price_sync = row.Int(5) != 0,
                            .push_all_after = {},
                            .push_again = row.Int(7) != 0});
        if (!row.IsNull(6)) channels.back().push_all_after = row.String(6);
      });
  session.Query(
      "SELECT DISTINCT channel_no FROM push WHERE merchant_no = ? AND channel_no NOT IN (SELECT channel_no "
      "FROM channel WHERE merchant_no = ?)",
      {merchant.number, merchant.number}, [&](const Row& row) {
        differs(absl::StrCat("pushes of channel ", row.Int(0), ", which is not there"));
      });
  if (channels.empty()) return;
  StringMap<KnownVariant> variants;
  session.Stream(
      "SELECT sku_key, product_no, variant_no, stock, price, currency FROM variant WHERE merchant_no = ? AND "
      "sku_key IS NOT NULL",
      {merchant.number}, [&](const Row& row) {
        KnownVariant& variant = variants[row.Text(0)];
        variant = {.product = row.Int(1), .number = row.Int(2), .stock = row.OptionalInt(3)};
        if (!row.IsNull(4)) variant.price = Money{row.Int(4), row.String(5)};
      });
  for (const KeptChannel& channel : channels) ChannelCheck(session, merchant, channel, variants, differs);
}

}  // namespace skulink::store
