#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/database.h"
#include "server/store/jobs.h"
#include "server/sync/known_listings.h"
#include "server/sync/page_reader.h"
#include "server/sync/scan_batch.h"

namespace skulink {

// Listings a second over the last seconds.
class ScanRate {
 public:
  void Note(absl::Time now, std::int64_t listings);
  double per_second() const { return per_second_; }

 private:
  std::optional<absl::Time> since_;
  std::int64_t counted_ = 0;
  double per_second_ = 0;
};

// One FULL scan, from where it stands to its end (design rule 6): reads the channel's listings page by page,
// writes what changed, and removes what a complete scan did not see and the Seller Center, asked again, no
// longer has.
class Scan {
 public:
  // `job` was claimed. `publish` is called with each state of the job once it is written.
  Scan(store::Database& database, store::JobRecord job, absl::Duration seller_center_timeout,
       std::function<void(const v1::Job&)> publish);

  // Returns when the job has ended, needs confirmation, or belongs to another server; or soon after
  // `server_stop`, leaving the job to a successor.
  void Run(std::stop_token server_stop);
  // Somebody asked to cancel the job; from any thread.
  void Cancel() { cancel_.request_stop(); }

 private:
  absl::Status RunPhases();
  absl::Status Connect();
  absl::Status Prepare();
  // What a server before this one read.
  absl::Status ReadWhatWasSeen();
  absl::Status ReadListings();
  // Pages for one transaction; `page` is one that was read and did not fit into the batch before. An error
  // when the next page makes no sense; those that the batch has are sound.
  absl::Status Gather(PageReader& reader, std::optional<ListingPage>& page, std::int64_t listings_before,
                      ScanBatch& batch);
  std::optional<store::PreparedChanges> PrepareChanges(const ScanBatch& batch);
  // Asks the Seller Center for the items of listings that the pages did not have: takes those it finds.
  enum class IfNotFound { kKeep, kRemove };
  absl::Status LookUpUnseen(IfNotFound if_not_found);
  absl::Status LookUpChunk(std::span<const ListingIndex::Entry> unseen, IfNotFound if_not_found);
  void End(const absl::Status& status);

  // Why removing needs somebody's word; nullopt when it does not.
  std::optional<v1::Confirmation> Doubt();
  std::vector<ListingIndex::Entry> Unseen();

  // GetItems, tried again after errors that may pass.
  absl::StatusOr<FoundItems> LookUp(const std::vector<std::string>& item_ids);
  // Writes the batch and the job's progress in one transaction.
  // `prepared` may be null. `before` is the write of the batch before, which ends first; it may be none.
  absl::Status Write(const ScanBatch& batch, const store::PreparedChanges* prepared,
                     const std::shared_future<absl::Status>& before);
  // Writes the job as `change` makes it, and what else `change` writes, in one transaction that holds the
  // merchant's lock. `before_lock` is called in it first.
  using Change = std::function<void(store::Session&, const store::Merchant&, store::JobRecord&)>;
  absl::Status Save(const Change& change, const std::function<void(store::Session&)>& before_lock = nullptr);
  absl::Status SetPhase(v1::ScanPhase phase);
  // Runs `attempt` until it does not fail for a database that is away, or the server stops or the job is
  // cancelled.
  absl::Status WhileStoreIsAway(const std::function<absl::Status()>& attempt);
  void Estimate(v1::ScanProgress& progress) const;
  bool stopped() const { return stop_.stop_requested(); }

  store::Database& database_;
  const std::string merchant_id_;
  const int channel_number_;
  store::JobRecord job_;  // as it was written last; while listings are read, of the thread that writes
  const absl::Duration timeout_;
  const std::function<void(const v1::Job&)> publish_;

  std::stop_token server_stop_;
  std::stop_source cancel_;  // the job is cancelled
  std::stop_source stop_;    // either of them
  bool ending_ = false;      // what is left is to write how the job ended, cancelled or not
  std::unique_ptr<SellerCenter> seller_center_;
  ShopDescription shop_;
  std::unique_ptr<KnownListings> known_;
  std::optional<ScanMemory> memory_;
  std::optional<SkuCase> memory_case_;  // of the keys in memory_; nullopt once the merchant's has changed
  std::string resume_token_;
  ScanRate rate_;
};

}  // namespace skulink
