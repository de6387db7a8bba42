#pragma once

#include <mutex>
#include <string_view>

#include "grpcpp/server_context.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/seller_center_simulator/simulated_seller_center.h"

namespace skulink::simulator {

// What Skulink calls.
class SimulatedSellerCenter::Service final
    : public sellercenter::v1::SellerCenterService::WithRawCallbackMethod_ListListings<
          sellercenter::v1::SellerCenterService::Service> {
 public:
  explicit Service(SimulatedSellerCenter& center) : center_(center) {}

  grpc::Status DescribeShop(grpc::ServerContext* context,
                            const sellercenter::v1::DescribeShopRequest* request,
                            sellercenter::v1::DescribeShopResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ListListings(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request) override;
  grpc::Status GetItems(grpc::ServerContext* context, const sellercenter::v1::GetItemsRequest* request,
                        sellercenter::v1::GetItemsResponse* response) override;
  grpc::Status CreateItems(grpc::ServerContext* context, const sellercenter::v1::CreateItemsRequest* request,
                           sellercenter::v1::CreateItemsResponse* response) override;
  grpc::Status UpdateStock(grpc::ServerContext* context, const sellercenter::v1::UpdateStockRequest* request,
                           sellercenter::v1::UpdateStockResponse* response) override;
  grpc::Status UpdatePrice(grpc::ServerContext* context, const sellercenter::v1::UpdatePriceRequest* request,
                           sellercenter::v1::UpdatePriceResponse* response) override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  // The rate, and faults that happen before anything is done.
  grpc::Status Begin(Lock& lock, FaultyCall call, const grpc::ServerContext& context);
  grpc::Status End(Lock& lock, FaultKind fault, const grpc::ServerContext& context);
  // Waits for `time`, or for the end of the call when it is nullopt. False when the call is over.
  bool Wait(Lock& lock, std::optional<std::chrono::milliseconds> time, const grpc::ServerContext& context);
  // A write: `apply` of Shop, after the latency, with the faults.
  template <typename Request, typename Response>
  grpc::Status Write(grpc::ServerContext& context, FaultyCall call, const Request& request,
                     Response& response, grpc::Status (Shop::*apply)(const Request&, Response&));
  template <typename Request, typename Response>
  grpc::Status Apply(const Request& request, Response& response,
                     grpc::Status (Shop::*apply)(const Request&, Response&));

  SimulatedSellerCenter& center_;
};

}  // namespace skulink::simulator
