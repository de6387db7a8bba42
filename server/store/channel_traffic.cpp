#include "server/store/channel_traffic.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

std::string Select(const char* where) {
  return absl::StrCat(
      "SELECT t.merchant_no, m.merchant_id, t.channel_no, c.channel_id, c.endpoint, t.owner, t.fence, "
      "c.push_all_after IS NOT NULL, GREATEST(t.paused_until - ",
      kDatabaseNow,
      ", 0) FROM channel_traffic t "
      "JOIN channel c ON c.merchant_no = t.merchant_no AND c.channel_no = t.channel_no "
      "JOIN merchant m ON m.merchant_no = t.merchant_no WHERE ",
      where);
}

// Leases that are renewed by one statement.
constexpr std::size_t kRenewedAtOnce = 200;

ChannelTraffic FromRow(const Row& row) {
  return {.merchant_number = row.Int(0),
          .merchant_id = row.String(1),
          .channel_number = static_cast<int>(row.Int(2)),
          .channel_id = row.String(3),
          .endpoint = row.String(4),
          .owner = row.String(5),
          .fence = row.Int(6),
          .plan_all = row.Int(7) != 0,
          .pause = absl::Microseconds(row.Int(8))};
}

std::vector<ChannelTraffic> TrafficOf(Session& session, const std::string& owner) {
  std::vector<ChannelTraffic> traffic;
  session.Query(Select("t.owner = ?"), {owner}, [&](const Row& row) { traffic.push_back(FromRow(row)); });
  return traffic;
}

// Whether a push of that kind is due, as an expression that is read from the index: EXISTS may be made a
// subquery that reads all pushes once.
std::string SomeDue(int kind) {
  return absl::StrCat(
      "(SELECT 1 FROM push p FORCE INDEX (by_due) WHERE p.merchant_no = c.merchant_no AND p.channel_no = "
      "c.channel_no AND p.kind = ",
      kind, " AND p.due <= ", kDatabaseNow, " LIMIT 1) IS NOT NULL");
}

// Together with what else is set. A pause that was asked for before holds, too.
void Pause(Session& session, const ChannelTraffic& traffic, absl::Duration pause, const char* also_set) {
  session.Execute(
      absl::StrCat("UPDATE channel_traffic FORCE INDEX (PRIMARY) SET paused_until = GREATEST(paused_until, ",
                   kDatabaseNow, " + ?)", also_set,
                   " WHERE merchant_no = ? AND channel_no = ? AND owner = ? AND fence = ?"),
      {absl::ToInt64Microseconds(pause), traffic.merchant_number, traffic.channel_number, traffic.owner,
       traffic.fence});
}

// A server that fell silent in the midst of a transaction may hold the row: that channel has to wait, and
// others must not wait with it.
bool IsLocked(Session& session, std::int64_t merchant_number, int channel_number) {
  try {
    session.Query(
        "SELECT 1 FROM channel_traffic FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND channel_no = ? FOR "
        "UPDATE NOWAIT",
        {merchant_number, channel_number}, [](const Row&) {});
    return false;
  } catch (const StoreError& error) {
    constexpr unsigned kOfMariaDb = 1205, kOfMySql = 3572;
    if (error.number() != kOfMariaDb && error.number() != kOfMySql) throw;
    return true;
  }
}

}  // namespace

std::optional<ChannelTraffic> TakeTrafficOf(Session& session, std::int64_t merchant_number,
                                            int channel_number, const std::string& owner,
                                            absl::Duration lease) {
  const std::int64_t lease_micros = absl::ToInt64Microseconds(lease);
  // The fence first: what follows it in the statement sees the new owner.
  const std::int64_t updated = session.Execute(
      absl::StrCat("UPDATE channel_traffic FORCE INDEX (PRIMARY) SET fence = fence + (owner <> ?), owner = "
                   "?, lease_until = ",
                   kDatabaseNow,
                   " + ? WHERE merchant_no = ? AND channel_no = ? AND (owner = ? OR lease_until < ",
                   kDatabaseNow, ")"),
      {owner, owner, lease_micros, merchant_number, channel_number, owner});
  // Another server's row, also one that came to be just now, stays as it is. The first fence is the time, so
  // that it is not one of a channel that had this number before.
  if (updated == 0) {
    session.Execute(
        absl::StrCat(
            "INSERT IGNORE INTO channel_traffic (merchant_no, channel_no, owner, fence, lease_until) "
            "VALUES (?, ?, ?, ",
            kDatabaseNow, ", ", kDatabaseNow, " + ?)"),
        {merchant_number, channel_number, owner, lease_micros});
  }
  std::optional<ChannelTraffic> taken;
  session.Query(Select("t.merchant_no = ? AND t.channel_no = ? AND t.owner = ?"),
                {merchant_number, channel_number, owner}, [&](const Row& row) { taken = FromRow(row); });
  return taken;
}

