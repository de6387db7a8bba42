#include <algorithm>
#include <array>
#include <span>

#include "absl/strings/str_cat.h"
#include "server/store/listings.h"
#include "server/store/merchants.h"
#include "server/store/pushes.h"
#include "server/store/stock.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

// Of one statement: MariaDB makes a temporary table of a longer list, and joins it as it sees fit.
constexpr std::size_t kTextsAtOnce = 500;
// Listings that PlanSomeOfAll takes in one transaction; each has two pushes at most.
constexpr int kListingsAtOnce = 2500;

// kDoubtful, the fingerprint of a listing that is not as we think, as SQL.
constexpr char kDoubt[] = "x'00000000000000000000000000000000'";
static_assert(kDoubtful == Fingerprint{});

// A value with what else depends on the kind, as SQL on listing l and variant v.
struct KindSql {
  std::string quantity, currency;
  std::string known;  // the variant has a value
  // Of what the listing has, where the Seller Center says it: the same, another one (else NULL).
  std::string listing_has, listing_differs;
};

KindSql SqlOf(v1::PushKind kind, const StockSync& rule) {
  // What is known of a listing in doubt may not be so.
  const std::string sure = absl::StrCat("l.fingerprint <> ", kDoubt);
  if (kind == v1::PUSH_KIND_PRICE) {
    return {.quantity = "v.price",
            .currency = "v.currency",
            .known = "v.price IS NOT NULL",
            .listing_has =
                absl::StrCat("COALESCE(l.price = v.price AND l.currency = v.currency AND ", sure, ", 0)"),
            .listing_differs = "(l.price <> v.price OR l.currency <> v.currency)"};
  }
  const std::string quantity = OfferedStock(rule);
  return {.quantity = quantity,
          .currency = "''",
          .known = "v.stock IS NOT NULL",
          .listing_has = absl::StrCat("COALESCE(l.stock = ", quantity, " AND ", sure, ", 0)"),
          .listing_differs = absl::StrCat("l.stock <> ", quantity)};
}

std::vector<std::vector<std::string_view>> InParts(const auto& texts) {
  std::vector<std::vector<std::string_view>> parts;
  for (const std::string& text : texts) {
    if (parts.empty() || parts.back().size() == kTextsAtOnce) parts.emplace_back();
    parts.back().push_back(text);
  }
  return parts;
}

constexpr char kVariantOfListing[] =
    "FROM listing l FORCE INDEX (PRIMARY) STRAIGHT_JOIN variant v FORCE INDEX (by_sku) "
    "ON v.merchant_no = l.merchant_no AND v.sku_key = l.sku_key WHERE l.state = 1 AND l.in_pos = 1 AND ";
// Without the index a small table is read as a whole, and waits for rows that answers are written to.
constexpr char kDelete[] =
    "DELETE p FROM push p FORCE INDEX (PRIMARY) WHERE p.merchant_no = ? AND p.channel_no = ? AND "
    "p.listing_id IN (?)";
constexpr char kPushesOfListings[] = "FROM push p FORCE INDEX (PRIMARY) ";

std::string ListingsSql(char table, std::int64_t merchant, int channel, const char* condition) {
  const std::string t(1, table);
  return absl::StrCat(t, ".merchant_no = ", merchant, " AND ", t, ".channel_no = ", channel, " AND ", t,
                      ".listing_id ", condition);
}

}  // namespace

PushPlanner::PushPlanner(Session& session, std::int64_t merchant_number)
    : session_(session), merchant_(merchant_number) {
  session_.Query(
      "SELECT c.channel_no, c.stock_sync AND NOT c.removing, c.price_sync AND NOT c.removing, "
      "c.stock_percentage, c.stock_buffer, c.stock_maximum, c.push_all_after, c.push_again, c.push_unknown "
      "FROM channel c "
      "WHERE c.merchant_no = ? AND (c.stock_sync OR c.price_sync OR EXISTS "
      "(SELECT 1 FROM push p WHERE p.merchant_no = c.merchant_no AND p.channel_no = c.channel_no))",
      {merchant_}, [&](const Row& row) {
        KeptChannel& channel = channels_[static_cast<int>(row.Int(0))];
        channel.number = static_cast<int>(row.Int(0));
        channel.stock = row.Int(1) != 0;
        channel.price = row.Int(2) != 0;
        channel.stock_sync = {.enabled = channel.stock,
                              .percentage = static_cast<int>(row.Int(3)),
                              .buffer = row.Int(4),
                              .maximum = row.OptionalInt(5)};
        if (!row.IsNull(6)) channel.push_all_after = row.String(6);
        channel.push_again = row.Int(7) != 0;
        channel.push_unknown = static_cast<int>(row.Int(8));
      });
}

