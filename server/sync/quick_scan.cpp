#include "server/sync/quick_scan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors.h"
#include "server/store/listings.h"
#include "server/store/times.h"
#include "server/sync/page_reader.h"

namespace skulink {
namespace {

constexpr int kPageSize = 1000;
// What changed in the same moment as the scan before began, and what a Seller Center shows a while late.
constexpr absl::Duration kOverlap = absl::Minutes(5);
constexpr absl::Duration kPatience = absl::Seconds(1);

}  // namespace

absl::Status QuickScan::RunPhases() {
  SKULINK_RETURN_IF_ERROR(Connect());
  const bool updated = job().job.scan_mode() == v1::SCAN_MODE_UPDATED;
  if (updated && !shop().current_time) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_UNABLE,
                 "the Seller Center cannot tell which listings changed since a time: scan in full");
  }
  SKULINK_RETURN_IF_ERROR(Prepare());
  if (!job().read_all) SKULINK_RETURN_IF_ERROR(updated ? ReadPages() : ReadItems());
  return Save([&](store::Session& session, const store::Merchant&, store::JobRecord& job) {
    job.job.set_state(v1::JOB_STATE_SUCCEEDED);
    NoteEnd(session, job);
    if (updated) store::EndUpdatedScan(session, job);
  });
}

void QuickScan::NoteEnd(store::Session& session, store::JobRecord& job) {
  v1::ScanProgress& progress = *job.job.mutable_progress();
  progress.set_phase(v1::SCAN_PHASE_ENDED);
  progress.clear_estimated_end_time();
  store::FillChannelProgress(session, job, progress);
}

absl::Status QuickScan::Prepare() {
  return Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
    memory_.currency = merchant.currency;
    job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_READING);
    store::FillChannelProgress(session, job, *job.job.mutable_progress());
    if (!job.begun_at && shop().current_time) job.begun_at = absl::ToUnixMicros(*shop().current_time);
  });
}

absl::Status QuickScan::ReadPages() {
  ListRequest request{.page_size = std::min(kPageSize, shop().max_page_size)};
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    absl::StatusOr<store::ScanPages> pages = store::ReadScanPages(database(), job());
    if (!pages.ok()) return pages.status();
    request.resume_token = std::move(pages->resume_token);
    memory_.resume_tokens.insert(pages->resume_token_hashes.begin(), pages->resume_token_hashes.end());
    return database().Read([&](store::Session& session) {
      const std::optional<absl::Time> known_until =
          store::KnownUntil(session, merchant_number(), channel_number());
      request.updated_since = known_until.value_or(absl::UnixEpoch()) - kOverlap;
    });
  }));
  PageReader reader(seller_center(), budget(), request, stop());
  std::int64_t listings_before = job().job.progress().listings_seen() + job().job.progress().refused();
  while (!job().read_all) {
    if (stopped()) return absl::CancelledError("stopped");
    std::optional<ListingPage> page = reader.Next(kPatience);
    if (!page && reader.done()) return reader.status();
    if (!page) continue;
    SKULINK_RETURN_IF_ERROR(Recall(page->listings));
    SKULINK_RETURN_IF_ERROR(Recall(page->refused));
    ScanBatch batch(memory_);
    SKULINK_RETURN_IF_ERROR(batch.Check(*page, listings_before));
    batch.Take(*std::move(page));
    listings_before += batch.listings_sent();
    SKULINK_RETURN_IF_ERROR(
        Write(batch, {}, [&](store::JobRecord& job) { job.read_all = batch.last_page(); }));
  }
  const v1::ScanProgress& progress = job().job.progress();
  if (progress.has_listings_expected() &&
      progress.listings_seen() + progress.refused() < progress.listings_expected()) {
    // What is missing would not be asked for again.
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID,
                 absl::StrCat("the Seller Center said that ", progress.listings_expected(),
                              " listings changed, and sent ", progress.listings_seen() + progress.refused()),
                 {{"field", "listing_count"}});
  }
  return absl::OkStatus();
}

