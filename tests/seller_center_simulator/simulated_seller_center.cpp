#include "tests/seller_center_simulator/simulated_seller_center.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/seller_center_simulator/page_stream.h"

namespace skulink::simulator {

namespace proto = sellercenter::v1;

class SimulatedSellerCenter::Service final
    : public proto::SellerCenterService::WithRawCallbackMethod_ListListings<
          proto::SellerCenterService::Service> {
 public:
  explicit Service(SimulatedSellerCenter& center) : center_(center) {}

  grpc::Status DescribeShop(grpc::ServerContext* context, const proto::DescribeShopRequest*,
                            proto::DescribeShopResponse* response) override {
    std::unique_lock lock(center_.mutex_);
    ++center_.books_.describe_shop_calls;
    if (grpc::Status status = Fail(lock, FaultyCall::kDescribeShop, *context); !status.ok()) return status;
    response->set_shop_id(center_.options_.shop_id);
    response->set_display_name("Simulated shop " + center_.options_.shop_id);
    response->set_listing_count(center_.listings_.size());
    response->set_max_page_size(center_.options_.max_page_size);
    response->set_max_items_per_get(center_.options_.max_items_per_get);
    return grpc::Status::OK;
  }

  grpc::Status GetItems(grpc::ServerContext* context, const proto::GetItemsRequest* request,
                        proto::GetItemsResponse* response) override {
    std::unique_lock lock(center_.mutex_);
    ++center_.books_.get_items_calls;
    center_.books_.items_asked += request->item_ids_size();
    if (grpc::Status status = Fail(lock, FaultyCall::kGetItems, *context); !status.ok()) return status;
    if (request->item_ids_size() > center_.options_.max_items_per_get) {
      return {grpc::StatusCode::INVALID_ARGUMENT,
              "item_ids must be at most " + std::to_string(center_.options_.max_items_per_get)};
    }
    for (const std::string& item_id : request->item_ids()) {
      for (Listing& listing : center_.listings_.Item(item_id)) *response->add_listings() = std::move(listing);
    }
    return grpc::Status::OK;
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* ListListings(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request) override {
    return PageStream::Start(center_, *context, *request);
  }

 private:
  grpc::Status Fail(std::unique_lock<std::mutex>& lock, FaultyCall call, const grpc::ServerContext& context) {
    std::optional<FaultKind> fault = center_.TakeFault(call, 1);
    if (!fault) return grpc::Status::OK;
    if (*fault != FaultKind::kHang) return StatusOf(*fault);
    // A call of this kind is not told that it was cancelled, it has to ask.
    while (!center_.stopping_ && !context.IsCancelled()) {
      center_.changed_.wait_for(lock, std::chrono::milliseconds(10));
    }
    return {grpc::StatusCode::CANCELLED, ""};
  }

  SimulatedSellerCenter& center_;
};

SimulatedSellerCenter::SimulatedSellerCenter(ShopOptions options, ListingBook listings)
    : options_(std::move(options)),
      listings_(std::move(listings)),
      service_(std::make_unique<Service>(*this)) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(options_.port), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    throw std::runtime_error("cannot listen on port " + std::to_string(options_.port) + " of 127.0.0.1");
  }
}

SimulatedSellerCenter::~SimulatedSellerCenter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  server_->Shutdown(std::chrono::system_clock::now());
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return streams_ == 0; });
}

void SimulatedSellerCenter::SetListings(const std::vector<Listing>& listings) {
  ListingBook book;
  for (const Listing& listing : listings) book.Add(listing);
  std::lock_guard lock(mutex_);
  listings_ = std::move(book);
}

void SimulatedSellerCenter::Upsert(const Listing& listing) {
  std::lock_guard lock(mutex_);
  listings_.Upsert(listing);
}

void SimulatedSellerCenter::Remove(const std::string& listing_id) {
  std::lock_guard lock(mutex_);
  listings_.Remove(listing_id);
}

void SimulatedSellerCenter::AddFault(Fault fault) {
  std::lock_guard lock(mutex_);
  faults_.push_back(fault);
}

void SimulatedSellerCenter::ClearFaults() {
  std::lock_guard lock(mutex_);
  faults_.clear();
}

std::optional<FaultKind> SimulatedSellerCenter::TakeFault(FaultyCall call, int page) {
  auto fault = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& one) {
    return one.call == call && one.page == page && one.times.value_or(1) > 0;
  });
  if (fault == faults_.end()) return std::nullopt;
  if (fault->times) --*fault->times;
  return fault->kind;
}

void SimulatedSellerCenter::HoldAtPage(int page) {
  std::lock_guard lock(mutex_);
  hold_at_page_ = page;
  changed_.notify_all();
}

bool SimulatedSellerCenter::WaitUntilHeld(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return held_ > 0; });
}

void SimulatedSellerCenter::Release() {
  std::lock_guard lock(mutex_);
  hold_at_page_.reset();
  changed_.notify_all();
}

ShopBooks SimulatedSellerCenter::books() const {
  std::lock_guard lock(mutex_);
  return books_;
}

}  // namespace skulink::simulator
