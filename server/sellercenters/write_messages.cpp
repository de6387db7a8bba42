#include "server/sellercenters/write_messages.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/sku_key.h"
#include "server/sellercenters/answer_check.h"
#include "server/sellercenters/answer_status.h"
#include "server/sellercenters/wire_listing.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

constexpr absl::Duration kMaxRetryAfter = absl::Hours(24);
// Ten-thousandths of a unit of money, and nanos of one.
constexpr std::int64_t kTenThousandths = 10'000, kNanosOfOne = 100'000;

WriteResult ResultOf(int result) {
  switch (result) {
    case proto::WRITE_RESULT_OK:
      return WriteResult::kOk;
    case proto::WRITE_RESULT_RETRY:
      return WriteResult::kRetry;
    case proto::WRITE_RESULT_REFUSED_RESERVED:
      return WriteResult::kRefusedReserved;
    case proto::WRITE_RESULT_REFUSED_CAMPAIGN:
      return WriteResult::kRefusedCampaign;
    case proto::WRITE_RESULT_REFUSED_HOLIDAY:
      return WriteResult::kRefusedHoliday;
    case proto::WRITE_RESULT_REFUSED_VALUE:
      return WriteResult::kRefusedValue;
    case proto::WRITE_RESULT_NOT_LIVE:
      return WriteResult::kNotLive;
    case proto::WRITE_RESULT_GONE:
      return WriteResult::kGone;
    case proto::WRITE_RESULT_REFUSED_FIELD:
      return WriteResult::kRefusedField;
    case proto::WRITE_RESULT_REFUSED_LIMIT:
      return WriteResult::kRefusedLimit;
    default:
      return WriteResult::kRefused;
  }
}

WriteOutcome OutcomeOf(const proto::WriteOutcome& from) {
  WriteOutcome outcome{.result = ResultOf(from.result()),
                       .description = Printable(from.description()),
                       .field = Printable(from.field()),
                       .retry_after = std::nullopt};
  if (from.has_retry_after()) {
    const absl::Duration after =
        absl::Seconds(from.retry_after().seconds()) + absl::Nanoseconds(from.retry_after().nanos());
    outcome.retry_after = std::clamp(after, absl::ZeroDuration(), kMaxRetryAfter);
  }
  return outcome;
}

absl::Status CheckCount(std::string_view field, std::size_t answered, std::size_t asked) {
  if (answered == asked) return absl::OkStatus();
  return AnswerInvalid(field, absl::StrCat("holds ", answered, " where ", asked, " were asked for"));
}

// Checks what the creations of one answer say was created.
class CreatedCheck {
 public:
  absl::StatusOr<std::vector<Listing>> Take(const proto::ItemCreated& created, const ItemCreation& asked,
                                            const std::string& field) {
    SKULINK_RETURN_IF_ERROR(CheckCount(field + ".listings", static_cast<std::size_t>(created.listings_size()),
                                       asked.listings.size()));
    std::vector<Listing> listings;
    for (std::size_t i = 0; i < asked.listings.size(); ++i) {
      SKULINK_ASSIGN_OR_RETURN(
          Listing listing, TakeListing(created.listings(static_cast<int>(i)), asked.title, asked.listings[i],
                                       absl::StrCat(field, ".listings[", i, "]")));
      const std::string& item_id = !asked.item_id.empty() ? asked.item_id
                                   : listings.empty()     ? listing.item_id
                                                          : listings.front().item_id;
      if (listing.item_id != item_id) {
        return AnswerInvalid(absl::StrCat(field, ".listings[", i, "].item_id"),
                             absl::StrCat("is `", Printable(listing.item_id), "`, not `", Printable(item_id),
                                          "` as it should be"));
      }
      listings.push_back(std::move(listing));
    }
    if (asked.item_id.empty() && !listings.empty() && !new_items_.insert(listings.front().item_id).second) {
      return AnswerInvalid(field + ".listings[0].item_id", "is that of another new item");
    }
    return listings;
  }

 private:
  absl::StatusOr<Listing> TakeListing(const proto::Listing& created, const std::string& asked_title,
                                      const ListingCreation& asked, const std::string& field) {
    if (!CheckForeignId(created.listing_id(), "listing_id").ok()) {
      return AnswerInvalid(field + ".listing_id",
                           "must be 1 to 128 characters, no control characters, no white space at the ends");
    }
    if (!listing_ids_.insert(created.listing_id()).second) {
      return AnswerInvalid(field + ".listing_id",
                           absl::StrCat("is there twice: `", Printable(created.listing_id()), "`"));
    }
    absl::StatusOr<Listing> listing = CheckListing(ViewOf(created));
    if (!listing.ok()) {
      return AnswerInvalid(
          absl::StrCat(field, ".", FieldOf(listing.status())),
          absl::StrCat("cannot be taken: ", Printable(std::string(listing.status().message()))));
    }
    if (listing->seller_sku.empty()) listing->seller_sku = asked.seller_sku;
    if (listing->name.empty()) listing->name = asked_title;
    // With another SKU it would not be a listing of what was uploaded.
    if (SkuKey(listing->seller_sku, SkuCase::kSensitive) != SkuKey(asked.seller_sku, SkuCase::kSensitive)) {
      return AnswerInvalid(field + ".seller_sku",
                           absl::StrCat("is `", Printable(listing->seller_sku), "` where `",
                                        Printable(asked.seller_sku), "` was asked for"));
    }
    return listing;
  }

