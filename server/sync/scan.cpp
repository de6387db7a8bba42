#include "server/sync/scan.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/sku_key.h"
#include "common/string_map.h"
#include "server/store/merchants.h"
#include "server/store/pushes.h"
#include "server/sync/retry.h"

namespace skulink {
namespace {

// Of one transaction: listings and pages read, and time to gather them.
constexpr std::int64_t kListingsAtOnce = 100'000;
constexpr std::int64_t kPagesAtOnce = 1000;
constexpr absl::Duration kGather = absl::Milliseconds(50);
// Listings that are looked up, and removed, in one transaction.
constexpr std::size_t kLookedUpAtOnce = 1000;

}  // namespace

void Scan::Forget() {
  memory_.reset();
  known_.reset();
}

void Scan::NoteEnd(store::Session& session, store::JobRecord& job) {
  v1::ScanProgress& progress = *job.job.mutable_progress();
  progress.set_phase(v1::SCAN_PHASE_ENDED);
  progress.clear_estimated_end_time();
  store::FillChannelProgress(session, job, progress);
}

absl::Status Scan::SaveProgress(const Change& change,
                                const std::function<void(store::Session&)>& before_lock) {
  return Save(
      [&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
        change(session, merchant, job);
        store::FillChannelProgress(session, job, *job.job.mutable_progress());
      },
      before_lock);
}

absl::Status Scan::RunPhases() {
  SKULINK_RETURN_IF_ERROR(Connect());
  SKULINK_RETURN_IF_ERROR(Prepare());
  if (!job().read_all) SKULINK_RETURN_IF_ERROR(ReadListings());
  memory_->listings.LoadAll();
  SKULINK_RETURN_IF_ERROR(known_->status());
  if (!job().confirmed) {
    std::optional<v1::Confirmation> doubt = Doubt();
    if (doubt && doubt->reason() == v1::CONFIRMATION_REASON_ENDED_EARLY) {
      // Those that moved between pages while they were read are missing without being gone.
      SKULINK_RETURN_IF_ERROR(LookUpUnseen(IfNotFound::kKeep));
      doubt = Doubt();
    }
    if (doubt) {
      return SaveProgress([&](store::Session&, const store::Merchant&, store::JobRecord& job) {
        *job.job.mutable_confirmation() = *doubt;
        job.job.set_state(job.cancel_requested ? v1::JOB_STATE_CANCELLED : v1::JOB_STATE_NEEDS_CONFIRMATION);
        if (job.cancel_requested) job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_ENDED);
      });
    }
  }
  SKULINK_RETURN_IF_ERROR(LookUpUnseen(IfNotFound::kRemove));
  return SaveProgress([this](store::Session& session, const store::Merchant&, store::JobRecord& job) {
    job.job.set_state(v1::JOB_STATE_SUCCEEDED);
    NoteEnd(session, job);
    store::EndFullScan(session, job);
  });
}

absl::Status Scan::Prepare() {
  const bool first = job().job.progress().phase() == v1::SCAN_PHASE_UNSPECIFIED;
  if (first) {
    SKULINK_RETURN_IF_ERROR(
        SaveProgress([&](store::Session& session, const store::Merchant&, store::JobRecord& job) {
          v1::ScanProgress& progress = *job.job.mutable_progress();
          store::FillChannelProgress(session, job, progress);
          job.live_before = progress.live();
          progress.set_phase(v1::SCAN_PHASE_PREPARING);
          if (shop().listing_count) progress.set_listings_expected(*shop().listing_count);
          if (shop().current_time) job.begun_at = absl::ToUnixMicros(*shop().current_time);
          store::NoteIncomplete(session, job);
        }));
  }
  std::string currency;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      const store::Merchant merchant = store::RequireMerchant(session, merchant_id());
      memory_case_ = merchant.sku_case;
      currency = merchant.currency;
      push_kinds_ = store::PushKinds(session, merchant_number(), channel_number());
    });
  }));
  known_ = std::make_unique<KnownListings>(database(), merchant_number(), channel_number(), server_stop());
  memory_.emplace([this] { return known_->Next(); });
  memory_->currency = currency;
  if (!memory_->listings.LoadMore()) memory_->channel.emplace();
  if (!first) SKULINK_RETURN_IF_ERROR(ReadWhatWasSeen());
  return absl::OkStatus();
}

absl::Status Scan::ReadWhatWasSeen() {
  store::ScanPages pages;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    absl::StatusOr<store::ScanPages> read = store::ReadScanPages(database(), job());
    if (read.ok()) pages = *std::move(read);
    return read.status();
  }));
  ListingIndex& listings = memory_->listings;
  for (const auto& [first_id, last_id] : pages.seen) {
    ListingIndex::Entry entry = listings.Find(first_id);
    if (entry == ListingIndex::kNone) {
      memory_->refused.insert(store::ChannelMemory::Hash(first_id));
      continue;
    }
    listings.met(entry++) = Met::kCounted;
    if (last_id.empty()) continue;
    listings.LoadAll();
    for (; entry < listings.loaded() && listings.Id(entry) <= last_id; ++entry)
      listings.met(entry) = Met::kCounted;
  }
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] { return RecallIncomplete(database(), job(), *memory_); }));
  resume_token_ = std::move(pages.resume_token);
  memory_->resume_tokens.insert(pages.resume_token_hashes.begin(), pages.resume_token_hashes.end());
  return absl::OkStatus();
}

