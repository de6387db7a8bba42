// Downloads of the model.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/integration/both_directions_model.h"

namespace skulink {

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

}  // namespace skulink