void PushPlanner::ListingCreated(int channel, std::string_view listing_id) {
  if (const auto found = channels_.find(channel); found != channels_.end()) {
    found->second.created.emplace_back(listing_id);
  }
}

void PushPlanner::ListingTouched(int channel, std::string_view listing_id) {
  if (const auto found = channels_.find(channel); found != channels_.end()) {
    found->second.touched.emplace_back(listing_id);
  }
}

void PushPlanner::ListingLeft(int channel, std::string_view listing_id) {
  if (const auto found = channels_.find(channel); found != channels_.end()) {
    found->second.left.emplace_back(listing_id);
  }
}

void PushPlanner::Settle() {
  for (auto& [number, channel] : channels_) SettleChannel(channel);
}

void PushPlanner::SettleChannel(KeptChannel& channel) {
  DeleteListings(channel.number, channel.left);
  if (channel.stock) {
    PlanKeys(channel, v1::PUSH_KIND_STOCK, keys_of_stock_);
    PlanKeys(channel, v1::PUSH_KIND_STOCK, keys_);
  }
  if (channel.price) PlanKeys(channel, v1::PUSH_KIND_PRICE, keys_);
  PlanListings(channel, channel.created);
  PlanListings(channel, channel.touched);
  for (const std::vector<std::string_view>& keys : InParts(keys_left_)) {
    Drop(channel,
         absl::StrCat("FROM listing k FORCE INDEX (by_sku) STRAIGHT_JOIN push p FORCE INDEX (PRIMARY) ON "
                      "p.merchant_no = k.merchant_no AND p.channel_no = k.channel_no AND p.listing_id = "
                      "k.listing_id "),
         {.sql = absl::StrCat("k.merchant_no = ", merchant_, " AND k.channel_no = ", channel.number,
                              " AND k.state = 1 AND k.in_pos IN (0, 1) AND k.sku_key IN (?)"),
          .texts = keys,
          .after = {},
          .last = {}});
  }
  for (const std::vector<std::string_view>& ids : InParts(channel.touched)) {
    Drop(channel, kPushesOfListings,
         {.sql = ListingsSql('p', merchant_, channel.number, "IN (?)"),
          .texts = ids,
          .after = {},
          .last = {}});
  }
}

void PushPlanner::PlanKeys(const KeptChannel& channel, v1::PushKind kind, const StringSet& keys) {
  for (const std::vector<std::string_view>& some : InParts(keys)) {
    if (rows_left_ > 0) {
      Plan(channel, kind,
           {.sql = absl::StrCat("FROM variant v FORCE INDEX (by_sku) STRAIGHT_JOIN listing l FORCE INDEX "
                                "(by_sku) ON l.merchant_no = v.merchant_no AND l.channel_no = ",
                                channel.number,
                                " AND l.state = 1 AND l.in_pos = 1 AND l.sku_key = v.sku_key WHERE "
                                "v.merchant_no = ",
                                merchant_, " AND v.sku_key IN (?)"),
            .texts = some,
            .after = {},
            .last = {}},
           /*seen=*/false);
    }
    if (rows_left_ <= 0) return Postpone(channel.number, "");
  }
}

void PushPlanner::PlanListings(const KeptChannel& channel, const std::vector<std::string>& listing_ids) {
  for (const auto& [kept, kind] :
       {std::pair(channel.stock, v1::PUSH_KIND_STOCK), std::pair(channel.price, v1::PUSH_KIND_PRICE)}) {
    if (!kept) continue;
    for (const std::vector<std::string_view>& ids : InParts(listing_ids)) {
      if (rows_left_ > 0) {
        Plan(channel, kind,
             {.sql = absl::StrCat(kVariantOfListing, ListingsSql('l', merchant_, channel.number, "IN (?)")),
              .texts = ids,
              .after = {},
              .last = {}},
             /*seen=*/true);
      }
      if (rows_left_ > 0) continue;
      // A beginning of the first comes before it, and hardly anything between them.
      const std::string& first = *std::min_element(listing_ids.begin(), listing_ids.end());
      return Postpone(channel.number, std::string_view(first).substr(0, first.size() - 1));
    }
  }
}

