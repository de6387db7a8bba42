// Seller Centers, scans and pushes of the model.
#include "tests/integration/both_directions_model.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace skulink {

using simulator::FaultKind;
using simulator::FaultyCall;

namespace {

// Design rule 6: an UPDATED scan overlaps the one before.
constexpr absl::Duration kOverlap = absl::Minutes(5);

bool IsLive(const Listing& listing) { return listing.state == ListingState::kLive; }

// Whether a page that comes like this ends a scan.
bool IsFatal(FaultKind kind) {
  switch (kind) {
    case FaultKind::kExpiredToken:
    case FaultKind::kEarlyEnd:
    case FaultKind::kMalformed:
    case FaultKind::kDuplicateListing:
    case FaultKind::kEmptyId:
    case FaultKind::kPageTooLarge:
    case FaultKind::kCountNegative:
      return true;
    default:
      return false;
  }
}

}  // namespace

void BothDirectionsModel::Put(SellerCenter& center, Offer offer) {
  offer.changed = now;
  const std::string& id = offer.listing.listing_id;
  const auto before = center.offers.find(id);
  if (before == center.offers.end() || before->second.removed) center.order.push_back(id);
  center.offers[id] = std::move(offer);
}

void BothDirectionsModel::Remove(SellerCenter& center, const std::string& listing_id) {
  Offer& offer = center.offers.at(listing_id);
  if (offer.removed) return;
  offer.removed = true;
  offer.listing.state = ListingState::kDeleted;
  offer.changed = now;
  std::erase(center.order, listing_id);
}

bool BothDirectionsModel::Call(SellerCenter& center, FaultyCall call, const std::function<void()>& write) {
  std::deque<simulator::Fault>& faults = center.faults[call];
  while (!faults.empty() && faults.front().after == 0) {
    const FaultKind kind = faults.front().kind;
    faults.pop_front();
    ++center.faults_met;
    if (kind == FaultKind::kExpiredToken) return false;
    if (kind == FaultKind::kAnswerLost) write();
  }
  if (!faults.empty()) --faults.front().after;
  write();
  return true;
}

std::optional<FaultKind> BothDirectionsModel::PageFault(SellerCenter& center, int pages, int& page) {
  std::deque<simulator::Fault>& faults = center.faults[FaultyCall::kListListings];
  if (faults.empty() || faults.front().page > pages) return std::nullopt;
  page = faults.front().page;
  ++center.faults_met;
  return faults.front().kind;
}

void BothDirectionsModel::Learn(const std::string& channel, const Offer& offer) {
  channels.at(channel).listings[offer.listing.listing_id] = offer.listing;
  if (IsLive(offer.listing)) seller_centers.at(channel).seen_live.insert(offer.listing.listing_id);
}

std::optional<BothDirectionsModel::Found> BothDirectionsModel::GetItems(
    SellerCenter& center, const std::vector<std::string>& items) {
  Found found;
  const auto limit = static_cast<std::size_t>(center.options.max_items_per_get);
  for (std::size_t first = 0; first < items.size(); first += limit) {
    if (!Call(center, FaultyCall::kGetItems)) return std::nullopt;
  }
  for (const std::string& item : items) {
    for (const auto& [id, offer] : center.offers) {
      if (!offer.removed && offer.listing.item_id == item) found.push_back(&offer);
    }
  }
  return found;
}

