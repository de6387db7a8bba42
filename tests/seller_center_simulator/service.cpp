#include "tests/seller_center_simulator/service.h"

#include <chrono>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/seller_center_simulator/page_stream.h"

namespace skulink::simulator {
namespace {

namespace proto = sellercenter::v1;

// How often a call that waits asks whether it was cancelled: calls of this kind are not told.
constexpr std::chrono::milliseconds kAskEvery(2);

template <typename Request>
std::vector<std::string> ListingIds(const Request& request) {
  std::vector<std::string> ids;
  for (const auto& update : request.updates()) ids.push_back(update.listing_id());
  return ids;
}
// A creation has none yet.
template <>
std::vector<std::string> ListingIds(const proto::CreateItemsRequest&) {
  return {};
}

}  // namespace

grpc::Status SimulatedSellerCenter::Service::DescribeShop(grpc::ServerContext* context,
                                                          const proto::DescribeShopRequest*,
                                                          proto::DescribeShopResponse* response) {
  Lock lock(center_.mutex_);
  ++center_.books_.describe_shop_calls;
  if (grpc::Status status = Begin(lock, FaultyCall::kDescribeShop, *context); !status.ok()) return status;
  const ShopOptions& options = center_.options_;
  response->set_shop_id(options.shop_id);
  response->set_display_name("Simulated shop " + options.shop_id);
  response->set_listing_count(center_.shop_.listings().size());
  response->set_max_page_size(options.max_page_size);
  response->set_max_items_per_get(options.max_items_per_get);
  response->set_max_requests_per_second(options.max_requests_per_second);
  response->set_max_items_per_create(options.max_items_per_create);
  response->set_max_stock_updates(options.max_stock_updates);
  response->set_max_price_updates(options.max_price_updates);
  *response->mutable_item_limits() = options.item_limits;
  if (options.tells_time) {
    const absl::Time now = center_.shop_.Now();
    response->mutable_current_time()->set_seconds(absl::ToUnixSeconds(now));
    response->mutable_current_time()->set_nanos(
        static_cast<std::int32_t>(absl::ToUnixNanos(now) - absl::ToUnixSeconds(now) * 1'000'000'000));
  }
  return grpc::Status::OK;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* SimulatedSellerCenter::Service::ListListings(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return PageStream::Start(center_, *context, *request);
}

grpc::Status SimulatedSellerCenter::Service::GetItems(grpc::ServerContext* context,
                                                      const proto::GetItemsRequest* request,
                                                      proto::GetItemsResponse* response) {
  Lock lock(center_.mutex_);
  ++center_.books_.get_items_calls;
  center_.books_.items_asked += request->item_ids_size();
  if (grpc::Status status = Begin(lock, FaultyCall::kGetItems, *context); !status.ok()) return status;
  if (request->item_ids_size() > center_.options_.max_items_per_get) {
    return center_.shop_.Violation("item_ids must be at most " +
                                   std::to_string(center_.options_.max_items_per_get));
  }
  for (const std::string& item_id : request->item_ids()) {
    const auto failing = center_.failing_items_.find(item_id);
    if (failing != center_.failing_items_.end()) return failing->second;
    for (Listing& listing : center_.shop_.listings().Item(item_id)) {
      *response->add_listings() = std::move(listing);
    }
  }
  return grpc::Status::OK;
}

grpc::Status SimulatedSellerCenter::Service::CreateItems(grpc::ServerContext* context,
                                                         const proto::CreateItemsRequest* request,
                                                         proto::CreateItemsResponse* response) {
  return Write(*context, FaultyCall::kCreateItems, *request, *response, &Shop::CreateItems);
}

grpc::Status SimulatedSellerCenter::Service::UpdateStock(grpc::ServerContext* context,
                                                         const proto::UpdateStockRequest* request,
                                                         proto::UpdateStockResponse* response) {
  return Write(*context, FaultyCall::kUpdateStock, *request, *response, &Shop::UpdateStock);
}

grpc::Status SimulatedSellerCenter::Service::UpdatePrice(grpc::ServerContext* context,
                                                         const proto::UpdatePriceRequest* request,
                                                         proto::UpdatePriceResponse* response) {
  return Write(*context, FaultyCall::kUpdatePrice, *request, *response, &Shop::UpdatePrice);
}

grpc::Status SimulatedSellerCenter::Service::Begin(Lock& lock, FaultyCall call,
                                                   const grpc::ServerContext& context) {
  if (grpc::Status status = center_.TakeRequest(); !status.ok()) return status;
  std::optional<FaultKind> fault = center_.TakeFault(call, 1);
  return fault ? End(lock, *fault, context) : grpc::Status::OK;
}

grpc::Status SimulatedSellerCenter::Service::End(Lock& lock, FaultKind fault,
                                                 const grpc::ServerContext& context) {
  if (grpc::Status status = StatusOf(fault, center_.options_.throttle_delay); !status.ok()) return status;
  Wait(lock, std::nullopt, context);
  return {grpc::StatusCode::CANCELLED, ""};
}

bool SimulatedSellerCenter::Service::Wait(Lock& lock, std::optional<std::chrono::milliseconds> time,
                                          const grpc::ServerContext& context) {
  const auto until = std::chrono::steady_clock::now() + time.value_or(std::chrono::milliseconds(0));
  const auto over = [&] { return center_.stopping_ || context.IsCancelled(); };
  while (!over() && (!time || std::chrono::steady_clock::now() < until)) {
    center_.changed_.wait_for(lock, kAskEvery);
  }
  return !over();
}

template <typename Request, typename Response>
grpc::Status SimulatedSellerCenter::Service::Apply(const Request& request, Response& response,
                                                   grpc::Status (Shop::*apply)(const Request&, Response&)) {
  if constexpr (std::is_same_v<Request, proto::CreateItemsRequest>) {
    const CreateHook& hook = center_.create_hook_;
    grpc::Status status = hook ? hook(request, nullptr) : grpc::Status::OK;
    if (status.ok()) status = (center_.shop_.*apply)(request, response);
    return status.ok() && hook ? hook(request, &response) : status;
  } else {
    return (center_.shop_.*apply)(request, response);
  }
}

template <typename Request, typename Response>
grpc::Status SimulatedSellerCenter::Service::Write(grpc::ServerContext& context, FaultyCall call,
                                                   const Request& request, Response& response,
                                                   grpc::Status (Shop::*apply)(const Request&, Response&)) {
  Lock lock(center_.mutex_);
  const std::string_view kind = call == FaultyCall::kUpdateStock ? "stock" : "price";
  ShopBooks& books = center_.books_;
  ++(call == FaultyCall::kCreateItems   ? books.create_items_calls
     : call == FaultyCall::kUpdateStock ? books.update_stock_calls
                                        : books.update_price_calls);
  if (grpc::Status status = center_.TakeRequest(); !status.ok()) return status;
  const std::optional<FaultKind> fault = center_.TakeFault(call, 1);
  if (fault && !IsAfterWrite(*fault)) return End(lock, *fault, context);

  const std::vector<std::string> listing_ids = ListingIds(request);
  center_.shop_.ledger().Begin(kind, listing_ids);
  const bool waited = Wait(lock, center_.options_.write_latency, context);
  grpc::Status status(grpc::StatusCode::CANCELLED, "");
  if (waited) status = Apply(request, response, apply);
  center_.shop_.ledger().End(kind, listing_ids);
  if (fault && status.ok()) return End(lock, *fault, context);
  return status;
}

}  // namespace skulink::simulator
