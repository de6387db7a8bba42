#pragma once

#include <chrono>
#include <string>

#include "skulink/sellercenter/v1/seller_center_service.pb.h"
#include "tests/seller_center_simulator/fault.h"

namespace skulink::simulator {

// What a shop takes in a creation unless it is said.
inline sellercenter::v1::ItemLimits UsualItemLimits() {
  sellercenter::v1::ItemLimits limits;
  limits.set_min_title_length(1);
  limits.set_max_title_length(255);
  limits.set_max_seller_sku_length(255);
  limits.set_max_listings(100);
  limits.set_max_images(9);
  limits.set_can_validate(true);
  return limits;
}

struct ShopOptions {
  std::string shop_id = "shop";
  int max_page_size = 1000;
  int max_items_per_get = 100;
  std::chrono::milliseconds latency{0};  // before each page
  int port = 0;                          // 0: a free one

  int max_items_per_create = 50;
  int max_stock_updates = 100;
  int max_price_updates = 100;
  sellercenter::v1::ItemLimits item_limits = UsualItemLimits();
  std::string currency;  // of prices in creations; empty: any
  sellercenter::v1::ListingState created_state = sellercenter::v1::LISTING_STATE_LIVE;
  std::chrono::milliseconds write_latency{0};  // before a write is made

  double max_requests_per_second = 0;  // 0: as many as come
  bool tells_when_to_retry = true;     // whether a request too many is refused with RetryInfo
  std::chrono::milliseconds throttle_delay = kThrottleDelay;  // what FaultKind::kThrottledWithDelay says

  bool tells_time = true;                      // without, nobody can ask what was updated since a time
  std::chrono::milliseconds clock_step{1000};  // update times are multiples of it
};

}  // namespace skulink::simulator
