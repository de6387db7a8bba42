#include "server/sellercenters/shop_check.h"

#include <string>
#include <string_view>

#include "common/errors.h"
#include "common/names.h"
#include "server/sellercenters/answer_status.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

constexpr int kMostInPage = 10'000;
constexpr int kMostItemsPerGet = 1'000;
constexpr int kMostItemsPerCreate = 100;
constexpr int kMostUpdates = 1'000;
constexpr double kLeastRequestsPerSecond = 0.001;
constexpr double kMostRequestsPerSecond = 1e6;
// A clock outside of these years was not set; a time of it would hide all later changes, or none.
constexpr int kFirstYear = 2000, kLastYear = 2199;
constexpr int kNanosPerSecond = 1'000'000'000;

absl::Status CheckRange(std::string_view field, int value, int least, int most, std::string_view range) {
  if (value >= least && value <= most) return absl::OkStatus();
  return AnswerInvalid(field, "must be " + std::string(range));
}

absl::StatusOr<absl::Time> CheckTime(const google::protobuf::Timestamp& timestamp, std::string_view field) {
  const absl::Time time = absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
  const auto year = absl::ToCivilYear(time, absl::UTCTimeZone()).year();
  if (timestamp.nanos() < 0 || timestamp.nanos() >= kNanosPerSecond || year < kFirstYear ||
      year > kLastYear) {
    return AnswerInvalid(field, "must be a time in the years 2000 to 2199");
  }
  return time;
}

absl::Status CheckLimitPair(std::string_view least_field, int least, std::string_view most_field, int most) {
  if (least < 0) return AnswerInvalid(least_field, "is below 0");
  if (most < 0) return AnswerInvalid(most_field, "is below 0");
  if (most > 0 && least > most) {
    return AnswerInvalid(least_field, "is above " + std::string(most_field));
  }
  return absl::OkStatus();
}

absl::StatusOr<ItemLimits> CheckLimits(const proto::ItemLimits& limits) {
  SKULINK_RETURN_IF_ERROR(CheckLimitPair("item_limits.min_title_length", limits.min_title_length(),
                                         "item_limits.max_title_length", limits.max_title_length()));
  SKULINK_RETURN_IF_ERROR(CheckLimitPair("item_limits.min_images", limits.min_images(),
                                         "item_limits.max_images", limits.max_images()));
  if (limits.max_seller_sku_length() < 0) {
    return AnswerInvalid("item_limits.max_seller_sku_length", "is below 0");
  }
  if (limits.max_listings() < 0) return AnswerInvalid("item_limits.max_listings", "is below 0");
  return ItemLimits{.min_title_length = limits.min_title_length(),
                    .max_title_length = limits.max_title_length(),
                    .max_seller_sku_length = limits.max_seller_sku_length(),
                    .max_listings = limits.max_listings(),
                    .min_images = limits.min_images(),
                    .max_images = limits.max_images(),
                    .can_validate = limits.can_validate()};
}

}  // namespace

absl::StatusOr<ShopDescription> CheckShop(const proto::DescribeShopResponse& shop) {
  if (shop.shop_id().empty()) return AnswerInvalid("shop_id", "is required");
  if (absl::Status status = CheckForeignId(shop.shop_id(), "shop_id"); !status.ok()) {
    return AnswerInvalid("shop_id",
                         "must be 1 to 128 characters, no control characters, no white space at the ends");
  }
  if (shop.has_listing_count() && shop.listing_count() < 0) {
    return AnswerInvalid("listing_count", "is below 0");
  }
  SKULINK_RETURN_IF_ERROR(CheckRange("max_page_size", shop.max_page_size(), 1, kMostInPage, "1 to 10,000"));
  SKULINK_RETURN_IF_ERROR(
      CheckRange("max_items_per_get", shop.max_items_per_get(), 1, kMostItemsPerGet, "1 to 1,000"));
  SKULINK_RETURN_IF_ERROR(
      CheckRange("max_items_per_create", shop.max_items_per_create(), 0, kMostItemsPerCreate, "0 to 100"));
  SKULINK_RETURN_IF_ERROR(
      CheckRange("max_stock_updates", shop.max_stock_updates(), 0, kMostUpdates, "0 to 1,000"));
  SKULINK_RETURN_IF_ERROR(
      CheckRange("max_price_updates", shop.max_price_updates(), 0, kMostUpdates, "0 to 1,000"));
  const double rate = shop.max_requests_per_second();
  // Also false for what is not a number.
  if (rate != 0 && !(rate >= kLeastRequestsPerSecond && rate <= kMostRequestsPerSecond)) {
    return AnswerInvalid("max_requests_per_second", "must be 0, or 0.001 to 1,000,000");
  }
  ShopDescription description{
      .shop_id = shop.shop_id(),
      .display_name = Printable(shop.display_name()),
      .listing_count = shop.has_listing_count() ? std::optional(shop.listing_count()) : std::nullopt,
      .max_page_size = shop.max_page_size(),
      .max_items_per_get = shop.max_items_per_get(),
      .current_time = std::nullopt,
      .max_requests_per_second = rate,
      .max_items_per_create = shop.max_items_per_create(),
      .max_stock_updates = shop.max_stock_updates(),
      .max_price_updates = shop.max_price_updates(),
      .item_limits = {}};
  if (shop.has_current_time()) {
    SKULINK_ASSIGN_OR_RETURN(description.current_time, CheckTime(shop.current_time(), "current_time"));
  }
  SKULINK_ASSIGN_OR_RETURN(description.item_limits, CheckLimits(shop.item_limits()));
  return description;
}

}  // namespace skulink
