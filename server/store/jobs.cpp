#include "server/store/jobs.h"

#include <algorithm>
#include <cstring>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/store/channels.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

constexpr char kColumns[] =
    "j.merchant_no, m.merchant_id, j.job_id, j.channel_no, c.channel_id, j.state, j.scan_mode, j.revision, "
    "j.cancel_requested, j.owner, j.live_before, j.live_seen, j.read_all, j.confirmed, j.items, j.progress, "
    "j.error, "
    "j.confirmation, j.create_time, j.start_time, j.end_time, c.endpoint, j.kind, j.validate_only, "
    "j.position, j.transfer, j.begun_at ";
constexpr char kFrom[] =
    "FROM merchant m JOIN job j ON j.merchant_no = m.merchant_no "
    "JOIN channel c ON c.merchant_no = j.merchant_no AND c.channel_no = j.channel_no ";
// Few jobs, of all merchants.
constexpr char kFromState[] =
    "FROM job j FORCE INDEX (by_state) STRAIGHT_JOIN merchant m ON m.merchant_no = j.merchant_no "
    "STRAIGHT_JOIN "
    "channel c ON c.merchant_no = j.merchant_no AND c.channel_no = j.channel_no ";

void SetTime(google::protobuf::Timestamp* timestamp, std::int64_t micros) {
  timestamp->set_seconds(micros / 1'000'000);
  timestamp->set_nanos(static_cast<std::int32_t>(micros % 1'000'000 * 1000));
}

