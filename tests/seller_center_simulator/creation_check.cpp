#include "tests/seller_center_simulator/creation_check.h"

#include <algorithm>
#include <set>
#include <string>

namespace skulink::simulator {
namespace {

namespace proto = sellercenter::v1;

constexpr std::size_t kMaxKeyLength = 64;
constexpr int kMaxSkuLength = 255, kMaxOptionLength = 200, kMaxGtinLength = 64;
constexpr std::int64_t kMaxStock = 1'000'000'000'000;
constexpr int kNanosPerTenThousandth = 100'000;

// Thrown by the checks.
struct Refused {
  std::string field, why;
  proto::WriteResult result = proto::WRITE_RESULT_REFUSED_FIELD;
};

void Check(bool good, const std::string& field, const std::string& why,
           proto::WriteResult result = proto::WRITE_RESULT_REFUSED_FIELD) {
  if (!good) throw Refused{field, why, result};
}

int Characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// 0: no limit.
void CheckAtMost(int number, int limit, const std::string& field, const std::string& what) {
  Check(limit == 0 || number <= limit, field, "has more than " + std::to_string(limit) + " " + what);
}

void CheckListing(const proto::ListingCreation& listing, const std::string& at, const ShopOptions& options) {
  Check(!listing.seller_sku().empty(), at + "seller_sku", "is missing");
  const int shop_limit = options.item_limits.max_seller_sku_length();
  CheckAtMost(Characters(listing.seller_sku()), shop_limit == 0 ? kMaxSkuLength : shop_limit,
              at + "seller_sku", "characters");
  CheckAtMost(Characters(listing.option()), kMaxOptionLength, at + "option", "characters");
  CheckAtMost(Characters(listing.gtin()), kMaxGtinLength, at + "gtin", "characters");
  Check(listing.has_price() && IsPrice(listing.price()), at + "price", "is missing or no price");
  Check(options.currency.empty() || listing.price().currency_code() == options.currency,
        at + "price.currency_code", "must be " + options.currency, proto::WRITE_RESULT_REFUSED_VALUE);
  Check(listing.stock() >= 0 && listing.stock() <= kMaxStock, at + "stock", "must be 0 to 10^12");
}

// What tells listings of an item apart must do so; those that the shop had before need not have an option.
void CheckOptions(const proto::ItemCreation& creation, const std::vector<proto::Listing>& siblings) {
  std::set<std::string> options;
  for (const proto::Listing& sibling : siblings) options.insert(sibling.option());
  const bool alone = siblings.empty() && creation.listings_size() == 1;
  for (int i = 0; i < creation.listings_size(); ++i) {
    const std::string& option = creation.listings(i).option();
    const std::string field = "listings[" + std::to_string(i) + "].option";
    Check(alone || !option.empty(), field, "is missing");
    Check(options.insert(option).second || option.empty(), field, "is that of another listing of the item");
  }
}

void CheckNewItem(const proto::ItemCreation& creation, const proto::ItemLimits& limits) {
  const int length = Characters(creation.title());
  Check(length > 0, "title", "is missing");
  Check(length >= limits.min_title_length(), "title", "is too short");
  CheckAtMost(length, limits.max_title_length(), "title", "characters");
  Check(creation.image_uris_size() >= limits.min_images(), "image_uris", "are too few");
  CheckAtMost(creation.image_uris_size(), limits.max_images(), "image_uris", "images");
  for (int i = 0; i < creation.image_uris_size(); ++i) {
    const std::string& uri = creation.image_uris(i);
    Check(uri.rfind("http://", 0) == 0 || uri.rfind("https://", 0) == 0,
          "image_uris[" + std::to_string(i) + "]", "is no http or https address");
  }
}

void CheckAll(const proto::ItemCreation& creation, const std::vector<proto::Listing>& siblings,
              const ShopOptions& options) {
  if (creation.item_id().empty()) {
    CheckNewItem(creation, options.item_limits);
  } else {
    Check(!siblings.empty(), "item_id", "is none of this shop", proto::WRITE_RESULT_GONE);
    Check(creation.title().empty(), "title", "is for a new item only");
    Check(creation.image_uris().empty(), "image_uris", "are for a new item only");
  }
  Check(!creation.listings().empty(), "listings", "are missing");
  CheckAtMost(static_cast<int>(siblings.size()) + creation.listings_size(),
              options.item_limits.max_listings(), "listings", "listings");
  for (int i = 0; i < creation.listings_size(); ++i) {
    CheckListing(creation.listings(i), "listings[" + std::to_string(i) + "].", options);
  }
  CheckOptions(creation, siblings);
}

}  // namespace

bool IsIdempotencyKey(std::string_view text) {
  return !text.empty() && text.size() <= kMaxKeyLength && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsPrice(const google::type::Money& price) {
  const std::string& code = price.currency_code();
  return code.size() == 3 &&
         std::all_of(code.begin(), code.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         price.units() >= 0 && price.nanos() >= 0 && price.nanos() < 1'000'000'000 &&
         price.nanos() % kNanosPerTenThousandth == 0;
}

std::optional<proto::WriteOutcome> CheckCreation(const proto::ItemCreation& creation,
                                                 const std::vector<proto::Listing>& siblings,
                                                 const ShopOptions& options) {
  try {
    CheckAll(creation, siblings, options);
  } catch (const Refused& refused) {
    proto::WriteOutcome outcome;
    outcome.set_result(refused.result);
    outcome.set_field(refused.field);
    outcome.set_description(refused.field + " " + refused.why);
    return outcome;
  }
  return std::nullopt;
}

}  // namespace skulink::simulator
