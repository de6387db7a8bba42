#include "client/cpp/connection.h"
#include "client/cpp/request_id.h"
#include "client/cpp/watching.h"
#include "skulink/client.h"

namespace skulink {
namespace {

template <class Response>
absl::StatusOr<std::vector<v1::VariantStock>> StocksOf(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  return std::vector<v1::VariantStock>(response->stocks().begin(), response->stocks().end());
}

}  // namespace

absl::StatusOr<std::vector<v1::VariantStock>> Client::SetStock(
    std::string_view merchant, const std::vector<v1::StockSetting>& settings) {
  v1::SetStockRequest request;
  request.set_parent(std::string(merchant));
  request.mutable_settings()->Assign(settings.begin(), settings.end());
  // The same in every try: a late one must not undo what others set since.
  request.set_request_id(internal::NewRequestId());
  return StocksOf(internal::Call(*connection_, *connection_->inventory, &v1::InventoryService::Stub::SetStock,
                                 request, internal::Repeatable::kYes));
}

absl::StatusOr<std::vector<v1::VariantStock>> Client::AdjustStock(
    std::string_view merchant, const std::vector<v1::StockAdjustment>& adjustments) {
  v1::AdjustStockRequest request;
  request.set_parent(std::string(merchant));
  request.mutable_adjustments()->Assign(adjustments.begin(), adjustments.end());
  request.set_request_id(internal::NewRequestId());
  return StocksOf(internal::Call(*connection_, *connection_->inventory,
                                 &v1::InventoryService::Stub::AdjustStock, request,
                                 internal::Repeatable::kYes));
}

Pages<v1::Push> Client::ListPushes(const v1::ListPushesRequest& request) {
  return internal::List(connection_, *connection_->inventory, &v1::InventoryService::Stub::ListPushes,
                        request, &v1::ListPushesResponse::mutable_pushes);
}

absl::Status Client::WatchPushes(std::string_view merchant, const v1::VariantSelector& variant,
                                 const OnPushes& on_pushes, const std::stop_token& stop) {
  v1::WatchPushesRequest request;
  request.set_parent(std::string(merchant));
  *request.mutable_variant() = variant;
  return internal::Watch<v1::WatchPushesResponse>(
      *connection_,
      [this, &request](grpc::ClientContext& context) {
        return connection_->inventory->WatchPushes(&context, request);
      },
      [&on_pushes](const v1::WatchPushesResponse& response) {
        if (!response.heartbeat()) on_pushes({response.pushes().begin(), response.pushes().end()});
      },
      [] { return false; }, stop);
}

}  // namespace skulink