void Parse(const Row& row, int column, google::protobuf::MessageLite* message) {
  const std::string_view bytes = row.Text(column);
  message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

JobRecord FromRow(const Row& row) {
  JobRecord record{.merchant_number = row.Int(0),
                   .merchant_id = row.String(1),
                   .job_id = row.String(2),
                   .channel_number = static_cast<int>(row.Int(3)),
                   .channel_id = row.String(4),
                   .endpoint = row.String(21),
                   .owner = row.String(9),
                   .cancel_requested = row.Int(8) != 0,
                   .live_before = row.Int(10),
                   .live_seen = row.Int(11),
                   .read_all = row.Int(12) != 0,
                   .confirmed = row.Int(13) != 0,
                   .items = row.Int(14),
                   .position = row.String(24),
                   .begun_at = row.OptionalInt(26)};
  v1::Job& job = record.job;
  job.set_name(ToString(JobName{record.merchant_id, record.job_id}));
  job.set_channel(ToString(ChannelName{record.merchant_id, record.channel_id}));
  job.set_state(static_cast<v1::JobState>(row.Int(5)));
  job.set_scan_mode(static_cast<v1::ScanMode>(row.Int(6)));
  job.set_revision(row.Int(7));
  job.set_kind(static_cast<v1::JobKind>(row.Int(22)));
  job.set_validate_only(row.Int(23) != 0);
  if (!row.IsNull(25)) Parse(row, 25, job.mutable_transfer());
  Parse(row, 15, job.mutable_progress());
  if (!row.IsNull(16)) Parse(row, 16, job.mutable_error());
  if (!row.IsNull(17)) Parse(row, 17, job.mutable_confirmation());
  SetTime(job.mutable_create_time(), row.Int(18));
  if (!row.IsNull(19)) SetTime(job.mutable_start_time(), row.Int(19));
  if (!row.IsNull(20)) SetTime(job.mutable_end_time(), row.Int(20));
  return record;
}

std::optional<JobRecord> Find(Session& session, std::string_view merchant_id, std::string_view job_id) {
  std::optional<JobRecord> found;
  session.Query(absl::StrCat("SELECT ", kColumns, kFrom, "WHERE m.merchant_id = ? AND j.job_id = ?"),
                {merchant_id, job_id}, [&](const Row& row) { found = FromRow(row); });
  return found;
}

JobRecord Require(Session& session, const JobName& name) {
  std::optional<JobRecord> job = Find(session, name.merchant, name.job);
  if (!job) throw Refused(NotFound(ToString(name)));
  return *std::move(job);
}

constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";

// Ids sort by time: milliseconds in base 32, then 80 random bits.
std::string NewJobId() {
  std::string id = FirstJobIdOf(Now());
  absl::BitGen random;
  for (int i = 10; i < 26; ++i) id[i] = kDigits[absl::Uniform(random, 0, 32)];
  return id;
}

bool Ended(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

void EndAsCancelled(Session& session, JobRecord& job) {
  job.job.set_state(v1::JOB_STATE_CANCELLED);
  if (job.job.kind() == v1::JOB_KIND_SCAN) job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_ENDED);
  SaveJob(session, job);
}

// `needs confirmation` for JOB_STATE_NEEDS_CONFIRMATION.
std::string StateName(v1::JobState state) {
  std::string name = absl::AsciiStrToLower(v1::JobState_Name(state).substr(std::strlen("JOB_STATE_")));
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

absl::Status WrongState(const JobRecord& job, std::string_view needed) {
  return Error(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_JOB_STATE,
      absl::StrCat(job.job.name(), " is ", StateName(job.job.state()), "; it must be ", std::string(needed)),
      {{"job", job.job.name()}, {"state", v1::JobState_Name(job.job.state())}});
}

std::string FindRequest(Session& session, std::int64_t merchant_number, std::string_view job_id) {
  std::string request;
  session.Query("SELECT request FROM job_request WHERE merchant_no = ? AND job_id = ?",
                {merchant_number, job_id}, [&](const Row& row) { request = row.String(0); });
  return request;
}

// The job that an earlier call with the same request_id made.
std::optional<v1::Job> FindRepeated(Session& session, const Merchant& merchant, const JobRequest& request) {
  if (request.request_id.empty()) return std::nullopt;
  std::optional<JobRecord> before;
  session.Query(absl::StrCat("SELECT ", kColumns, kFrom, "WHERE j.merchant_no = ? AND j.request_id = ?"),
                {merchant.number, request.request_id}, [&](const Row& row) { before = FromRow(row); });
  if (!before) return std::nullopt;
  if (before->job.kind() != request.kind ||
      FindRequest(session, merchant.number, before->job_id) != request.request) {
    throw Refused(
        InvalidField("request_id", v1::ERROR_REASON_REQUEST_ID_REUSED, "was used for another request"));
  }
  return before->job;
}

bool IsFullScan(const JobRequest& request) {
  return request.kind == v1::JOB_KIND_SCAN && request.scan_mode != v1::SCAN_MODE_UPDATED &&
         request.scan_mode != v1::SCAN_MODE_ITEM;
}

// Refuses when the channel has a job that is not over. A FULL scan takes the place of one that waits for
// confirmation: it finds out anew what is there.
void MakeWay(Session& session, const Merchant& merchant, const JobRequest& request, int channel_number) {
  std::optional<JobRecord> active;
  session.Query(
      absl::StrCat("SELECT ", kColumns, kFrom, "WHERE j.merchant_no = ? AND j.active_channel_no = ?"),
      {merchant.number, channel_number}, [&](const Row& row) { active = FromRow(row); });
  if (!active) return;
  const bool waits = active->job.state() == v1::JOB_STATE_NEEDS_CONFIRMATION;
  if (!waits || !IsFullScan(request)) {
    throw Refused(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CHANNEL_BUSY,
                        absl::StrCat(ToString(request.channel),
                                     waits ? " has a scan that needs confirmation: " : " has a running job: ",
                                     active->job.name()),
                        {{"job", active->job.name()}}));
  }
  EndAsCancelled(session, *active);
}

}  // namespace

std::string FirstJobIdOf(std::int64_t micros) {
  std::string id(26, '0');
  std::int64_t millis = micros / 1000;
  for (int i = 9; i >= 0; --i, millis >>= 5) id[i] = kDigits[millis & 31];
  return id;
}

