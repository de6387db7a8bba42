// Downloads and uploads of the model.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/integration/both_directions_model.h"

namespace skulink {

using simulator::FaultKind;
using simulator::FaultyCall;
using store::Product;
using store::Variant;

BothDirectionsModel::JobEnd BothDirectionsModel::Download(const std::string& channel,
                                                          const DownloadWhat& what) {
  SellerCenter& center = seller_centers.at(channel);
  const BothDirectionsModel before = *this;
  // What to look at: by item, each listing with whether it was in the POS.
  std::map<std::string, std::map<std::string, bool>> asked;
  for (const auto& [id, listing] : channels.at(channel).listings) {
    const bool linked = !OwnerOf(listing.seller_sku, "", "").empty();
    const bool wanted = what.all ? !linked && listing.state == ListingState::kLive
                                 : what.listings.contains(id) || what.items.contains(listing.item_id);
    if (wanted) asked[listing.item_id][id] = linked;
  }
  std::vector<std::string> items;
  for (const auto& [item, rows] : asked) items.push_back(item);
  const std::optional<Found> all_found = GetItems(center, items);
  if (!all_found) return {.state = v1::JOB_STATE_FAILED, .report = {}};

  const Kept& known = channels.at(channel).listings;
  std::set<std::string> came;  // since the plan
  for (const Offer* offer : *all_found) {
    const auto same = known.find(offer->listing.listing_id);
    if (same == known.end() || same->second.state != offer->listing.state ||
        same->second.seller_sku != offer->listing.seller_sku) {
      came.insert(offer->listing.listing_id);
    }
    Learn(channel, *offer);
  }
  JobEnd end;
  for (const auto& [item, rows] : asked) {
    Found found;
    for (const Offer* offer : *all_found) {
      if (offer->listing.item_id == item) found.push_back(offer);
    }
    std::string product_id;
    for (const auto& [id, linked] : rows) {
      end.report.push_back(DownloadRow(channel, item, found, id, linked, what.with_stock, product_id));
    }
    if (!what.all && !what.items.contains(item)) continue;
    for (const Offer* offer : found) {
      const Listing& listing = offer->listing;
      if (listing.state != ListingState::kLive || !came.contains(listing.listing_id)) continue;
      if (rows.contains(listing.listing_id) || !OwnerOf(listing.seller_sku, "", "").empty()) continue;
      end.report.push_back(
          DownloadRow(channel, item, found, listing.listing_id, false, what.with_stock, product_id));
    }
  }
  for (Product& product : products) {
    const auto was = std::find_if(before.products.begin(), before.products.end(),
                                  [&](const Product& other) { return other.id == product.id; });
    if (was != before.products.end()) product.version = was->version + (was->variants != product.variants);
  }
  if (what.dry_run) {
    products = before.products;
    channels = before.channels;
    center.seen_live = before.seller_centers.at(channel).seen_live;
  }
  return end;
}

std::string BothDirectionsModel::DownloadRow(const std::string& channel, const std::string& item,
                                             const Found& found, const std::string& listing_id, bool linked,
                                             bool with_stock, std::string& product_id) {
  const auto at = std::find_if(found.begin(), found.end(),
                               [&](const Offer* offer) { return offer->listing.listing_id == listing_id; });
  const std::string row = absl::StrCat(item, "/", listing_id, " ");
  if (at == found.end() || (*at)->listing.state == ListingState::kDeleted) {
    return row + "SKIPPED LISTING_GONE";
  }
  const Listing& listing = (*at)->listing;
  if (listing.state != ListingState::kLive) return row + "SKIPPED LISTING_NOT_LIVE";
  if (Key(listing.seller_sku).empty()) return row + "SKIPPED SKU_EMPTY";
  if (const std::string owner = OwnerOf(listing.seller_sku, "", ""); !owner.empty()) {
    return absl::StrCat(row, linked ? "SKIPPED ALREADY_LINKED " : "LINKED ", owner);
  }
  if (product_id.empty()) product_id = ProductOf(channel, item, found);
  Product* product = Find(product_id);
  if (product == nullptr) {
    product = &products.emplace_back(Product{.id = product_id, .name = (*at)->item_title, .version = 1});
  }
  Variant variant{.id = listing_id,
                  .sku = listing.seller_sku,
                  .barcode = listing.gtin,
                  .price = listing.price,
                  .stock = with_stock ? listing.stock : std::nullopt,
                  .option = (*at)->option};
  const auto taken = [&](const Variant& other) { return other.id == variant.id; };
  for (int copy = 2; std::any_of(product->variants.begin(), product->variants.end(), taken); ++copy) {
    variant.id = absl::StrCat(listing_id, "~", copy);
  }
  product->variants.push_back(variant);
  return absl::StrCat(row, "CREATED ", product_id, "/", variant.id);
}

// The product that has most of the item's listings, then the oldest; else the item's own.
std::string BothDirectionsModel::ProductOf(const std::string& channel, const std::string& item,
                                           const Found& found) const {
  std::map<std::string, int> matches;
  for (const Offer* offer : found) {
    if (offer->listing.state == ListingState::kDeleted) continue;
    const std::string owner = OwnerOf(offer->listing.seller_sku, "", "");
    if (!owner.empty()) ++matches[owner.substr(0, owner.find('/'))];
  }
  int most = 0;
  std::string best = absl::StrCat(channel, ":", item);
  for (const Product& product : products) {
    const auto count = matches.find(product.id);
    if (count == matches.end() || count->second <= most) continue;
    most = count->second;
    best = product.id;
  }
  return best;
}

BothDirectionsModel::JobEnd BothDirectionsModel::Upload(const std::string& channel, const UploadWhat& what) {
  SellerCenter& center = seller_centers.at(channel);
  const auto limit = static_cast<std::size_t>(center.options.max_items_per_create);
  std::vector<UploadGroup> groups = PlanUpload(channel, what);
  JobEnd failed{.state = v1::JOB_STATE_FAILED, .report = {}};

  // Whatever was asked for and not answered is asked for again before anything else is done.
  std::map<std::int64_t, std::set<std::string>> made_by_job;
  if (!what.dry_run) {
    std::vector<Creation*> unanswered;
    for (const UploadGroup& group : groups) {
      const auto found = center.unanswered.find(group.rows.front().product->number);
      if (found != center.unanswered.end()) unanswered.push_back(&found->second);
    }
    for (std::size_t first = 0; first < unanswered.size(); first += limit) {
      const auto begin = unanswered.begin() + static_cast<std::ptrdiff_t>(first);
      const std::vector<Creation*> some(
          begin, begin + static_cast<std::ptrdiff_t>(std::min(limit, unanswered.size() - first)));
      if (!Ask(center, some, /*firm=*/true)) return failed;
      for (Creation* creation : some) {
        const Creation answered = *creation;
        center.unanswered.erase(answered.product);
        Take(channel, answered);
        for (const Listing& listing : answered.listings) {
          made_by_job[answered.product].insert(Key(listing.seller_sku));
        }
      }
    }
  }
  for (UploadGroup& group : groups) Decide(channel, made_by_job[group.rows.front().product->number], group);

  JobEnd end;
  const auto report = [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (groups[i].creation && !what.dry_run) Take(channel, *groups[i].creation);
      for (const UploadRow& row : groups[i].rows) {
        end.report.push_back(absl::StrCat(row.product->id, "/", row.variant->id, " ", row.text));
      }
    }
  };
  for (std::size_t asked = 0; asked < groups.size();) {
    std::vector<Creation*> creations;
    std::size_t next = asked;
    for (; next < groups.size() && creations.size() + groups[next].creation.has_value() <= limit; ++next) {
      if (groups[next].creation) creations.push_back(&*groups[next].creation);
    }
    if (!creations.empty() && !Ask(center, creations, !what.dry_run)) {
      // Those before were answered; of these nothing is known.
      report(0, asked);
      for (const Creation* creation : creations) {
        if (!what.dry_run) center.unanswered[creation->product] = *creation;
      }
      end.state = v1::JOB_STATE_FAILED;
      return end;
    }
    for (; asked < next; ++asked) {
      UploadGroup& group = groups[asked];
      if (!group.creation) continue;
      for (std::size_t i = 0; i < group.places.size(); ++i) {
        const WriteResult result = group.creation->result;
        std::string& text = group.rows[group.places[i]].text;
        if (result != WriteResult::kOk) {
          text = result == WriteResult::kGone ? "FAILED LISTING_GONE" : "FAILED CREATION_REFUSED";
        } else if (!what.dry_run) {
          const Listing& listing = group.creation->listings[i];
          text = absl::StrCat("CREATED ", listing.item_id, "/", listing.listing_id);
        }
      }
    }
  }
  report(0, groups.size());
  return end;
}

