#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/string_map.h"
#include "server/store/listings.h"
#include "server/store/transfer_plan.h"
#include "server/sync/running_job.h"

namespace skulink {

class DownloadedItems;

// A download or an upload: writes down at its start what is to be done, and then does it piece by piece, with
// how far it is in the transaction of each piece, so that a successor goes on after the last one.
class TransferJob : public RunningJob {
 public:
  using RunningJob::RunningJob;

 protected:
  // Of the request that made the job, once the shop is known: whether it can be done.
  virtual absl::Status Prepare(const std::string& request) = 0;
  virtual store::TransferPlan MakePlan(store::Session& session) = 0;
  using Groups = std::span<const store::TransferGroup>;
  // Deals with the first of these groups, at least one. `following` come after them all; they are there until
  // they are dealt with.
  virtual absl::Status Do(Groups groups, Groups following) = 0;

  // What the store does not know of these items, of all their listings.
  absl::StatusOr<store::ListingChanges> FindChanges(const DownloadedItems& items);
  // Writes that, unless in a dry run, in transactions of its own. Returns the ids of these listings.
  absl::StatusOr<StringSet> TakeChanges(store::ListingChanges changes);

  // Within the transaction that deals with the next groups: writes their items, counts them, and notes that
  // they are done.
  void NoteDone(store::Session& session, store::JobRecord& job, std::size_t groups,
                const std::vector<v1::JobItem>& items, std::int64_t parents_created) const;

 private:
  absl::Status RunPhases() final;
  absl::Status Plan();
  absl::Status ReadParts(std::int64_t number);

  std::int64_t part_number_ = -1;
  store::TransferPart part_, next_part_;
};

// An item of the job's report.
v1::JobItem MakeJobItem(v1::JobItemOutcome outcome, v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED,
                        std::string_view description = "", std::string_view field = "");
// FAILED, with what an InvalidField says.
v1::JobItem MakeJobItem(const absl::Status& invalid_field);

}  // namespace skulink