absl::StatusOr<std::vector<ChannelTraffic>> TakeTraffic(Database& database, const std::string& owner,
                                                        absl::Duration lease, int limit) {
  const absl::StatusOr<std::vector<std::pair<std::int64_t, int>>> found =
      database.Read([&](Session& session) {
        std::vector<std::pair<std::int64_t, int>> channels;
        session.Query(
            absl::StrCat("SELECT c.merchant_no, c.channel_no FROM channel c LEFT JOIN channel_traffic t ON "
                         "t.merchant_no = c.merchant_no AND t.channel_no = c.channel_no "
                         "WHERE (c.stock_sync OR c.price_sync) AND NOT c.removing AND (t.owner IS NULL OR "
                         "t.lease_until < ",
                         kDatabaseNow, ") AND (c.push_all_after IS NOT NULL OR c.stock_sync AND ", SomeDue(1),
                         " OR c.price_sync AND ", SomeDue(2), ") LIMIT ?"),
            {limit},
            [&](const Row& row) { channels.emplace_back(row.Int(0), static_cast<int>(row.Int(1))); });
        return channels;
      });
  if (!found.ok()) return found.status();
  std::vector<ChannelTraffic> taken;
  // Each by itself: two servers that take several channels in other orders would wait for each other.
  for (const auto& [merchant, channel] : *found) {
    absl::StatusOr<std::optional<ChannelTraffic>> one =
        database.Transact([&](Session& session) -> std::optional<ChannelTraffic> {
          if (IsLocked(session, merchant, channel)) return std::nullopt;
          return TakeTrafficOf(session, merchant, channel, owner, lease);
        });
    if (!one.ok()) return taken.empty() ? absl::StatusOr<std::vector<ChannelTraffic>>(one.status()) : taken;
    if (*one) taken.push_back(**std::move(one));
  }
  return taken;
}

absl::StatusOr<std::vector<ChannelTraffic>> RenewTraffic(Database& database, const std::string& owner,
                                                         absl::Duration lease) {
  return database.Read([&](Session& session) {
    const std::vector<ChannelTraffic> before = TrafficOf(session, owner);
    for (std::size_t first = 0; first < before.size(); first += kRenewedAtOnce) {
      ValueRows keys;
      for (std::size_t i = first; i < std::min(before.size(), first + kRenewedAtOnce); ++i) {
        keys.push_back({before[i].merchant_number, before[i].channel_number});
      }
      session.Execute(absl::StrCat("UPDATE channel_traffic FORCE INDEX (PRIMARY) SET lease_until = ",
                                   kDatabaseNow, " + ? WHERE (merchant_no, channel_no) IN (?) AND owner = ?"),
                      {absl::ToInt64Microseconds(lease), keys, owner});
    }
    return before.empty() ? before : TrafficOf(session, owner);
  });
}

absl::Status PauseTraffic(Database& database, const ChannelTraffic& traffic, absl::Duration pause) {
  return database.Transact([&](Session& session) { Pause(session, traffic, pause, ""); });
}

absl::Status ReleaseTraffic(Database& database, const ChannelTraffic& traffic, absl::Duration pause) {
  return database.Transact(
      [&](Session& session) { Pause(session, traffic, pause, ", owner = '', lease_until = 0"); });
}

absl::StatusOr<absl::Duration> PauseOf(Database& database, std::string_view merchant_id,
                                       std::string_view channel_id) {
  return database.Read([&](Session& session) {
    absl::Duration pause;
    session.Query(Select("m.merchant_id = ? AND c.channel_id = ?"), {merchant_id, channel_id},
                  [&](const Row& row) { pause = FromRow(row).pause; });
    return pause;
  });
}

void FenceTraffic(Session& session, const ChannelTraffic& traffic) {
  bool ours = false;
  session.Query(
      "SELECT owner = ? AND fence = ? FROM channel_traffic WHERE merchant_no = ? AND channel_no = ? FOR "
      "UPDATE",
      {traffic.owner, traffic.fence, traffic.merchant_number, traffic.channel_number},
      [&](const Row& row) { ours = row.Int(0) != 0; });
  if (ours) return;
  throw Refused(absl::AbortedError(absl::StrCat(
      "another server talks to ", ToString(ChannelName{traffic.merchant_id, traffic.channel_id}))));
}

}  // namespace skulink::store
