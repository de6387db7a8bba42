#include "server/sellercenters/answer_check.h"

#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/errors.h"
#include "common/money.h"
#include "common/names.h"
#include "common/text.h"
#include "server/sellercenters/answer_status.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

constexpr std::size_t kMaxResumeToken = 4096;
constexpr std::size_t kMaxTitleLength = 500;
constexpr std::size_t kMaxOptionLength = 200;
constexpr TextRule kSkuRule = {.max_length = 255, .allowed = ControlCharacters::kWhiteSpace};
constexpr TextRule kGtinRule = {.max_length = 64};
constexpr std::int64_t kMaxStock = 1'000'000'000'000;

ListingState StateOf(int state) {
  switch (state) {
    case proto::LISTING_STATE_LIVE:
      return ListingState::kLive;
    case proto::LISTING_STATE_INACTIVE:
      return ListingState::kInactive;
    case proto::LISTING_STATE_PENDING:
      return ListingState::kPending;
    case proto::LISTING_STATE_SUSPENDED:
      return ListingState::kSuspended;
    case proto::LISTING_STATE_DELETED:
      return ListingState::kDeleted;
    default:
      return ListingState::kUnknown;
  }
}

// A text for people as it is kept.
absl::Status TakeText(std::string_view from, std::string_view field, std::size_t max_length,
                      std::string& text) {
  if (!IsUtf8(from)) return InvalidField(field, v1::ERROR_REASON_TEXT_INVALID, "is not UTF-8");
  if (from.find('\0') != std::string_view::npos) {
    return InvalidField(field, v1::ERROR_REASON_TEXT_INVALID, "holds a NUL character");
  }
  text = FirstCodePoints(from, max_length);
  return absl::OkStatus();
}

std::string ReadablePart(std::string_view text) {
  std::string readable;
  for (const char32_t code_point : ToCodePoints(text)) {
    if (code_point != 0) AppendCodePoint(code_point, readable);
  }
  return readable;
}

// What a listing can be without: what cannot be read is left out. Why the first of that is.
absl::Status TakeOptionalFields(const WireListing& from, Listing& listing) {
  absl::Status left_out = TakeText(from.title, "title", kMaxTitleLength, listing.name);
  if (!left_out.ok()) listing.name = FirstCodePoints(ReadablePart(from.title), kMaxTitleLength);
  const absl::Status gtin = CheckTextField(from.gtin, "gtin", kGtinRule);
  left_out.Update(gtin);
  if (gtin.ok()) listing.gtin = from.gtin;
  if (from.price) {
    absl::StatusOr<Money> price =
        FromParts(from.price->currency_code, from.price->units, from.price->nanos, "price");
    left_out.Update(price.status());
    if (price.ok()) listing.price = *std::move(price);
  }
  if (from.stock && (*from.stock < 0 || *from.stock > kMaxStock)) {
    left_out.Update(
        InvalidField("stock", v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "must be 0 to 1,000,000,000,000"));
  } else {
    listing.stock = from.stock;
  }
  return left_out;
}

// What a listing must have, but its id.
absl::Status TakeFields(const WireListing& from, Listing& listing) {
  if (!from.item_id.empty()) SKULINK_RETURN_IF_ERROR(CheckForeignId(from.item_id, "item_id"));
  listing.item_id = from.item_id.empty() ? from.listing_id : from.item_id;
  SKULINK_RETURN_IF_ERROR(CheckTextField(from.seller_sku, "seller_sku", kSkuRule));
  listing.seller_sku = from.seller_sku;
  listing.state = StateOf(from.state);
  return absl::OkStatus();
}

std::string ListingField(std::size_t index, std::string_view field) {
  return "listings[" + std::to_string(index) + "]." + std::string(field);
}

// The ids must be sound before anything else is looked at, since all the rest is known by them.
absl::Status CheckListingIds(const std::vector<WireListing>& listings) {
  absl::flat_hash_set<std::string_view> seen;
  seen.reserve(listings.size());
  for (std::size_t i = 0; i < listings.size(); ++i) {
    std::string_view id = listings[i].listing_id;
    if (absl::Status status = CheckForeignId(id, "listing_id"); !status.ok()) {
      return AnswerInvalid(ListingField(i, "listing_id"),
                           "must be 1 to 128 characters, no control characters, no white space at the ends");
    }
    if (!seen.insert(id).second) {
      return AnswerInvalid(ListingField(i, "listing_id"), "is there twice: `" + Printable(id) + "`");
    }
  }
  return absl::OkStatus();
}

