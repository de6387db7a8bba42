#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/database.h"

// The right to talk to the Seller Center of a channel. One server at a time has it, so that the shop's limits
// hold and a listing never has two values on their way; it goes to another one when its lease runs out.
namespace skulink::store {

struct ChannelTraffic {
  std::int64_t merchant_number = 0;
  std::string merchant_id;
  int channel_number = 0;
  std::string channel_id;
  std::string endpoint;
  std::string owner;
  std::int64_t fence = 0;  // another one with each owner
  bool plan_all = false;   // all its listings are to be planned anew (PlanSomeOfAll)
  absl::Duration pause;    // the shop asked not to be called for so long
};

// Makes `owner` (a server) the owner of channels that have something to send now and that nobody has, at most
// `limit`.
absl::StatusOr<std::vector<ChannelTraffic>> TakeTraffic(Database& database, const std::string& owner,
                                                        absl::Duration lease, int limit);
// Keeps what `owner` has. Returns all that it still has, also what it was given without its knowing, the
// answer to a COMMIT having been lost.
absl::StatusOr<std::vector<ChannelTraffic>> RenewTraffic(Database& database, const std::string& owner,
                                                         absl::Duration lease);
// The shop asked not to be called for `pause`: whoever has the channel next is told.
absl::Status PauseTraffic(Database& database, const ChannelTraffic& traffic, absl::Duration pause);
// With what is left of such a pause.
absl::Status ReleaseTraffic(Database& database, const ChannelTraffic& traffic, absl::Duration pause = {});
// How long the shop asks not to be called, as whoever has the channel wrote it.
absl::StatusOr<absl::Duration> PauseOf(Database& database, std::string_view merchant_id,
                                       std::string_view channel_id);

// Within a transaction: the channel's traffic for `owner`, if that has it or nobody has.
std::optional<ChannelTraffic> TakeTrafficOf(Session& session, std::int64_t merchant_number,
                                            int channel_number, const std::string& owner,
                                            absl::Duration lease);
// Within a transaction: throws Refused (ABORTED) when another server has the channel. Holds until it ends.
void FenceTraffic(Session& session, const ChannelTraffic& traffic);

}  // namespace skulink::store