absl::StatusOr<v1::Job> CreateJob(Database& database, const JobRequest& request, const JobCheck& check) {
  return database.Transact([&](Session& session) {
    const ChannelName& channel = request.channel;
    const Merchant merchant = LockMerchant(session, channel.merchant);
    std::optional<std::int64_t> channel_number;
    bool removing = false;
    session.Query("SELECT channel_no, removing FROM channel WHERE merchant_no = ? AND channel_id = ?",
                  {merchant.number, channel.channel}, [&](const Row& row) {
                    channel_number = row.Int(0);
                    removing = row.Int(1) != 0;
                  });
    if (!channel_number) throw Refused(NotFound(ToString(channel)));
    if (removing) throw Refused(ChannelRemoved(channel.merchant, channel.channel));
    if (std::optional<v1::Job> before = FindRepeated(session, merchant, request)) return *before;
    const auto number = static_cast<int>(*channel_number);
    if (request.scan_mode == v1::SCAN_MODE_UPDATED && !KnownUntil(session, merchant.number, number)) {
      throw Refused(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_FULL_SCAN_NEEDED,
                          ToString(channel) +
                              " was not scanned in full yet, or its Seller Center cannot tell what changed "
                              "since: scan it in full"));
    }
    if (check) check(session, merchant, number);
    MakeWay(session, merchant, request, number);

    const std::string id = NewJobId();
    const std::optional<std::string_view> request_id =
        request.request_id.empty() ? std::nullopt : std::optional<std::string_view>(request.request_id);
    session.Execute(
        "INSERT INTO job (merchant_no, job_id, channel_no, active_channel_no, request_id, state, kind, "
        "scan_mode, validate_only, revision, progress, create_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, "
        "'', ?)",
        {merchant.number, id, *channel_number, *channel_number, request_id,
         static_cast<int>(v1::JOB_STATE_QUEUED), static_cast<int>(request.kind),
         static_cast<int>(request.scan_mode), request.validate_only, Now()});
    session.Execute("INSERT INTO job_request (merchant_no, job_id, request) VALUES (?, ?, ?)",
                    {merchant.number, id, Blob{request.request}});
    return Require(session, {channel.merchant, id}).job;
  });
}

absl::StatusOr<std::string> ReadJobRequest(Database& database, const JobRecord& job) {
  return database.Read(
      [&](Session& session) { return FindRequest(session, job.merchant_number, job.job_id); });
}

absl::StatusOr<JobRecord> ReadJob(Database& database, const JobName& name) {
  return database.Read([&](Session& session) { return Require(session, name); });
}

absl::StatusOr<std::vector<v1::Job>> ListJobs(Database& database, std::string_view merchant_id,
                                              std::string_view channel_id, std::string_view before_job_id,
                                              int limit) {
  return database.Read([&](Session& session) {
    std::vector<v1::Job> jobs;
    const std::string_view before = before_job_id.empty() ? "~" : before_job_id;  // later than every id
    session.Query(absl::StrCat("SELECT ", kColumns, kFrom,
                               "WHERE m.merchant_id = ? AND j.job_id < ? AND (? = '' OR c.channel_id = ?) "
                               "ORDER BY j.job_id DESC LIMIT ?"),
                  {merchant_id, before, channel_id, channel_id, limit},
                  [&](const Row& row) { jobs.push_back(FromRow(row).job); });
    if (jobs.empty()) {
      const Merchant merchant = RequireMerchant(session, merchant_id);
      std::int64_t channels = channel_id.empty() ? 1 : 0;
      session.Query("SELECT COUNT(*) FROM channel WHERE merchant_no = ? AND channel_id = ?",
                    {merchant.number, channel_id}, [&](const Row& row) { channels += row.Int(0); });
      if (channels == 0) throw Refused(NotFound(ToString(ChannelName{merchant.id, std::string(channel_id)})));
    }
    return jobs;
  });
}

// Updates of a job say which index to use: where the table is small the optimizer takes another one and locks
// its entry before the row. A renewed lease and the scan that has locked the row then wait for each other,
// and the lease is lost.