std::vector<BothDirectionsModel::UploadGroup> BothDirectionsModel::PlanUpload(const std::string& channel,
                                                                              const UploadWhat& what) const {
  const store::Badges badge = store::BadgeOf(channels.at(channel).number);
  std::vector<UploadGroup> groups;
  for (const Row& row : Variants()) {
    const bool wanted = what.all ? row.badges != 0 && (row.badges & badge) == 0
                                 : what.products.contains(row.product->id) ||
                                       what.variants.contains({row.product->id, row.variant->id});
    if (!wanted) continue;
    if (groups.empty() || groups.back().rows.front().product != row.product) groups.emplace_back();
    groups.back().rows.push_back({row.product, row.variant, ""});
  }
  return groups;
}

// The first that the channel has of the SKU, of any state but DELETED.
const Listing* BothDirectionsModel::ListingOf(const std::string& channel, const std::string& sku) const {
  for (const auto& [id, listing] : channels.at(channel).listings) {
    if (listing.state != ListingState::kDeleted && !Key(sku).empty() && Key(listing.seller_sku) == Key(sku)) {
      return &listing;
    }
  }
  return nullptr;
}

void BothDirectionsModel::Decide(const std::string& channel, const std::set<std::string>& made_by_job,
                                 UploadGroup& group) const {
  const Product& product = *group.rows.front().product;
  Creation creation{.product = product.number};
  std::map<std::string, int> items;
  for (const Variant& variant : product.variants) {
    if (const Listing* listing = ListingOf(channel, variant.sku)) ++items[listing->item_id];
  }
  int most = 0;
  for (const auto& [item, count] : items) {
    if (count > most) creation.content.item_id = item;
    most = std::max(most, count);
  }
  if (items.empty()) creation.content.title = product.name;

  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < group.rows.size(); ++i) {
    UploadRow& row = group.rows[i];
    const Listing* const listing = ListingOf(channel, row.variant->sku);
    if (Key(row.variant->sku).empty()) {
      row.text = "SKIPPED SKU_EMPTY";
    } else if (listing != nullptr) {
      row.text =
          absl::StrCat(made_by_job.contains(Key(row.variant->sku)) ? "CREATED " : "SKIPPED ALREADY_LINKED ",
                       listing->item_id, "/", listing->listing_id);
    } else if (!row.variant->price) {
      row.text = "FAILED PRICE_MISSING";
    } else {
      candidates.push_back(i);
    }
  }
  std::set<std::string> options;
  for (const std::size_t i : candidates) {
    UploadRow& row = group.rows[i];
    const Variant& variant = *row.variant;
    if (variant.option.empty() && !(items.empty() && candidates.size() == 1)) {
      row.text = "FAILED FIELD_REQUIRED";
    } else if (!options.insert(variant.option).second) {
      row.text = "FAILED ALREADY_EXISTS";
    } else {
      row.text = "CREATED";
      group.places.push_back(i);
      creation.content.listings.push_back({.seller_sku = variant.sku,
                                           .option = variant.option,
                                           .price = *variant.price,
                                           .stock = std::max<std::int64_t>(0, variant.stock.value_or(0)),
                                           .gtin = variant.barcode});
    }
  }
  if (!group.places.empty()) group.creation = std::move(creation);
}

