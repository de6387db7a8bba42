#include "tests/seller_center_simulator/simulated_seller_center.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "tests/seller_center_simulator/control_service.h"
#include "tests/seller_center_simulator/service.h"

namespace skulink::simulator {

SimulatedSellerCenter::SimulatedSellerCenter(ShopOptions options, ListingBook listings)
    : options_(std::move(options)),
      shop_(options_, std::move(listings)),
      rate_(options_.max_requests_per_second),
      service_(std::make_unique<Service>(*this)),
      control_(MakeControlService(*this)) {
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:" + std::to_string(options_.port), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(service_.get());
  builder.RegisterService(control_.get());
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
  shop_.SetListings(std::move(book));
}

void SimulatedSellerCenter::Upsert(const Listing& listing) {
  std::lock_guard lock(mutex_);
  shop_.Put(listing);
}

void SimulatedSellerCenter::Remove(const std::string& listing_id) {
  std::lock_guard lock(mutex_);
  shop_.Remove(listing_id);
}

grpc::Status SimulatedSellerCenter::Change(const ChangeShopRequest& request) {
  std::vector<Fault> faults;
  for (const std::string& text : request.faults()) {
    std::optional<Fault> fault = ParseFault(text);
    if (!fault) return {grpc::StatusCode::INVALID_ARGUMENT, "`" + text + "` is no fault"};
    faults.push_back(*fault);
  }
  std::lock_guard lock(mutex_);
  for (const Listing& listing : request.put()) shop_.Put(listing);
  for (const Listing& listing : request.change()) {
    if (!shop_.Change(listing)) {
      return {grpc::StatusCode::NOT_FOUND, "there is no listing `" + listing.listing_id() + "`"};
    }
  }
  for (const std::string& listing_id : request.remove()) shop_.Remove(listing_id);
  if (request.clear_refusals()) shop_.ClearRefusals();
  for (const Refusal& refusal : request.refuse()) shop_.Refuse(refusal);
  if (request.clear_faults()) faults_.clear();
  faults_.insert(faults_.end(), faults.begin(), faults.end());
  return grpc::Status::OK;
}

void SimulatedSellerCenter::Refuse(Refusal refusal) {
  std::lock_guard lock(mutex_);
  shop_.Refuse(std::move(refusal));
}

void SimulatedSellerCenter::ClearRefusals() {
  std::lock_guard lock(mutex_);
  shop_.ClearRefusals();
}

void SimulatedSellerCenter::SetClock(absl::Time time) {
  std::lock_guard lock(mutex_);
  shop_.SetClock(time);
}

void SimulatedSellerCenter::OnCreate(CreateHook hook) {
  std::lock_guard lock(mutex_);
  create_hook_ = std::move(hook);
}

void SimulatedSellerCenter::FailItem(const std::string& item_id, const grpc::Status& status) {
  std::lock_guard lock(mutex_);
  failing_items_[item_id] = status;
}

void SimulatedSellerCenter::AddFault(Fault fault) {
  std::lock_guard lock(mutex_);
  faults_.push_back(fault);
}

void SimulatedSellerCenter::ClearFaults() {
  std::lock_guard lock(mutex_);
  faults_.clear();
  failing_items_.clear();
}

std::optional<FaultKind> SimulatedSellerCenter::TakeFault(FaultyCall call, int page) {
  auto fault = std::find_if(faults_.begin(), faults_.end(), [&](const Fault& one) {
    return one.call == call && one.page == page && one.times.value_or(1) > 0;
  });
  if (fault == faults_.end()) return std::nullopt;
  if (fault->after > 0) {
    --fault->after;
    return std::nullopt;
  }
  if (fault->times) --*fault->times;
  return fault->kind;
}

grpc::Status SimulatedSellerCenter::TakeRequest() {
  const std::optional<std::chrono::nanoseconds> retry_after = rate_.Refuse(RequestRate::Clock::now());
  if (!retry_after) return grpc::Status::OK;
  ++books_.refused_by_rate;
  return options_.tells_when_to_retry ? TooManyCalls(*retry_after) : StatusOf(FaultKind::kThrottled);
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

std::vector<std::string> SimulatedSellerCenter::violations() const {
  std::lock_guard lock(mutex_);
  return shop_.violations();
}

ListingBooks SimulatedSellerCenter::listing_books(const std::string& listing_id) const {
  std::lock_guard lock(mutex_);
  return shop_.BooksOf(listing_id);
}

CreationBooks SimulatedSellerCenter::creation_books(const std::string& idempotency_key) const {
  std::lock_guard lock(mutex_);
  return shop_.ledger().OfCreation(idempotency_key);
}

int SimulatedSellerCenter::most_in_flight() const {
  std::lock_guard lock(mutex_);
  return shop_.ledger().most_in_flight();
}

std::vector<ListingBooks> SimulatedSellerCenter::AllListingBooks() const {
  std::lock_guard lock(mutex_);
  std::set<std::string> ids;
  shop_.listings().ForEach([&](const std::string& id) { ids.insert(id); });
  for (std::string& id : shop_.ledger().ListingsUpdated()) ids.insert(std::move(id));
  std::vector<ListingBooks> all;
  for (const std::string& id : ids) all.push_back(shop_.BooksOf(id));
  return all;
}

Books SimulatedSellerCenter::AllBooks() const {
  std::lock_guard lock(mutex_);
  Books books;
  books.set_describe_shop_calls(books_.describe_shop_calls);
  books.set_list_listings_calls(books_.list_listings_calls);
  books.set_get_items_calls(books_.get_items_calls);
  books.set_create_items_calls(books_.create_items_calls);
  books.set_update_stock_calls(books_.update_stock_calls);
  books.set_update_price_calls(books_.update_price_calls);
  books.set_pages_sent(books_.pages_sent);
  books.set_refused_by_rate(books_.refused_by_rate);
  books.set_most_in_flight(shop_.ledger().most_in_flight());
  for (const std::string& violation : shop_.violations()) books.add_violations(violation);
  for (CreationBooks& creation : shop_.ledger().Creations()) *books.add_creations() = std::move(creation);
  return books;
}

}  // namespace skulink::simulator
