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

  absl::StatusOr<ShopDescription> DescribeShop(std::stop_token stop) override;
  absl::Status ListListings(const std::string& resume_token, int page_size, std::stop_token stop,
                            const std::function<absl::Status(ListingPage)>& take) override;
  absl::StatusOr<FoundItems> GetItems(const std::vector<std::string>& item_ids,
                                      std::stop_token stop) override;

 private:
  const absl::Duration timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<sellercenter::v1::SellerCenterService::Stub> stub_;
};

}  // namespace skulink
