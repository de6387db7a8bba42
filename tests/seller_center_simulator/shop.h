#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "seller_center_simulator/simulator_control.pb.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"
#include "tests/seller_center_simulator/listing_book.h"
#include "tests/seller_center_simulator/shop_options.h"
#include "tests/seller_center_simulator/update_log.h"
#include "tests/seller_center_simulator/write_ledger.h"

namespace skulink::simulator {

// What a shop has, and how it answers writes. Not thread-safe.
class Shop {
 public:
  using Listing = sellercenter::v1::Listing;
  using WriteOutcome = sellercenter::v1::WriteOutcome;

  Shop(const ShopOptions& options, ListingBook listings);

  // In the order of the whole listing; whoever moves them within it changes no listing.
  ListingBook& listings() { return listings_; }
  const ListingBook& listings() const { return listings_; }

  // Changes at the Seller Center itself, by the seller or by buyers.
  void SetListings(ListingBook listings);
  void Put(const Listing& listing);
  // Fields that are set replace those of the listing with that id; false when there is none.
  bool Change(const Listing& fields);
  void Remove(const std::string& listing_id);
  void Refuse(Refusal refusal) { refusals_.push_back(std::move(refusal)); }
  void ClearRefusals() { refusals_.clear(); }

  // Stops the clock and sets it.
  void SetClock(absl::Time time) { clock_ = time; }
  absl::Time Now() const;

  // Listings changed after `place`, at most `size`, as they are now; those that are gone as DELETED.
  std::vector<std::pair<UpdateLog::Place, Listing>> UpdatedAfter(const UpdateLog::Place& place, int size);
  std::int64_t CountUpdatedAfter(const UpdateLog::Place& place);

  // Writes. A status that is not OK: nothing was done.
  grpc::Status CreateItems(const sellercenter::v1::CreateItemsRequest& request,
                           sellercenter::v1::CreateItemsResponse& response);
  grpc::Status UpdateStock(const sellercenter::v1::UpdateStockRequest& request,
                           sellercenter::v1::UpdateStockResponse& response);
  grpc::Status UpdatePrice(const sellercenter::v1::UpdatePriceRequest& request,
                           sellercenter::v1::UpdatePriceResponse& response);

  // INVALID_ARGUMENT for something that the protocol does not allow, which goes into the books.
  grpc::Status Violation(const std::string& what);

  WriteLedger& ledger() { return ledger_; }
  const WriteLedger& ledger() const { return ledger_; }
  const std::vector<std::string>& violations() const { return violations_; }
  ListingBooks BooksOf(const std::string& listing_id) const;

 private:
  // A creation that was made.
  struct Creation {
    std::string content;
    sellercenter::v1::ItemCreated answer;
  };

  void LogAll();
  // Of shop_creations.cpp.
  grpc::Status CheckKeys(const sellercenter::v1::CreateItemsRequest& request);
  sellercenter::v1::ItemCreated Create(const sellercenter::v1::ItemCreation& creation, bool validate_only);
  void AddListings(const sellercenter::v1::ItemCreation& creation, const std::vector<Listing>& siblings,
                   sellercenter::v1::ItemCreated& created);
  std::string NewId(std::string_view kind);

  // Of shop_updates.cpp.
  template <typename Request>
  grpc::Status CheckUpdates(const Request& request, int limit, std::string_view what);
  // Why an update is refused, OK when it is not. The listing as it is, when there is one.
  template <typename Update>
  WriteOutcome CheckUpdate(const Update& update, std::string_view call, std::optional<Listing>& listing);
  std::optional<WriteOutcome> TakeRefusal(std::string_view call, std::string_view id,
                                          std::optional<std::int64_t> quantity);

  const ShopOptions& options_;
  ListingBook listings_;
  absl::flat_hash_map<std::string, Listing> removed_;
  std::optional<absl::Time> clock_;  // when it stands
  absl::Time opened_;                // when the listings that are not in the log were changed last
  UpdateLog log_;
  bool all_logged_ = false;
  absl::flat_hash_map<std::string, Creation> creations_;  // by idempotency key
  std::int64_t last_id_ = 0;
  std::vector<Refusal> refusals_;
  WriteLedger ledger_;
  std::vector<std::string> violations_;
};

}  // namespace skulink::simulator
