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
#include "server/sync/running_job.h"
#include "server/sync/scan_batch.h"
#include "server/sync/scan_rate.h"

namespace skulink {

// One FULL scan, from where it stands to its end (design rule 6): reads the channel's listings page by page,
// writes what changed, and removes what a complete scan did not see and the Seller Center, asked again, no
// longer has.
class Scan final : public RunningJob {
 public:
  using RunningJob::RunningJob;

 private:
  absl::Status RunPhases() override;
  void Forget() override;
  void NoteEnd(store::Session& session, store::JobRecord& job) override;
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

  // Why removing needs somebody's word; nullopt when it does not.
  std::optional<v1::Confirmation> Doubt();
  std::vector<ListingIndex::Entry> Unseen();

  // Writes the batch and the job's progress in one transaction.
  // `prepared` may be null. `before` is the write of the batch before, which ends first; it may be none.
  absl::Status Write(const ScanBatch& batch, const store::PreparedChanges* prepared,
                     const std::shared_future<absl::Status>& before);
  // Save, with how the channel stands now.
  absl::Status SaveProgress(const Change& change,
                            const std::function<void(store::Session&)>& before_lock = nullptr);
  absl::Status SetPhase(v1::ScanPhase phase);

  std::unique_ptr<KnownListings> known_;
  std::optional<ScanMemory> memory_;
  std::optional<SkuCase> memory_case_;  // of the keys in memory_; nullopt once the merchant's has changed
  std::size_t push_kinds_ = 0;          // sent to each listing; of the thread that reads
  std::string resume_token_;
  ScanRate rate_;
};

}  // namespace skulink
