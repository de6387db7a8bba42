#include "server/sync/upload_piece.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/product_rules.h"
#include "common/sku_key.h"
#include "common/string_map.h"
#include "server/sellercenters/write_messages.h"

namespace skulink {
namespace {

// Variants that are read at once, those included that are not asked for: what a transaction may hold the lock
// for.
constexpr std::int64_t kVariantsRead = 6000;
// Creations whose outcome is not known, read at once.
constexpr int kPendingAtOnce = 500;

std::int64_t Number(const std::string& text) {
  std::int64_t number = 0;
  (void)absl::SimpleAtoi(text, &number);  // as the plan wrote it
  return number;
}

std::string NewKey() {
  absl::BitGen random;
  return absl::StrCat(absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16),
                      absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16));
}

// 0: no limit.
bool IsAbove(std::size_t count, int limit) { return limit > 0 && count > static_cast<std::size_t>(limit); }

v1::JobItem Failed(v1::ErrorReason reason, std::string_view field, std::string_view description) {
  return MakeJobItem(InvalidField(field, reason, description));
}

ListingCreation MakeListing(const store::UploadVariant& upload, const store::Merchant& merchant) {
  const store::Variant& variant = upload.variant;
  ListingCreation listing{.seller_sku = variant.sku,
                          .option = variant.option,
                          .price = *variant.price,
                          .stock = upload.offered,
                          .gtin = variant.barcode};
  if (listing.price.currency.empty()) listing.price.currency = merchant.currency;
  return listing;
}

}  // namespace

std::int64_t ProductNumber(const store::TransferGroup& group) { return Number(group.parent); }

std::string PackCreation(const ItemCreation& creation) {
  return ToMessage({creation}, SellerCenter::Creating::kFirm).creations(0).SerializeAsString();
}

absl::StatusOr<ItemCreation> UnpackCreation(const std::string& bytes) {
  sellercenter::v1::ItemCreation message;
  if (!message.ParseFromString(bytes)) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INTERNAL, "a stored creation cannot be read");
  }
  return FromMessage(message);
}

std::vector<UploadGroup> UploadPiece::Decide(std::span<const store::TransferGroup> groups) {
  std::vector<std::int64_t> numbers;
  for (const store::TransferGroup& group : groups) numbers.push_back(ProductNumber(group));
  numbers.resize(store::CountWithin(session_, job_, numbers, kVariantsRead));
  groups = groups.first(numbers.size());
  const auto products = store::ReadUploadProducts(session_, job_, numbers);
  FindCreatedBefore(numbers);
  // A dry run does not ask what became of them, as what it foretells would.
  if (!job_.job.validate_only()) FindPending();
  const store::UploadProduct gone;
  std::vector<UploadGroup> decided;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto product = products.find(numbers[i]);
    decided.push_back(DecideGroup(groups[i], product == products.end() ? gone : product->second));
  }
  return decided;
}

void UploadPiece::FindCreatedBefore(const std::vector<std::int64_t>& products) {
  for (const store::CreationRecord& record : store::FindCreationsOfJob(session_, job_, products)) {
    const absl::StatusOr<ItemCreation> creation = UnpackCreation(record.request);
    if (!creation.ok()) throw store::Refused(creation.status());
    CreatedBefore& before = created_before_[record.product].emplace_back();
    before.new_item = creation->item_id.empty();
    for (const ListingCreation& listing : creation->listings) {
      before.sku_keys.push_back(SkuKey(listing.seller_sku, merchant_.sku_case));
    }
  }
}

void UploadPiece::FindPending() {
  store::CreationRecord last;
  while (true) {
    const auto some = store::FindUnknownCreations(session_, job_, last, kPendingAtOnce);
    if (some.empty()) return;
    for (const store::CreationRecord& record : some) {
      const absl::StatusOr<ItemCreation> creation = UnpackCreation(record.request);
      if (!creation.ok()) throw store::Refused(creation.status());
      pending_products_.insert(record.product);
      for (const ListingCreation& listing : creation->listings) {
        pending_sku_keys_.insert(SkuKey(listing.seller_sku, merchant_.sku_case));
      }
    }
    last = some.back();
  }
}

UploadGroup UploadPiece::DecideGroup(const store::TransferGroup& group, const store::UploadProduct& product) {
  UploadGroup decided{.product = product.number};
  std::vector<const store::UploadVariant*> candidates;
  std::vector<std::size_t> places;
  bool reported_before = false;
  for (const store::TransferGroup::Row& row : group.rows) {
    const auto variant = product.variants.find(Number(row.id));
    if (variant == product.variants.end()) {
      decided.report.push_back(MakeJobItem(v1::JOB_ITEM_OUTCOME_SKIPPED, v1::ERROR_REASON_NOT_FOUND,
                                           "it was deleted from the POS meanwhile"));
      continue;
    }
    v1::JobItem item = DecideVariant(product, variant->second);
    item.set_variant(ToString(VariantName{merchant_.id, product.id, variant->second.variant.id}));
    if (item.outcome() == v1::JOB_ITEM_OUTCOME_UNSPECIFIED) {
      candidates.push_back(&variant->second);
      places.push_back(decided.report.size());
    }
    reported_before = reported_before || item.outcome() == v1::JOB_ITEM_OUTCOME_CREATED;
    decided.report.push_back(std::move(item));
  }
  if (reported_before) {
    const std::vector<CreatedBefore>& before = created_before_[product.number];
    decided.items_created = std::count_if(before.begin(), before.end(),
                                          [](const CreatedBefore& creation) { return creation.new_item; });
  }
  if (!candidates.empty()) MakeCreation(product, candidates, places, decided);
  return decided;
}