  absl::flat_hash_set<std::string> listing_ids_, new_items_;
};

}  // namespace

proto::CreateItemsRequest ToMessage(const std::vector<ItemCreation>& creations,
                                    SellerCenter::Creating creating) {
  proto::CreateItemsRequest request;
  request.set_validate_only(creating == SellerCenter::Creating::kValidateOnly);
  for (const ItemCreation& creation : creations) {
    proto::ItemCreation& message = *request.add_creations();
    message.set_idempotency_key(creation.idempotency_key);
    message.set_item_id(creation.item_id);
    message.set_title(creation.title);
    message.mutable_image_uris()->Assign(creation.image_uris.begin(), creation.image_uris.end());
    for (const ListingCreation& listing : creation.listings) {
      proto::ListingCreation& one = *message.add_listings();
      one.set_seller_sku(listing.seller_sku);
      one.set_option(listing.option);
      *one.mutable_price() = ToProto(listing.price);
      one.set_stock(listing.stock);
      one.set_gtin(listing.gtin);
    }
  }
  return request;
}

ItemCreation FromMessage(const proto::ItemCreation& message) {
  ItemCreation creation{.idempotency_key = message.idempotency_key(),
                        .item_id = message.item_id(),
                        .title = message.title(),
                        .image_uris = {message.image_uris().begin(), message.image_uris().end()},
                        .listings = {}};
  for (const proto::ListingCreation& one : message.listings()) {
    const google::type::Money& price = one.price();
    creation.listings.push_back(
        {.seller_sku = one.seller_sku(),
         .option = one.option(),
         .price = {price.units() * kTenThousandths + price.nanos() / kNanosOfOne, price.currency_code()},
         .stock = one.stock(),
         .gtin = one.gtin()});
  }
  return creation;
}

proto::UpdateStockRequest ToMessage(const std::vector<StockUpdate>& updates) {
  proto::UpdateStockRequest request;
  for (const StockUpdate& update : updates) {
    proto::StockUpdate& message = *request.add_updates();
    message.set_listing_id(update.listing_id);
    message.set_item_id(update.item_id);
    message.set_quantity(update.quantity);
  }
  return request;
}

proto::UpdatePriceRequest ToMessage(const std::vector<PriceUpdate>& updates) {
  proto::UpdatePriceRequest request;
  for (const PriceUpdate& update : updates) {
    proto::PriceUpdate& message = *request.add_updates();
    message.set_listing_id(update.listing_id);
    message.set_item_id(update.item_id);
    *message.mutable_price() = ToProto(update.price);
  }
  return request;
}

absl::StatusOr<std::vector<ItemCreated>> CheckCreated(const proto::CreateItemsResponse& answer,
                                                      const std::vector<ItemCreation>& creations,
                                                      SellerCenter::Creating creating) {
  SKULINK_RETURN_IF_ERROR(
      CheckCount("results", static_cast<std::size_t>(answer.results_size()), creations.size()));
  CreatedCheck check;
  std::vector<ItemCreated> results;
  for (std::size_t i = 0; i < creations.size(); ++i) {
    const proto::ItemCreated& created = answer.results(static_cast<int>(i));
    const std::string field = absl::StrCat("results[", i, "]");
    ItemCreated& result = results.emplace_back(ItemCreated{.outcome = OutcomeOf(created.outcome())});
    if (creating == SellerCenter::Creating::kFirm && result.outcome.result == WriteResult::kOk) {
      absl::StatusOr<std::vector<Listing>> listings = check.Take(created, creations[i], field);
      result.invalid = listings.status();
      if (listings.ok()) result.listings = *std::move(listings);
    } else if (created.listings_size() > 0) {
      result.invalid = AnswerInvalid(field + ".listings", "must be empty, since nothing was created");
    }
  }
  return results;
}

absl::StatusOr<std::vector<WriteOutcome>> CheckOutcomes(const WireOutcomes& outcomes, std::size_t asked) {
  SKULINK_RETURN_IF_ERROR(CheckCount("outcomes", static_cast<std::size_t>(outcomes.size()), asked));
  std::vector<WriteOutcome> checked;
  checked.reserve(asked);
  for (const proto::WriteOutcome& outcome : outcomes) checked.push_back(OutcomeOf(outcome));
  return checked;
}

}  // namespace skulink
