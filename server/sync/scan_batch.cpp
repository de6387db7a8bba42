#include "server/sync/scan_batch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/sku_key.h"

namespace skulink {
namespace {

constexpr int kMaxPagesWithoutNews = 1000;
constexpr int kItemsAtOnce = 1000;

absl::Status Contradiction(std::string_view field, const std::string& message) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID,
               absl::StrCat("the Seller Center's ", std::string(field), " ", message),
               {{"field", std::string(field)}});
}

}  // namespace

v1::JobItem ItemOf(const std::string& listing_id, const std::string& item_id, v1::JobItemOutcome outcome,
                   const absl::Status& why) {
  v1::JobItem item;
  item.set_listing_id(listing_id);
  item.set_item_id(item_id);
  item.set_outcome(outcome);
  item.set_reason(ReasonOf(why));
  item.set_field(FieldOf(why));
  item.set_description(std::string(why.message()));
  return item;
}

absl::Status RecallIncomplete(store::Database& database, const store::JobRecord& job, ScanMemory& memory) {
  const JobName name{job.merchant_id, job.job_id};
  std::vector<std::int64_t> numbers{0};
  while (!numbers.empty()) {
    SKULINK_ASSIGN_OR_RETURN(const std::vector<v1::JobItem> items,
                             store::ListJobItems(database, name, numbers.back(), kItemsAtOnce, numbers));
    for (const v1::JobItem& item : items) {
      if (item.outcome() != v1::JOB_ITEM_OUTCOME_INCOMPLETE) continue;
      memory.incomplete.insert(store::ChannelMemory::Hash(item.listing_id()));
    }
  }
  return absl::OkStatus();
}

bool ScanBatch::Changes(const ListingPage& page) const {
  return !changed_ids_.empty() &&
         std::any_of(page.listings.begin(), page.listings.end(),
                     [&](const Listing& listing) { return changed_ids_.contains(listing.listing_id); });
}

bool ScanBatch::WasMet(std::string_view listing_id) const {
  const ListingIndex::Entry entry = memory_.listings.Find(listing_id);
  return entry == ListingIndex::kNone ? memory_.refused.contains(store::ChannelMemory::Hash(listing_id))
                                      : memory_.listings.met(entry) != Met::kNot;
}

absl::Status ScanBatch::Check(const ListingPage& page, std::int64_t listings_before) const {
  if (!page.resume_token.empty() &&
      memory_.resume_tokens.contains(store::ChannelMemory::Hash(page.resume_token))) {
    return Contradiction("resume_token", "was used for an earlier page: its list would never end");
  }
  if (memory_.pages_without_news >= kMaxPagesWithoutNews) {
    return Contradiction("listings",
                         absl::StrCat("of the last ", kMaxPagesWithoutNews,
                                      " pages were none, or sent before: its list would never end"));
  }
  if (!page.listing_count) return absl::OkStatus();
  std::int64_t listings = listings_before + listings_sent();
  const auto in_page = static_cast<std::int64_t>(page.listings.size() + page.refused.size());
  if (listings + in_page <= *page.listing_count) return absl::OkStatus();
  for (const Listing& listing : page.listings) listings += !WasMet(listing.listing_id);
  for (const RefusedListing& listing : page.refused) listings += !WasMet(listing.listing_id);
  if (listings <= *page.listing_count) return absl::OkStatus();
  return Contradiction("listing_count",
                       absl::StrCat("is ", *page.listing_count, ", but it sent ", listings, " listings"));
}

void ScanBatch::Take(ListingPage page) {
  ++page_count_;
  listings_ += static_cast<std::int64_t>(page.listings.size());
  if (page.listing_count) listing_count_ = page.listing_count;
  last_page_ = page.resume_token.empty();
  if (!last_page_) {
    const std::uint64_t hash = store::ChannelMemory::Hash(page.resume_token);
    memory_.resume_tokens.insert(hash);
    pages_.resume_token_hashes.push_back(hash);
    pages_.resume_token = std::move(page.resume_token);
  }
  const std::int64_t sent_before = listings_sent();
  for (Listing& listing : page.listings) TakeListing(std::move(listing));
  for (const RefusedListing& refused : page.refused) TakeRefused(refused);
  for (const IncompleteListing& incomplete : page.incomplete) TakeIncomplete(incomplete);
  memory_.pages_without_news = listings_sent() > sent_before ? 0 : memory_.pages_without_news + 1;
}

void ScanBatch::TakeFound(Listing listing) {
  // It may have come with another item already.
  if (!changed_ids_.contains(listing.listing_id)) TakeListing(std::move(listing));
}

