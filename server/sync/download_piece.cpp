#include "server/sync/download_piece.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/product_rules.h"
#include "server/sync/scan_batch.h"

namespace skulink {
namespace {

using store::CatalogEdit;

// The listing's id, unless a variant of another SKU has it: the listing's own was another one when that was
// made.
std::string FreeVariantId(CatalogEdit::EditedProduct& product, const std::string& listing_id) {
  std::string id = listing_id;
  for (int copy = 2; CatalogEdit::Find(product, id) != nullptr; ++copy) {
    id = absl::StrCat(listing_id, "~", copy);
  }
  return id;
}

absl::StatusOr<store::Variant> MakeVariant(const DownloadedItems::Entry& entry, std::string id,
                                           bool with_stock) {
  const Listing& listing = entry.listing;
  if (CodePoints(id) > kMaxIdLength) {
    return InvalidField("variant_id", v1::ERROR_REASON_FIELD_TOO_LONG,
                        absl::StrCat("would be ", id, ", longer than ", kMaxIdLength, " characters"));
  }
  SKULINK_RETURN_IF_ERROR(CheckTextField(listing.seller_sku, "sku", kSkuRule));
  SKULINK_RETURN_IF_ERROR(CheckTextField(listing.gtin, "barcode", kBarcodeRule));
  SKULINK_RETURN_IF_ERROR(CheckTextField(entry.texts.option, "option", kLabelRule));
  return store::Variant{.id = std::move(id),
                        .sku = listing.seller_sku,
                        .barcode = listing.gtin,
                        .price = listing.price,
                        .stock = with_stock ? listing.stock : std::nullopt,
                        .option = entry.texts.option};
}

v1::JobItem Skipped(v1::ErrorReason reason, std::string_view description) {
  return MakeJobItem(v1::JOB_ITEM_OUTCOME_SKIPPED, reason, description);
}

}  // namespace

DownloadedItems::DownloadedItems() = default;
DownloadedItems::~DownloadedItems() = default;
DownloadedItems::DownloadedItems(DownloadedItems&&) noexcept = default;
DownloadedItems& DownloadedItems::operator=(DownloadedItems&&) noexcept = default;

void DownloadedItems::Add(FoundItems found, const std::string& currency) {
  for (std::size_t i = 0; i < found.listings.size(); ++i) {
    Entry entry{std::move(found.listings[i]), std::move(found.texts[i])};
    if (entry.listing.price && entry.listing.price->currency.empty()) {
      entry.listing.price->currency = currency;
    }
    const auto [place, is_new] = by_id_.try_emplace(entry.listing.listing_id, entries_.size());
    if (is_new) {
      entries_.push_back(std::move(entry));
    } else {
      entries_[place->second] = std::move(entry);
    }
  }
  // No variant is made of what could be read only in part.
  for (auto& [listing_id, item_id, status] : found.refused) refused_[listing_id] = std::move(status);
  for (auto& [listing_id, item_id, status] : found.incomplete) refused_[listing_id] = std::move(status);
  by_item_.clear();
}

std::vector<const DownloadedItems::Entry*> DownloadedItems::OfItem(std::string_view item_id) const {
  if (by_item_.empty()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) by_item_[entries_[i].listing.item_id].push_back(i);
  }
  std::vector<const Entry*> of_item;
  const auto found = by_item_.find(item_id);
  if (found == by_item_.end()) return of_item;
  for (const std::size_t i : found->second) of_item.push_back(&entries_[i]);
  std::sort(of_item.begin(), of_item.end(),
            [](const Entry* a, const Entry* b) { return a->listing.listing_id < b->listing.listing_id; });
  return of_item;
}

const DownloadedItems::Entry* DownloadedItems::Find(std::string_view listing_id) const {
  const auto found = by_id_.find(listing_id);
  return found == by_id_.end() ? nullptr : &entries_[found->second];
}

const absl::Status* DownloadedItems::FindRefused(std::string_view listing_id) const {
  const auto found = refused_.find(listing_id);
  return found == refused_.end() ? nullptr : &found->second;
}

void DownloadedItems::AddFailed(const std::string& item_id, absl::Status why) {
  failed_[item_id] = std::move(why);
}

const absl::Status* DownloadedItems::FindFailed(std::string_view item_id) const {
  const auto found = failed_.find(item_id);
  return found == failed_.end() ? nullptr : &found->second;
}

store::ListingChanges ChangesOf(store::Session& session, std::int64_t merchant_number, int channel,
                                const DownloadedItems& items) {
  std::vector<std::string_view> ids;
  for (const DownloadedItems::Entry& entry : items.entries()) ids.push_back(entry.listing.listing_id);
  StringMap<store::Fingerprint> known;
  store::FindKnownListings(session, merchant_number, channel, ids, [&](const store::KnownListing& listing) {
    known.emplace(listing.listing_id, listing.fingerprint);
  });
  store::ListingChanges changes;
  for (const DownloadedItems::Entry& entry : items.entries()) {
    const auto before = known.find(entry.listing.listing_id);
    if (before == known.end()) {
      changes.created.push_back(entry.listing);
    } else if (before->second != store::FingerprintOf(entry.listing)) {
      changes.updated.push_back(entry.listing);
    }
  }
  return changes;
}

