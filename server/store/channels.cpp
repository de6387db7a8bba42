#include "server/store/channels.h"

#include <bit>

#include "common/errors.h"
#include "common/names.h"
#include "server/store/listings.h"
#include "server/store/merchants.h"
#include "server/store/old_jobs.h"
#include "server/store/times.h"
#include "skulink/v1/inventory_service.pb.h"
#include "skulink/v1/sync_service.pb.h"

namespace skulink::store {
namespace {

constexpr int kRemovedAtOnce = 2000;

constexpr std::string_view kSelect =
    "SELECT c.channel_no, c.channel_id, c.display_name, c.platform, c.endpoint, c.version, c.create_time, "
    "c.update_time, c.stock_sync, c.stock_percentage, c.stock_buffer, c.stock_maximum, c.price_sync, "
    "c.removing "
    "FROM merchant m JOIN channel c ON c.merchant_no = m.merchant_no WHERE m.merchant_id = ? ";

Channel FromRow(const Row& row) {
  return {.number = static_cast<int>(row.Int(0)),
          .id = row.String(1),
          .display_name = row.String(2),
          .platform = static_cast<v1::Platform>(row.Int(3)),
          .endpoint = row.String(4),
          .stock_sync = {.enabled = row.Int(8) != 0,
                         .percentage = static_cast<int>(row.Int(9)),
                         .buffer = row.Int(10),
                         .maximum = row.OptionalInt(11)},
          .price_sync = row.Int(12) != 0,
          .version = row.Int(5),
          .removing = row.Int(13) != 0,
          .create_time = absl::FromUnixMicros(row.Int(6)),
          .update_time = absl::FromUnixMicros(row.Int(7))};
}

std::optional<Channel> Find(Session& session, std::string_view merchant_id, std::string_view channel_id) {
  std::optional<Channel> found;
  session.Query(std::string(kSelect) + "AND c.channel_id = ?", {merchant_id, channel_id},
                [&](const Row& row) { found = FromRow(row); });
  return found;
}

std::string NameOf(std::string_view merchant_id, std::string_view channel_id) {
  return ToString(ChannelName{std::string(merchant_id), std::string(channel_id)});
}

// Refuses a number that is still in use, and with that a 61st channel.
int FreeNumber(Session& session, const Merchant& merchant) {
  Badges used = 0;
  session.Query("SELECT channel_no FROM channel WHERE merchant_no = ?", {merchant.number},
                [&](const Row& row) { used |= BadgeOf(static_cast<int>(row.Int(0))); });
  const int free = std::countr_one(used);
  if (free >= kMaxChannels) {
    throw Refused(Error(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_TOO_MANY_CHANNELS,
                        ToString(MerchantName{merchant.id}) + " has 60 channels, as many as are possible"));
  }
  return free;
}

Channel Require(Session& session, std::string_view merchant_id, std::string_view channel_id,
                std::optional<std::int64_t> version) {
  std::optional<Channel> channel = Find(session, merchant_id, channel_id);
  if (!channel) throw Refused(NotFound(NameOf(merchant_id, channel_id)));
  if (version && *version != channel->version) throw Refused(EtagMismatch(NameOf(merchant_id, channel_id)));
  return *std::move(channel);
}

void RefuseBusy(Session& session, const Merchant& merchant, const Channel& channel,
                const std::vector<std::int64_t>& states) {
  session.Query("SELECT job_id FROM job WHERE merchant_no = ? AND active_channel_no = ? AND state IN (?)",
                {merchant.number, channel.number, states}, [&](const Row& row) {
                  const std::string job = ToString(JobName{merchant.id, row.String(0)});
                  throw Refused(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CHANNEL_BUSY,
                                      NameOf(merchant.id, channel.id) + " has a job that is not over: " + job,
                                      {{"job", job}}));
                });
}

bool DeleteSomeOfJobs(Session& session, const Merchant& merchant, int channel_number) {
  std::vector<std::string> jobs;
  session.Query("SELECT job_id FROM job WHERE merchant_no = ? AND channel_no = ? LIMIT ?",
                {merchant.number, channel_number, kRemovedAtOnce},
                [&](const Row& row) { jobs.push_back(row.String(0)); });
  if (!jobs.empty()) DeleteSomeOfJobs(session, merchant.number, jobs);
  return jobs.empty();
}

void WriteSync(Session& session, const Merchant& merchant, int channel_number, const StockSync& stock_sync,
               bool price_sync) {
  session.Execute(
      "UPDATE channel SET stock_sync = ?, stock_percentage = ?, stock_buffer = ?, stock_maximum = ?, "
      "price_sync = ? WHERE merchant_no = ? AND channel_no = ?",
      {stock_sync.enabled, stock_sync.percentage, stock_sync.buffer, stock_sync.maximum, price_sync,
       merchant.number, channel_number});
}

void ChangeSync(Session& session, const Merchant& merchant, const Channel& before,
                const ChannelChange& change) {
  const StockSync stock_sync = change.stock_sync.value_or(before.stock_sync);
  const bool price_sync = change.price_sync.value_or(before.price_sync);
  if (stock_sync == before.stock_sync && price_sync == before.price_sync) return;
  WriteSync(session, merchant, before.number, stock_sync, price_sync);
  const bool plan_anew =
      (stock_sync.enabled && stock_sync != before.stock_sync) || (price_sync && !before.price_sync);
  const bool kept = stock_sync.enabled || price_sync;
  if (!plan_anew && kept) return;
  // See migration 0008.
  const int unknown = (stock_sync.enabled && !before.stock_sync.enabled ? v1::PUSH_KIND_STOCK : 0) |
                      (price_sync && !before.price_sync ? v1::PUSH_KIND_PRICE : 0);
  session.Execute(
      "UPDATE channel SET push_all_after = ?, push_unknown = IF(?, push_unknown | ?, 0) WHERE merchant_no = "
      "? AND channel_no = ?",
      {plan_anew ? Value("") : Value(std::nullopt), kept, unknown, merchant.number, before.number});
}

}  // namespace

