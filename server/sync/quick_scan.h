#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/sync/running_job.h"
#include "server/sync/scan_batch.h"
#include "server/sync/scan_rate.h"

namespace skulink {

// An UPDATED or an ITEM scan (design rule 6), from where it stands to its end: takes what the Seller Center
// says of some listings, which may be that they are deleted, and removes nothing for not being there.
class QuickScan final : public RunningJob {
 public:
  using RunningJob::RunningJob;

 private:
  absl::Status RunPhases() override;
  void NoteEnd(store::Session& session, store::JobRecord& job) override;
  absl::Status Prepare();
  // What a server before this one saw: it counts once. Where to go on, too.
  absl::StatusOr<store::ScanPages> RecallPages();
  // UPDATED: pages of what changed since the last scan.
  absl::Status ReadPages();
  // ITEM: the items asked for.
  absl::Status ReadItems();
  // Each once.
  absl::StatusOr<std::vector<std::string>> ReadItemIds();
  // UPDATED: how many listings were sent. ITEM: how many items are done.
  std::int64_t Position() const;
  // Remembers what the store has of listings that come.
  absl::Status Recall(const std::vector<std::string_view>& listing_ids);
  // Writes the batch and the job's progress, and what `change` changes of the job, in one transaction.
  absl::Status Write(const ScanBatch& batch, const std::vector<v1::JobItem>& more_items,
                     const std::function<void(store::JobRecord&)>& change);

  ScanMemory memory_{[] { return nullptr; }};  // of the listings that came
  std::size_t push_kinds_ = 0;                 // sent to each listing
  ScanRate rate_;
};

}  // namespace skulink
