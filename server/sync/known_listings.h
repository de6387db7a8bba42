#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "server/store/database.h"
#include "server/sync/listing_index.h"

namespace skulink {

// Reads what the store knows of a channel's listings in a thread of its own, while the Seller Center's pages
// already come in. Goes on where it stood when the database was away. Nobody else may create or remove
// listings of the channel before it is done.
class KnownListings {
 public:
  KnownListings(store::Database& database, std::int64_t merchant_number, int channel, std::stop_token stop);
  // Stops reading.
  ~KnownListings();

  // The next ones in the order of ids: all chunks but the last are full. Waits for it. Null after the last,
  // and when reading failed.
  std::unique_ptr<ListingChunk> Next();
  // Why reading failed; CANCELLED when it was stopped.
  absl::Status status();

 private:
  void Read();
  absl::Status ReadFrom(std::string& after);
  void Deliver();

  store::Database& database_;
  const std::int64_t merchant_number_;
  const int channel_;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> stop_with_;
  std::unique_ptr<ListingChunk> filling_;  // of the reading thread only

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::unique_ptr<ListingChunk>> chunks_;
  bool finished_ = false;
  absl::Status status_;

  std::thread thread_;
};

}  // namespace skulink
