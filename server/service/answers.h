#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/time/time.h"
#include "common/listing.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/store/channels.h"
#include "server/store/merchants.h"
#include "server/store/products.h"
#include "skulink/v1/catalog_service.pb.h"
#include "skulink/v1/channel_service.pb.h"
#include "skulink/v1/merchant_service.pb.h"

// What the store answers, as the API shows it.
namespace skulink {

google::protobuf::Timestamp ToTimestamp(absl::Time time);
v1::Merchant ToProto(const store::Merchant& merchant);
v1::Channel ToProto(const store::Channel& channel, const std::string& merchant_id);
v1::Product ToProto(const store::Product& product, const std::string& merchant_id);
// Into a message that may live in an arena.
void SetListing(Listing listing, const std::string& merchant_id, const std::string& channel_id,
                v1::Listing& proto);

// Where a page ends though it has fewer rows than were asked for: generated clients take 4 MiB at most,
// unless told otherwise. One row is always in it.
inline constexpr std::size_t kMaxPageBytes = 2 << 20;

// Of one row more than the page: removes it and says whether it was there. Rows that are messages already end
// with the page's bytes, too.
template <typename Row>
bool CutToPage(std::vector<Row>& rows, int page_size) {
  std::size_t count = std::min(rows.size(), static_cast<std::size_t>(page_size));
  if constexpr (std::is_base_of_v<google::protobuf::Message, Row>) {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      bytes += rows[i].ByteSizeLong();
      if (i > 0 && bytes > kMaxPageBytes) count = i;
    }
  }
  if (count == rows.size()) return false;
  rows.resize(count);
  return true;
}

}  // namespace skulink
