// Uploads of the model.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/integration/both_directions_model.h"

namespace skulink {

using simulator::FaultyCall;
using store::Product;
using store::Variant;

BothDirectionsModel::JobEnd BothDirectionsModel::Upload(const std::string& channel, const UploadWhat& what) {
  SellerCenter& center = seller_centers.at(channel);
  const auto limit = static_cast<std::size_t>(center.options.max_items_per_create);
  const int upload = ++center.uploads;
  JobEnd end;
  // Whatever was asked for and not answered is asked for again before anything else is done.
  MadeKeys made_by_job;
  if (!what.dry_run) {
    std::optional<MadeKeys> made = AskAgain(channel);
    if (!made) return {.state = v1::JOB_STATE_FAILED, .report = {}};
    made_by_job = *std::move(made);
  }
  std::vector<UploadGroup> groups = PlanUpload(channel, what);
  for (UploadGroup& group : groups) {
    Decide(channel, made_by_job[group.rows.front().product->number], group);
    if (group.creation) group.creation->upload = upload;
  }

  std::size_t asked = 0;
  while (asked < groups.size() && end.state == v1::JOB_STATE_SUCCEEDED) {
    std::vector<Creation*> creations;
    for (; asked < groups.size() && creations.size() + groups[asked].creation.has_value() <= limit; ++asked) {
      if (groups[asked].creation) creations.push_back(&*groups[asked].creation);
    }
    if (!Ask(center, creations, !what.dry_run)) end.state = v1::JOB_STATE_FAILED;
  }
  groups.resize(asked);
  // What is after one that was not answered is not reported, but taken.
  bool reports = true;
  std::vector<Creation> unanswered;
  for (UploadGroup& group : groups) {
    reports = reports && (!group.creation || group.creation->answered);
    if (reports) Report(what, group, end);
    if (!group.creation || what.dry_run) continue;
    if (group.creation->answered) {
      Take(channel, *group.creation);
    } else {
      unanswered.push_back(*group.creation);
    }
  }
  std::sort(unanswered.begin(), unanswered.end(),
            [](const Creation& left, const Creation& right) { return left.product < right.product; });
  center.unanswered.insert(center.unanswered.end(), unanswered.begin(), unanswered.end());
  return end;
}

void BothDirectionsModel::Report(const UploadWhat& what, UploadGroup& group, JobEnd& end) {
  for (std::size_t i = 0; i < group.places.size(); ++i) {
    std::string& text = group.rows[group.places[i]].text;
    const WriteResult result = group.creation->result;
    if (result != WriteResult::kOk) {
      text = result == WriteResult::kGone ? "FAILED LISTING_GONE" : "FAILED CREATION_REFUSED";
    } else if (!what.dry_run) {
      const Listing& listing = group.creation->listings[i];
      text = absl::StrCat("CREATED ", listing.item_id, "/", listing.listing_id);
    }
  }
  for (const UploadRow& row : group.rows) {
    end.report.push_back(absl::StrCat(row.product->id, "/", row.variant->id, " ", row.text));
  }
}

std::optional<BothDirectionsModel::MadeKeys> BothDirectionsModel::AskAgain(const std::string& channel) {
  SellerCenter& center = seller_centers.at(channel);
  const auto limit = static_cast<std::size_t>(center.options.max_items_per_create);
  MadeKeys made;
  for (std::size_t first = 0; first < center.unanswered.size(); first += limit) {
    std::vector<Creation*> to_ask;
    std::vector<std::pair<Creation*, std::string>> found;
    for (std::size_t i = first; i < std::min(first + limit, center.unanswered.size()); ++i) {
      Creation& creation = center.unanswered[i];
      const std::string item = ItemFound(channel, creation);
      if (!item.empty()) {
        found.emplace_back(&creation, item);
      } else if (IsWanted(creation)) {
        to_ask.push_back(&creation);
      }
    }
    const bool answered = Ask(center, to_ask, /*firm=*/true);
    if (!ReadAnswered(channel, to_ask)) {
      for (Creation* const creation : to_ask) creation->answered = false;
      std::erase_if(center.unanswered, [](const Creation& creation) { return creation.answered; });
      return std::nullopt;
    }
    for (const auto& [creation, item] : found) {
      creation->answered = true;
      center.items_made[creation->product][creation->upload] = item;
    }
    for (const Creation* creation : to_ask) {
      if (!creation->answered) continue;
      Take(channel, *creation);
      for (const Listing& listing : creation->listings)
        made[creation->product].insert(Key(listing.seller_sku));
    }
    if (answered) continue;
    std::erase_if(center.unanswered, [](const Creation& creation) { return creation.answered; });
    return std::nullopt;
  }
  std::erase_if(center.unanswered, [](const Creation& creation) { return creation.answered; });
  return made;
}

// The POS still has its product, or one of its SKUs.
bool BothDirectionsModel::IsWanted(const Creation& creation) const {
  std::set<std::string> keys;
  for (const ListingCreation& listing : creation.content.listings) keys.insert(Key(listing.seller_sku));
  const std::vector<Row> rows = Variants();
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) {
    return row.product->number == creation.product || keys.contains(Key(row.variant->sku));
  });
}

