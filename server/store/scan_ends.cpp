// What a scan leaves in the counts of its channel: how far what is stored is what the Seller Center has.
#include <cstdint>
#include <optional>

#include "server/store/jobs.h"
#include "server/store/times.h"

namespace skulink::store {

void FillChannelProgress(Session& session, const JobRecord& job, v1::ScanProgress& progress) {
  session.Query(
      "SELECT live, sold_variants, not_in_pos FROM channel_count WHERE merchant_no = ? AND channel_no = ?",
      {job.merchant_number, job.channel_number}, [&](const Row& row) {
        progress.set_live(row.Int(0));
        progress.set_sold_in_channel(row.Int(1));
        progress.set_not_in_pos(row.Int(2));
      });
}

void NoteIncomplete(Session& session, const JobRecord& job) {
  session.Execute("UPDATE channel_count SET complete = 0 WHERE merchant_no = ? AND channel_no = ?",
                  {job.merchant_number, job.channel_number});
}

void EndFullScan(Session& session, const JobRecord& job) {
  // Listings that were refused are not known, nor are those after an early end, whoever confirms it.
  const bool complete = job.job.progress().refused() == 0 &&
                        job.job.confirmation().reason() != v1::CONFIRMATION_REASON_ENDED_EARLY;
  session.Execute(
      "UPDATE channel_count SET complete = ?, last_scan_time = ?, known_until = ? WHERE merchant_no = ? AND "
      "channel_no = ?",
      {complete, Now(), job.begun_at, job.merchant_number, job.channel_number});
}

void EndQuickScan(Session& session, const JobRecord& job) {
  // What was refused is not known; an UPDATED scan asks for it again.
  const bool all_taken = job.job.progress().refused() == 0;
  if (!all_taken) NoteIncomplete(session, job);
  if (job.job.scan_mode() != v1::SCAN_MODE_UPDATED) return;
  session.Execute(
      "UPDATE channel_count SET last_scan_time = ?, known_until = IF(?, ?, known_until) "
      "WHERE merchant_no = ? AND channel_no = ?",
      {Now(), all_taken, job.begun_at, job.merchant_number, job.channel_number});
}

std::optional<absl::Time> KnownUntil(Session& session, std::int64_t merchant_number, int channel_number) {
  std::optional<absl::Time> known_until;
  session.Query("SELECT known_until FROM channel_count WHERE merchant_no = ? AND channel_no = ?",
                {merchant_number, channel_number},
                [&](const Row& row) { known_until = OptionalTime(row.OptionalInt(0)); });
  return known_until;
}

}  // namespace skulink::store