absl::Status Scan::ReadListings() {
  SKULINK_RETURN_IF_ERROR(SetPhase(v1::SCAN_PHASE_READING));
  std::int64_t listings_before = job().job.progress().listings_seen() + job().job.progress().refused();
  bool read_all = false;
  PageReader reader(seller_center(), channel(),
                    {.resume_token = resume_token_, .page_size = std::min(kPageSize, shop().max_page_size)},
                    stop());
  std::optional<ListingPage> page;
  // While the rows of one batch are written, the views of the one before are brought up to it, and the next
  // is read. Joined when they go out of scope, too.
  std::shared_future<absl::Status> before, writing;
  // Takes values, since a future keeps what its function was made of, and each write knows the one before.
  const auto write = [this](std::unique_ptr<ScanBatch> batch, std::optional<store::PreparedChanges> prepared,
                            std::shared_future<absl::Status> previous) {
    return Write(*batch, prepared ? &*prepared : nullptr, previous);
  };
  while (!read_all) {
    if (stopped()) return absl::CancelledError("stopped");
    auto batch = std::make_unique<ScanBatch>(*memory_);
    const absl::Status sound = Gather(reader, page, listings_before, *batch);
    listings_before += batch->listings_sent();
    read_all = batch->last_page();
    const bool end_of_list = !page && !read_all && reader.done();
    SKULINK_RETURN_IF_ERROR(known_->status());
    // Pages before one that makes no sense are sound.
    if (!batch->empty()) {
      std::optional<store::PreparedChanges> prepared = PrepareChanges(*batch);
      if (before.valid()) SKULINK_RETURN_IF_ERROR(before.get());
      before = writing;
      // Deferred where no thread can be had: then it is written when somebody waits for it.
      writing = std::async(std::launch::async | std::launch::deferred, write, std::move(batch),
                           std::move(prepared), before)
                    .share();
    }
    if (!sound.ok() || end_of_list) {
      if (writing.valid()) SKULINK_RETURN_IF_ERROR(writing.get());
      return sound.ok() ? reader.status() : sound;
    }
  }
  return writing.valid() ? writing.get() : absl::OkStatus();
}

absl::Status Scan::Gather(PageReader& reader, std::optional<ListingPage>& page, std::int64_t listings_before,
                          ScanBatch& batch) {
  const absl::Time until = absl::Now() + kGather;
  while (!batch.full(push_kinds_) && batch.listings() < kListingsAtOnce &&
         batch.pages_read() < kPagesAtOnce && !batch.last_page()) {
    const absl::Duration patience = until - absl::Now();
    if (patience <= absl::ZeroDuration()) break;
    if (!page) page = reader.Next(patience);
    if (!page || (!batch.empty() && batch.Changes(*page))) break;
    SKULINK_RETURN_IF_ERROR(batch.Check(*page, listings_before));
    batch.Take(*std::move(page));
    page.reset();
  }
  return absl::OkStatus();
}

std::optional<store::PreparedChanges> Scan::PrepareChanges(const ScanBatch& batch) {
  if (!batch.changed()) return std::nullopt;
  absl::StatusOr<store::PreparedChanges> prepared = database().Read([&](store::Session& session) {
    push_kinds_ = store::PushKinds(session, merchant_number(), channel_number());
    return store::PrepareListingChanges(session, store::RequireMerchant(session, merchant_id()),
                                        channel_number(), batch.changes());
  });
  if (!prepared.ok()) return std::nullopt;  // then it is done when it is written
  return *std::move(prepared);
}

absl::Status Scan::Write(const ScanBatch& batch, const store::PreparedChanges* prepared,
                         const std::shared_future<absl::Status>& before) {
  bool load_early = prepared != nullptr;
  auto created_rows = store::CreatedRows::kToLoad;
  const auto before_lock = [&](store::Session& session) {
    created_rows = load_early ? store::CreatedRows::kLoaded : store::CreatedRows::kToLoad;
    if (std::exchange(load_early, false)) store::LoadCreated(session, *prepared);
    if (!before.valid()) return;
    if (const absl::Status& status = before.get(); !status.ok()) throw store::Refused(status);
  };
  std::optional<SkuCase> sku_case;
  const auto change = [&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
    sku_case = merchant.sku_case;
    if (batch.changed()) {
      const bool usable = memory_->channel && memory_case_ == merchant.sku_case;
      store::ApplyListingChanges(session, merchant, job.channel_number, batch.changes(),
                                 usable ? &*memory_->channel : nullptr, prepared, created_rows);
    }
    batch.AddTo(*job.job.mutable_progress(), job.live_seen);
    job.read_all = job.read_all || batch.last_page();
    rate_.Estimate(*job.job.mutable_progress());
    store::SaveScanPages(session, job, batch.pages());
    store::SaveJobItems(session, job, batch.items());
  };
  SKULINK_RETURN_IF_ERROR(SaveProgress(change, before_lock));
  rate_.Note(absl::Now(), batch.listings());
  if (sku_case != memory_case_) memory_case_.reset();
  if (memory_->channel && memory_case_) batch.Remember(*memory_->channel, *memory_case_);
  return absl::OkStatus();
}