bool BothDirectionsModel::Ask(SellerCenter& center, std::vector<Creation*> creations, bool firm) {
  while (!creations.empty()) {
    const bool answered = Call(center, FaultyCall::kCreateItems, [&] {
      for (Creation* creation : creations) Make(center, *creation, firm);
    });
    if (!answered) return false;
    std::erase_if(creations, [](const Creation* one) { return one->result != WriteResult::kRetry; });
  }
  return true;
}

void BothDirectionsModel::Make(SellerCenter& center, Creation& creation, bool firm) {
  if (creation.made) return;  // under its key
  const std::string& item = creation.content.item_id;
  std::vector<const Offer*> siblings;
  for (const auto& [id, offer] : center.offers) {
    if (!item.empty() && !offer.removed && offer.listing.item_id == item) siblings.push_back(&offer);
  }
  creation.result = WriteResult::kOk;
  if (!item.empty() && siblings.empty()) creation.result = WriteResult::kGone;
  std::set<std::string> options;
  for (const Offer* sibling : siblings) options.insert(sibling->option);
  for (const ListingCreation& listing : creation.content.listings) {
    if (!options.insert(listing.option).second && creation.result == WriteResult::kOk) {
      creation.result = WriteResult::kRefusedField;
    }
  }
  for (const ListingCreation& listing : creation.content.listings) {
    const auto refused = center.refused_skus.find(listing.seller_sku);
    if (creation.result != WriteResult::kOk || refused == center.refused_skus.end()) continue;
    creation.result = refused->second;
    center.refused_skus.erase(refused);
  }
  if (creation.result != WriteResult::kOk || !firm) return;
  creation.made = true;
  const std::string item_id = item.empty() ? absl::StrCat("new-item-", ++center.last_id) : item;
  const std::string title = item.empty() ? creation.content.title : siblings.front()->item_title;
  for (const ListingCreation& from : creation.content.listings) {
    Listing listing{.listing_id = absl::StrCat("new-listing-", ++center.last_id),
                    .item_id = item_id,
                    .name = from.option.empty() ? title : absl::StrCat(title, " - ", from.option),
                    .seller_sku = from.seller_sku,
                    .state = static_cast<ListingState>(center.options.created_state),
                    .price = from.price,
                    .stock = from.stock,
                    .gtin = from.gtin};
    creation.listings.push_back(listing);
    Put(center, {.listing = std::move(listing), .item_title = title, .option = from.option});
  }
}

// What a scan found of it since is newer.
void BothDirectionsModel::Take(const std::string& channel, const Creation& creation) {
  for (const Listing& listing : creation.listings) {
    if (channels.at(channel).listings.contains(listing.listing_id)) continue;
    Learn(channel, {.listing = listing});
  }
}

}  // namespace skulink
