#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/channel.h"
#include "server/sellercenters/endpoint.h"
#include "server/sellercenters/seller_center.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"

namespace skulink {

// A Seller Center behind a skulink.sellercenter.v1.SellerCenterService.
class RemoteSellerCenter final : public SellerCenter {
 public:
  RemoteSellerCenter(const Endpoint& endpoint, absl::Duration timeout);

  absl::StatusOr<ShopDescription> DescribeShop(std::stop_token stop, Deadline deadline) override;
  absl::Status ListListings(const ListRequest& request, std::stop_token stop,
                            const std::function<absl::Status(ListingPage)>& take) override;
  absl::StatusOr<FoundItems> GetItems(const std::vector<std::string>& item_ids,
                                      std::stop_token stop) override;
  absl::StatusOr<std::vector<ItemCreated>> CreateItems(const std::vector<ItemCreation>& creations,
                                                       Creating creating, std::stop_token stop) override;
  absl::StatusOr<std::vector<WriteOutcome>> UpdateStock(const std::vector<StockUpdate>& updates,
                                                        std::stop_token stop, Deadline deadline) override;
  absl::StatusOr<std::vector<WriteOutcome>> UpdatePrice(const std::vector<PriceUpdate>& updates,
                                                        std::stop_token stop, Deadline deadline) override;

 private:
  using Stub = sellercenter::v1::SellerCenterService::Stub;

  // One unary call. An answer that came is taken also when a stop was asked for: it may tell of a write.
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response& response, std::stop_token stop,
                    Deadline deadline = Deadline::max());

  const absl::Duration timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace skulink