void PushPlanner::Plan(const KeptChannel& channel, v1::PushKind kind, const Selection& selection, bool seen) {
  const KindSql sql = SqlOf(kind, channel.stock_sync);
  // A value that waits, or was refused, and is the same goes its way. One that was applied goes again when
  // the listing has lost it; after the kind was switched on, also when the listing may have lost it.
  const bool unknown = (channel.push_unknown & kind) != 0;
  const std::string send = absl::StrCat(
      "(push.quantity <> VALUES(quantity) OR push.currency <> VALUES(currency) OR (push.outcome = ",
      static_cast<int>(v1::PUSH_OUTCOME_APPLIED), " AND COALESCE(", sql.listing_differs, ", ",
      unknown ? 1 : 0, "))",
      seen ? absl::StrCat(" OR push.outcome IN (", static_cast<int>(v1::PUSH_OUTCOME_NOT_LIVE), ", ",
                          static_cast<int>(v1::PUSH_OUTCOME_GONE), ")")
           : "",
      ")");
  // A value that waits already is replaced in its place: at the end it might never be sent.
  // The columns that `send` reads are assigned last. Versions are times, so that a row that went and came
  // again never has one that it had.
  const std::string statement = absl::StrCat(
      "INSERT INTO push (merchant_no, channel_no, listing_id, kind, product_no, variant_no, quantity, "
      "currency, version, outcome, due, applied, change_time, apply_time) "
      "SELECT l.merchant_no, l.channel_no, l.listing_id, ",
      static_cast<int>(kind), ", v.product_no, v.variant_no, ", sql.quantity, ", ", sql.currency, ", ",
      kDatabaseNow, ", IF(", sql.listing_has, ", ", static_cast<int>(v1::PUSH_OUTCOME_APPLIED), ", ",
      static_cast<int>(v1::PUSH_OUTCOME_PENDING), "), IF(", sql.listing_has, ", NULL, ", kDatabaseNow,
      "), IF(", sql.listing_has, ", ", sql.quantity, ", NULL), ", kDatabaseNow, ", IF(", sql.listing_has,
      ", ", kDatabaseNow, ", NULL) ", selection.sql, " AND ", sql.known, " LIMIT ", rows_left_,
      " ON DUPLICATE KEY UPDATE version = IF(", send,
      ", GREATEST(push.version + 1, VALUES(version)), push.version)", ", due = IF(", send,
      ", COALESCE(LEAST(push.due, VALUES(change_time)), VALUES(change_time)), push.due), attempts = IF(",
      send, ", 0, push.attempts), description = IF(", send, ", '', push.description), change_time = IF(",
      send, ", VALUES(change_time), push.change_time), apply_time = IF(", send,
      ", NULL, push.apply_time), product_no = VALUES(product_no), variant_no = VALUES(variant_no), "
      "outcome = IF(",
      send, ", ", static_cast<int>(v1::PUSH_OUTCOME_PENDING),
      ", push.outcome), quantity = VALUES(quantity), currency = VALUES(currency)");
  if (!selection.texts.empty()) {
    session_.Execute(statement, {selection.texts});
  } else {
    session_.Execute(statement, {Blob{selection.after}, Blob{selection.last}});
  }
  rows_left_ -= session_.records();
}

// Of the chosen pushes, deletes those whose listing is not, or no longer the variant's, or whose variant has
// no value.
void PushPlanner::Drop(const KeptChannel& channel, const std::string& pushes, const Selection& selection) {
  std::array<std::vector<std::string>, 2> listing_ids;  // by kind
  const auto take = [&](const Row& row) { listing_ids.at(row.Int(1) - 1).push_back(row.String(0)); };
  const std::string statement = absl::StrCat(
      "SELECT p.listing_id, p.kind ", pushes,
      "LEFT JOIN listing l FORCE INDEX (PRIMARY) ON l.merchant_no = p.merchant_no AND l.channel_no = "
      "p.channel_no AND l.listing_id = p.listing_id AND l.state = 1 AND l.in_pos = 1 "
      "LEFT JOIN variant v FORCE INDEX (by_sku) ON v.merchant_no = l.merchant_no AND v.sku_key = l.sku_key "
      "WHERE ",
      selection.sql,
      " AND (v.product_no IS NULL OR v.product_no <> p.product_no OR v.variant_no <> p.variant_no OR "
      "IF(p.kind = 1, v.stock, v.price) IS NULL)");
  if (!selection.texts.empty()) {
    session_.Query(statement, {selection.texts}, take);
  } else {
    session_.Query(statement, {Blob{selection.after}, Blob{selection.last}}, take);
  }
  for (std::size_t i = 0; i < listing_ids.size(); ++i) {
    if (listing_ids[i].empty()) continue;
    Doubt(channel.number, {listing_ids[i].begin(), listing_ids[i].end()});
    session_.Execute(absl::StrCat(kDelete, " AND p.kind = ?"),
                     {merchant_, channel.number, listing_ids[i], static_cast<int>(i) + 1});
  }
}

