#include "server/store/push_list.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <span>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/money.h"
#include "common/names.h"
#include "common/string_map.h"
#include "server/store/merchants.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

// Rows that a page looks through for the outcomes it is asked for.
constexpr int kLookedThrough = 2000;
constexpr std::size_t kReadAtOnce = 500;

struct Position {
  std::int64_t channel = -1;
  std::string listing_id;
  std::int64_t kind = 0;
};

std::int64_t ToNumber(std::string_view text) {
  std::int64_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void SetTime(google::protobuf::Timestamp* timestamp, std::int64_t micros) {
  timestamp->set_seconds(micros / 1'000'000);
  timestamp->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1000));
}

class PushList {
 public:
  PushList(Session& session, std::string_view merchant_id, const PushQuery& query)
      : session_(session),
        merchant_(RequireMerchant(session, merchant_id)),
        query_(query),
        rows_left_(query.outcomes.empty() ? query.limit + 1 : kLookedThrough) {
    if (query.after.size() == kPushPosition) {
      last_ = {ToNumber(query.after[0]), query.after[1], ToNumber(query.after[2])};
    }
    session.Query("SELECT channel_no, channel_id FROM channel WHERE merchant_no = ?", {merchant_.number},
                  [&](const Row& row) {
                    if (query.channel_id.empty() || row.Text(1) == query.channel_id) {
                      channels_[row.Int(0)] = row.String(1);
                    }
                  });
    if (channels_.empty() && !query.channel_id.empty()) {
      throw Refused(NotFound(ToString(ChannelName{merchant_.id, query.channel_id})));
    }
  }

  PushPage Read() {
    if (query_.variant) {
      const ChosenVariants found = FindVariants(session_, merchant_, {*query_.variant});
      if (found.variants.empty()) throw Refused(NoSuchVariant(merchant_, *query_.variant, "variant"));
      if (!channels_.empty()) ChooseOfVariant(found.variants[0]);
    } else {
      for (const auto& [channel, id] : channels_) ChooseOfChannel(channel);
    }
    PushPage page;
    if (more_) page.next = {absl::StrCat(last_.channel), last_.listing_id, absl::StrCat(last_.kind)};
    for (const auto& [channel, id] : channels_) ReadChosen(channel, id, page.pushes);
    return page;
  }

 private:
  void ChooseOfVariant(const ChosenVariant& variant) {
    session_.Query(
        "SELECT channel_no, listing_id, kind, outcome FROM push FORCE INDEX (by_variant) WHERE merchant_no = "
        "? AND product_no = ? AND variant_no = ? AND channel_no BETWEEN ? AND ? AND (channel_no > ? OR "
        "listing_id > ? OR (listing_id = ? AND kind > ?)) ORDER BY channel_no, listing_id, kind LIMIT ?",
        {merchant_.number, variant.product, variant.number, std::max(last_.channel, channels_.begin()->first),
         channels_.rbegin()->first, last_.channel, last_.listing_id, last_.listing_id, last_.kind,
         rows_left_},
        [&](const Row& row) { Look(row); });
    if (rows_left_ == 0) more_ = true;
  }

  void ChooseOfChannel(std::int64_t channel) {
    if (more_ || channel < last_.channel) return;
    const Position after = channel == last_.channel ? last_ : Position{channel, "", 0};
    session_.Query(
        "SELECT channel_no, listing_id, kind, outcome FROM push FORCE INDEX (PRIMARY) WHERE merchant_no = ? "
        "AND channel_no = ? AND listing_id >= ? AND (listing_id > ? OR kind > ?) ORDER BY listing_id, kind "
        "LIMIT ?",
        {merchant_.number, channel, after.listing_id, after.listing_id, after.kind, rows_left_},
        [&](const Row& row) { Look(row); });
    if (rows_left_ == 0) more_ = true;
  }

  void Look(const Row& row) {
    if (more_ || chosen_.size() == static_cast<std::size_t>(query_.limit)) {
      more_ = true;
      return;
    }
    --rows_left_;
    last_ = {row.Int(0), row.String(1), row.Int(2)};
    const auto outcome = static_cast<v1::PushOutcome>(row.Int(3));
    const bool wanted = query_.outcomes.empty() || std::find(query_.outcomes.begin(), query_.outcomes.end(),
                                                             outcome) != query_.outcomes.end();
    if (wanted) chosen_.push_back(last_);
  }

