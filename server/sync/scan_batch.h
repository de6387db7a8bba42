#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "common/errors.h"
#include "common/string_map.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/database.h"
#include "server/store/jobs.h"
#include "server/store/listings.h"
#include "server/sync/listing_index.h"

namespace skulink {

// Listings asked for in a page.
inline constexpr int kPageSize = 1000;
// Of a transaction that writes listings: rows, and bytes, so that its statements stay under the
// max_allowed_packet that databases have by default.
inline constexpr std::size_t kRowsAtOnce = 10'000, kBytesAtOnce = 3 << 20;

// Of the texts of a listing.
inline std::size_t BytesOf(const Listing& listing) {
  return listing.listing_id.size() + listing.item_id.size() + listing.name.size() + listing.seller_sku.size();
}

// What a scan knows so far: kept in memory while it runs, made anew from the store by a successor.
struct ScanMemory {
  explicit ScanMemory(std::function<std::unique_ptr<ListingChunk>()> load) : listings(std::move(load)) {}

  ListingIndex listings;
  // Of a channel that was empty; others would need much memory for the few changes they have.
  std::optional<store::ChannelMemory> channel;
  // Of texts that may be many and long, hashes.
  absl::flat_hash_set<std::uint64_t> resume_tokens;
  // Ids of refused listings that the channel does not have.
  absl::flat_hash_set<std::uint64_t> refused;
  // Ids of listings that were reported as incomplete.
  absl::flat_hash_set<std::uint64_t> incomplete;
  int pages_without_news = 0;  // in a row
  std::string currency;        // the merchant's: of prices that come without one
};

// What a server before this one reported as incomplete.
absl::Status RecallIncomplete(store::Database& database, const store::JobRecord& job, ScanMemory& memory);

// Pages that are written in one transaction: what they change, and what a successor needs to go on after
// them.
class ScanBatch {
 public:
  explicit ScanBatch(ScanMemory& memory) : memory_(memory) {}

  // Whether a listing of the page is changed by this batch already; the page belongs into the next one then.
  bool Changes(const ListingPage& page) const;
  // SELLER_CENTER_ANSWER_INVALID, with nothing taken, when the page contradicts those before: a resume token
  // that was used, more listings than there are said to be, or pages without end in which nothing is new.
  // `listings_before` were sent on the pages before.
  absl::Status Check(const ListingPage& page, std::int64_t listings_before) const;
  void Take(ListingPage page);
  // A listing found by a look-up: changes as in a page, but nothing to go on from.
  void TakeFound(Listing listing);
  // One that is there, but cannot be taken.
  void TakeRefused(const RefusedListing& refused);
  // What was left out of one that was taken: reported once, though it may come again.
  void TakeIncomplete(const IncompleteListing& incomplete);
  // A listing that is no longer there.
  void Remove(ListingIndex::Entry entry, std::string item_id);

  // After it was written: what was created or changed may be found by later batches.
  void Remember(store::ChannelMemory& channel, SkuCase sku_case) const;

  const store::ListingChanges& changes() const { return changes_; }
  const store::ScanPages& pages() const { return pages_; }
  const std::vector<v1::JobItem>& items() const { return items_; }
  bool changed() const {
    return !changes_.created.empty() || !changes_.updated.empty() || !changes_.removed.empty();
  }
  // Rows of a transaction that writes it, at most: the listings, a variant or a group of Multiple Listing for
  // each key that comes or goes, and the pushes of each listing.
  std::size_t rows(std::size_t push_kinds) const {
    return (2 + push_kinds) * (changes_.created.size() + changes_.removed.size()) +
           RowsOfListing(push_kinds) * changes_.updated.size() + items_.size();
  }
  static constexpr std::size_t RowsOfListing(std::size_t push_kinds) { return 4 + push_kinds; }
  // It is to be written: with one more page, or listing, it is still within bounds.
  bool full(std::size_t push_kinds) const {
    return rows(push_kinds) + RowsOfListing(push_kinds) * kPageSize > kRowsAtOnce || bytes_ > kBytesAtOnce;
  }
  std::int64_t pages_read() const { return page_count_; }
  // Read, and told apart (a refused one counts, one sent again does not).
  std::int64_t listings() const { return listings_; }
  std::int64_t listings_sent() const { return seen_ + refused_; }
  bool empty() const { return page_count_ == 0 && !changed() && items_.empty(); }
  bool last_page() const { return last_page_; }
  const std::optional<std::int64_t>& listing_count() const { return listing_count_; }

  // Adds what this batch counted.
  void AddTo(v1::ScanProgress& progress, std::int64_t& live_seen) const;

 private:
  bool WasMet(std::string_view listing_id) const;
  void TakeListing(Listing listing);
  void NoteSeen(ListingIndex::Entry entry, const std::string& listing_id);

  ScanMemory& memory_;
  store::ListingChanges changes_;
  StringSet changed_ids_;  // of the created and updated
  store::ScanPages pages_;
  ListingIndex::Entry after_seen_ = ListingIndex::kNone;  // after the one that was noted last
  std::vector<v1::JobItem> items_;
  std::optional<std::int64_t> listing_count_;
  bool last_page_ = false;
  std::size_t bytes_ = 0;
  std::int64_t page_count_ = 0, listings_ = 0;
  // What this batch adds to the counts of the scan. A listing that is sent again as something else leaves the
  // count it was in, so these may be below zero.
  std::int64_t seen_ = 0, created_ = 0, updated_ = 0, unchanged_ = 0, refused_ = 0, live_seen_ = 0;
  std::int64_t incomplete_ = 0;
};

// An item of a scan's report, with why it is there.
v1::JobItem ItemOf(const std::string& listing_id, const std::string& item_id, v1::JobItemOutcome outcome,
                   const absl::Status& why);

// Takes what a look-up found, which may be any number of listings: `write_full` is called after each, to
// write the batch and put an empty one in its place when it is full.
template <typename WriteFull>
absl::Status TakeAll(FoundItems found, std::optional<ScanBatch>& batch, const WriteFull& write_full) {
  for (Listing& listing : found.listings) {
    batch->TakeFound(std::move(listing));
    SKULINK_RETURN_IF_ERROR(write_full());
  }
  for (const RefusedListing& refused : found.refused) {
    batch->TakeRefused(refused);
    SKULINK_RETURN_IF_ERROR(write_full());
  }
  for (const IncompleteListing& incomplete : found.incomplete) {
    batch->TakeIncomplete(incomplete);
    SKULINK_RETURN_IF_ERROR(write_full());
  }
  return absl::OkStatus();
}

}  // namespace skulink
