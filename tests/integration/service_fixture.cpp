#include "tests/integration/service_fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "google/protobuf/descriptor.h"
#include "server/store/merchants.h"

namespace skulink {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string FromBuffer(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

const google::protobuf::MethodDescriptor& FindMethod(const std::string& method) {
  const auto* found =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName("skulink.v1." + method);
  if (found == nullptr) throw std::runtime_error("no method " + method);
  return *found;
}

std::unique_ptr<google::protobuf::Message> Make(const google::protobuf::Descriptor& type) {
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type);
  return std::unique_ptr<google::protobuf::Message>(prototype->New());
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status proto;
  if (!status.error_details().empty() && proto.ParseFromString(status.error_details())) {
    EXPECT_EQ(proto.code(), static_cast<int>(status.error_code()));
    return FromProto(proto);
  }
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

void SetDeadline(grpc::ClientContext& context, absl::Duration patience) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + patience));
}

void ServiceTest::StartServer(const ServerOptions& options, const SyncOptions& sync) {
  ASSERT_TRUE(store::EnsureDefaultMerchant(*database_).ok());
  engine_ = std::make_unique<SyncEngine>(*database_, sync);
  ServerOptions on_free_port = options;
  on_free_port.listen = "127.0.0.1:0";
  auto server = Server::Start(*database_, *engine_, on_free_port);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
}

absl::StatusOr<std::string> ServiceTest::CallBytes(const std::string& method, const std::string& request,
                                                   absl::Duration patience) {
  grpc::ClientContext context;
  SetDeadline(context, patience);
  const std::string path = "/skulink.v1." + std::string(method).replace(method.find('.'), 1, "/");
  const grpc::ByteBuffer request_buffer = ToBuffer(request);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  grpc::GenericStub(channel_).UnaryCall(&context, path, grpc::StubOptions(), &request_buffer, &response,
                                        [&done](const grpc::Status& status) { done.set_value(status); });
  SKULINK_RETURN_IF_ERROR(FromGrpc(done.get_future().get()));
  return FromBuffer(response);
}

absl::StatusOr<std::string> ServiceTest::CallText(const std::string& method, const std::string& request) {
  SKULINK_ASSIGN_OR_RETURN(const std::string bytes,
                           CallBytes(method, ParseRequest(method, request)->SerializeAsString()));
  const auto response = Make(*FindMethod(method).output_type());
  if (!response->ParseFromString(bytes)) return absl::DataLossError("the answer does not parse");
  return response->ShortDebugString();
}

std::unique_ptr<google::protobuf::Message> ParseRequest(const std::string& method, const std::string& text) {
  auto request = Make(*FindMethod(method).input_type());
  if (!google::protobuf::TextFormat::ParseFromString(text, request.get())) throw std::runtime_error(text);
  return request;
}

SilentPort::SilentPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(socket_, 16) != 0 ||
      getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(address.sin_port);
}

void SilentPort::AwaitCaller() const {
  pollfd waiting = {.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(kTestPatience))) != 1) {
    throw std::runtime_error("nobody connected");
  }
}

SilentPort::~SilentPort() { close(socket_); }

}  // namespace skulink
