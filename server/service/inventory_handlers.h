#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/service/call_context.h"
#include "server/store/variant_choice.h"
#include "skulink/v1/inventory_service.pb.h"

// InventoryService, free of gRPC. What each does is said in its proto.
namespace skulink {

absl::StatusOr<v1::SetStockResponse> SetStock(const v1::SetStockRequest& request, CallContext& call);
absl::StatusOr<v1::AdjustStockResponse> AdjustStock(const v1::AdjustStockRequest& request, CallContext& call);
absl::StatusOr<v1::ListPushesResponse> ListPushes(const v1::ListPushesRequest& request, CallContext& call);

// What a stream of pushes is to show.
struct WatchedVariant {
  std::string merchant_id;
  store::VariantChoice variant;
  absl::Duration min_interval;
};
absl::StatusOr<WatchedVariant> OpenWatch(const v1::WatchPushesRequest& request);
// As they are now.
absl::StatusOr<v1::WatchPushesResponse> ReadPushes(store::Database& database, const WatchedVariant& watched);

}  // namespace skulink