absl::StatusOr<v1::Job> RequestCancel(Database& database, const JobName& name) {
  return database.Transact([&](Session& session) {
    LockMerchant(session, name.merchant, /*also_rekeying=*/true);
    JobRecord job = Require(session, name);
    switch (job.job.state()) {
      case v1::JOB_STATE_CANCELLED:
        break;
      case v1::JOB_STATE_RUNNING:
        session.Execute(
            "UPDATE job FORCE INDEX (PRIMARY) SET cancel_requested = 1 WHERE merchant_no = ? AND job_id = ?",
            {job.merchant_number, job.job_id});
        break;
      case v1::JOB_STATE_QUEUED:
      case v1::JOB_STATE_NEEDS_CONFIRMATION:
        EndAsCancelled(session, job);
        break;
      default:
        throw Refused(WrongState(job, "queued, running or in need of confirmation to be cancelled"));
    }
    return job.job;
  });
}

absl::StatusOr<v1::Job> Confirm(Database& database, const JobName& name) {
  return database.Transact([&](Session& session) {
    LockMerchant(session, name.merchant);
    JobRecord job = Require(session, name);
    if (job.job.state() != v1::JOB_STATE_NEEDS_CONFIRMATION) {
      throw Refused(WrongState(job, "in need of confirmation to be confirmed"));
    }
    job.job.set_state(v1::JOB_STATE_RUNNING);
    job.job.mutable_progress()->set_phase(v1::SCAN_PHASE_REMOVING);
    job.confirmed = true;
    job.owner.clear();
    SaveJob(session, job);
    return job.job;
  });
}

absl::StatusOr<std::optional<ClaimedJob>> ClaimJob(Database& database, const std::string& server,
                                                   const std::string& owner, absl::Duration lease) {
  return database.Transact([&](Session& session) {
    std::optional<ClaimedJob> claimed;
    std::optional<JobRecord> job;
    session.Query(
        absl::StrCat("SELECT ", kColumns, kFromState,
                     "LEFT JOIN channel_traffic t ON t.merchant_no = j.merchant_no AND t.channel_no = "
                     "j.channel_no WHERE j.state IN (1, 2) AND j.lease_until < ",
                     kDatabaseNow,
                     " AND m.rekeying = 0 AND (t.owner IS NULL OR t.owner = ? OR t.lease_until < ",
                     kDatabaseNow, ") ORDER BY j.create_time LIMIT 1"),
        {server}, [&](const Row& row) { job = FromRow(row); });
    if (!job) return claimed;
    const std::int64_t taken = session.Execute(
        absl::StrCat("UPDATE job FORCE INDEX (PRIMARY) SET owner = ?, lease_until = ", kDatabaseNow,
                     " + ?, state = 2, start_time = COALESCE(start_time, ?), revision = revision + 1 "
                     "WHERE merchant_no = ? AND job_id = ? AND state IN (1, 2) AND lease_until < ",
                     kDatabaseNow),
        {owner, absl::ToInt64Microseconds(lease), Now(), job->merchant_number, job->job_id});
    if (taken == 0) return claimed;  // another server was quicker
    std::optional<ChannelTraffic> traffic =
        TakeTrafficOf(session, job->merchant_number, job->channel_number, server, lease);
    // Another server took the channel meanwhile, for something to be sent: it takes the job, too.
    if (!traffic) throw Stale();
    job = Find(session, job->merchant_id, job->job_id);
    if (job) claimed = ClaimedJob{*std::move(job), *std::move(traffic)};
    return claimed;
  });
}

absl::StatusOr<std::vector<JobName>> RenewLeases(Database& database, const std::string& owner,
                                                 absl::Duration lease) {
  return database.Read([&](Session& session) {
    std::vector<JobRecord> jobs;
    session.Query(absl::StrCat("SELECT ", kColumns, kFromState, "WHERE j.state = 2 AND j.owner = ?"), {owner},
                  [&](const Row& row) { jobs.push_back(FromRow(row)); });
    std::vector<JobName> to_cancel;
    for (const JobRecord& job : jobs) {
      session.Execute(absl::StrCat("UPDATE job FORCE INDEX (PRIMARY) SET lease_until = ", kDatabaseNow,
                                   " + ? WHERE merchant_no = ? AND job_id = ? AND owner = ? AND state = 2"),
                      {absl::ToInt64Microseconds(lease), job.merchant_number, job.job_id, owner});
      if (job.cancel_requested) to_cancel.push_back({job.merchant_id, job.job_id});
    }
    return to_cancel;
  });
}

