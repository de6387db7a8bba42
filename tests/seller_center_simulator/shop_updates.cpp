// The part of Shop that sets stock and prices.
#include <algorithm>
#include <set>

#include "tests/seller_center_simulator/creation_check.h"
#include "tests/seller_center_simulator/shop.h"

namespace skulink::simulator {
namespace {

namespace proto = sellercenter::v1;

constexpr std::int64_t kMaxStock = 1'000'000'000'000;

proto::WriteOutcome Outcome(proto::WriteResult result, const std::string& description = "") {
  proto::WriteOutcome outcome;
  outcome.set_result(result);
  outcome.set_description(description);
  return outcome;
}

bool IsValue(const proto::StockUpdate& update) {
  return update.quantity() >= 0 && update.quantity() <= kMaxStock;
}
bool IsValue(const proto::PriceUpdate& update) { return update.has_price() && IsPrice(update.price()); }

std::optional<std::int64_t> QuantityOf(const proto::StockUpdate& update) { return update.quantity(); }
std::optional<std::int64_t> QuantityOf(const proto::PriceUpdate&) { return std::nullopt; }

}  // namespace

template <typename Request>
grpc::Status Shop::CheckUpdates(const Request& request, int limit, std::string_view what) {
  if (limit == 0) return {grpc::StatusCode::UNIMPLEMENTED, "this shop sets no " + std::string(what)};
  if (request.updates_size() < 1 || request.updates_size() > limit) {
    return Violation("updates must be 1 to " + std::to_string(limit));
  }
  std::set<std::string> ids;
  for (const auto& update : request.updates()) {
    if (update.listing_id().empty()) return Violation("listing_id is missing");
    if (update.item_id().empty()) return Violation("item_id is missing");
    if (!ids.insert(update.listing_id()).second) {
      return Violation("listing_id `" + update.listing_id() + "` is there twice");
    }
    if (!IsValue(update)) return Violation(std::string(what) + " is nothing that the protocol allows");
  }
  return grpc::Status::OK;
}

template <typename Update>
Shop::WriteOutcome Shop::CheckUpdate(const Update& update, std::string_view call,
                                     std::optional<Listing>& listing) {
  listing = listings_.Find(update.listing_id());
  if (std::optional<WriteOutcome> refused = TakeRefusal(call, update.listing_id(), QuantityOf(update))) {
    return *refused;
  }
  if (!listing) return Outcome(proto::WRITE_RESULT_GONE, "there is no such listing");
  const std::string& item_id = listing->item_id().empty() ? listing->listing_id() : listing->item_id();
  if (item_id != update.item_id()) return Outcome(proto::WRITE_RESULT_GONE, "the item has no such listing");
  if (listing->state() == proto::LISTING_STATE_DELETED) {
    return Outcome(proto::WRITE_RESULT_GONE, "the listing is deleted");
  }
  if (listing->state() != proto::LISTING_STATE_LIVE) {
    return Outcome(proto::WRITE_RESULT_NOT_LIVE, "the listing is not live");
  }
  return Outcome(proto::WRITE_RESULT_OK);
}

grpc::Status Shop::UpdateStock(const proto::UpdateStockRequest& request,
                               proto::UpdateStockResponse& response) {
  if (grpc::Status status = CheckUpdates(request, options_.max_stock_updates, "stock"); !status.ok()) {
    return status;
  }
  for (const proto::StockUpdate& update : request.updates()) {
    std::optional<Listing> listing;
    WriteOutcome& outcome = *response.add_outcomes();
    outcome = CheckUpdate(update, "stock", listing);
    if (outcome.result() == proto::WRITE_RESULT_OK) {
      listing->set_stock(update.quantity());
      Put(*listing);
    }
    ledger_.NoteStock(update.listing_id(), update.quantity(), outcome.result());
  }
  return grpc::Status::OK;
}

grpc::Status Shop::UpdatePrice(const proto::UpdatePriceRequest& request,
                               proto::UpdatePriceResponse& response) {
  if (grpc::Status status = CheckUpdates(request, options_.max_price_updates, "price"); !status.ok()) {
    return status;
  }
  for (const proto::PriceUpdate& update : request.updates()) {
    std::optional<Listing> listing;
    WriteOutcome& outcome = *response.add_outcomes();
    outcome = CheckUpdate(update, "price", listing);
    if (outcome.result() == proto::WRITE_RESULT_OK && listing->has_price() &&
        listing->price().currency_code() != update.price().currency_code()) {
      outcome = Outcome(proto::WRITE_RESULT_REFUSED_VALUE,
                        "the price must be in " + listing->price().currency_code());
    }
    if (outcome.result() == proto::WRITE_RESULT_OK) {
      *listing->mutable_price() = update.price();
      Put(*listing);
    }
    ledger_.NotePrice(update.listing_id(), update.price(), outcome.result());
  }
  return grpc::Status::OK;
}

std::optional<Shop::WriteOutcome> Shop::TakeRefusal(std::string_view call, std::string_view id,
                                                    std::optional<std::int64_t> quantity) {
  const auto refusal = std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& one) {
    return (one.call().empty() || one.call() == call) && (one.id().empty() || one.id() == id) &&
           (one.reserved() == 0 || (quantity && *quantity < one.reserved()));
  });
  if (refusal == refusals_.end()) return std::nullopt;
  WriteOutcome outcome = Outcome(refusal->result(), "told to answer " + std::to_string(refusal->result()));
  if (refusal->reserved() > 0) {
    outcome.set_description("buyers have reserved " + std::to_string(refusal->reserved()));
  }
  if (refusal->has_retry_after()) *outcome.mutable_retry_after() = refusal->retry_after();
  if (refusal->times() == 1) {
    refusals_.erase(refusal);
  } else if (refusal->times() > 1) {
    refusal->set_times(refusal->times() - 1);
  }
  return outcome;
}

}  // namespace skulink::simulator
