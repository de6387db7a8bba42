#include "server/sync/page_reader.h"

#include <algorithm>

#include "server/sync/retry.h"

namespace skulink {
namespace {

constexpr std::size_t kListingsAhead = 12'000;

std::chrono::nanoseconds Chrono(absl::Duration duration) { return absl::ToChronoNanoseconds(duration); }

std::size_t Weight(const ListingPage& page) {
  return page.listings.size() + page.refused.size() + page.incomplete.size() + 1;
}

}  // namespace

PageReader::PageReader(SellerCenter& seller_center, OwnedChannel& channel, ListRequest request,
                       std::stop_token stop)
    : seller_center_(seller_center),
      channel_(channel),
      stop_with_(std::move(stop), [this] { stop_.request_stop(); }),
      request_(std::move(request)),
      thread_([this] { Read(); }) {}

PageReader::~PageReader() {
  stop_.request_stop();
  changed_.notify_all();
  thread_.join();
}

void PageReader::Read() {
  absl::Status status;
  for (int failures = 0; !stop_.stop_requested();) {
    status = channel_.TakeTurn(stop_.get_token());
    if (!status.ok()) break;
    // A shop that counts is asked for each page when its turn has come: a stream would run ahead of us.
    request_.max_pages = channel_.budget()->limited() ? 1 : 0;
    status = seller_center_.ListListings(request_, stop_.get_token(),
                                         [this](ListingPage page) { return Take(std::move(page)); });
    if (last_ || stop_.stop_requested()) break;
    failures = progressed_ ? 0 : failures;
    progressed_ = false;
    if (status.ok()) continue;
    if (!absl::IsUnavailable(status) || ++failures >= kMaxFailures) break;
    PauseBeforeRetry(failures, status, *channel_.budget(), stop_.get_token());
  }
  if (last_) status = absl::OkStatus();
  if (!last_ && stop_.stop_requested()) status = absl::CancelledError("stopped");
  const std::lock_guard lock(mutex_);
  status_ = status;
  finished_ = true;
  changed_.notify_all();
}

absl::Status PageReader::Take(ListingPage page) {
  progressed_ = true;
  request_.resume_token = page.resume_token;
  last_ = page.resume_token.empty();
  std::unique_lock lock(mutex_);
  while (listings_waiting_ >= kListingsAhead && !stop_.stop_requested()) {
    changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  if (stop_.stop_requested()) {
    last_ = false;
    return absl::CancelledError("stopped");
  }
  listings_waiting_ += Weight(page);
  pages_.push_back(std::move(page));
  changed_.notify_all();
  lock.unlock();
  if (last_ || request_.max_pages > 0) return absl::OkStatus();
  return channel_.TakeTurn(stop_.get_token());
}

std::optional<ListingPage> PageReader::Next(absl::Duration patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, Chrono(patience), [this] { return !pages_.empty() || finished_; });
  if (pages_.empty()) return std::nullopt;
  ListingPage page = std::move(pages_.front());
  pages_.pop_front();
  listings_waiting_ -= Weight(page);
  changed_.notify_all();
  return page;
}

bool PageReader::done() {
  const std::lock_guard lock(mutex_);
  return finished_ && pages_.empty();
}

absl::Status PageReader::status() {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace skulink
