#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/sellercenters/seller_center.h"
#include "server/sellercenters/wire_listing.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"

// From what a Seller Center sent to what Skulink works with. Nonsense about the answer as a whole is a status
// of reason SELLER_CENTER_ANSWER_INVALID; a listing whose id is sound but whose fields are not is a
// RefusedListing.
namespace skulink {

absl::StatusOr<ListingPage> CheckPage(const WirePage& page, int page_size);

absl::StatusOr<FoundItems> CheckItems(const sellercenter::v1::GetItemsResponse& items,
                                      const std::vector<std::string>& asked_item_ids);

// The fields of a listing whose id is sound; an InvalidField names the one that cannot be taken.
absl::StatusOr<Listing> CheckListing(const WireListing& from);

}  // namespace skulink
