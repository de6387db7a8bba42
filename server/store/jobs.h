#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/names.h"
#include "server/store/database.h"
#include "server/store/merchants.h"
#include "skulink/v1/sync_service.pb.h"

namespace skulink::store {

// A job with what its runner needs to know besides.
struct JobRecord {
  std::int64_t merchant_number = 0;
  std::string merchant_id;
  std::string job_id;
  int channel_number = 0;
  std::string channel_id;
  std::string endpoint;
  v1::Job job;
  std::string owner;  // the server that runs it; empty: none
  bool cancel_requested = false;
  // Of a FULL scan: live listings before it, and seen by it so far.
  std::int64_t live_before = 0, live_seen = 0;
  bool read_all = false;   // the last page is written
  bool confirmed = false;  // may remove whatever it did not see
  std::int64_t items = 0;  // rows in job_item
};

// CHANNEL_BUSY while the channel has a queued or running job; one that needs confirmation is ended as
// CANCELLED. REQUEST_ID_REUSED when `request_id` (may be empty) was used for another channel or mode; the
// same job when for the same.
absl::StatusOr<v1::Job> CreateScanJob(Database& database, const ChannelName& channel, v1::ScanMode mode,
                                      std::string_view request_id);
absl::StatusOr<JobRecord> ReadJob(Database& database, const JobName& name);
// The newest first, those before `before_job_id`. Empty `channel_id`: of all channels.
absl::StatusOr<std::vector<v1::Job>> ListJobs(Database& database, std::string_view merchant_id,
                                              std::string_view channel_id, std::string_view before_job_id,
                                              int limit);
// A queued job, or one that needs confirmation, ends as CANCELLED at once; a running one is asked to stop.
// Nothing for one that is CANCELLED; JOB_STATE for one that ended otherwise.
absl::StatusOr<v1::Job> RequestCancel(Database& database, const JobName& name);
// JOB_STATE unless the job needs confirmation.
absl::StatusOr<v1::Job> Confirm(Database& database, const JobName& name);

// Makes `owner` the owner of the oldest job that waits for one or whose owner's lease ran out, and its state
// RUNNING.
absl::StatusOr<std::optional<JobRecord>> ClaimJob(Database& database, const std::string& owner,
                                                  absl::Duration lease);
// Keeps the leases of `owner`, and tells which of its jobs are asked to stop.
absl::StatusOr<std::vector<JobName>> RenewLeases(Database& database, const std::string& owner,
                                                 absl::Duration lease);
// Gives back one job, so that it can be claimed at once.
absl::Status ReleaseJob(Database& database, const JobRecord& job);
// For a store with one server, at its start: gives back all jobs, and all turns at rekeying.
absl::Status ReleaseAllLeases(Database& database);

// Within a transaction that holds the merchant's lock: makes sure that `job.owner` still is the owner (throws
// Refused ABORTED otherwise: a server that fell silent and came back must not write) and reads
// cancel_requested. True when the row is as `job` was saved last; false when a later SaveJob of this owner is
// there already: its COMMIT was not answered, but done.
bool FenceJob(Session& session, JobRecord& job);
// Writes the job's row from `job`, with the next revision. Ended jobs lose their owner, and their channel
// becomes free.
void SaveJob(Session& session, JobRecord& job);

// What a scan wrote of its pages, for a successor.
struct ScanPages {
  // A listing, or, with `last`, all that the scan found in the store from `first` to there: most Seller
  // Centers list in an order that makes few runs of millions.
  struct SeenListings {
    std::string first, last;
  };
  // ChannelMemory::Hash of all resume tokens, and the last one, which is where to go on.
  std::vector<std::uint64_t> resume_token_hashes;
  std::string resume_token;
  std::vector<SeenListings> seen;  // of these pages
};

// Once in a transaction, before SaveJob.
void SaveScanPages(Session& session, const JobRecord& job, const ScanPages& pages);
absl::StatusOr<ScanPages> ReadScanPages(Database& database, const JobRecord& job);
// Of all jobs of the channel that have ended, in transactions of bounded size.
absl::Status RemoveOldScanPages(Database& database, const JobRecord& job);

// Appends to the job's items while there are fewer than 10,000.
void SaveJobItems(Session& session, JobRecord& job, const std::vector<v1::JobItem>& items);
// Those with a number above `after`; `numbers` gets theirs.
absl::StatusOr<std::vector<v1::JobItem>> ListJobItems(Database& database, const JobName& name,
                                                      std::int64_t after, int limit,
                                                      std::vector<std::int64_t>& numbers);

// Of the channel's counts: for a job's progress, and what a scan leaves there.
void FillChannelProgress(Session& session, const JobRecord& job, v1::ScanProgress& progress);
void BeginFullScan(Session& session, const JobRecord& job);
void EndFullScan(Session& session, const JobRecord& job);

}  // namespace skulink::store
