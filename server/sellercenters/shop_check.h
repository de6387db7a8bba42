#pragma once

#include "absl/status/statusor.h"
#include "server/sellercenters/seller_center.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"

namespace skulink {

// What a shop says of itself; SELLER_CENTER_ANSWER_INVALID naming the field that makes no sense.
absl::StatusOr<ShopDescription> CheckShop(const sellercenter::v1::DescribeShopResponse& shop);

}  // namespace skulink