// The title serves where there is none of the item. Why a text that cannot be read was left out.
absl::Status TakeTexts(const proto::Listing& from, const Listing& listing, FoundItems::Texts& texts) {
  absl::Status left_out = TakeText(from.item_title(), "item_title", kMaxTitleLength, texts.item_title);
  left_out.Update(TakeText(from.option(), "option", kMaxOptionLength, texts.option));
  if (texts.item_title.empty()) texts.item_title = listing.name;
  return left_out;
}

// `to` is a ListingPage or FoundItems.
template <typename Taken>
void TakeListings(const std::vector<WireListing>& from, Taken& to) {
  to.listings.reserve(from.size());
  for (const WireListing& one : from) {
    Listing& listing = to.listings.emplace_back();
    listing.listing_id = one.listing_id;
    if (absl::Status refused = TakeFields(one, listing); !refused.ok()) {
      to.refused.push_back({.listing_id = std::move(listing.listing_id),
                            .item_id = std::move(listing.item_id),
                            .status = std::move(refused)});
      to.listings.pop_back();
    } else if (absl::Status left_out = TakeOptionalFields(one, listing); !left_out.ok()) {
      to.incomplete.push_back(
          {.listing_id = listing.listing_id, .item_id = listing.item_id, .status = std::move(left_out)});
    }
  }
}

}  // namespace

absl::StatusOr<ListingPage> CheckPage(const WirePage& page, int page_size) {
  if (page.listings.size() > static_cast<std::size_t>(page_size)) {
    return AnswerInvalid("listings", "holds " + std::to_string(page.listings.size()) + " listings where " +
                                         std::to_string(page_size) + " were asked for at most");
  }
  if (page.resume_token.size() > kMaxResumeToken) {
    return AnswerInvalid("resume_token", "is longer than 4,096 bytes");
  }
  if (!IsUtf8(page.resume_token)) return AnswerInvalid("resume_token", "is not UTF-8");
  if (page.listing_count && *page.listing_count < 0) return AnswerInvalid("listing_count", "is below 0");
  SKULINK_RETURN_IF_ERROR(CheckListingIds(page.listings));

  ListingPage checked;
  TakeListings(page.listings, checked);
  checked.resume_token = page.resume_token;
  checked.listing_count = page.listing_count;
  return checked;
}

absl::StatusOr<FoundItems> CheckItems(const proto::GetItemsResponse& items,
                                      const std::vector<std::string>& asked_item_ids) {
  std::vector<WireListing> views;
  for (const proto::Listing& listing : items.listings()) views.push_back(ViewOf(listing));
  SKULINK_RETURN_IF_ERROR(CheckListingIds(views));
  absl::flat_hash_set<std::string_view> asked(asked_item_ids.begin(), asked_item_ids.end());
  for (std::size_t i = 0; i < views.size(); ++i) {
    std::string_view item_id = views[i].item_id.empty() ? views[i].listing_id : views[i].item_id;
    if (!asked.contains(item_id)) {
      return AnswerInvalid(ListingField(i, "item_id"), "was not asked for: `" + Printable(item_id) + "`");
    }
  }
  FoundItems found;
  TakeListings(views, found);
  absl::flat_hash_map<std::string_view, const proto::Listing*> by_id;
  for (const proto::Listing& listing : items.listings()) by_id[listing.listing_id()] = &listing;
  for (const Listing& listing : found.listings) {
    absl::Status left_out = TakeTexts(*by_id.at(listing.listing_id), listing, found.texts.emplace_back());
    if (left_out.ok()) continue;
    found.incomplete.push_back(
        {.listing_id = listing.listing_id, .item_id = listing.item_id, .status = std::move(left_out)});
  }
  return found;
}

absl::StatusOr<Listing> CheckListing(const WireListing& from) {
  Listing listing;
  listing.listing_id = from.listing_id;
  SKULINK_RETURN_IF_ERROR(TakeFields(from, listing));
  TakeOptionalFields(from, listing).IgnoreError();  // what cannot be read is not known, until the next scan
  return listing;
}

}  // namespace skulink