absl::Status ChannelRemoved(std::string_view merchant_id, std::string_view channel_id) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CHANNEL_REMOVED,
               NameOf(merchant_id, channel_id) + " is being removed");
}

absl::StatusOr<Channel> CreateChannel(Database& database, std::string_view merchant_id,
                                      const Channel& channel) {
  return database.Transact([&](Session& session) {
    const Merchant merchant = LockMerchant(session, merchant_id);
    if (Find(session, merchant_id, channel.id)) throw Refused(AlreadyExists(NameOf(merchant_id, channel.id)));
    const long long merchant_number = merchant.number, number = FreeNumber(session, merchant);
    const long long platform = channel.platform, now = Now();
    session.soci()
        << "INSERT INTO channel (merchant_no, channel_no, channel_id, display_name, platform, endpoint, "
           "version, create_time, update_time) "
           "VALUES (:merchant, :number, :id, :name, :platform, :endpoint, 1, :now, :now2)",
        soci::use(merchant_number), soci::use(number), soci::use(channel.id), soci::use(channel.display_name),
        soci::use(platform), soci::use(channel.endpoint), soci::use(now), soci::use(now);
    WriteSync(session, merchant, static_cast<int>(number), channel.stock_sync, channel.price_sync);
    session.soci() << "INSERT INTO channel_count (merchant_no, channel_no) VALUES (:merchant, :number)",
        soci::use(merchant_number), soci::use(number);
    return *Find(session, merchant_id, channel.id);
  });
}

absl::StatusOr<Channel> GetChannel(Database& database, std::string_view merchant_id,
                                   std::string_view channel_id) {
  return database.Read(
      [&](Session& session) { return Require(session, merchant_id, channel_id, std::nullopt); });
}

absl::StatusOr<std::vector<Channel>> ListChannels(Database& database, std::string_view merchant_id,
                                                  std::string_view after_id, int limit) {
  return database.Read([&](Session& session) {
    std::vector<Channel> channels;
    session.Query(std::string(kSelect) + "AND c.channel_id > ? ORDER BY c.channel_id LIMIT ?",
                  {merchant_id, after_id, limit}, [&](const Row& row) { channels.push_back(FromRow(row)); });
    if (channels.empty()) RequireMerchant(session, merchant_id);
    return channels;
  });
}

