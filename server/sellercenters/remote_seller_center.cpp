#include "server/sellercenters/remote_seller_center.h"

#include <optional>
#include <utility>

#include "common/errors.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/sellercenters/answer_check.h"
#include "server/sellercenters/answer_status.h"
#include "server/sellercenters/page_stream.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

constexpr int kMaxAnswerBytes = 16 << 20;

std::shared_ptr<grpc::Channel> Connect(const Endpoint& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // Whoever calls decides when to try again; then the connection is tried again too, not some minutes later.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // Two channels of merchants do not share a connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (endpoint.loopback) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(
      "dns:///" + endpoint.host_and_port,
      endpoint.tls ? grpc::SslCredentials(grpc::SslCredentialsOptions()) : grpc::InsecureChannelCredentials(),
      arguments);
}

std::string_view Bytes(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

}  // namespace

RemoteSellerCenter::RemoteSellerCenter(const Endpoint& endpoint, absl::Duration timeout)
    : timeout_(timeout), channel_(Connect(endpoint)), stub_(proto::SellerCenterService::NewStub(channel_)) {}

absl::StatusOr<ShopDescription> RemoteSellerCenter::DescribeShop(std::stop_token stop) {
  grpc::ClientContext context;
  const std::stop_callback on_stop(stop, [&context] { context.TryCancel(); });
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
  proto::DescribeShopResponse response;
  grpc::Status status = stub_->DescribeShop(&context, {}, &response);
  if (stop.stop_requested()) return absl::CancelledError("stopped");
  if (!status.ok()) return AnswerStatus(status);
  return CheckShop(response);
}

absl::StatusOr<FoundItems> RemoteSellerCenter::GetItems(const std::vector<std::string>& item_ids,
                                                        std::stop_token stop) {
  grpc::ClientContext context;
  const std::stop_callback on_stop(stop, [&context] { context.TryCancel(); });
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
  proto::GetItemsRequest request;
  request.mutable_item_ids()->Assign(item_ids.begin(), item_ids.end());
  proto::GetItemsResponse response;
  grpc::Status status = stub_->GetItems(&context, request, &response);
  if (stop.stop_requested()) return absl::CancelledError("stopped");
  if (!status.ok()) return AnswerStatus(status);
  // Once more as bytes, so that listings are checked in one way only.
  std::string bytes = response.SerializeAsString();
  WirePage items;
  if (!ReadWirePage(bytes, items)) return AnswerInvalid("message", "cannot be parsed");
  return CheckItems(items, item_ids);
}

absl::Status RemoteSellerCenter::ListListings(const std::string& resume_token, int page_size,
                                              std::stop_token stop,
                                              const std::function<absl::Status(ListingPage)>& take) {
  proto::ListListingsRequest request;
  request.set_resume_token(resume_token);
  request.set_page_size(page_size);
  PageStream stream(channel_, request, timeout_, stop);
  WirePage wire_page;
  for (bool last = false; !last;) {
    SKULINK_ASSIGN_OR_RETURN(std::optional<grpc::ByteBuffer> bytes, stream.Next());
    if (!bytes) return AnswerInvalid("resume_token", "was given on the page that the listings ended with");
    grpc::Slice slice;
    if (!bytes->DumpToSingleSlice(&slice).ok() || !ReadWirePage(Bytes(slice), wire_page)) {
      return AnswerInvalid("message", "cannot be parsed");
    }
    SKULINK_ASSIGN_OR_RETURN(ListingPage page, CheckPage(wire_page, page_size));
    last = page.resume_token.empty();
    if (last) {
      // The last page counts only once the Seller Center has ended the stream after it, and well.
      SKULINK_ASSIGN_OR_RETURN(bytes, stream.Next());
      if (bytes) return AnswerInvalid("resume_token", "is empty on a page that is not the last");
    }
    SKULINK_RETURN_IF_ERROR(take(std::move(page)));
    if (stop.stop_requested() && !last) return absl::CancelledError("stopped");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SellerCenter>> ConnectSellerCenter(const std::string& endpoint,
                                                                  absl::Duration timeout) {
  SKULINK_ASSIGN_OR_RETURN(Endpoint parsed, ParseEndpoint(endpoint));
  return std::make_unique<RemoteSellerCenter>(parsed, timeout);
}

}  // namespace skulink
