#pragma once

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "skulink/v1/merchant_service.pb.h"

// MerchantService, free of gRPC. What each does is said in its proto.
namespace skulink {

absl::StatusOr<v1::CreateMerchantResponse> CreateMerchant(const v1::CreateMerchantRequest& request,
                                                          CallContext& call);
absl::StatusOr<v1::GetMerchantResponse> GetMerchant(const v1::GetMerchantRequest& request, CallContext& call);
absl::StatusOr<v1::ListMerchantsResponse> ListMerchants(const v1::ListMerchantsRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::UpdateMerchantResponse> UpdateMerchant(const v1::UpdateMerchantRequest& request,
                                                          CallContext& call);

}  // namespace skulink