void PushPlanner::DeleteListings(int channel, const std::vector<std::string>& listing_ids) {
  for (const std::vector<std::string_view>& ids : InParts(listing_ids)) {
    Doubt(channel, ids);
    session_.Execute(kDelete, {merchant_, channel, ids});
  }
}

// Of listings whose pushes are deleted: the Seller Center may have a value that it has not said it took. Who
// plans the listing anew must not believe what was known before.
void PushPlanner::Doubt(int channel, const std::vector<std::string_view>& listing_ids) {
  session_.Execute(
      absl::StrCat(
          "UPDATE listing l FORCE INDEX (PRIMARY) STRAIGHT_JOIN push p FORCE INDEX (PRIMARY) ON "
          "p.merchant_no = l.merchant_no AND p.channel_no = l.channel_no AND p.listing_id = "
          "l.listing_id SET l.fingerprint = ",
          kDoubt, " WHERE l.merchant_no = ? AND l.channel_no = ? AND l.listing_id IN (?) AND p.outcome <> ?"),
      {merchant_, channel, listing_ids, static_cast<int>(v1::PUSH_OUTCOME_APPLIED)});
}

void PushPlanner::Postpone(int channel, std::string_view after) {
  // A pass that is beyond it goes on: begun anew by every large change, it would never come to its end.
  session_.Execute(
      "UPDATE channel SET push_again = push_again OR COALESCE(push_all_after > ?, 0), push_all_after = "
      "COALESCE(push_all_after, ?) WHERE merchant_no = ? AND channel_no = ?",
      {Blob{after}, Blob{after}, merchant_, channel});
}

bool PushPlanner::PlanNext(int number) {
  const auto found = channels_.find(number);
  if (found == channels_.end() || !found->second.push_all_after) return true;
  const KeptChannel& channel = found->second;
  std::string last;
  std::int64_t listings = 0;
  session_.Query(
      "SELECT MAX(listing_id), COUNT(*) FROM (SELECT listing_id FROM listing FORCE INDEX (PRIMARY) WHERE "
      "merchant_no = ? AND channel_no = ? AND listing_id > ? ORDER BY listing_id LIMIT ?) some",
      {merchant_, number, Blob{*channel.push_all_after}, kListingsAtOnce}, [&](const Row& row) {
        last = row.String(0);
        listings = row.Int(1);
      });
  const bool done = listings < kListingsAtOnce;
  constexpr char kRange[] = "> ? AND ";
  const auto range = [&](char table) {
    return absl::StrCat(ListingsSql(table, merchant_, number, kRange), std::string(1, table),
                        ".listing_id <= ?");
  };
  if (listings > 0) {
    const Selection matched{.sql = absl::StrCat(kVariantOfListing, range('l')),
                            .texts = {},
                            .after = *channel.push_all_after,
                            .last = last};
    if (channel.stock) Plan(channel, v1::PUSH_KIND_STOCK, matched, /*seen=*/true);
    if (channel.price) Plan(channel, v1::PUSH_KIND_PRICE, matched, /*seen=*/true);
    Drop(channel, kPushesOfListings,
         {.sql = range('p'), .texts = {}, .after = *channel.push_all_after, .last = last});
  }
  const bool again = done && channel.push_again;
  const std::optional<std::string> next = again  ? std::optional(std::string())
                                          : done ? std::nullopt
                                                 : std::optional(last);
  session_.Execute(
      "UPDATE channel SET push_all_after = ?, push_again = ?, push_unknown = IF(?, 0, push_unknown) WHERE "
      "merchant_no = ? AND channel_no = ?",
      {next, channel.push_again && !done, done, merchant_, number});
  return done && !again;
}

std::size_t PushKinds(Session& session, std::int64_t merchant_number, int channel) {
  std::size_t kinds = 0;
  session.Query("SELECT stock_sync + price_sync FROM channel WHERE merchant_no = ? AND channel_no = ?",
                {merchant_number, channel},
                [&](const Row& row) { kinds = static_cast<std::size_t>(row.Int(0)); });
  return kinds;
}

absl::StatusOr<bool> PlanSomeOfAll(Database& database, const ChannelTraffic& traffic) {
  return database.Transact([&](Session& session) {
    // A change that holds the lock may have a newer value than is to be seen yet.
    const Merchant merchant = LockMerchant(session, traffic.merchant_number);
    FenceTraffic(session, traffic);
    PushPlanner planner(session, merchant.number);
    return planner.PlanNext(traffic.channel_number);
  });
}

}  // namespace skulink::store
