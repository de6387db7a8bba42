#include "server/store/old_jobs.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

constexpr int kRemovedAtOnce = 5000;
// More are removed after the next job.
constexpr int kMostTransactions = 100;
constexpr absl::Duration kKept = absl::Hours(24 * 30);

}  // namespace

void DeleteSomeOfJobs(Session& session, std::int64_t merchant_number,
                      const std::vector<std::string>& job_ids) {
  for (const char* table :
       {"scan_page", "transfer_part", "planned_variant", "job_item", "job_request", "job"}) {
    const std::int64_t deleted = session.Execute(
        absl::StrCat("DELETE FROM ", table, " WHERE merchant_no = ? AND job_id IN (?) LIMIT ?"),
        {merchant_number, job_ids, kRemovedAtOnce});
    if (deleted > 0) return;
  }
}

absl::Status RemoveOldJobs(Database& database, const JobRecord& job) {
  for (int i = 0; i < kMostTransactions; ++i) {
    const absl::StatusOr<bool> more = database.Transact([&](Session& session) {
      std::vector<std::string> old;
      const std::int64_t before = Now() - absl::ToInt64Microseconds(kKept);
      session.Query(
          "SELECT job_id FROM job FORCE INDEX (by_channel) WHERE merchant_no = ? AND channel_no = ? AND "
          "job_id < ? AND active_channel_no IS NULL AND end_time < ? ORDER BY job_id LIMIT 1",
          {job.merchant_number, job.channel_number, FirstJobIdOf(before), before},
          [&](const Row& row) { old.push_back(row.String(0)); });
      if (!old.empty()) DeleteSomeOfJobs(session, job.merchant_number, old);
      return !old.empty();
    });
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
