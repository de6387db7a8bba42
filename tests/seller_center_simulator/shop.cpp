#include "tests/seller_center_simulator/shop.h"

#include "absl/time/clock.h"

namespace skulink::simulator {

namespace proto = sellercenter::v1;

Shop::Shop(const ShopOptions& options, ListingBook listings)
    : options_(options), listings_(std::move(listings)), opened_(Now()) {}

absl::Time Shop::Now() const {
  if (clock_) return *clock_;
  return absl::UnixEpoch() +
         absl::Floor(absl::Now() - absl::UnixEpoch(), absl::FromChrono(options_.clock_step));
}

void Shop::SetListings(ListingBook listings) {
  listings_ = std::move(listings);
  removed_.clear();
  log_ = UpdateLog();
  all_logged_ = false;
  opened_ = Now();
}

void Shop::Put(const Listing& listing) {
  listings_.Upsert(listing);
  removed_.erase(listing.listing_id());
  log_.Note(listing.listing_id(), Now());
}

bool Shop::Change(const Listing& fields) {
  std::optional<Listing> listing = listings_.Find(fields.listing_id());
  if (!listing) return false;
  listing->MergeFrom(fields);
  Put(*listing);
  return true;
}

void Shop::Remove(const std::string& listing_id) {
  std::optional<Listing> listing = listings_.Find(listing_id);
  if (!listing) return;
  listings_.Remove(listing_id);
  listing->set_state(proto::LISTING_STATE_DELETED);
  removed_[listing_id] = *std::move(listing);
  log_.Note(listing_id, Now());
}

// Only when somebody asks: a shop may have millions of listings, and nobody who does.
void Shop::LogAll() {
  if (all_logged_) return;
  all_logged_ = true;
  listings_.ForEach([this](const std::string& id) {
    if (!log_.Has(id)) log_.Note(id, opened_);
  });
}

std::vector<std::pair<UpdateLog::Place, Shop::Listing>> Shop::UpdatedAfter(const UpdateLog::Place& place,
                                                                           int size) {
  if (place.time <= opened_) LogAll();
  std::vector<std::pair<UpdateLog::Place, Listing>> updated;
  for (auto& [at, id] : log_.After(place, size)) {
    std::optional<Listing> listing = listings_.Find(id);
    updated.emplace_back(at, listing ? *std::move(listing) : removed_.at(id));
  }
  return updated;
}

std::int64_t Shop::CountUpdatedAfter(const UpdateLog::Place& place) {
  if (place.time <= opened_) LogAll();
  return log_.CountAfter(place);
}

grpc::Status Shop::Violation(const std::string& what) {
  violations_.push_back(what);
  return {grpc::StatusCode::INVALID_ARGUMENT, what};
}

ListingBooks Shop::BooksOf(const std::string& listing_id) const {
  ListingBooks books = ledger_.Of(listing_id);
  if (std::optional<Listing> listing = listings_.Find(listing_id)) {
    *books.mutable_listing() = *std::move(listing);
  } else if (const auto removed = removed_.find(listing_id); removed != removed_.end()) {
    *books.mutable_listing() = removed->second;
  } else {
    books.mutable_listing()->set_listing_id(listing_id);
    books.mutable_listing()->set_state(proto::LISTING_STATE_DELETED);
  }
  return books;
}

}  // namespace skulink::simulator
