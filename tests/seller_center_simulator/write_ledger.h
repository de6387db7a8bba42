#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "seller_center_simulator/simulator_control.pb.h"

namespace skulink::simulator {

// Which creations and updates reached a shop. Not thread-safe.
class WriteLedger {
 public:
  using WriteResult = sellercenter::v1::WriteResult;

  void NoteCreation(const std::string& idempotency_key);
  void NoteCreated(const std::string& idempotency_key, const sellercenter::v1::ItemCreated& created);
  void NoteStock(const std::string& listing_id, std::int64_t quantity, WriteResult result);
  void NotePrice(const std::string& listing_id, const google::type::Money& price, WriteResult result);

  // From when an update reached the shop to when it is made or given up, while it counts as in flight. `kind`
  // tells stock from price.
  void Begin(std::string_view kind, const std::vector<std::string>& listing_ids);
  void End(std::string_view kind, const std::vector<std::string>& listing_ids);

  // Without the listing itself.
  ListingBooks Of(const std::string& listing_id) const;
  std::vector<std::string> ListingsUpdated() const;
  CreationBooks OfCreation(const std::string& idempotency_key) const;
  std::vector<CreationBooks> Creations() const;
  int most_in_flight() const { return most_in_flight_; }

 private:
  absl::flat_hash_map<std::string, ListingBooks> listings_;
  absl::flat_hash_map<std::string, int> in_flight_;  // by kind and listing
  std::map<std::string, CreationBooks> creations_;
  int most_in_flight_ = 0;
};

}  // namespace skulink::simulator
