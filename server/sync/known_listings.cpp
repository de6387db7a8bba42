#include "server/sync/known_listings.h"

#include <utility>

#include "common/errors.h"
#include "server/store/listings.h"
#include "server/sync/retry.h"

namespace skulink {

KnownListings::KnownListings(store::Database& database, std::int64_t merchant_number, int channel,
                             std::stop_token stop)
    : database_(database),
      merchant_number_(merchant_number),
      channel_(channel),
      stop_with_(std::move(stop), [this] { stop_.request_stop(); }),
      thread_([this] { Read(); }) {}

KnownListings::~KnownListings() {
  stop_.request_stop();
  thread_.join();
}

void KnownListings::Read() {
  std::string after;
  absl::Status status = ReadFrom(after);
  while (ReasonOf(status) == v1::ERROR_REASON_STORE_UNAVAILABLE && !stop_.stop_requested()) {
    SleepUnlessStopped(kStoreRetry, stop_.get_token());
    status = ReadFrom(after);
  }
  Deliver();
  const std::lock_guard lock(mutex_);
  status_ = stop_.stop_requested() ? absl::CancelledError("stopped") : status;
  finished_ = true;
  changed_.notify_all();
}

absl::Status KnownListings::ReadFrom(std::string& after) {
  return database_.Read([&](store::Session& session) {
    store::StreamListings(session, merchant_number_, channel_, after, [&](const store::KnownListing& known) {
      if (stop_.stop_requested()) return;
      if (filling_ == nullptr) filling_ = std::make_unique<ListingChunk>();
      filling_->Add(known.listing_id, known.fingerprint, known.state);
      after = known.listing_id;
      if (filling_->full()) Deliver();
    });
  });
}

void KnownListings::Deliver() {
  if (filling_ == nullptr) return;
  const std::lock_guard lock(mutex_);
  chunks_.push_back(std::move(filling_));
  changed_.notify_all();
}

std::unique_ptr<ListingChunk> KnownListings::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !chunks_.empty() || finished_; });
  if (chunks_.empty()) return nullptr;
  std::unique_ptr<ListingChunk> chunk = std::move(chunks_.front());
  chunks_.pop_front();
  return chunk;
}

absl::Status KnownListings::status() {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace skulink
