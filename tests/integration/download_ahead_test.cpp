// A download that ends while the Seller Center is still asked for what comes next.
#include <atomic>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "server/store/channels.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/integration/eventually.h"
#include "tests/integration/transfer_fixture.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

// Has no items, and answers only when it is asked for the first time.
class SilentSellerCenter final : public proto::SellerCenterService::Service {
 public:
  explicit SilentSellerCenter(std::function<void()> on_first) : on_first_(std::move(on_first)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~SilentSellerCenter() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return "grpc://127.0.0.1:" + std::to_string(port_); }

 private:
  grpc::Status DescribeShop(grpc::ServerContext*, const proto::DescribeShopRequest*,
                            proto::DescribeShopResponse* answer) override {
    answer->set_shop_id("silent");
    answer->set_max_page_size(1000);
    answer->set_max_items_per_get(1000);
    return grpc::Status::OK;
  }
  grpc::Status GetItems(grpc::ServerContext* context, const proto::GetItemsRequest*,
                        proto::GetItemsResponse*) override {
    if (!asked_.exchange(true)) {
      on_first_();
      return grpc::Status::OK;
    }
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::CANCELLED;
  }

  const std::function<void()> on_first_;
  std::atomic<bool> asked_ = false;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class DownloadAheadTest : public TransferTest {};

TEST_F(DownloadAheadTest, WhatIsAskedForAheadHoldsNothingUp) {
  StartEngine({.seller_center_timeout = 10 * kPatient});
  shop().SetListings(MakeListings(4000));
  Scan();
  // Another server takes the job, so that writing the first part fails, while the next part is asked for.
  SilentSellerCenter silent([this] {
    Execute("UPDATE job SET owner = 'another', lease_until = lease_until + 600000000 WHERE state = 2");
  });
  ASSERT_TRUE(store::UpdateChannel(database(), "default", "shop", {.endpoint = silent.address()}).ok());
  simulator::SimulatedSellerCenter other;
  AddChannel("other", other.address());
  StartDownload();

  EXPECT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM job WHERE owner = 'another'") == 1; }));
  const absl::Time start = absl::Now();
  for (int scan = 0; scan < 3; ++scan) EXPECT_EQ(Scan("other").state(), v1::JOB_STATE_SUCCEEDED);

  EXPECT_LT(absl::Now() - start, kPatient / 2);
}

}  // namespace
}  // namespace skulink