absl::Status ReleaseJob(Database& database, const JobRecord& job) {
  return database.Transact([&](Session& session) {
    session.Execute(
        "UPDATE job FORCE INDEX (PRIMARY) SET owner = '', lease_until = 0 WHERE merchant_no = ? AND job_id = "
        "? AND owner = ?",
        {job.merchant_number, job.job_id, job.owner});
  });
}

absl::Status ReleaseAllLeases(Database& database) {
  return database.Transact([&](Session& session) {
    session.Execute("UPDATE merchant SET rekeying_until = 0 WHERE rekeying <> 0");
    session.Execute(
        "UPDATE job FORCE INDEX (by_state) SET owner = '', lease_until = 0 WHERE state IN (1, 2)");
    session.Execute("UPDATE channel_traffic SET owner = '', lease_until = 0");
  });
}

bool FenceJob(Session& session, JobRecord& job) {
  std::optional<std::int64_t> revision;
  bool ended_by_us = false;
  session.Query(
      "SELECT cancel_requested, revision, owner = ? AND state = 2, owner = '' FROM job "
      "WHERE merchant_no = ? AND job_id = ? FOR UPDATE",
      {job.owner, job.merchant_number, job.job_id}, [&](const Row& row) {
        job.cancel_requested = row.Int(0) != 0;
        if (row.Int(2) != 0) revision = row.Int(1);
        ended_by_us = row.Int(3) != 0 && row.Int(1) == job.job.revision() + 1;
      });
  if (ended_by_us) return false;
  if (!revision) throw Refused(absl::AbortedError("another server runs the job"));
  return *revision == job.job.revision();
}

void SaveJob(Session& session, JobRecord& job) {
  v1::Job& now = job.job;
  std::optional<std::int64_t> end_time, active = job.channel_number;
  if (Ended(now.state())) {
    end_time = Now();
    SetTime(now.mutable_end_time(), *end_time);
    active.reset();
    session.Execute("DELETE FROM transfer_part WHERE merchant_no = ? AND job_id = ?",
                    {job.merchant_number, job.job_id});
  }
  const bool has_owner = now.state() == v1::JOB_STATE_RUNNING && !job.owner.empty();
  const std::string progress = now.progress().SerializeAsString();
  const std::string error = now.error().SerializeAsString(),
                    confirmation = now.confirmation().SerializeAsString(),
                    transfer = now.transfer().SerializeAsString();
  session.Execute(
      "UPDATE job FORCE INDEX (PRIMARY) SET state = ?, active_channel_no = ?, revision = revision + 1, owner "
      "= ?, "
      "lease_until = IF(?, lease_until, 0), live_before = ?, live_seen = ?, read_all = ?, confirmed = ?, "
      "items = ?, "
      "progress = ?, error = ?, confirmation = ?, end_time = ?, position = ?, transfer = ?, begun_at = ? "
      "WHERE merchant_no = ? AND job_id = ?",
      {static_cast<int>(now.state()), active, has_owner ? job.owner : std::string(), has_owner,
       job.live_before, job.live_seen, job.read_all, job.confirmed, job.items, Blob{progress},
       now.has_error() ? Value(Blob{error}) : Value(std::nullopt),
       now.has_confirmation() ? Value(Blob{confirmation}) : Value(std::nullopt), end_time, Blob{job.position},
       now.has_transfer() ? Value(Blob{transfer}) : Value(std::nullopt), job.begun_at, job.merchant_number,
       job.job_id});
  session.Query("SELECT revision FROM job WHERE merchant_no = ? AND job_id = ?",
                {job.merchant_number, job.job_id}, [&](const Row& row) { now.set_revision(row.Int(0)); });
}

}  // namespace skulink::store
