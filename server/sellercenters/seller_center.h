#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/listing.h"

// A Seller Center as Skulink sees it: one shop, whatever the platform. Adapters check what the shop answers
// and pass on only what fits these shapes; errors are those of common/errors.h with SELLER_CENTER_* reasons.
namespace skulink {

// A listing whose id is sound but which cannot be taken: what is known of it stays as it is.
struct RefusedListing {
  std::string listing_id;
  std::string item_id;
  absl::Status status;  // an InvalidField
};

// A listing that is taken without some of what it does not need: a price, stock, GTIN or text that cannot be
// read.
struct IncompleteListing {
  std::string listing_id;
  std::string item_id;
  absl::Status status;  // an InvalidField of the first such field
};

// A price without currency is in the merchant's: its currency is empty.
struct ListingPage {
  std::vector<Listing> listings;
  std::vector<RefusedListing> refused;
  std::vector<IncompleteListing> incomplete;  // they are in `listings` too
  std::string resume_token;                   // empty on the last page
  std::optional<std::int64_t> listing_count;
};

// What a shop takes in a creation; 0: no limit.
struct ItemLimits {
  int min_title_length = 0, max_title_length = 0;
  int max_seller_sku_length = 0;
  int max_listings = 0;
  int min_images = 0, max_images = 0;
  bool can_validate = false;
};

struct ShopDescription {
  std::string shop_id;
  std::string display_name;
  std::optional<std::int64_t> listing_count;
  int max_page_size = 0;
  int max_items_per_get = 0;
  std::optional<absl::Time> current_time;  // absent: it cannot list what was updated since a time
  double max_requests_per_second = 0;      // 0: no limit
  int max_items_per_create = 0;            // 0, here and below: it cannot do that
  int max_stock_updates = 0;
  int max_price_updates = 0;
  ItemLimits item_limits;
};

struct ListRequest {
  std::string resume_token;  // empty: from the start
  int page_size = 0;
  std::optional<absl::Time> updated_since;  // absent: all listings
  int max_pages = 0;                        // 0: to the last
};

struct FoundItems {
  std::vector<Listing> listings;
  // One for each listing: the item's title and what tells the listing from its siblings.
  struct Texts {
    std::string item_title, option;
  };
  std::vector<Texts> texts;
  std::vector<RefusedListing> refused;
  std::vector<IncompleteListing> incomplete;
};

// What a Seller Center answers to one creation or update.
enum class WriteResult : std::uint8_t {
  kOk = 1,
  kRetry = 2,  // not now
  kRefusedReserved = 3,
  kRefusedCampaign = 4,
  kRefusedHoliday = 5,
  kRefusedValue = 6,
  kNotLive = 7,
  kGone = 8,
  kRefusedField = 9,
  kRefusedLimit = 10,
  kRefused = 11,
};

struct WriteOutcome {
  WriteResult result = WriteResult::kRefused;
  std::string description;  // printable, at most 200 characters
  std::string field;        // of a creation: which field was refused
  std::optional<absl::Duration> retry_after;
};

struct StockUpdate {
  std::string listing_id, item_id;
  std::int64_t quantity = 0;
};

struct PriceUpdate {
  std::string listing_id, item_id;
  Money price;
};

struct ListingCreation {
  std::string seller_sku, option;
  Money price;
  std::int64_t stock = 0;
  std::string gtin;
};

struct ItemCreation {
  std::string idempotency_key;
  std::string item_id;  // empty: a new item
  std::string title;
  std::vector<std::string> image_uris;
  std::vector<ListingCreation> listings;
};

struct ItemCreated {
  WriteOutcome outcome;
  std::vector<Listing> listings =
      {};  // one for each asked for, in order; none when refused or only validated
  // Not OK: what the Seller Center says of it cannot be taken, so what became of it is not known.
  absl::Status invalid = {};

  bool known() const { return invalid.ok() && outcome.result != WriteResult::kRetry; }
};

// Thread-safe. Calls end with CANCELLED soon after a stop was asked for.
class SellerCenter {
 public:
  virtual ~SellerCenter() = default;

  // The latest end of a call, however long its timeout: when it has passed, the call is not made. For who has
  // the right to call until then, and may be stopped just before it calls.
  using Deadline = std::chrono::steady_clock::time_point;

  virtual absl::StatusOr<ShopDescription> DescribeShop(std::stop_token stop = {},
                                                       Deadline deadline = Deadline::max()) = 0;

  // Calls `take` with each page in order, from after the resume token to the last, or with as many as were
  // asked for. Ends early with the status of `take` when that is not OK.
  virtual absl::Status ListListings(const ListRequest& request, std::stop_token stop,
                                    const std::function<absl::Status(ListingPage)>& take) = 0;

  // All listings of those items that exist.
  virtual absl::StatusOr<FoundItems> GetItems(const std::vector<std::string>& item_ids,
                                              std::stop_token stop = {}) = 0;

  // One answer for each creation or update, in order. A price without currency is in the merchant's: its
  // currency is empty. A status that is not OK: none of them was answered, and
  // any of them may have been done. No more at once than the shop's description says.
  enum class Creating { kFirm, kValidateOnly };
  virtual absl::StatusOr<std::vector<ItemCreated>> CreateItems(const std::vector<ItemCreation>& creations,
                                                               Creating creating,
                                                               std::stop_token stop = {}) = 0;
  virtual absl::StatusOr<std::vector<WriteOutcome>> UpdateStock(const std::vector<StockUpdate>& updates,
                                                                std::stop_token stop = {},
                                                                Deadline deadline = Deadline::max()) = 0;
  virtual absl::StatusOr<std::vector<WriteOutcome>> UpdatePrice(const std::vector<PriceUpdate>& updates,
                                                                std::stop_token stop = {},
                                                                Deadline deadline = Deadline::max()) = 0;
};

// Reached at `endpoint` (Channel.endpoint). `timeout` bounds each answer: a unary call, or the wait for the
// next page. INVALID_ARGUMENT naming `endpoint` when it is not an address.
absl::StatusOr<std::unique_ptr<SellerCenter>> ConnectSellerCenter(const std::string& endpoint,
                                                                  absl::Duration timeout);

// The check of ConnectSellerCenter alone.
absl::Status CheckEndpoint(const std::string& endpoint);

}  // namespace skulink
