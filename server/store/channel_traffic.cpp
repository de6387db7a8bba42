#include "server/store/channel_traffic.h"

#include "absl/strings/str_cat.h"
#include "common/names.h"

namespace skulink::store {

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
