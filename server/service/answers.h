#pragma once

#include <string>
#include <string_view>
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

// Of one row more than the page: removes it and says whether it was there.
template <typename Row>
bool CutToPage(std::vector<Row>& rows, int page_size) {
  if (rows.size() <= static_cast<std::size_t>(page_size)) return false;
  rows.resize(static_cast<std::size_t>(page_size));
  return true;
}

}  // namespace skulink