absl::Status QuickScan::ReadItems() {
  std::string bytes;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    absl::StatusOr<std::string> read = store::ReadJobRequest(database(), job());
    if (read.ok()) bytes = *std::move(read);
    return read.status();
  }));
  v1::StartScanRequest request;
  if (!request.ParseFromString(bytes)) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INTERNAL, "the job's request cannot be read");
  }
  const int count = request.item_ids_size();
  int done = 0;
  (void)absl::SimpleAtoi(job().position, &done);  // empty: from the start
  while (done < count) {
    const int end = std::min(count, done + shop().max_items_per_get);
    const std::vector<std::string> ids(request.item_ids().begin() + done, request.item_ids().begin() + end);
    SKULINK_ASSIGN_OR_RETURN(FoundItems found,
                             Patiently([&] { return seller_center().GetItems(ids, stop()); }));
    StringSet missing(ids.begin(), ids.end());
    for (const Listing& listing : found.listings) missing.erase(listing.item_id);
    for (const RefusedListing& listing : found.refused) missing.erase(listing.item_id);
    std::vector<v1::JobItem> gone;
    for (const std::string& id : missing) {
      v1::JobItem& item = gone.emplace_back();
      item.set_item_id(id);
      item.set_outcome(v1::JOB_ITEM_OUTCOME_SKIPPED);
      item.set_reason(v1::ERROR_REASON_LISTING_GONE);
      item.set_description("the Seller Center does not have this item");
    }
    SKULINK_RETURN_IF_ERROR(Recall(found.listings));
    SKULINK_RETURN_IF_ERROR(Recall(found.refused));
    ScanBatch batch(memory_);
    for (Listing& listing : found.listings) batch.TakeFound(std::move(listing));
    for (const RefusedListing& refused : found.refused) batch.TakeRefused(refused);
    for (const IncompleteListing& incomplete : found.incomplete) batch.TakeIncomplete(incomplete);
    SKULINK_RETURN_IF_ERROR(Write(batch, gone, [&](store::JobRecord& job) {
      job.position = absl::StrCat(end);
      job.read_all = end == count;
    }));
    done = end;
  }
  return absl::OkStatus();
}

template <typename Listings>
absl::Status QuickScan::Recall(const Listings& listings) {
  std::vector<std::string_view> ids;
  for (const auto& listing : listings) {
    if (memory_.listings.Find(listing.listing_id) == ListingIndex::kNone) ids.push_back(listing.listing_id);
  }
  if (ids.empty()) return absl::OkStatus();
  return WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      store::FindKnownListings(session, merchant_number(), channel_number(), ids,
                               [&](const store::KnownListing& known) {
                                 if (memory_.listings.Find(known.listing_id) != ListingIndex::kNone) return;
                                 memory_.listings.Add(known.listing_id, known.fingerprint, known.state);
                               });
    });
  });
}

absl::Status QuickScan::Write(const ScanBatch& batch, const std::vector<v1::JobItem>& more_items,
                              const std::function<void(store::JobRecord&)>& change) {
  SKULINK_RETURN_IF_ERROR(
      Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
        if (batch.changed()) {
          store::ApplyListingChanges(session, merchant, job.channel_number, batch.changes(), nullptr);
        }
        batch.AddTo(*job.job.mutable_progress(), job.live_seen);
        change(job);
        rate_.Estimate(*job.job.mutable_progress());
        // What was seen matters only to scans that remove the rest.
        store::ScanPages pages = batch.pages();
        pages.seen.clear();
        store::SaveScanPages(session, job, pages);
        store::SaveJobItems(session, job, batch.items());
        store::SaveJobItems(session, job, more_items);
        store::FillChannelProgress(session, job, *job.job.mutable_progress());
      }));
  rate_.Note(absl::Now(), batch.listings());
  return absl::OkStatus();
}

}  // namespace skulink