absl::StatusOr<Channel> UpdateChannel(Database& database, std::string_view merchant_id,
                                      std::string_view channel_id, const ChannelChange& change) {
  return database.Transact([&](Session& session) {
    const Merchant merchant = LockMerchant(session, merchant_id);
    const Channel channel = Require(session, merchant_id, channel_id, change.version);
    if (channel.removing) throw Refused(ChannelRemoved(merchant_id, channel_id));
    if (change.endpoint && *change.endpoint != channel.endpoint) {
      // A scan that went on at another shop would mix the two.
      RefuseBusy(session, merchant, channel,
                 {v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING, v1::JOB_STATE_NEEDS_CONFIRMATION});
    }
    session.Execute(
        "UPDATE channel SET display_name = ?, platform = ?, endpoint = ?, version = version + 1, update_time "
        "= ? "
        "WHERE merchant_no = ? AND channel_no = ?",
        {change.display_name.value_or(channel.display_name),
         static_cast<int>(change.platform.value_or(channel.platform)),
         change.endpoint.value_or(channel.endpoint), Now(), merchant.number, channel.number});
    if (change.endpoint && *change.endpoint != channel.endpoint) {
      // Of another shop nothing is known.
      session.Execute(
          "UPDATE channel_count SET complete = 0, known_until = NULL, last_scan_time = NULL WHERE "
          "merchant_no = ? AND channel_no = "
          "?",
          {merchant.number, channel.number});
    }
    ChangeSync(session, merchant, channel, change);
    return *Find(session, merchant_id, channel_id);
  });
}

absl::Status DeleteChannel(Database& database, std::string_view merchant_id, std::string_view channel_id,
                           std::optional<std::int64_t> version, const std::function<bool()>& stop) {
  for (bool done = false; !done;) {
    if (stop()) {
      return Error(absl::StatusCode::kCancelled, v1::ERROR_REASON_DEADLINE_EXCEEDED,
                   NameOf(merchant_id, channel_id) + " is removed in part: call again to go on");
    }
    absl::StatusOr<bool> step = database.Transact([&](Session& session) {
      const Merchant merchant = LockMerchant(session, merchant_id);
      const Channel channel = Require(session, merchant_id, channel_id, version);
      // One that needs confirmation goes with its channel.
      RefuseBusy(session, merchant, channel, {v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING});
      if (!channel.removing) {
        session.Execute(
            "UPDATE channel SET removing = 1, push_all_after = NULL WHERE merchant_no = ? AND channel_no = ?",
            {merchant.number, channel.number});
        return false;
      }
      if (session.Execute("DELETE FROM push WHERE merchant_no = ? AND channel_no = ? LIMIT ?",
                          {merchant.number, channel.number, kRemovedAtOnce}) > 0) {
        return false;
      }
      ListingChanges changes;
      session.Query("SELECT listing_id FROM listing WHERE merchant_no = ? AND channel_no = ? LIMIT ?",
                    {merchant.number, channel.number, kRemovedAtOnce},
                    [&](const Row& row) { changes.removed.push_back(row.String(0)); });
      if (!changes.removed.empty()) {
        ApplyListingChanges(session, merchant, channel.number, changes, nullptr);
        return false;
      }
      if (!DeleteSomeOfJobs(session, merchant, channel.number)) return false;
      if (session.Execute("DELETE FROM item_creation WHERE merchant_no = ? AND channel_no = ? LIMIT ?",
                          {merchant.number, channel.number, kRemovedAtOnce}) > 0) {
        return false;
      }
      for (const char* table : {"channel_traffic", "channel_count", "channel"}) {
        session.Execute("DELETE FROM " + std::string(table) + " WHERE merchant_no = ? AND channel_no = ?",
                        {merchant.number, channel.number});
      }
      return true;
    });
    if (!step.ok()) return step.status();
    done = *step;
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
