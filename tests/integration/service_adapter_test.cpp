#include <future>
#include <vector>

#include "skulink/v1/catalog_service.pb.h"
#include "skulink/v1/merchant_service.pb.h"
#include "tests/integration/service_fixture.h"

// What holds for every method: bytes that are no message, deadlines, overload, the errors' form, start and
// stop.
namespace skulink {
namespace {

class ServiceAdapterTest : public ServiceTest {
 protected:
  // Creates the channel `silent`, whose CheckChannel takes as long as the engine waits for an answer.
  void CreateSilentChannel() {
    const auto created = CallText("ChannelService.CreateChannel",
                                  "parent: 'merchants/default' channel_id: 'silent' channel { endpoint: '" +
                                      silent_.endpoint() + "' }");
    ASSERT_TRUE(created.ok()) << created.status();
  }
  // At work, or waiting when the server is busy.
  std::future<absl::StatusOr<std::string>> CheckSilentChannel() {
    return std::async(std::launch::async, [this] {
      return CallText("ChannelService.CheckChannel", "name: 'merchants/default/channels/silent'");
    });
  }

  // At work once this returns.
  std::future<absl::StatusOr<std::string>> CheckSilentChannelNow() {
    auto check = CheckSilentChannel();
    silent_.AwaitCaller();
    return check;
  }

 private:
  SilentPort silent_;
};

TEST_F(ServiceAdapterTest, BytesThatAreNoMessageAreRefused) {
  StartServer();
  const absl::Status status = CallBytes("MerchantService.GetMerchant", "\x0a\x7f").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FORMAT_INVALID);
  EXPECT_EQ(status.message(), "the bytes sent are no skulink.v1.GetMerchantRequest");
}

TEST_F(ServiceAdapterTest, TextThatIsNotUtf8IsRefusedByItsPath) {
  StartServer();
  v1::CreateProductRequest request;
  request.set_parent("merchants/default");
  request.mutable_product()->set_display_name("Baju");
  request.mutable_product()->add_variants()->set_sku("A-1");
  request.mutable_product()->add_variants()->set_sku("B-\x01");
  std::string bytes = request.SerializeAsString();
  bytes[bytes.find('\x01', bytes.find("B-"))] = '\xff';

  const absl::Status status = CallBytes("CatalogService.CreateProduct", bytes).status();
  EXPECT_EQ(FieldOf(status), "product.variants[1].sku") << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TEXT_INVALID);
  EXPECT_EQ(status.message(), "product.variants[1].sku is not UTF-8");
}

TEST_F(ServiceAdapterTest, FieldsOfALaterVersionArePassedOver) {
  StartServer();
  const std::string later_field = "\xfa\x7f\x02\xff\xff";  // number 2047, two bytes that are not UTF-8
  EXPECT_TRUE(CallBytes("MerchantService.ListMerchants", later_field).ok());
}

TEST_F(ServiceAdapterTest, ARequestOverTheLimitIsRefused) {
  StartServer();
  v1::GetMerchantRequest request;
  request.set_name(std::string(5 * 1024 * 1024, 'x'));
  EXPECT_EQ(Call<v1::GetMerchantResponse>("MerchantService.GetMerchant", request).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(ServiceAdapterTest, ALongErrorArrivesShortened) {
  StartServer();
  v1::GetMerchantRequest request;
  request.set_name("merchants/" + std::string(100'000, 'x'));
  const absl::Status status = Call<v1::GetMerchantResponse>("MerchantService.GetMerchant", request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), "name");

  google::rpc::Status proto = ToProto(status);
  EXPECT_LT(proto.ByteSizeLong(), 4096U);
}

TEST_F(ServiceAdapterTest, MoreCallsThanMayWaitAreRefusedAndMayTryAgain) {
  ServerOptions options;
  options.threads = 1;
  options.max_waiting = 1;
  SyncOptions sync;
  sync.seller_center_timeout = absl::Seconds(3);
  StartServer(options, sync);
  CreateSilentChannel();

  // One is at work; of three more, one waits and two are refused.
  std::vector<std::future<absl::StatusOr<std::string>>> calls;
  calls.push_back(CheckSilentChannelNow());
  for (int i = 0; i < 3; ++i) calls.push_back(CheckSilentChannel());
  int refused = 0, timed_out = 0;
  for (auto& call : calls) {
    const absl::Status status = call.get().status();
    if (ReasonOf(status) == v1::ERROR_REASON_OVERLOADED) {
      ++refused;
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
      EXPECT_GT(RetryAfter(status), absl::ZeroDuration());
    } else {
      ++timed_out;
    }
  }
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(timed_out, 2);
  EXPECT_TRUE(CallText("MerchantService.GetMerchant", "name: 'merchants/default'").ok());
}

TEST_F(ServiceAdapterTest, ACallWhoseDeadlinePassedWhileItWaitedIsNotDone) {
  ServerOptions options;
  options.threads = 1;
  SyncOptions sync;
  sync.seller_center_timeout = absl::Seconds(2);
  StartServer(options, sync);
  CreateSilentChannel();

  auto check = CheckSilentChannelNow();
  const auto late = Call<v1::CreateMerchantResponse>(
      "MerchantService.CreateMerchant", Parse<v1::CreateMerchantRequest>("merchant_id: 'late' merchant {}"),
      absl::Milliseconds(200));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);

  EXPECT_FALSE(check.get().ok());
  EXPECT_EQ(CallText("MerchantService.GetMerchant", "name: 'merchants/late'").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ServiceAdapterTest, APortInUseIsAnError) {
  StartServer();
  ServerOptions same_port;
  same_port.listen = address();
  const auto second = Server::Start(database(), engine(), same_port);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), testing::HasSubstr("cannot listen on " + address()));
}

TEST_F(ServiceAdapterTest, ReflectionIsThereOnlyWhenAskedFor) {
  const std::string info = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  StartServer();
  const auto code_of = [&](const std::string& server) {
    const auto channel = grpc::CreateChannel(server, grpc::InsecureChannelCredentials());
    grpc::ClientContext context;
    SetDeadline(context);
    const grpc::Slice nothing;
    const grpc::ByteBuffer empty(&nothing, 1);
    grpc::ByteBuffer response;
    std::promise<grpc::Status> done;
    grpc::GenericStub(channel).UnaryCall(&context, info, grpc::StubOptions(), &empty, &response,
                                         [&done](const grpc::Status& status) { done.set_value(status); });
    return done.get_future().get().error_code();
  };
  EXPECT_EQ(code_of(address()), grpc::StatusCode::UNIMPLEMENTED);

  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.reflection = true;
  const auto reflecting = Server::Start(database(), engine(), options);
  ASSERT_TRUE(reflecting.ok()) << reflecting.status();
  EXPECT_NE(code_of((*reflecting)->address()), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(ServiceAdapterTest, ACallAtWorkIsAnsweredBeforeTheServerStops) {
  SyncOptions sync;
  sync.seller_center_timeout = absl::Seconds(2);
  StartServer({}, sync);
  CreateSilentChannel();
  auto check = CheckSilentChannelNow();
  StopServer();
  const absl::Status status = check.get().status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_TIMEOUT) << status;
}

}  // namespace
}  // namespace skulink
