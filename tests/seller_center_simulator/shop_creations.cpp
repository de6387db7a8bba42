// The part of Shop that creates items and listings.
#include <set>

#include "tests/seller_center_simulator/creation_check.h"
#include "tests/seller_center_simulator/shop.h"

namespace skulink::simulator {

namespace proto = sellercenter::v1;

grpc::Status Shop::CheckKeys(const proto::CreateItemsRequest& request) {
  std::set<std::string> keys;
  for (const proto::ItemCreation& creation : request.creations()) {
    const std::string& key = creation.idempotency_key();
    if (!IsIdempotencyKey(key)) return Violation("idempotency_key must be 1 to 64 of a-z, 0-9 and `-`");
    if (!keys.insert(key).second) return Violation("idempotency_key `" + key + "` is there twice");
    const auto known = creations_.find(key);
    if (known != creations_.end() && known->second.content != creation.SerializeAsString()) {
      return Violation("idempotency_key `" + key + "` was used for something else");
    }
  }
  return grpc::Status::OK;
}

grpc::Status Shop::CreateItems(const proto::CreateItemsRequest& request,
                               proto::CreateItemsResponse& response) {
  const int limit = options_.max_items_per_create;
  if (limit == 0) return {grpc::StatusCode::UNIMPLEMENTED, "this shop creates nothing"};
  if (request.creations_size() < 1 || request.creations_size() > limit) {
    return Violation("creations must be 1 to " + std::to_string(limit));
  }
  if (request.validate_only() && !options_.item_limits.can_validate()) {
    return Violation("validate_only is nothing that this shop can do");
  }
  if (grpc::Status status = CheckKeys(request); !status.ok()) return status;
  for (const proto::ItemCreation& creation : request.creations()) {
    *response.add_results() = Create(creation, request.validate_only());
  }
  return grpc::Status::OK;
}

proto::ItemCreated Shop::Create(const proto::ItemCreation& creation, bool validate_only) {
  const std::string& key = creation.idempotency_key();
  if (!validate_only) ledger_.NoteCreation(key);
  proto::ItemCreated created;
  if (const auto known = creations_.find(key); known != creations_.end()) {
    created = known->second.answer;
    if (validate_only) created.clear_listings();
    return created;
  }
  std::vector<Listing> siblings;
  if (!creation.item_id().empty()) siblings = listings_.Item(creation.item_id());
  std::optional<WriteOutcome> refused = CheckCreation(creation, siblings, options_);
  for (const proto::ListingCreation& listing : creation.listings()) {
    if (!refused) refused = TakeRefusal("create", listing.seller_sku(), listing.stock());
  }
  if (refused) {
    *created.mutable_outcome() = *std::move(refused);
    return created;
  }
  created.mutable_outcome()->set_result(proto::WRITE_RESULT_OK);
  if (validate_only) return created;
  AddListings(creation, siblings, created);
  ledger_.NoteCreated(key, created);
  creations_[key] = {.content = creation.SerializeAsString(), .answer = created};
  return created;
}

void Shop::AddListings(const proto::ItemCreation& creation, const std::vector<Listing>& siblings,
                       proto::ItemCreated& created) {
  std::string item_id = creation.item_id(), item_title = creation.title();
  if (siblings.empty()) {
    item_id = NewId("item");
  } else {
    const Listing& first = siblings.front();
    item_title = first.item_title().empty() ? first.title() : first.item_title();
  }
  for (const proto::ListingCreation& from : creation.listings()) {
    Listing& listing = *created.add_listings();
    listing.set_listing_id(NewId("listing"));
    listing.set_item_id(item_id);
    listing.set_title(from.option().empty() ? item_title : item_title + " - " + from.option());
    listing.set_item_title(item_title);
    listing.set_option(from.option());
    listing.set_seller_sku(from.seller_sku());
    listing.set_state(options_.created_state);
    *listing.mutable_price() = from.price();
    listing.set_stock(from.stock());
    listing.set_gtin(from.gtin());
    Put(listing);
  }
}

std::string Shop::NewId(std::string_view kind) {
  while (true) {
    std::string id = "new-" + std::string(kind) + "-" + std::to_string(++last_id_);
    if (!listings_.Find(id) && !removed_.contains(id) && listings_.Item(id).empty()) return id;
  }
}

}  // namespace skulink::simulator
