#include "server/sync/scan.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/sku_key.h"
#include "common/string_map.h"
#include "server/store/merchants.h"
#include "server/sync/page_reader.h"

namespace skulink {
namespace {

constexpr int kPageSize = 1000;
// Of one transaction: changed listings (with their variants under 10,000 rows), listings read, and time to
// gather them.
constexpr std::size_t kChangesAtOnce = 3000;
constexpr std::int64_t kListingsAtOnce = 20'000;
constexpr absl::Duration kGather = absl::Milliseconds(250);
constexpr absl::Duration kPatience = absl::Milliseconds(100);
constexpr absl::Duration kStoreRetry = absl::Milliseconds(300);
// Listings that are looked up, and removed, in one transaction.
constexpr std::size_t kLookedUpAtOnce = 1000;

void SetTime(google::protobuf::Timestamp* timestamp, absl::Time time) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
  timestamp->set_nanos(static_cast<std::int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp->seconds()))));
}

}  // namespace

void ScanRate::Note(absl::Time now, std::int64_t listings) {
  constexpr absl::Duration kWindow = absl::Seconds(1);
  if (!since_) since_ = now;
  counted_ += listings;
  const absl::Duration passed = now - *since_;
  if (passed < kWindow) {
    if (per_second_ == 0 && passed > absl::Milliseconds(50))
      per_second_ = counted_ / absl::ToDoubleSeconds(passed);
    return;
  }
  const double latest = counted_ / absl::ToDoubleSeconds(passed);
  per_second_ = per_second_ == 0 ? latest : 0.7 * per_second_ + 0.3 * latest;
  since_ = now;
  counted_ = 0;
}

Scan::Scan(store::Database& database, store::JobRecord job, absl::Duration seller_center_timeout,
           std::function<void(const v1::Job&)> publish)
    : database_(database),
      job_(std::move(job)),
      timeout_(seller_center_timeout),
      publish_(std::move(publish)) {}

void Scan::Run(std::stop_token server_stop) {
  server_stop_ = std::move(server_stop);
  const std::stop_callback on_server_stop(server_stop_, [this] { stop_.request_stop(); });
  const std::stop_callback on_cancel(cancel_.get_token(), [this] { stop_.request_stop(); });
  if (job_.cancel_requested) Cancel();
  publish_(job_.job);
  const absl::Status status = RunPhases();
  if (!status.ok() && server_stop_.stop_requested() && !cancel_.stop_requested()) {
    const absl::Status released = store::ReleaseJob(database_, job_);
    if (!released.ok()) spdlog::warn("{} could not be given back: {}", job_.job.name(), released.ToString());
    return;
  }
  End(status);
}

absl::Status Scan::RunPhases() {
  SKULINK_RETURN_IF_ERROR(Connect());
  SKULINK_RETURN_IF_ERROR(Prepare());
  if (!job_.read_all) SKULINK_RETURN_IF_ERROR(ReadListings());
  if (!job_.confirmed) {
    std::optional<v1::Confirmation> doubt = Doubt();
    if (doubt && doubt->reason() == v1::CONFIRMATION_REASON_ENDED_EARLY) {
      // Those that moved between pages while they were read are missing without being gone.
      SKULINK_RETURN_IF_ERROR(LookUpUnseen(IfNotFound::kKeep));
      doubt = Doubt();
    }
    if (doubt) {
      return Save([&](store::Session&, const store::Merchant&, store::JobRecord& job) {
        job.job.set_state(v1::JOB_STATE_NEEDS_CONFIRMATION);
        *job.job.mutable_confirmation() = *doubt;
      });
    }
  }
  SKULINK_RETURN_IF_ERROR(LookUpUnseen(IfNotFound::kRemove));
  return Save([](store::Session& session, const store::Merchant&, store::JobRecord& job) {
    job.job.set_state(v1::JOB_STATE_SUCCEEDED);
    job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_ENDED);
    job.job.mutable_progress()->clear_estimated_end_time();
    store::EndFullScan(session, job);
  });
}

void Scan::End(const absl::Status& status) {
  if (status.ok()) return;
  if (absl::IsAborted(status)) {
    spdlog::warn("{} belongs to another server now", job_.job.name());
    return;
  }
  const bool cancelled = cancel_.stop_requested();
  const absl::Status saved = Save([&](store::Session&, const store::Merchant&, store::JobRecord& job) {
    job.job.set_state(cancelled ? v1::JOB_STATE_CANCELLED : v1::JOB_STATE_FAILED);
    if (!cancelled) *job.job.mutable_error() = ToProto(status);
    job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_ENDED);
    job.job.mutable_progress()->clear_estimated_end_time();
  });
  if (!saved.ok()) spdlog::warn("{}: its end could not be written: {}", job_.job.name(), saved.ToString());
}

