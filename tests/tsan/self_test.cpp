// A call through gRPC whose callback changes what its caller changes too. `self_test ordered`: the caller
// does it before and after the call, and the thread sanitizer is to be silent. `self_test unordered`:
// meanwhile, which it is to report.

#include <grpcpp/grpcpp.h>

#include <string>
#include <string_view>

#include "absl/synchronization/notification.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"

namespace proto = skulink::sellercenter::v1;

namespace {

class Shop final : public proto::SellerCenterService::CallbackService {
  grpc::ServerUnaryReactor* DescribeShop(grpc::CallbackServerContext* context,
                                         const proto::DescribeShopRequest*,
                                         proto::DescribeShopResponse* response) override {
    response->set_shop_id("shop");
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const bool ordered = argc > 1 && std::string_view(argv[1]) == "ordered";
  Shop shop;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&shop);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = proto::SellerCenterService::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));

  std::string seen;
  if (ordered) seen = "before, ";
  grpc::ClientContext context;
  const proto::DescribeShopRequest request;
  proto::DescribeShopResponse response;
  absl::Notification answered;
  stub->async()->DescribeShop(&context, &request, &response, [&](const grpc::Status&) {
    seen += response.shop_id();
    answered.Notify();
  });
  if (!ordered) seen += "meanwhile, ";
  answered.WaitForNotification();
  seen += ", after";
  return seen.empty() ? 1 : 0;
}
