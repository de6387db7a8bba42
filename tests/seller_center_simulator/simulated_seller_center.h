#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/server.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"
#include "tests/seller_center_simulator/fault.h"
#include "tests/seller_center_simulator/listing_book.h"

namespace skulink::simulator {

struct ShopOptions {
  std::string shop_id = "shop";
  int max_page_size = 1000;
  int max_items_per_get = 100;
  std::chrono::milliseconds latency{0};  // before each page
  int port = 0;                          // 0: a free one
};

// What a shop was asked for and sent so far.
struct ShopBooks {
  int describe_shop_calls = 0;
  int list_listings_calls = 0;
  int get_items_calls = 0;
  std::int64_t pages_sent = 0;
  std::int64_t items_asked = 0;
};

// A Seller Center with one shop, on a port of its own on the loopback interface. Stricter than a real one:
// refuses page sizes that are not 1 to its largest, resume tokens it did not make, and too many items.
// Thread-safe.
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

  void AddFault(Fault fault);
  void ClearFaults();

  // Lets no page of this number or later be sent until Release, so that the middle of a listing can be looked
  // at.
  void HoldAtPage(int page);
  // Waits until a listing stands there; false when that takes longer than `limit`.
  bool WaitUntilHeld(std::chrono::milliseconds limit = std::chrono::seconds(30));
  void Release();

  ShopBooks books() const;

 private:
  class Service;
  class PageStream;

  // To be called with the lock held. Whether a fault happens now; it has then happened once more.
  std::optional<FaultKind> TakeFault(FaultyCall call, int page);

  const ShopOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // whatever a call may be waiting for
  // All of these under the lock.
  ListingBook listings_;
  std::vector<Fault> faults_;
  ShopBooks books_;
  std::optional<int> hold_at_page_;
  int held_ = 0;
  int streams_ = 0;
  bool stopping_ = false;

  std::unique_ptr<Service> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace skulink::simulator
