#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/server.h"
#include "seller_center_simulator/simulator_control.grpc.pb.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"
#include "tests/seller_center_simulator/fault.h"
#include "tests/seller_center_simulator/listing_book.h"
#include "tests/seller_center_simulator/request_rate.h"
#include "tests/seller_center_simulator/shop.h"
#include "tests/seller_center_simulator/shop_options.h"

namespace skulink::simulator {

// What a shop was asked for and sent so far.
struct ShopBooks {
  int describe_shop_calls = 0;
  int list_listings_calls = 0;
  int get_items_calls = 0;
  int create_items_calls = 0;
  int update_stock_calls = 0;
  int update_price_calls = 0;
  std::int64_t pages_sent = 0;
  std::int64_t items_asked = 0;
  std::int64_t refused_by_rate = 0;
};

// A Seller Center with one shop, on a port of its own on the loopback interface. Stricter than a real one:
// refuses page sizes that are not 1 to its largest, resume tokens it did not make, too many items or updates,
// an update twice in a batch, an idempotency key that was used for something else, and requests above its
// rate. What it refuses as against the protocol is in its books. Thread-safe.
class SimulatedSellerCenter {
 public:
  using Listing = sellercenter::v1::Listing;

  // Throws std::runtime_error when it cannot listen.
  explicit SimulatedSellerCenter(ShopOptions options = {}, ListingBook listings = {});
  // Ends the calls that are open.
  ~SimulatedSellerCenter();

  std::string address() const { return "grpc://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }

  // Also in the middle of a listing.
  void SetListings(const std::vector<Listing>& listings);
  void Upsert(const Listing& listing);
  void Remove(const std::string& listing_id);
  // All that the control service can do.
  grpc::Status Change(const ChangeShopRequest& request);
  // Creations and updates that are answered with something else than OK, and not made.
  void Refuse(Refusal refusal);
  void ClearRefusals();
  // The clock that update times are of stands at this time from now on.
  void SetClock(absl::Time time);

  // Called with each CreateItems before it is done, and once more with its answer, which it may change. With
  // a status that is not OK the call ends. With the lock held.
  using CreateHook = std::function<grpc::Status(const sellercenter::v1::CreateItemsRequest&,
                                                sellercenter::v1::CreateItemsResponse*)>;
  void OnCreate(CreateHook hook);

  // GetItems with this item among others ends so.
  void FailItem(const std::string& item_id, const grpc::Status& status);

  void AddFault(Fault fault);
  void ClearFaults();

  // Lets no page of this number or later be sent until Release, so that the middle of a listing can be looked
  // at.
  void HoldAtPage(int page);
  // Waits until a listing stands there; false when that takes longer than `limit`.
  bool WaitUntilHeld(std::chrono::milliseconds limit = std::chrono::seconds(30));
  void Release();

  ShopBooks books() const;
  // What was asked for against the protocol.
  std::vector<std::string> violations() const;
  ListingBooks listing_books(const std::string& listing_id) const;
  CreationBooks creation_books(const std::string& idempotency_key) const;
  // Updates of one kind for one listing that were being made at once, at most.
  int most_in_flight() const;
  // Of each listing that it has or that had updates.
  std::vector<ListingBooks> AllListingBooks() const;
  Books AllBooks() const;

 private:
  class Service;
  class PageStream;

  // To be called with the lock held. Whether a fault happens now; it has then happened once more.
  std::optional<FaultKind> TakeFault(FaultyCall call, int page);
  // Counts a request; RESOURCE_EXHAUSTED when it is one too many.
  grpc::Status TakeRequest();

  const ShopOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // whatever a call may be waiting for
  // All of these under the lock.
  Shop shop_;
  RequestRate rate_;
  std::vector<Fault> faults_;
  CreateHook create_hook_;
  std::map<std::string, grpc::Status> failing_items_;
  ShopBooks books_;
  std::optional<int> hold_at_page_;
  int held_ = 0;
  int streams_ = 0;
  bool stopping_ = false;

  std::unique_ptr<Service> service_;
  std::unique_ptr<SimulatorControl::Service> control_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace skulink::simulator