std::vector<store::ListingChanges> PartsOf(store::ListingChanges changes, std::size_t listings) {
  std::vector<store::ListingChanges> parts;
  std::size_t count = 0, bytes = 0;
  const auto add = [&](std::vector<Listing> store::ListingChanges::*kind) {
    for (Listing& listing : changes.*kind) {
      if (parts.empty() || count == listings || bytes > kBytesAtOnce) {
        parts.emplace_back();
        count = bytes = 0;
      }
      ++count;
      bytes += BytesOf(listing);
      (parts.back().*kind).push_back(std::move(listing));
    }
  };
  add(&store::ListingChanges::created);
  add(&store::ListingChanges::updated);
  return parts;
}

void DownloadPiece::Load(std::span<const store::TransferGroup> groups) {
  std::vector<std::string_view> skus, keys;
  for (const DownloadedItems::Entry& entry : items_.entries()) {
    skus.push_back(entry.listing.seller_sku);
    sku_keys_.emplace(entry.listing.listing_id, SkuKey(skus.back(), merchant_.sku_case));
  }
  // Views of the keys only now: they move while the map grows.
  for (const auto& [listing_id, key] : sku_keys_) {
    if (!key.empty()) keys.push_back(key);
  }
  std::vector<std::string> products;
  for (const store::TransferGroup& group : groups) {
    products.push_back(DownloadedProductId(options_.channel_id, group.parent));
  }
  std::vector<store::PlannedVariant> planned;
  if (job_.job.validate_only()) {
    planned = store::FindPlanned(session_, job_, keys, products);
    for (const store::PlannedVariant& variant : planned) products.push_back(variant.product_id);
  }
  edit_.Load(products, skus, CatalogEdit::Owners::kLoadToo);
  // As if it had been written.
  for (const store::PlannedVariant& variant : planned) {
    CatalogEdit::EditedProduct* product = edit_.Find(variant.product_id);
    if (product == nullptr) product = &Make(variant.product_id, variant.product_id);
    VariantName taken_by;
    store::Variant made;
    made.id = variant.variant_id;
    made.sku = variant.sku_key;
    edit_.Put(*product, made, taken_by);
  }
}

void DownloadPiece::Decide(std::span<const store::TransferGroup> groups, const StringSet& changed,
                           std::size_t rows) {
  Load(groups);
  std::size_t planned = 0;
  for (const store::TransferGroup& group : groups) planned += group.rows.size();
  std::size_t room = rows > planned ? rows - planned : 0;
  for (const store::TransferGroup& group : groups) DecideItem(group, changed, room);
}

void DownloadPiece::DecideItem(const store::TransferGroup& group, const StringSet& changed,
                               std::size_t& room) {
  Item item{.id = group.parent, .listings = items_.OfItem(group.parent)};
  StringSet asked;
  const auto report = [&](const store::TransferGroup::Row& row) {
    v1::JobItem decided = DecideRow(row, item);
    decided.set_listing_id(row.id);
    decided.set_item_id(item.id);
    report_.push_back(std::move(decided));
  };
  for (const store::TransferGroup::Row& row : group.rows) {
    asked.insert(row.id);
    report(row);
  }
  if (!group.whole || group.continues) return;
  // Those that came into Not In POS since the plan was made.
  for (const DownloadedItems::Entry* entry : item.listings) {
    if (room == 0) return;
    const Listing& listing = entry->listing;
    if (listing.state != ListingState::kLive || !changed.contains(listing.listing_id)) continue;
    if (asked.contains(listing.listing_id) || edit_.FindOwner(KeyOf(*entry)) != nullptr) continue;
    report({listing.listing_id, /*linked=*/false});
    --room;
  }
}

