#pragma once

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "skulink/v1/products_menu_service.pb.h"

// ProductsMenuService, free of gRPC. What each does is said in its proto.
namespace skulink {

absl::StatusOr<v1::ListSoldInChannelResponse> ListSoldInChannel(const v1::ListSoldInChannelRequest& request,
                                                                CallContext& call);
absl::StatusOr<v1::ListNotInPosResponse> ListNotInPos(const v1::ListNotInPosRequest& request,
                                                      CallContext& call);
absl::StatusOr<v1::ListNotInChannelResponse> ListNotInChannel(const v1::ListNotInChannelRequest& request,
                                                              CallContext& call);
absl::StatusOr<v1::ListInPosResponse> ListInPos(const v1::ListInPosRequest& request, CallContext& call);
absl::StatusOr<v1::ListMultipleListingsResponse> ListMultipleListings(
    const v1::ListMultipleListingsRequest& request, CallContext& call);
absl::StatusOr<v1::ListChannelStatisticsResponse> ListChannelStatistics(
    const v1::ListChannelStatisticsRequest& request, CallContext& call);

}  // namespace skulink
