#pragma once

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

// A listing that is taken without some of what it does not need: a price, stock or GTIN that cannot be read.
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

struct ShopDescription {
  std::string shop_id;
  std::string display_name;
  std::optional<std::int64_t> listing_count;
  int max_page_size = 0;
  int max_items_per_get = 0;
};

struct FoundItems {
  std::vector<Listing> listings;
  std::vector<RefusedListing> refused;
  std::vector<IncompleteListing> incomplete;
};

// Thread-safe. Calls end with CANCELLED soon after a stop was asked for.
class SellerCenter {
 public:
  virtual ~SellerCenter() = default;

  virtual absl::StatusOr<ShopDescription> DescribeShop(std::stop_token stop = {}) = 0;

  // Calls `take` with each page in order, from after `resume_token` (empty: from the start) to the last. Ends
  // early with the status of `take` when that is not OK.
  virtual absl::Status ListListings(const std::string& resume_token, int page_size, std::stop_token stop,
                                    const std::function<absl::Status(ListingPage)>& take) = 0;

  // All listings of those items that exist.
  virtual absl::StatusOr<FoundItems> GetItems(const std::vector<std::string>& item_ids,
                                              std::stop_token stop = {}) = 0;
};

// Reached at `endpoint` (Channel.endpoint). `timeout` bounds each answer: a unary call, or the wait for the
// next page. INVALID_ARGUMENT naming `endpoint` when it is not an address.
absl::StatusOr<std::unique_ptr<SellerCenter>> ConnectSellerCenter(const std::string& endpoint,
                                                                  absl::Duration timeout);

// The check of ConnectSellerCenter alone.
absl::Status CheckEndpoint(const std::string& endpoint);

}  // namespace skulink