absl::Status Scan::SetPhase(v1::ScanPhase phase) {
  return SaveProgress([&](store::Session&, const store::Merchant&, store::JobRecord& job) {
    job.job.mutable_progress()->set_phase(phase);
  });
}

std::vector<ListingIndex::Entry> Scan::Unseen() {
  std::vector<ListingIndex::Entry> unseen;
  for (ListingIndex::Entry entry = 0; entry < memory_->listings.size(); ++entry) {
    if (memory_->listings.met(entry) == Met::kNot) unseen.push_back(entry);
  }
  return unseen;
}

std::optional<v1::Confirmation> Scan::Doubt() {
  const v1::ScanProgress& progress = job().job.progress();
  v1::Confirmation doubt;
  doubt.set_live_before(job().live_before);
  doubt.set_live_seen(job().live_seen);
  doubt.set_not_seen(static_cast<std::int64_t>(Unseen().size()));
  if (job().live_before > 0 && job().live_seen == 0) {
    doubt.set_reason(v1::CONFIRMATION_REASON_NOTHING_LIVE);
  } else if (2 * job().live_seen < job().live_before) {
    doubt.set_reason(v1::CONFIRMATION_REASON_LIVE_DROP);
  } else if (progress.has_listings_expected() &&
             progress.listings_seen() + progress.refused() < progress.listings_expected()) {
    doubt.set_reason(v1::CONFIRMATION_REASON_ENDED_EARLY);
  } else {
    return std::nullopt;
  }
  return doubt;
}

absl::Status Scan::LookUpUnseen(IfNotFound if_not_found) {
  const std::vector<ListingIndex::Entry> unseen = Unseen();
  if (!unseen.empty()) {
    SKULINK_RETURN_IF_ERROR(SetPhase(v1::SCAN_PHASE_REMOVING));
  }
  for (std::size_t first = 0; first < unseen.size(); first += kLookedUpAtOnce) {
    SKULINK_RETURN_IF_ERROR(LookUpChunk(
        std::span(unseen).subspan(first, std::min(kLookedUpAtOnce, unseen.size() - first)), if_not_found));
  }
  return absl::OkStatus();
}

absl::Status Scan::LookUpChunk(std::span<const ListingIndex::Entry> unseen, IfNotFound if_not_found) {
  StringMap<std::string> item_of;
  std::vector<std::string> ids;
  for (const ListingIndex::Entry entry : unseen) ids.emplace_back(memory_->listings.Id(entry));
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      item_of = store::ItemsOfListings(session, merchant_number(), channel_number(), ids);
    });
  }));
  StringSet distinct;
  for (const auto& [listing, item] : item_of) distinct.insert(item);
  const std::vector<std::string> items(distinct.begin(), distinct.end());
  std::optional<ScanBatch> batch(std::in_place, *memory_);
  const auto write_full = [&] {
    if (!batch->full(push_kinds_)) return absl::OkStatus();
    SKULINK_RETURN_IF_ERROR(Write(*batch, nullptr, {}));
    batch.emplace(*memory_);
    return absl::OkStatus();
  };
  for (std::span<const std::string> left = items; !left.empty();) {
    SKULINK_ASSIGN_OR_RETURN(OfFirst<FoundItems> of_first, GetFirstItems(left));
    FoundItems found;
    if (of_first.answer.ok()) {
      found = *std::move(of_first.answer);
    } else {  // what is known of it stays
      for (const auto& [listing, item] : item_of) {
        if (item == left.front()) found.refused.push_back({listing, item, of_first.answer.status()});
      }
    }
    SKULINK_RETURN_IF_ERROR(TakeAll(std::move(found), batch, write_full));
    left = left.subspan(of_first.count);
  }
  if (if_not_found == IfNotFound::kRemove) {
    for (const ListingIndex::Entry entry : unseen) {
      if (memory_->listings.met(entry) != Met::kNot) continue;
      batch->Remove(entry, item_of[memory_->listings.Id(entry)]);
      SKULINK_RETURN_IF_ERROR(write_full());
    }
  }
  return Write(*batch, nullptr, {});
}

}  // namespace skulink