v1::JobItem DownloadPiece::DecideRow(const store::TransferGroup::Row& row, Item& item) {
  const DownloadedItems::Entry* const entry = items_.Find(row.id);
  if (entry == nullptr) {
    if (const absl::Status* const refused = items_.FindRefused(row.id)) return MakeJobItem(*refused);
    if (const absl::Status* const failed = items_.FindFailed(item.id)) return MakeJobItem(*failed);
    return Skipped(v1::ERROR_REASON_LISTING_GONE, "the Seller Center does not have it any more");
  }
  if (entry->listing.state == ListingState::kDeleted) {
    return Skipped(v1::ERROR_REASON_LISTING_GONE, "it is deleted at the Seller Center");
  }
  if (entry->listing.state != ListingState::kLive) {
    return Skipped(v1::ERROR_REASON_LISTING_NOT_LIVE, "it cannot be bought");
  }
  const std::string& key = KeyOf(*entry);
  if (key.empty()) return Skipped(v1::ERROR_REASON_SKU_EMPTY, "it has no SKU");
  const CatalogEdit::Owner* const owner = edit_.FindOwner(key);
  if (owner == nullptr) {
    if (const absl::Status* const refused = items_.FindRefused(row.id)) return MakeJobItem(*refused);
    return Create(*entry, key, item);
  }
  v1::JobItem linked = row.linked ? Skipped(v1::ERROR_REASON_ALREADY_LINKED, "its SKU was in the POS before")
                                  : MakeJobItem(v1::JOB_ITEM_OUTCOME_LINKED);
  linked.set_variant(NameOf(owner->product_id, owner->variant_id));
  return linked;
}

v1::JobItem DownloadPiece::Create(const DownloadedItems::Entry& entry, const std::string& sku_key,
                                  Item& item) {
  if (item.product == nullptr) item.product = FindProduct(item);
  const std::string& name = entry.texts.item_title;
  if (item.product == nullptr) {
    const absl::Status valid = CheckTextField(name, "display_name", kProductNameRule);
    if (!valid.ok()) return MakeJobItem(valid);
  } else if (item.product->variants.size() >= kMaxVariants) {
    return MakeJobItem(InvalidField(
        "variants", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
        absl::StrCat("would be more than ", kMaxVariants, " of product ", item.product->now.id)));
  }
  const std::string& listing_id = entry.listing.listing_id;
  const absl::StatusOr<store::Variant> variant =
      MakeVariant(entry, item.product == nullptr ? listing_id : FreeVariantId(*item.product, listing_id),
                  options_.with_stock);
  if (!variant.ok()) return MakeJobItem(variant.status());
  if (item.product == nullptr) {
    item.product = &Make(DownloadedProductId(options_.channel_id, item.id), name);
    ++products_created_;
  }
  VariantName taken_by;
  edit_.Put(*item.product, *variant, taken_by);
  planned_.push_back({sku_key, item.product->now.id, variant->id});
  v1::JobItem created = MakeJobItem(v1::JOB_ITEM_OUTCOME_CREATED);
  created.set_variant(NameOf(item.product->now.id, variant->id));
  return created;
}

CatalogEdit::EditedProduct* DownloadPiece::FindProduct(const Item& item) {
  StringMap<int> matches;
  for (const DownloadedItems::Entry* entry : item.listings) {
    if (entry->listing.state == ListingState::kDeleted) continue;
    const CatalogEdit::Owner* const owner = edit_.FindOwner(KeyOf(*entry));
    if (owner != nullptr) ++matches[owner->product_id];
  }
  CatalogEdit::EditedProduct* best = nullptr;
  // Most matches, then the lowest number; what is made here gets the next ones.
  std::pair<int, std::int64_t> best_rank;
  for (const auto& [product_id, count] : matches) {
    CatalogEdit::EditedProduct* const product = edit_.Find(product_id);
    const auto made = made_.find(product_id);
    const std::int64_t number = made == made_.end()
                                    ? product->now.number
                                    : std::numeric_limits<std::int64_t>::max() / 2 + made->second;
    const std::pair<int, std::int64_t> rank(-count, number);
    if (best != nullptr && best_rank < rank) continue;
    best = product;
    best_rank = rank;
  }
  return best != nullptr ? best : edit_.Find(DownloadedProductId(options_.channel_id, item.id));
}

CatalogEdit::EditedProduct& DownloadPiece::Make(const std::string& product_id, const std::string& name) {
  made_.emplace(product_id, std::ssize(made_));
  return edit_.Create(product_id, name);
}

const std::string& DownloadPiece::KeyOf(const DownloadedItems::Entry& entry) {
  return sku_keys_.at(entry.listing.listing_id);
}

std::string DownloadPiece::NameOf(const std::string& product_id, const std::string& variant_id) const {
  return ToString(VariantName{merchant_.id, product_id, variant_id});
}

void DownloadPiece::Write() { edit_.Write(); }

void DownloadPiece::WritePlanned() { store::SavePlanned(session_, job_, planned_); }

std::string DownloadedProductId(std::string_view channel_id, std::string_view item_id) {
  std::string id = absl::StrCat(std::string(channel_id), ":", std::string(item_id));
  if (CodePoints(id) <= kMaxIdLength) return id;
  const XXH128_hash_t hash = XXH3_128bits(item_id.data(), item_id.size());
  return absl::StrCat(std::string(channel_id), ":", absl::Hex(hash.high64, absl::kZeroPad16),
                      absl::Hex(hash.low64, absl::kZeroPad16));
}

}  // namespace skulink
