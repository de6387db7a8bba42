#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/listing.h"
#include "common/money.h"
#include "common/page_token.h"
#include "common/sku_key.h"
#include "server/store/channels.h"
#include "server/store/database.h"
#include "server/store/not_in_pos_reasons.h"

// The six views of the products menu (design rule 5). Every page is a short range of an index; each view's
// plan is checked by a test.
namespace skulink::store {

// What a request to any view is about, read in one query. Throws nothing; NOT_FOUND for an unknown merchant
// or channel, naming the channel; UNAVAILABLE (REKEYING).
struct Menu {
  std::int64_t merchant_number = 0;
  std::string merchant_id;
  SkuCase sku_case = SkuCase::kSensitive;
  struct ChannelRef {
    int number;
    std::string id;
    std::int64_t not_in_pos, multiple_listings;  // rows of these views
  };
  std::vector<ChannelRef> channels;  // all of the merchant, by id
  Badges all = 0;                    // their badges
  Badges asked = 0;                  // of those the request names, or all
};
absl::StatusOr<Menu> OpenMenu(Database& database, std::string_view merchant_id,
                              const std::vector<std::string>& asked_channel_ids);
// The same in a session; throws Refused.
Menu ReadMenu(Session& session, std::string_view merchant_id,
              const std::vector<std::string>& asked_channel_ids);

struct MenuQuery {
  std::string sku_prefix;   // as given; at most one of the two
  std::string name_prefix;  // as given
  int limit = kDefaultPageSize;
  PagePosition after;  // empty: from the start
};

template <typename RowType>
struct MenuPage {
  std::vector<RowType> rows;
  PagePosition next;  // empty: this was the last page
};

struct MenuVariant {
  std::string product_id, variant_id, product_name, option, sku, barcode;
  std::optional<Money> price;
  std::optional<std::int64_t> stock;
  Badges badges = 0;
};

struct MenuListing {
  int channel_number = 0;
  Listing listing;
  NotInPosExplanation explanation;  // of Not In POS with reasons
};

struct MultipleListingGroup {
  int channel_number = 0;
  std::string sku_key;
  std::int64_t listing_count = 0;
  std::vector<Listing> listings;       // at most 1,000; more follow in the next row
  std::string product_id, variant_id;  // empty when the POS has no such variant
};

absl::StatusOr<MenuPage<MenuVariant>> SoldInChannel(Database& database, const Menu& menu,
                                                    const MenuQuery& query);
absl::StatusOr<MenuPage<MenuVariant>> NotInChannel(Database& database, const Menu& menu,
                                                   const MenuQuery& query);
absl::StatusOr<MenuPage<MenuVariant>> InPos(Database& database, const Menu& menu, const MenuQuery& query);
// `states` must not be empty.
absl::StatusOr<MenuPage<MenuListing>> NotInPos(Database& database, const Menu& menu, const MenuQuery& query,
                                               const std::vector<ListingState>& states,
                                               bool with_reasons = false);
absl::StatusOr<MenuPage<MultipleListingGroup>> MultipleListings(Database& database, const Menu& menu,
                                                                const MenuQuery& query);

struct ChannelStatistic {
  std::string channel_id;
  std::int64_t live_skus = 0, live_products = 0;
  std::int64_t sold_skus = 0, sold_products = 0;
  std::int64_t not_in_pos_skus = 0, not_in_pos_products = 0;
  std::int64_t not_in_channel = 0;
  std::int64_t multiple_listings = 0;
  std::int64_t listings_by_state[kListingStates] = {};  // index: state - 1
  std::optional<absl::Time> last_scan_time;
  bool complete = false;
};
// One for each channel asked for, by id; of all channels when none is. One query. Errors as OpenMenu's.
absl::StatusOr<std::vector<ChannelStatistic>> ChannelStatistics(
    Database& database, std::string_view merchant_id, const std::vector<std::string>& asked_channel_ids);

}  // namespace skulink::store
