#pragma once

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "skulink/v1/products_menu_service.pb.h"

// ProductsMenuService, free of gRPC. What each does is said in its proto.
namespace skulink {

absl::Status ListSoldInChannel(const v1::ListSoldInChannelRequest& request, CallContext& call,
                               v1::ListSoldInChannelResponse& response);
absl::Status ListNotInPos(const v1::ListNotInPosRequest& request, CallContext& call,
                          v1::ListNotInPosResponse& response);
absl::StatusOr<v1::SummarizeNotInPosResponse> SummarizeNotInPos(const v1::SummarizeNotInPosRequest& request,
                                                                CallContext& call);
absl::Status ListNotInChannel(const v1::ListNotInChannelRequest& request, CallContext& call,
                              v1::ListNotInChannelResponse& response);
absl::Status ListInPos(const v1::ListInPosRequest& request, CallContext& call,
                       v1::ListInPosResponse& response);
absl::Status ListMultipleListings(const v1::ListMultipleListingsRequest& request, CallContext& call,
                                  v1::ListMultipleListingsResponse& response);
absl::StatusOr<v1::ListChannelStatisticsResponse> ListChannelStatistics(
    const v1::ListChannelStatisticsRequest& request, CallContext& call);

}  // namespace skulink
