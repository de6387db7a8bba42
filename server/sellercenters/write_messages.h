#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/sellercenters/seller_center.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"

// What is written to a Seller Center, as messages, and what it answers, checked. An answer that does not fit
// what was asked is a status of reason SELLER_CENTER_ANSWER_INVALID: none of it is taken; or, of a creation,
// that creation's.
namespace skulink {

sellercenter::v1::CreateItemsRequest ToMessage(const std::vector<ItemCreation>& creations,
                                               SellerCenter::Creating creating);
// Back from one that ToMessage made.
ItemCreation FromMessage(const sellercenter::v1::ItemCreation& message);
sellercenter::v1::UpdateStockRequest ToMessage(const std::vector<StockUpdate>& updates);
sellercenter::v1::UpdatePriceRequest ToMessage(const std::vector<PriceUpdate>& updates);

absl::StatusOr<std::vector<ItemCreated>> CheckCreated(const sellercenter::v1::CreateItemsResponse& answer,
                                                      const std::vector<ItemCreation>& creations,
                                                      SellerCenter::Creating creating);

using WireOutcomes = google::protobuf::RepeatedPtrField<sellercenter::v1::WriteOutcome>;
absl::StatusOr<std::vector<WriteOutcome>> CheckOutcomes(const WireOutcomes& outcomes, std::size_t asked);

}  // namespace skulink
