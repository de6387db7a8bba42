#include "server/sellercenters/remote_seller_center.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "common/errors.h"
#include "grpc/support/time.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "server/sellercenters/answer_check.h"
#include "server/sellercenters/answer_status.h"
#include "server/sellercenters/page_stream.h"
#include "server/sellercenters/shop_check.h"
#include "server/sellercenters/write_messages.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

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

void SetTime(google::protobuf::Timestamp& timestamp, absl::Time time) {
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

// By the clock that goes on while the process is stopped, and is not set: as a time of it, not as what is
// left now, since the process may be stopped here, too.
gpr_timespec ToGrpc(SellerCenter::Deadline deadline) {
  const auto since_epoch = std::chrono::nanoseconds(deadline.time_since_epoch());
  return gpr_time_from_nanos(since_epoch.count(), GPR_CLOCK_MONOTONIC);
}

}  // namespace

RemoteSellerCenter::RemoteSellerCenter(const Endpoint& endpoint, absl::Duration timeout)
    : timeout_(timeout), channel_(Connect(endpoint)), stub_(proto::SellerCenterService::NewStub(channel_)) {}

template <typename Request, typename Response>
absl::Status RemoteSellerCenter::Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                                   Response*),
                                      const Request& request, Response& response, std::stop_token stop,
                                      Deadline deadline) {
  grpc::ClientContext context;
  const std::stop_callback on_stop(stop, [&context] { context.TryCancel(); });
  context.set_deadline(
      ToGrpc(std::min(deadline, Deadline::clock::now() + absl::ToChronoNanoseconds(timeout_))));
  const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
  if (status.ok()) return absl::OkStatus();
  return stop.stop_requested() ? absl::CancelledError("stopped") : AnswerStatus(status);
}

absl::StatusOr<ShopDescription> RemoteSellerCenter::DescribeShop(std::stop_token stop, Deadline deadline) {
  proto::DescribeShopResponse response;
  SKULINK_RETURN_IF_ERROR(
      Call(&Stub::DescribeShop, proto::DescribeShopRequest(), response, std::move(stop), deadline));
  return CheckShop(response);
}

absl::StatusOr<FoundItems> RemoteSellerCenter::GetItems(const std::vector<std::string>& item_ids,
                                                        std::stop_token stop) {
  proto::GetItemsRequest request;
  request.mutable_item_ids()->Assign(item_ids.begin(), item_ids.end());
  proto::GetItemsResponse response;
  SKULINK_RETURN_IF_ERROR(Call(&Stub::GetItems, request, response, std::move(stop)));
  return CheckItems(response, item_ids);
}

absl::StatusOr<std::vector<ItemCreated>> RemoteSellerCenter::CreateItems(
    const std::vector<ItemCreation>& creations, Creating creating, std::stop_token stop) {
  proto::CreateItemsResponse response;
  SKULINK_RETURN_IF_ERROR(
      Call(&Stub::CreateItems, ToMessage(creations, creating), response, std::move(stop)));
  return CheckCreated(response, creations, creating);
}

absl::StatusOr<std::vector<WriteOutcome>> RemoteSellerCenter::UpdateStock(
    const std::vector<StockUpdate>& updates, std::stop_token stop, Deadline deadline) {
  proto::UpdateStockResponse response;
  SKULINK_RETURN_IF_ERROR(Call(&Stub::UpdateStock, ToMessage(updates), response, std::move(stop), deadline));
  return CheckOutcomes(response.outcomes(), updates.size());
}

absl::StatusOr<std::vector<WriteOutcome>> RemoteSellerCenter::UpdatePrice(
    const std::vector<PriceUpdate>& updates, std::stop_token stop, Deadline deadline) {
  proto::UpdatePriceResponse response;
  SKULINK_RETURN_IF_ERROR(Call(&Stub::UpdatePrice, ToMessage(updates), response, std::move(stop), deadline));
  return CheckOutcomes(response.outcomes(), updates.size());
}

absl::Status RemoteSellerCenter::ListListings(const ListRequest& request, std::stop_token stop,
                                              const std::function<absl::Status(ListingPage)>& take) {
  proto::ListListingsRequest message;
  message.set_resume_token(request.resume_token);
  message.set_page_size(request.page_size);
  message.set_max_pages(request.max_pages);
  if (request.updated_since) SetTime(*message.mutable_updated_since(), *request.updated_since);
  PageStream stream(channel_, message, timeout_, stop);
  WirePage wire_page;
  int pages = 0;
  for (bool last = false; !last && (request.max_pages == 0 || pages < request.max_pages); ++pages) {
    SKULINK_ASSIGN_OR_RETURN(std::optional<grpc::ByteBuffer> bytes, stream.Next());
    if (!bytes) return AnswerInvalid("resume_token", "was given on the page that the listings ended with");
    grpc::Slice slice;
    if (!bytes->DumpToSingleSlice(&slice).ok() || !ReadWirePage(Bytes(slice), wire_page)) {
      return AnswerInvalid("message", "cannot be parsed");
    }
    SKULINK_ASSIGN_OR_RETURN(ListingPage page, CheckPage(wire_page, request.page_size));
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
