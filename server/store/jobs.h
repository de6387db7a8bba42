#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/names.h"
#include "server/store/channel_traffic.h"
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
  bool read_all = false;                 // the last page is written
  bool confirmed = false;                // may remove whatever it did not see
  std::int64_t items = 0;                // rows in job_item
  std::string position;                  // how far a job is, in the words of its runner
  std::optional<std::int64_t> begun_at;  // of a scan: microseconds by the Seller Center's clock
};

// What a new job is to do.
struct JobRequest {
  ChannelName channel;
  v1::JobKind kind = v1::JOB_KIND_SCAN;
  v1::ScanMode scan_mode = v1::SCAN_MODE_UNSPECIFIED;  // of a scan
  bool validate_only = false;
  std::string request_id;  // may be empty
  std::string request;     // serialized, without its request_id
};

// No job that was made at that time (microseconds) or later has an id that sorts before it.
std::string FirstJobIdOf(std::int64_t micros);

// CHANNEL_BUSY while the channel has a queued or running job, or one that needs confirmation, unless this is
// a FULL scan: then that one is ended as CANCELLED. REQUEST_ID_REUSED when the request_id was used for
// another request; the same job when for the same. `check` may look at the store within the transaction, and
// throws to refuse the job.
using JobCheck = std::function<void(Session&, const Merchant&, int channel_number)>;
absl::StatusOr<v1::Job> CreateJob(Database& database, const JobRequest& request,
                                  const JobCheck& check = nullptr);
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

// The request that made the job, serialized, without its request_id.
absl::StatusOr<std::string> ReadJobRequest(Database& database, const JobRecord& job);

// Makes `owner` the owner of the oldest job that waits for one or whose owner's lease ran out, on a channel
// whose traffic `server` has or nobody has, and its state RUNNING. The traffic goes to `server`.
struct ClaimedJob {
  JobRecord job;
  ChannelTraffic traffic;
};
absl::StatusOr<std::optional<ClaimedJob>> ClaimJob(Database& database, const std::string& server,
                                                   const std::string& owner, absl::Duration lease);
// Keeps the leases of `owner`, and tells which of its jobs are asked to stop.
absl::StatusOr<std::vector<JobName>> RenewLeases(Database& database, const std::string& owner,
                                                 absl::Duration lease);
// Gives back one job, so that it can be claimed at once.
absl::Status ReleaseJob(Database& database, const JobRecord& job);
// For a store with one server, at its start: gives back all jobs, all channels' traffic, and all turns at
// rekeying.
absl::Status ReleaseAllLeases(Database& database);

// Within a transaction that holds the merchant's lock: makes sure that `job.owner` still is the owner (throws
// Refused ABORTED otherwise: a server that fell silent and came back must not write) and reads
// cancel_requested. True when the row is as `job` was saved last; false when a later SaveJob of this owner is
// there already: its COMMIT was not answered, but done.
bool FenceJob(Session& session, JobRecord& job);
// Writes the job's row from `job`, with the next revision. Ended jobs lose their owner and what was kept for
// a successor, and their channel becomes free.
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

// Appends to the job's items; of a scan while there are fewer than 10,000.
void SaveJobItems(Session& session, JobRecord& job, const std::vector<v1::JobItem>& items);
// Those with a number above `after`; `numbers` gets theirs.
absl::StatusOr<std::vector<v1::JobItem>> ListJobItems(Database& database, const JobName& name,
                                                      std::int64_t after, int limit,
                                                      std::vector<std::int64_t>& numbers);

// Since when, by the Seller Center's clock, the channel's changes are not known; absent: it was never read in
// full.
std::optional<absl::Time> KnownUntil(Session& session, std::int64_t merchant_number, int channel_number);

// Of the channel's counts: for a job's progress, and what a scan leaves there.
void FillChannelProgress(Session& session, const JobRecord& job, v1::ScanProgress& progress);
void NoteIncomplete(Session& session, const JobRecord& job);  // not all listings are known, for now
void EndFullScan(Session& session, const JobRecord& job);
void EndQuickScan(Session& session, const JobRecord& job);

}  // namespace skulink::store
