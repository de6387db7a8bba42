#pragma once

#include <string>
#include <string_view>

#include "client/cpp/request_id.h"
#include "skulink/client.h"

namespace skulink::internal {

// StartScanRequest or ScanChannelRequest, to be sent the same in every try, so that all of them mean one job.
template <typename Request>
Request ScanOf(std::string_view channel, const ScanSelection& selection) {
  Request request;
  request.set_channel(std::string(channel));
  request.set_mode(selection.updated            ? v1::SCAN_MODE_UPDATED
                   : selection.item_ids.empty() ? v1::SCAN_MODE_FULL
                                                : v1::SCAN_MODE_ITEM);
  request.mutable_item_ids()->Assign(selection.item_ids.begin(), selection.item_ids.end());
  request.set_request_id(NewRequestId());
  return request;
}

}  // namespace skulink::internal