// Takes what the shop has now of what it answered, and of what it does not show not that it is live.
bool BothDirectionsModel::ReadAnswered(const std::string& channel, const std::vector<Creation*>& asked) {
  std::set<std::string> items;
  for (const Creation* const creation : asked) {
    if (creation->answered && !creation->listings.empty()) items.insert(creation->listings.front().item_id);
  }
  const std::optional<Found> found = GetItems(seller_centers.at(channel), {items.begin(), items.end()});
  if (!found) return false;
  std::set<std::string> shown;
  for (const Offer* const offer : *found) {
    shown.insert(offer->listing.listing_id);
    Learn(channel, *offer);
  }
  for (Creation* const creation : asked) {
    for (Listing& listing : creation->listings) {
      if (creation->answered && !shown.contains(listing.listing_id)) listing.state = ListingState::kUnknown;
    }
  }
  return true;
}

std::string BothDirectionsModel::ItemFound(const std::string& channel, const Creation& creation) const {
  std::map<std::string, std::set<std::string>> keys_of_items;
  for (const auto& [id, listing] : channels.at(channel).listings) {
    if (listing.state != ListingState::kDeleted)
      keys_of_items[listing.item_id].insert(Key(listing.seller_sku));
  }
  for (const auto& [item, keys] : keys_of_items) {
    const bool wanted = creation.content.item_id.empty() || creation.content.item_id == item;
    if (wanted && std::all_of(creation.content.listings.begin(), creation.content.listings.end(),
                              [&](const auto& listing) { return keys.contains(Key(listing.seller_sku)); })) {
      return item;
    }
  }
  return "";
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
  // Of a selection, whole products come first.
  const auto order = [&](const UploadGroup& group) {
    const Product& product = *group.rows.front().product;
    return std::pair(!what.products.contains(product.id), product.id);
  };
  if (!what.all) {
    std::sort(groups.begin(), groups.end(),
              [&](const UploadGroup& left, const UploadGroup& right) { return order(left) < order(right); });
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

// The item that has most of the product's variants, else the last that was made of it and is known to be
// there.
std::string BothDirectionsModel::ItemOf(const std::string& channel, const Product& product) const {
  std::map<std::string, int> items;
  for (const Variant& variant : product.variants) {
    if (const Listing* listing = ListingOf(channel, variant.sku)) ++items[listing->item_id];
  }
  std::string item_id;
  int most = 0;
  for (const auto& [item, count] : items) {
    if (count > most) item_id = item;
    most = std::max(most, count);
  }
  const auto made = seller_centers.at(channel).items_made.find(product.number);
  if (most > 0 || made == seller_centers.at(channel).items_made.end()) return item_id;
  for (auto item = made->second.rbegin(); item != made->second.rend(); ++item) {
    for (const auto& [id, listing] : channels.at(channel).listings) {
      if (listing.item_id == item->second && listing.state != ListingState::kDeleted) return item->second;
    }
  }
  return "";
}

void BothDirectionsModel::Decide(const std::string& channel, const std::set<std::string>& made_by_job,
                                 UploadGroup& group) const {
  const Product& product = *group.rows.front().product;
  Creation creation{.product = product.number};
  creation.content.item_id = ItemOf(channel, product);
  const bool new_item = creation.content.item_id.empty();
  if (new_item) creation.content.title = product.name;
  const store::StockSync& rule = channels.at(channel).stock_sync;

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
    if (variant.option.empty() && !(new_item && candidates.size() == 1)) {
      row.text = "FAILED FIELD_REQUIRED";
    } else if (!options.insert(variant.option).second) {
      row.text = "FAILED ALREADY_EXISTS";
    } else {
      row.text = "CREATED";
      group.places.push_back(i);
      creation.content.listings.push_back(
          {.seller_sku = variant.sku,
           .option = variant.option,
           .price = *variant.price,
           .stock = variant.stock ? Offered(*variant.stock, rule.enabled ? rule : store::StockSync()) : 0,
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
    for (Creation* const one : creations) one->answered = one->result != WriteResult::kRetry;
    std::erase_if(creations, [](const Creation* one) { return one->answered; });
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
  if (creation.result == WriteResult::kOk) {
    const std::string& item = creation.content.item_id;
    seller_centers.at(channel).items_made[creation.product][creation.upload] =
        item.empty() ? creation.listings.front().item_id : item;
  }
  for (const Listing& listing : creation.listings) {
    if (channels.at(channel).listings.contains(listing.listing_id)) continue;
    Learn(channel, {.listing = listing});
  }
}

}  // namespace skulink
