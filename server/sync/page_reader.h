#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/sellercenters/seller_center.h"
#include "server/sync/owned_channel.h"

namespace skulink {

// Reads a Seller Center's listings in a thread of its own, a few pages ahead of who takes them, and goes on
// from the last page after errors that may pass.
class PageReader {
 public:
  // Pages of `request` to the last. A turn of the channel is taken for each, before it is asked for.
  PageReader(SellerCenter& seller_center, OwnedChannel& channel, ListRequest request, std::stop_token stop);
  // Stops reading.
  ~PageReader();

  // The next page; waits for it for `patience` at most: nullopt when there is none yet. After the last page,
  // or when reading failed for good, `done` is true.
  std::optional<ListingPage> Next(absl::Duration patience);
  bool done();
  // Once done: OK, or why reading failed.
  absl::Status status();

 private:
  void Read();
  absl::Status Take(ListingPage page);

  SellerCenter& seller_center_;
  OwnedChannel& channel_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> stop_with_;
  ListRequest request_;      // of the reading thread only: the pages that are still to come
  bool progressed_ = false;  // of the reading thread only: a page came since the last failure
  bool last_ = false;        // of the reading thread only: the last page came

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<ListingPage> pages_;
  std::size_t listings_waiting_ = 0;
  bool finished_ = false;
  absl::Status status_;

  std::thread thread_;
};

}  // namespace skulink
