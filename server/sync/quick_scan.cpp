#include "server/sync/quick_scan.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors.h"
#include "server/store/listings.h"
#include "server/store/pushes.h"
#include "server/store/times.h"
#include "server/sync/page_reader.h"

namespace skulink {
namespace {

constexpr std::size_t kRecalledAtOnce = 1000;
// What changed in the same moment as the scan before began, and what a Seller Center shows a while late.
constexpr absl::Duration kOverlap = absl::Minutes(5);
constexpr absl::Duration kPatience = absl::Seconds(1);

std::vector<v1::JobItem> ToldAsFailed(const StringSet& item_ids, const absl::Status& why) {
  std::vector<v1::JobItem> failed;
  for (const std::string& id : item_ids) failed.push_back(ItemOf("", id, v1::JOB_ITEM_OUTCOME_REFUSED, why));
  return failed;
}

std::vector<v1::JobItem> ToldAsGone(const StringSet& item_ids) {
  std::vector<v1::JobItem> gone;
  for (const std::string& id : item_ids) {
    v1::JobItem& item = gone.emplace_back();
    item.set_item_id(id);
    item.set_outcome(v1::JOB_ITEM_OUTCOME_SKIPPED);
    item.set_reason(v1::ERROR_REASON_LISTING_GONE);
    item.set_description("the Seller Center does not have this item");
  }
  return gone;
}

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
    store::EndQuickScan(session, job);
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
    push_kinds_ = store::PushKinds(session, merchant_number(), channel_number());
    job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_READING);
    store::FillChannelProgress(session, job, *job.job.mutable_progress());
    if (!job.begun_at && shop().current_time) job.begun_at = absl::ToUnixMicros(*shop().current_time);
  });
}

absl::StatusOr<store::ScanPages> QuickScan::RecallPages() {
  store::ScanPages pages;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    absl::StatusOr<store::ScanPages> read = store::ReadScanPages(database(), job());
    if (read.ok()) pages = *std::move(read);
    return read.status();
  }));
  for (std::size_t first = 0; first < pages.seen.size(); first += kRecalledAtOnce) {
    const std::size_t end = std::min(pages.seen.size(), first + kRecalledAtOnce);
    std::vector<std::string_view> ids;
    for (std::size_t i = first; i < end; ++i) ids.push_back(pages.seen[i].first);
    SKULINK_RETURN_IF_ERROR(Recall(ids));
    for (const std::string_view id : ids) {
      const ListingIndex::Entry entry = memory_.listings.Find(id);
      if (entry == ListingIndex::kNone) {
        memory_.refused.insert(store::ChannelMemory::Hash(id));
      } else {
        memory_.listings.met(entry) = Met::kCounted;
      }
    }
  }
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] { return RecallIncomplete(database(), job(), memory_); }));
  memory_.resume_tokens.insert(pages.resume_token_hashes.begin(), pages.resume_token_hashes.end());
  return pages;
}