  void ReadChosen(std::int64_t channel, const std::string& channel_id, std::vector<v1::Push>& pushes) {
    std::vector<std::string> listing_ids;
    for (const Position& position : chosen_) {
      if (position.channel != channel) continue;
      if (listing_ids.empty() || listing_ids.back() != position.listing_id) {
        listing_ids.push_back(position.listing_id);
      }
    }
    StringMap<std::map<std::int64_t, v1::Push>> read;
    for (std::span<const std::string> left(listing_ids); !left.empty();) {
      const std::span<const std::string> some = left.first(std::min(kReadAtOnce, left.size()));
      const std::vector<std::string_view> ids(some.begin(), some.end());
      session_.Query(
          absl::StrCat(
              "SELECT p.listing_id, p.kind, pr.product_id, v.variant_id, v.sku, p.quantity, p.currency, "
              "p.outcome, p.description, p.attempts, p.change_time, p.attempt_time, p.due, p.apply_time, ",
              kDatabaseNow,
              " FROM push p FORCE INDEX (PRIMARY) JOIN product pr ON pr.merchant_no = p.merchant_no AND "
              "pr.product_no = p.product_no JOIN variant v ON v.merchant_no = p.merchant_no AND v.product_no "
              "= "
              "p.product_no AND v.variant_no = p.variant_no WHERE p.merchant_no = ? AND p.channel_no = ? AND "
              "p.listing_id IN (?)"),
          {merchant_.number, channel, ids},
          [&](const Row& row) { read[row.Text(0)][row.Int(1)] = FromRow(row, channel_id); });
      left = left.subspan(some.size());
    }
    for (const Position& position : chosen_) {
      if (position.channel != channel) continue;
      auto& kinds = read[position.listing_id];
      // What a channel that is switched off kept of a variant that is gone is not shown.
      if (const auto found = kinds.find(position.kind); found != kinds.end()) {
        pushes.push_back(std::move(found->second));
      }
    }
  }

  v1::Push FromRow(const Row& row, const std::string& channel_id) const {
    v1::Push push;
    push.set_listing(ToString(ListingName{merchant_.id, channel_id, row.String(0)}));
    push.set_kind(static_cast<v1::PushKind>(row.Int(1)));
    push.set_variant(ToString(VariantName{merchant_.id, row.String(2), row.String(3)}));
    push.set_sku(row.String(4));
    if (push.kind() == v1::PUSH_KIND_PRICE) {
      *push.mutable_price() = ToProto(Money{row.Int(5), row.String(6)});
    } else {
      push.set_quantity(row.Int(5));
    }
    push.set_outcome(static_cast<v1::PushOutcome>(row.Int(7)));
    push.set_description(row.String(8));
    push.set_attempts(static_cast<std::int32_t>(row.Int(9)));
    SetTime(push.mutable_change_time(), row.Int(10));
    if (!row.IsNull(11)) SetTime(push.mutable_attempt_time(), row.Int(11));
    if (!row.IsNull(12)) SetTime(push.mutable_next_attempt_time(), row.Int(12));
    if (!row.IsNull(13)) SetTime(push.mutable_apply_time(), row.Int(13));
    const std::int64_t until = row.IsNull(13) ? row.Int(14) : row.Int(13);
    const std::int64_t age = std::max<std::int64_t>(until - row.Int(10), 0);
    push.mutable_age()->set_seconds(age / 1'000'000);
    push.mutable_age()->set_nanos(static_cast<std::int32_t>(age % 1'000'000 * 1000));
    return push;
  }

  Session& session_;
  const Merchant merchant_;
  const PushQuery& query_;
  std::map<std::int64_t, std::string> channels_;  // that are asked for, by number
  int rows_left_;
  Position last_;  // looked at
  bool more_ = false;
  std::vector<Position> chosen_;
};

}  // namespace

absl::StatusOr<PushPage> ListPushes(Database& database, std::string_view merchant_id,
                                    const PushQuery& query) {
  return database.ReadSnapshot(
      [&](Session& session) { return PushList(session, merchant_id, query).Read(); });
}

}  // namespace skulink::store
