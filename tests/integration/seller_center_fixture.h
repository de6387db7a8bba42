#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/errors.h"
#include "grpc/grpc.h"
#include "server/sellercenters/seller_center.h"
#include "tests/seller_center_simulator/simulated_seller_center.h"

// What tests of Seller Centers need again and again.
namespace skulink {

// Long enough to be reached only by a defect.
inline constexpr absl::Duration kPatient = absl::Seconds(60);

inline std::string ListingId(int number) { return "listing-" + std::to_string(number); }

// Listing `number`, two of which make an item.
inline sellercenter::v1::Listing MakeListing(int number) {
  sellercenter::v1::Listing listing;
  listing.set_listing_id(ListingId(number));
  listing.set_item_id("item-" + std::to_string((number + 1) / 2));
  listing.set_title("Baju batik " + std::to_string(number));
  listing.set_seller_sku("SKU-" + std::to_string(number));
  listing.set_state(sellercenter::v1::LISTING_STATE_LIVE);
  listing.mutable_price()->set_currency_code("IDR");
  listing.mutable_price()->set_units(1000 * number);
  listing.set_stock(number);
  listing.set_gtin("2000000000008");
  return listing;
}

// Listings 1 to `count`.
inline std::vector<sellercenter::v1::Listing> MakeListings(int count) {
  std::vector<sellercenter::v1::Listing> listings;
  for (int number = 1; number <= count; ++number) listings.push_back(MakeListing(number));
  return listings;
}

// What ListListings gave.
struct Listed {
  absl::Status status;
  std::vector<ListingPage> pages;

  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const ListingPage& page : pages) {
      for (const Listing& listing : page.listings) ids.push_back(listing.listing_id);
    }
    return ids;
  }
  std::vector<std::string> SortedIds() const {
    std::vector<std::string> ids = Ids();
    std::sort(ids.begin(), ids.end());
    return ids;
  }
  // To go on with.
  std::string Token() const { return pages.empty() ? "" : pages.back().resume_token; }
};

inline Listed List(SellerCenter& center, const ListRequest& request, std::stop_token stop = {}) {
  Listed listed;
  listed.status = center.ListListings(request, stop, [&](ListingPage page) {
    listed.pages.push_back(std::move(page));
    return absl::OkStatus();
  });
  return listed;
}
inline Listed List(SellerCenter& center, int page_size, const std::string& resume_token = "",
                   std::stop_token stop = {}) {
  return List(center, {.resume_token = resume_token, .page_size = page_size}, std::move(stop));
}

inline std::unique_ptr<SellerCenter> Connect(const std::string& endpoint, absl::Duration timeout = kPatient) {
  // gRPC ends with its last object and starts anew with the next one; ending takes it ten seconds now and
  // then.
  static const bool grpc_stays = (grpc_init(), true);
  (void)grpc_stays;
  return ConnectSellerCenter(endpoint, timeout).value();
}

}  // namespace skulink