absl::Status QuickScan::ReadPages() {
  SKULINK_ASSIGN_OR_RETURN(store::ScanPages pages, RecallPages());
  ListRequest request{.resume_token = std::move(pages.resume_token),
                      .page_size = std::min(kPageSize, shop().max_page_size)};
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      const std::optional<absl::Time> known_until =
          store::KnownUntil(session, merchant_number(), channel_number());
      request.updated_since = known_until.value_or(absl::UnixEpoch()) - kOverlap;
    });
  }));
  PageReader reader(seller_center(), channel(), request, stop());
  // Told apart, and all: one that changes again meanwhile is sent, and counted by the Seller Center, again.
  std::int64_t listings_before = job().job.progress().listings_seen() + job().job.progress().refused();
  std::int64_t sent = Position();
  while (!job().read_all) {
    if (stopped()) return absl::CancelledError("stopped");
    std::optional<ListingPage> page = reader.Next(kPatience);
    if (!page && reader.done()) return reader.status();
    if (!page) continue;
    std::vector<std::string_view> ids;
    for (const Listing& listing : page->listings) ids.push_back(listing.listing_id);
    for (const RefusedListing& listing : page->refused) ids.push_back(listing.listing_id);
    SKULINK_RETURN_IF_ERROR(Recall(ids));
    sent += std::ssize(ids);
    ScanBatch batch(memory_);
    SKULINK_RETURN_IF_ERROR(batch.Check(*page, listings_before));
    batch.Take(*std::move(page));
    listings_before += batch.listings_sent();
    SKULINK_RETURN_IF_ERROR(Write(batch, {}, [&](store::JobRecord& job) {
      job.position = absl::StrCat(sent);
      job.read_all = batch.last_page();
    }));
  }
  const v1::ScanProgress& progress = job().job.progress();
  if (progress.has_listings_expected() && sent < progress.listings_expected()) {
    // What is missing would not be asked for again.
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID,
                 absl::StrCat("the Seller Center said that ", progress.listings_expected(),
                              " listings changed, and sent ", sent),
                 {{"field", "listing_count"}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> QuickScan::ReadItemIds() {
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
  std::vector<std::string> ids;
  StringSet distinct;
  for (const std::string& id : request.item_ids()) {
    if (distinct.insert(id).second) ids.push_back(id);
  }
  return ids;
}

absl::Status QuickScan::ReadItems() {
  SKULINK_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ReadItemIds());
  SKULINK_RETURN_IF_ERROR(RecallPages().status());
  const auto unchanged = [](store::JobRecord&) {};
  auto done = static_cast<std::size_t>(Position());
  while (done < ids.size()) {
    SKULINK_ASSIGN_OR_RETURN(OfFirst<FoundItems> of_first, GetFirstItems(std::span(ids).subspan(done)));
    const absl::Status failed = of_first.answer.status();
    FoundItems found = std::move(of_first.answer).value_or(FoundItems());
    StringSet missing(ids.begin() + static_cast<std::ptrdiff_t>(done),
                      ids.begin() + static_cast<std::ptrdiff_t>(done + of_first.count));
    std::vector<std::string_view> listings;
    for (const Listing& listing : found.listings) {
      missing.erase(listing.item_id);
      listings.push_back(listing.listing_id);
    }
    for (const RefusedListing& listing : found.refused) {
      missing.erase(listing.item_id);
      listings.push_back(listing.listing_id);
    }
    SKULINK_RETURN_IF_ERROR(Recall(listings));
    std::optional<ScanBatch> batch(std::in_place, memory_);
    const auto write_full = [&] {
      if (!batch->full(push_kinds_)) return absl::OkStatus();
      SKULINK_RETURN_IF_ERROR(Write(*batch, {}, unchanged));
      batch.emplace(memory_);
      return absl::OkStatus();
    };
    SKULINK_RETURN_IF_ERROR(TakeAll(std::move(found), batch, write_full));
    done += of_first.count;
    const std::vector<v1::JobItem> told = failed.ok() ? ToldAsGone(missing) : ToldAsFailed(missing, failed);
    SKULINK_RETURN_IF_ERROR(Write(*batch, told, [&](store::JobRecord& job) {
      v1::ScanProgress& progress = *job.job.mutable_progress();
      if (!failed.ok()) progress.set_refused(progress.refused() + 1);
      job.position = absl::StrCat(done);
      job.read_all = done == ids.size();
    }));
  }
  return absl::OkStatus();
}

std::int64_t QuickScan::Position() const {
  std::int64_t position = 0;
  (void)absl::SimpleAtoi(job().position, &position);  // empty: from the start
  return position;
}

absl::Status QuickScan::Recall(const std::vector<std::string_view>& listing_ids) {
  std::vector<std::string_view> ids;
  for (const std::string_view id : listing_ids) {
    if (memory_.listings.Find(id) == ListingIndex::kNone) ids.push_back(id);
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
        store::SaveScanPages(session, job, batch.pages());
        store::SaveJobItems(session, job, batch.items());
        store::SaveJobItems(session, job, more_items);
        store::FillChannelProgress(session, job, *job.job.mutable_progress());
      }));
  rate_.Note(absl::Now(), batch.listings());
  return absl::OkStatus();
}

}  // namespace skulink