absl::Status Scan::Connect() {
  SKULINK_ASSIGN_OR_RETURN(seller_center_, ConnectSellerCenter(job_.endpoint, timeout_));
  for (int failures = 1;; ++failures) {
    if (stopped()) return absl::CancelledError("stopped");
    absl::StatusOr<ShopDescription> shop = seller_center_->DescribeShop(stop_.get_token());
    if (shop.ok()) {
      shop_ = *std::move(shop);
      return absl::OkStatus();
    }
    if (!absl::IsUnavailable(shop.status()) || failures >= kMaxFailures) return shop.status();
    SleepUnlessStopped(RetryPause(failures, shop.status()), stop_.get_token());
  }
}

absl::Status Scan::Prepare() {
  const bool first = job_.job.progress().phase() == v1::SCAN_PHASE_UNSPECIFIED;
  if (first) {
    SKULINK_RETURN_IF_ERROR(Save([&](store::Session& session, const store::Merchant&, store::JobRecord& job) {
      v1::ScanProgress& progress = *job.job.mutable_progress();
      store::FillChannelProgress(session, job, progress);
      job.live_before = progress.live();
      progress.set_phase(v1::SCAN_PHASE_PREPARING);
      if (shop_.listing_count) progress.set_listings_expected(*shop_.listing_count);
      store::BeginFullScan(session, job);
    }));
  }
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    memory_.emplace();
    return database_.ReadSnapshot([&](store::Session& session) {
      memory_case_ = store::RequireMerchant(session, job_.merchant_id).sku_case;
      store::StreamListings(session, job_.merchant_number, job_.channel_number,
                            [&](const store::KnownListing& known) {
                              memory_->listings.Add(known.listing_id, known.fingerprint, known.state);
                              memory_->channel.items.insert(store::MemoryHash(known.item_id));
                              memory_->channel.sku_keys.insert(store::MemoryHash(known.sku_key));
                            });
    });
  }));
  if (first) return absl::OkStatus();
  return WhileStoreIsAway([&] {
    absl::StatusOr<store::ScanPages> pages = store::ReadScanPages(database_, job_);
    if (!pages.ok()) return pages.status();
    for (const std::string& id : pages->seen_listing_ids) {
      const ListingIndex::Entry entry = memory_->listings.Find(id);
      if (entry != ListingIndex::kNone) {
        memory_->listings.met(entry) = Met::kCounted;
      } else {
        memory_->refused.insert(id);
      }
    }
    if (!pages->resume_tokens.empty()) resume_token_ = pages->resume_tokens.back();
    for (std::string& token : pages->resume_tokens) memory_->resume_tokens.insert(std::move(token));
    return absl::OkStatus();
  });
}

absl::Status Scan::ReadListings() {
  SKULINK_RETURN_IF_ERROR(SetPhase(v1::SCAN_PHASE_READING));
  PageReader reader(*seller_center_, resume_token_, std::min(kPageSize, shop_.max_page_size),
                    stop_.get_token());
  std::optional<ListingPage> page;
  while (!job_.read_all) {
    if (stopped()) return absl::CancelledError("stopped");
    ScanBatch batch(*memory_, ++batches_);
    absl::Status sound;
    const absl::Time until = absl::Now() + kGather;
    const std::int64_t before = job_.job.progress().listings_seen() + job_.job.progress().refused();
    while (batch.changed() < kChangesAtOnce && batch.listings() < kListingsAtOnce && !batch.last_page() &&
           absl::Now() < until) {
      if (!page) page = reader.Next(batch.empty() ? kPatience : absl::ZeroDuration());
      if (!page || (!batch.empty() && batch.Touches(*page))) break;
      sound = batch.Check(*page, before);
      if (!sound.ok()) break;
      batch.Take(*std::move(page));
      page.reset();
    }
    // Pages before one that makes no sense are sound.
    if (!batch.empty()) SKULINK_RETURN_IF_ERROR(Write(batch));
    SKULINK_RETURN_IF_ERROR(sound);
    if (!page && !job_.read_all && reader.done()) return reader.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<FoundItems> Scan::LookUp(const std::vector<std::string>& item_ids) {
  for (int failures = 1;; ++failures) {
    if (stopped()) return absl::CancelledError("stopped");
    absl::StatusOr<FoundItems> found = seller_center_->GetItems(item_ids, stop_.get_token());
    if (found.ok() || !absl::IsUnavailable(found.status()) || failures >= kMaxFailures) return found;
    SleepUnlessStopped(RetryPause(failures, found.status()), stop_.get_token());
  }
}

absl::Status Scan::Write(ScanBatch& batch) {
  rate_.Note(absl::Now(), batch.listings());
  std::optional<SkuCase> sku_case;
  SKULINK_RETURN_IF_ERROR(
      Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
        sku_case = merchant.sku_case;
        if (batch.changed() > 0) {
          const bool usable = memory_case_ == merchant.sku_case;
          store::ApplyListingChanges(session, merchant, job.channel_number, batch.changes(),
                                     usable ? &memory_->channel : nullptr);
        }
        batch.AddTo(*job.job.mutable_progress(), job.live_seen);
        job.read_all = job.read_all || batch.last_page();
        Estimate(*job.job.mutable_progress());
        store::SaveScanPages(session, job, batch.pages());
        store::SaveJobItems(session, job, batch.items());
      }));
  if (sku_case != memory_case_) memory_case_.reset();
  if (memory_case_) batch.Remember(*memory_case_);
  return absl::OkStatus();
}