BothDirectionsModel::JobEnd BothDirectionsModel::FullScan(const std::string& channel) {
  SellerCenter& center = seller_centers.at(channel);
  Kept& known = channels.at(channel).listings;
  std::vector<std::string>& order = center.order;
  Seen seen{.expected = static_cast<int>(order.size())};
  for (const auto& [id, listing] : known) seen.live_before += IsLive(listing);
  const int size = static_cast<int>(order.size()), in_page = center.options.max_page_size;
  int page = 0;
  const std::optional<FaultKind> fault = PageFault(center, std::max(1, (size + in_page - 1) / in_page), page);
  std::vector<std::string> sent = order;
  const auto send_pages = [&](int pages) {
    sent.resize(std::min(sent.size(), static_cast<std::size_t>(pages * in_page)));
  };
  if (fault && IsFatal(*fault)) {
    send_pages(page - 1);
  } else if (fault == FaultKind::kEarlyComplete) {
    send_pages(page);
  } else if (fault == FaultKind::kEmptyShop) {
    sent.clear();
    seen.expected = 0;
  } else if (fault == FaultKind::kMovedListing) {
    // To where it was read already.
    sent.pop_back();
    std::rotate(order.begin(), order.end() - 1, order.end());
  } else if (fault == FaultKind::kListingOnTwoPages) {
    std::rotate(order.begin(), order.begin() + 1, order.end());
  }
  if (fault == FaultKind::kSkuTooLong) seen.unreadable = sent[static_cast<std::size_t>((page - 1) * in_page)];
  for (const std::string& id : sent) {
    seen.ids.insert(id);
    // What cannot be read stays as it is known.
    if (id != seen.unreadable) Learn(channel, center.offers.at(id));
  }
  if (fault && IsFatal(*fault)) return {.state = v1::JOB_STATE_FAILED, .report = {}};
  bool only_early = false;
  if (IsDoubtful(channel, seen, only_early)) {
    // Listings that moved between pages are missing without being gone.
    if (only_early && !LookUpUnseen(channel, seen.ids)) return {.state = v1::JOB_STATE_FAILED, .report = {}};
    if (IsDoubtful(channel, seen, only_early)) {
      center.seen_by_scan = seen.ids;
      return {.state = v1::JOB_STATE_NEEDS_CONFIRMATION, .report = {}};
    }
  }
  return RemoveUnseen(channel, std::move(seen.ids));
}

bool BothDirectionsModel::IsDoubtful(const std::string& channel, const Seen& seen, bool& only_early) const {
  int live = 0;
  for (const std::string& id : seen.ids) {
    live += id != seen.unreadable && IsLive(seller_centers.at(channel).offers.at(id).listing);
  }
  const bool dropped = 2 * live < seen.live_before;
  only_early = !dropped && static_cast<int>(seen.ids.size()) < seen.expected;
  return dropped || only_early;
}

// Asks for the items of what is known and was not seen.
bool BothDirectionsModel::LookUpUnseen(const std::string& channel, std::set<std::string>& seen) {
  std::set<std::string> items;
  for (const auto& [id, listing] : channels.at(channel).listings) {
    if (!seen.contains(id)) items.insert(listing.item_id);
  }
  const std::optional<Found> found = GetItems(seller_centers.at(channel), {items.begin(), items.end()});
  if (!found) return false;
  for (const Offer* offer : *found) {
    seen.insert(offer->listing.listing_id);
    Learn(channel, *offer);
  }
  return true;
}

BothDirectionsModel::JobEnd BothDirectionsModel::RemoveUnseen(const std::string& channel,
                                                              std::set<std::string> seen) {
  if (!LookUpUnseen(channel, seen)) return {.state = v1::JOB_STATE_FAILED, .report = {}};
  std::erase_if(channels.at(channel).listings,
                [&](const auto& entry) { return !seen.contains(entry.first); });
  seller_centers.at(channel).known_until = now;
  return {};
}

BothDirectionsModel::JobEnd BothDirectionsModel::Confirm(const std::string& channel) {
  return RemoveUnseen(channel, seller_centers.at(channel).seen_by_scan);
}

BothDirectionsModel::JobEnd BothDirectionsModel::UpdatedScan(const std::string& channel) {
  SellerCenter& center = seller_centers.at(channel);
  int page = 0;
  const std::optional<FaultKind> fault = PageFault(center, 1, page);
  if (fault && IsFatal(*fault)) return {.state = v1::JOB_STATE_FAILED, .report = {}};
  for (const auto& [id, offer] : center.offers) {
    if (offer.changed >= *center.known_until - kOverlap) Learn(channel, offer);
  }
  center.known_until = now;
  return {};
}