void ScanBatch::TakeListing(Listing listing) {
  if (listing.price && listing.price->currency.empty()) listing.price->currency = memory_.currency;
  ListingIndex& index = memory_.listings;
  const store::Fingerprint fingerprint = store::FingerprintOf(listing);
  ListingIndex::Entry entry = index.Find(listing.listing_id);
  const bool created = entry == ListingIndex::kNone;
  if (created) {
    entry = index.Add(listing.listing_id, fingerprint, listing.state);
    if (memory_.refused.erase(store::ChannelMemory::Hash(listing.listing_id)) > 0)
      index.met(entry) = Met::kRefused;
  }
  const bool changed = created || index.fingerprint(entry) != fingerprint;

  Met& met = index.met(entry);
  const bool counted = met == Met::kUnchanged || met == Met::kCounted;
  const bool was_live = counted && index.state(entry) == ListingState::kLive;
  live_seen_ += (listing.state == ListingState::kLive) - was_live;
  if (!counted) {
    if (met == Met::kRefused) --refused_;
    ++seen_;
    ++(created ? created_ : changed ? updated_ : unchanged_);
    met = changed ? Met::kCounted : Met::kUnchanged;
    NoteSeen(entry, listing.listing_id);
  } else if (changed && met == Met::kUnchanged) {
    --unchanged_;
    ++updated_;
    met = Met::kCounted;
  }

  if (!changed) return;
  index.fingerprint(entry) = fingerprint;
  index.state(entry) = listing.state;
  changed_ids_.insert(listing.listing_id);
  bytes_ += BytesOf(listing);
  (created ? changes_.created : changes_.updated).push_back(std::move(listing));
}

void ScanBatch::NoteSeen(ListingIndex::Entry entry, const std::string& listing_id) {
  if (entry == after_seen_ && entry < memory_.listings.loaded()) {
    pages_.seen.back().last = listing_id;
  } else {
    pages_.seen.push_back({listing_id, ""});
  }
  after_seen_ = entry == ListingIndex::kNone ? entry : entry + 1;
}

void ScanBatch::TakeRefused(const RefusedListing& refused) {
  // One that was taken from an earlier page stays as it was taken.
  if (WasMet(refused.listing_id)) return;
  const ListingIndex::Entry entry = memory_.listings.Find(refused.listing_id);
  if (entry == ListingIndex::kNone) {
    memory_.refused.insert(store::ChannelMemory::Hash(refused.listing_id));
  } else {
    memory_.listings.met(entry) = Met::kRefused;  // it is there, so it is not removed
  }
  NoteSeen(entry, refused.listing_id);
  ++refused_;
  items_.push_back(ItemOf(refused.listing_id, refused.item_id, v1::JOB_ITEM_OUTCOME_REFUSED, refused.status));
}

void ScanBatch::TakeIncomplete(const IncompleteListing& incomplete) {
  if (!memory_.incomplete.insert(store::ChannelMemory::Hash(incomplete.listing_id)).second) return;
  ++incomplete_;
  items_.push_back(
      ItemOf(incomplete.listing_id, incomplete.item_id, v1::JOB_ITEM_OUTCOME_INCOMPLETE, incomplete.status));
}

void ScanBatch::Remove(ListingIndex::Entry entry, std::string item_id) {
  v1::JobItem& item = items_.emplace_back();
  item.set_listing_id(std::string(memory_.listings.Id(entry)));
  item.set_item_id(std::move(item_id));
  item.set_outcome(v1::JOB_ITEM_OUTCOME_REMOVED);
  memory_.listings.met(entry) = Met::kCounted;  // dealt with
  changes_.removed.push_back(item.listing_id());
}

void ScanBatch::Remember(store::ChannelMemory& channel, SkuCase sku_case) const {
  for (const auto* listings : {&changes_.created, &changes_.updated}) {
    for (const Listing& listing : *listings) {
      channel.AddItem(listing.item_id);
      channel.AddSkuKey(SkuKey(listing.seller_sku, sku_case));
    }
  }
}

void ScanBatch::AddTo(v1::ScanProgress& progress, std::int64_t& live_seen) const {
  progress.set_pages(progress.pages() + page_count_);
  progress.set_listings_seen(progress.listings_seen() + seen_);
  progress.set_created(progress.created() + created_);
  progress.set_updated(progress.updated() + updated_);
  progress.set_unchanged(progress.unchanged() + unchanged_);
  progress.set_removed(progress.removed() + static_cast<std::int64_t>(changes_.removed.size()));
  progress.set_refused(progress.refused() + refused_);
  progress.set_incomplete(progress.incomplete() + incomplete_);
  if (listing_count_) progress.set_listings_expected(*listing_count_);
  live_seen += live_seen_;
}

}  // namespace skulink