absl::Status Scan::SetPhase(v1::ScanPhase phase) {
  return Save([&](store::Session&, const store::Merchant&, store::JobRecord& job) {
    job.job.mutable_progress()->set_phase(phase);
  });
}

absl::Status Scan::Save(const Change& change) {
  std::optional<store::JobRecord> written;  // nullopt: an earlier attempt had been committed after all
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database_.Transact([&](store::Session& session) {
      const store::Merchant merchant = store::LockMerchant(session, job_.merchant_number);
      store::JobRecord job = job_;
      written.reset();
      if (!store::FenceJob(session, job)) return;
      change(session, merchant, job);
      store::FillChannelProgress(session, job, *job.job.mutable_progress());
      store::SaveJob(session, job);
      written = std::move(job);
    });
  }));
  if (!written) {
    SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
      absl::StatusOr<store::JobRecord> job = store::ReadJob(database_, {job_.merchant_id, job_.job_id});
      if (job.ok()) written = *std::move(job);
      return job.status();
    }));
    if (written->job.state() == v1::JOB_STATE_RUNNING && written->owner != job_.owner) {
      return absl::AbortedError("another server runs the job");
    }
  }
  job_ = *std::move(written);
  if (job_.cancel_requested) Cancel();
  publish_(job_.job);
  return absl::OkStatus();
}

absl::Status Scan::WhileStoreIsAway(const std::function<absl::Status()>& attempt) {
  while (true) {
    absl::Status status = attempt();
    const v1::ErrorReason reason = ReasonOf(status);
    const bool away = reason == v1::ERROR_REASON_STORE_UNAVAILABLE || reason == v1::ERROR_REASON_REKEYING;
    if (!away || server_stop_.stop_requested()) return status;
    SleepUnlessStopped(kStoreRetry, server_stop_);
  }
}

void Scan::Estimate(v1::ScanProgress& progress) const {
  progress.set_listings_per_second(rate_.per_second());
  progress.clear_estimated_end_time();
  const std::int64_t left = progress.listings_expected() - progress.listings_seen() - progress.refused();
  if (!progress.has_listings_expected() || rate_.per_second() <= 0 || left < 0) return;
  SetTime(progress.mutable_estimated_end_time(),
          absl::Now() + absl::Seconds(static_cast<double>(left) / rate_.per_second()));
}

std::vector<ListingIndex::Entry> Scan::Unseen() {
  std::vector<ListingIndex::Entry> unseen;
  for (ListingIndex::Entry entry = 0; entry < memory_->listings.size(); ++entry) {
    if (memory_->listings.met(entry) == Met::kNot) unseen.push_back(entry);
  }
  return unseen;
}

std::optional<v1::Confirmation> Scan::Doubt() {
  const v1::ScanProgress& progress = job_.job.progress();
  v1::Confirmation doubt;
  doubt.set_live_before(job_.live_before);
  doubt.set_live_seen(job_.live_seen);
  doubt.set_not_seen(static_cast<std::int64_t>(Unseen().size()));
  if (job_.live_before > 0 && job_.live_seen == 0) {
    doubt.set_reason(v1::CONFIRMATION_REASON_NOTHING_LIVE);
  } else if (2 * job_.live_seen < job_.live_before) {
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
    return database_.Read([&](store::Session& session) {
      item_of = store::ItemsOfListings(session, job_.merchant_number, job_.channel_number, ids);
    });
  }));
  StringSet distinct;
  for (const auto& [listing, item] : item_of) distinct.insert(item);
  const std::vector<std::string> items(distinct.begin(), distinct.end());
  ScanBatch batch(*memory_, ++batches_);
  const auto limit = static_cast<std::size_t>(shop_.max_items_per_get);
  for (std::size_t first = 0; first < items.size(); first += limit) {
    const auto begin = items.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(limit, items.size() - first));
    SKULINK_ASSIGN_OR_RETURN(FoundItems found, LookUp({begin, end}));
    batch.TakeFound(std::move(found));
  }
  if (if_not_found == IfNotFound::kRemove) {
    for (const ListingIndex::Entry entry : unseen) {
      if (memory_->listings.met(entry) != Met::kNot) continue;
      batch.Remove(entry, item_of[memory_->listings.Id(entry)]);
    }
  }
  return Write(batch);
}

}  // namespace skulink