BothDirectionsModel::JobEnd BothDirectionsModel::ItemScan(const std::string& channel,
                                                          const std::vector<std::string>& items) {
  SellerCenter& center = seller_centers.at(channel);
  const auto limit = static_cast<std::size_t>(center.options.max_items_per_get);
  for (std::size_t first = 0; first < items.size(); first += limit) {
    const auto begin = items.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(limit, items.size() - first));
    const std::optional<Found> found = GetItems(center, {begin, end});
    if (!found) return {.state = v1::JOB_STATE_FAILED, .report = {}};
    for (const Offer* offer : *found) Learn(channel, *offer);
  }
  return {};
}

void BothDirectionsModel::Settle() {
  std::map<std::string, Owner> owners;
  for (const store::Product& product : products) {
    for (const store::Variant& variant : product.variants) owners[Key(variant.sku)] = {&product, &variant};
  }
  owners.erase("");
  for (const auto& [id, shop] : channels) Settle(id, owners);
}

void BothDirectionsModel::Settle(const std::string& channel, const std::map<std::string, Owner>& owners) {
  Shop& shop = channels.at(channel);
  SellerCenter& center = seller_centers.at(channel);
  const auto before = std::exchange(center.sent, {});
  for (auto& [id, listing] : shop.listings) {
    const auto owner = owners.find(Key(listing.seller_sku));
    if (!IsLive(listing) || owner == owners.end()) continue;
    const auto& [product, variant] = owner->second;
    const std::string name = absl::StrCat(product->id, "/", variant->id);
    const auto settle = [&](v1::PushKind kind, bool kept, std::int64_t value,
                            std::optional<std::int64_t> has) {
      const auto found = before.find({id, kind});
      std::optional<Sent> sent;
      if (found != before.end()) sent = found->second;
      if (!kept) {  // what is left from before it was switched off
        if (sent && sent->variant == name) center.sent[{id, kind}] = *sent;
        return;
      }
      const bool seen = center.seen_live.contains(id) || center.plan_all;
      bool send = !sent ? has != value : sent->value != value;
      if (sent && sent->outcome == v1::PUSH_OUTCOME_APPLIED) send = send || (has && *has != value);
      if (sent && (sent->outcome == v1::PUSH_OUTCOME_NOT_LIVE || sent->outcome == v1::PUSH_OUTCOME_GONE)) {
        send = send || seen;
      }
      v1::PushOutcome outcome = sent ? sent->outcome : v1::PUSH_OUTCOME_APPLIED;
      if (send) outcome = Send(center, listing, kind, value);
      center.sent[{id, kind}] = {value, outcome, name};
    };
    if (variant->stock) {
      settle(v1::PUSH_KIND_STOCK, shop.stock_sync.enabled, Offered(*variant->stock, shop.stock_sync),
             listing.stock);
    }
    if (variant->price) {
      std::optional<std::int64_t> has;
      if (listing.price) has = listing.price->ten_thousandths;
      settle(v1::PUSH_KIND_PRICE, shop.price_sync, variant->price->ten_thousandths, has);
    }
  }
  center.seen_live.clear();
  center.plan_all = false;
}

v1::PushOutcome BothDirectionsModel::Send(SellerCenter& center, Listing& known, v1::PushKind kind,
                                          std::int64_t value) {
  const bool stock = kind == v1::PUSH_KIND_STOCK;
  const auto offer = center.offers.find(known.listing_id);
  if (stock && center.refused_stocks.erase(known.listing_id) > 0) return v1::PUSH_OUTCOME_REFUSED_VALUE;
  const bool there = offer != center.offers.end() && offer->second.listing.state != ListingState::kDeleted;
  if (!there || !IsLive(offer->second.listing)) {
    // What is there is not known any more.
    stock ? known.stock.reset() : known.price.reset();
    return there ? v1::PUSH_OUTCOME_NOT_LIVE : v1::PUSH_OUTCOME_GONE;
  }
  for (Listing* listing : {&offer->second.listing, &known}) {
    if (stock) {
      listing->stock = value;
    } else {
      listing->price = Money{value, "IDR"};
    }
  }
  offer->second.changed = now;
  return v1::PUSH_OUTCOME_APPLIED;
}

void BothDirectionsModel::NumberProducts() {
  for (store::Product& product : products) {
    if (product.number == 0) product.number = ++last_product_;
  }
}

}  // namespace skulink