v1::JobItem UploadPiece::DecideVariant(const store::UploadProduct& product,
                                       const store::UploadVariant& variant) const {
  if (variant.sku_key.empty()) {
    return MakeJobItem(v1::JOB_ITEM_OUTCOME_SKIPPED, v1::ERROR_REASON_SKU_EMPTY, "it has no SKU");
  }
  if (!variant.listing_id.empty()) {
    const auto before = created_before_.find(product.number);
    const bool by_us =
        before != created_before_.end() &&
        std::any_of(before->second.begin(), before->second.end(), [&](const CreatedBefore& creation) {
          return std::find(creation.sku_keys.begin(), creation.sku_keys.end(), variant.sku_key) !=
                 creation.sku_keys.end();
        });
    v1::JobItem item = by_us ? MakeJobItem(v1::JOB_ITEM_OUTCOME_CREATED)
                             : MakeJobItem(v1::JOB_ITEM_OUTCOME_SKIPPED, v1::ERROR_REASON_ALREADY_LINKED,
                                           "the channel has a listing of its SKU");
    item.set_listing_id(variant.listing_id);
    item.set_item_id(variant.item_id);
    return item;
  }
  if (pending_products_.contains(product.number) || pending_sku_keys_.contains(variant.sku_key)) {
    return MakeJobItem(
        v1::JOB_ITEM_OUTCOME_FAILED, v1::ERROR_REASON_CREATION_PENDING,
        "the Seller Center was asked for it, or for others of its product, before, and has not said "
        "what became of that: it may be tried again");
  }
  if (!variant.variant.price) {
    return MakeJobItem(v1::JOB_ITEM_OUTCOME_FAILED, v1::ERROR_REASON_PRICE_MISSING, "it has no price",
                       "price");
  }
  if (IsAbove(CodePoints(variant.variant.sku), limits_.max_seller_sku_length)) {
    return Failed(v1::ERROR_REASON_FIELD_TOO_LONG, "sku",
                  absl::StrCat("is longer than the ", limits_.max_seller_sku_length,
                               " characters that the Seller Center takes"));
  }
  return {};
}

absl::Status UploadPiece::CheckProduct(const store::UploadProduct& product) const {
  const std::size_t length = CodePoints(product.name), images = product.image_uris.size();
  if (IsAbove(length, limits_.max_title_length)) {
    return InvalidField("display_name", v1::ERROR_REASON_FIELD_TOO_LONG,
                        absl::StrCat("is longer than the ", limits_.max_title_length,
                                     " characters that the Seller Center takes"));
  }
  if (length < static_cast<std::size_t>(limits_.min_title_length)) {
    return InvalidField("display_name", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("is shorter than the ", limits_.min_title_length,
                                     " characters that the Seller Center asks for"));
  }
  if (images < static_cast<std::size_t>(limits_.min_images) || IsAbove(images, limits_.max_images)) {
    return InvalidField("image_uris", v1::ERROR_REASON_IMAGES_INVALID,
                        limits_.max_images > 0 ? absl::StrCat("are ", images, "; the Seller Center takes ",
                                                              limits_.min_images, " to ", limits_.max_images)
                                               : absl::StrCat("are ", images, "; the Seller Center asks for ",
                                                              limits_.min_images));
  }
  return absl::OkStatus();
}

void UploadPiece::MakeCreation(const store::UploadProduct& product,
                               const std::vector<const store::UploadVariant*>& candidates,
                               const std::vector<std::size_t>& places, UploadGroup& decided) {
  const bool new_item = product.item_id.empty();
  const absl::Status valid = new_item ? CheckProduct(product) : absl::OkStatus();
  ItemCreation creation;
  creation.idempotency_key = NewKey();
  creation.item_id = product.item_id;
  if (new_item) {
    creation.title = product.name;
    creation.image_uris = product.image_uris;
  }
  // What tells listings of an item apart is needed where there are several.
  const bool alone = new_item && candidates.size() == 1;
  StringSet options;
  const auto fail = [&](std::size_t i, const v1::JobItem& why) {
    v1::JobItem& item = decided.report[places[i]];
    const std::string variant = item.variant();
    item = why;
    item.set_variant(variant);
  };
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const store::Variant& variant = candidates[i]->variant;
    if (!valid.ok()) {
      fail(i, MakeJobItem(valid));
    } else if (variant.option.empty() && !alone) {
      fail(i, Failed(v1::ERROR_REASON_FIELD_REQUIRED, "option",
                     "is empty: nothing tells the variant from the others of the item"));
    } else if (!options.insert(variant.option).second) {
      fail(i, Failed(v1::ERROR_REASON_ALREADY_EXISTS, "option", "is that of another variant of the product"));
    } else if (IsAbove(static_cast<std::size_t>(product.item_listings) + creation.listings.size() + 1,
                       limits_.max_listings)) {
      fail(i, Failed(v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "variants",
                     absl::StrCat("would be more than the ", limits_.max_listings,
                                  " listings that the Seller Center takes in an item")));
    } else {
      creation.listings.push_back(MakeListing(*candidates[i], merchant_));
      decided.created.push_back(places[i]);
      decided.report[places[i]].set_outcome(v1::JOB_ITEM_OUTCOME_CREATED);
    }
  }
  if (!creation.listings.empty()) decided.creation = std::move(creation);
}

}  // namespace skulink
