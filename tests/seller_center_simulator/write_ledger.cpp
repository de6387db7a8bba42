#include "tests/seller_center_simulator/write_ledger.h"

#include <algorithm>

namespace skulink::simulator {
namespace {

std::string KeyOf(std::string_view kind, const std::string& listing_id) {
  return std::string(kind) + "/" + listing_id;
}

}  // namespace

void WriteLedger::NoteCreation(const std::string& idempotency_key) {
  CreationBooks& books = creations_[idempotency_key];
  books.set_idempotency_key(idempotency_key);
  books.set_received(books.received() + 1);
}

void WriteLedger::NoteCreated(const std::string& idempotency_key,
                              const sellercenter::v1::ItemCreated& created) {
  creations_[idempotency_key].mutable_listings()->MergeFrom(created.listings());
}

void WriteLedger::NoteStock(const std::string& listing_id, std::int64_t quantity, WriteResult result) {
  StockUpdateBooks& update = *listings_[listing_id].add_stock_updates();
  update.set_quantity(quantity);
  update.set_result(result);
}

void WriteLedger::NotePrice(const std::string& listing_id, const google::type::Money& price,
                            WriteResult result) {
  PriceUpdateBooks& update = *listings_[listing_id].add_price_updates();
  *update.mutable_price() = price;
  update.set_result(result);
}

void WriteLedger::Begin(std::string_view kind, const std::vector<std::string>& listing_ids) {
  for (const std::string& listing_id : listing_ids) {
    const int now = ++in_flight_[KeyOf(kind, listing_id)];
    ListingBooks& books = listings_[listing_id];
    books.set_most_in_flight(std::max(books.most_in_flight(), now));
    most_in_flight_ = std::max(most_in_flight_, now);
  }
}

void WriteLedger::End(std::string_view kind, const std::vector<std::string>& listing_ids) {
  for (const std::string& listing_id : listing_ids) {
    const auto found = in_flight_.find(KeyOf(kind, listing_id));
    if (--found->second == 0) in_flight_.erase(found);
  }
}

ListingBooks WriteLedger::Of(const std::string& listing_id) const {
  const auto found = listings_.find(listing_id);
  return found == listings_.end() ? ListingBooks() : found->second;
}

std::vector<std::string> WriteLedger::ListingsUpdated() const {
  std::vector<std::string> ids;
  for (const auto& [listing_id, books] : listings_) ids.push_back(listing_id);
  return ids;
}

CreationBooks WriteLedger::OfCreation(const std::string& idempotency_key) const {
  const auto found = creations_.find(idempotency_key);
  return found == creations_.end() ? CreationBooks() : found->second;
}

std::vector<CreationBooks> WriteLedger::Creations() const {
  std::vector<CreationBooks> creations;
  for (const auto& [key, books] : creations_) creations.push_back(books);
  return creations;
}

}  // namespace skulink::simulator
