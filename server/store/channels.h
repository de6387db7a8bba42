#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/database.h"
#include "skulink/v1/channel_service.pb.h"

namespace skulink::store {

// A channel's number is its bit in the badges of a variant.
inline constexpr int kMaxChannels = 60;
using Badges = std::uint64_t;
inline Badges BadgeOf(int channel_number) { return Badges{1} << channel_number; }

// How stock is kept in step: what v1::StockSync says, with its defaults.
struct StockSync {
  bool enabled = false;
  int percentage = 100;
  std::int64_t buffer = 0;
  std::optional<std::int64_t> maximum;

  friend bool operator==(const StockSync&, const StockSync&) = default;
};

struct Channel {
  int number = 0;  // 0 to kMaxChannels - 1; given again only after the channel and all of it is gone
  std::string id;
  std::string display_name;
  v1::Platform platform = v1::PLATFORM_OTHER;
  std::string endpoint;
  StockSync stock_sync;
  bool price_sync = false;
  std::int64_t version = 0;  // the etag
  bool removing = false;     // DeleteChannel is at it, or was interrupted
  absl::Time create_time, update_time;
};

struct ChannelChange {
  std::optional<std::string> display_name;
  std::optional<v1::Platform> platform;
  std::optional<std::string> endpoint;
  std::optional<StockSync> stock_sync;
  std::optional<bool> price_sync;
  std::optional<std::int64_t> version;  // ETAG_MISMATCH when it is not the current one
};

// ALREADY_EXISTS, or RESOURCE_EXHAUSTED (TOO_MANY_CHANNELS).
absl::StatusOr<Channel> CreateChannel(Database& database, std::string_view merchant_id,
                                      const Channel& channel);
absl::StatusOr<Channel> GetChannel(Database& database, std::string_view merchant_id,
                                   std::string_view channel_id);
// By id, those after `after_id`.
absl::StatusOr<std::vector<Channel>> ListChannels(Database& database, std::string_view merchant_id,
                                                  std::string_view after_id, int limit);
// A channel that is switched on, or whose rule changes, is planned anew (PlanSomeOfAll). CHANNEL_REMOVED
// while it is being removed.
absl::StatusOr<Channel> UpdateChannel(Database& database, std::string_view merchant_id,
                                      std::string_view channel_id, const ChannelChange& change);
// Marks the channel as being removed, removes pushes, listings and jobs in transactions of bounded size, then
// the channel. `stop` is asked between them: CANCELLED when it says true. CHANNEL_BUSY while a job runs.
absl::Status DeleteChannel(Database& database, std::string_view merchant_id, std::string_view channel_id,
                           std::optional<std::int64_t> version, const std::function<bool()>& stop);

// FAILED_PRECONDITION (CHANNEL_REMOVED).
absl::Status ChannelRemoved(std::string_view merchant_id, std::string_view channel_id);

}  // namespace skulink::store
