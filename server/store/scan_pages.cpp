// What a job keeps besides its row: the pages a scan wrote, and items.
#include <cstring>

#include "common/errors.h"
#include "common/text.h"
#include "server/store/jobs.h"

namespace skulink::store {
namespace {

constexpr std::int64_t kMaxItems = 10'000;
// Code points that the columns hold, whatever they are.
constexpr std::size_t kMaxField = 50, kMaxDescription = 250;

// A list of texts as bytes: each with its length, 32 bits, before it.
std::string Pack(const std::vector<std::string>& texts) {
  std::string bytes;
  for (const std::string& text : texts) {
    const auto size = static_cast<std::uint32_t>(text.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  }
  return bytes;
}

void Unpack(std::string_view bytes, std::vector<std::string>& texts) {
  while (bytes.size() >= sizeof(std::uint32_t)) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    texts.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(std::min<std::size_t>(size, bytes.size()));
  }
}

}  // namespace

void SaveScanPages(Session& session, const JobRecord& job, const ScanPages& pages) {
  if (pages.resume_tokens.empty() && pages.seen_listing_ids.empty()) return;
  RowBatch batch("scan_page", "merchant_no, job_id, page_no, resume_tokens, seen");
  batch.Add(job.merchant_number).Add(job.job_id).Add(job.job.revision());
  batch.Add(Pack(pages.resume_tokens)).Add(Pack(pages.seen_listing_ids)).EndRow();
  session.Load(batch);
}

absl::StatusOr<ScanPages> ReadScanPages(Database& database, const JobRecord& job) {
  return database.Read([&](Session& session) {
    ScanPages pages;
    session.Query(
        "SELECT resume_tokens, seen FROM scan_page WHERE merchant_no = ? AND job_id = ? ORDER BY page_no",
        {job.merchant_number, job.job_id}, [&](const Row& row) {
          Unpack(row.Text(0), pages.resume_tokens);
          Unpack(row.Text(1), pages.seen_listing_ids);
        });
    return pages;
  });
}

void SaveJobItems(Session& session, JobRecord& job, const std::vector<v1::JobItem>& items) {
  RowBatch batch("job_item",
                 "merchant_no, job_id, item_no, listing_id, item_id, outcome, reason, field, description");
  for (const v1::JobItem& item : items) {
    if (job.items >= kMaxItems) break;
    batch.Add(job.merchant_number)
        .Add(job.job_id)
        .Add(++job.items)
        .Add(item.listing_id())
        .Add(item.item_id());
    batch.Add(std::int64_t{item.outcome()}).Add(std::int64_t{item.reason()});
    batch.Add(FirstCodePoints(item.field(), kMaxField))
        .Add(FirstCodePoints(item.description(), kMaxDescription))
        .EndRow();
  }
  if (!batch.empty()) session.Load(batch);
}

absl::StatusOr<std::vector<v1::JobItem>> ListJobItems(Database& database, const JobName& name,
                                                      std::int64_t after, int limit,
                                                      std::vector<std::int64_t>& numbers) {
  absl::StatusOr<JobRecord> job = ReadJob(database, name);
  if (!job.ok()) return job.status();
  return database.Read([&](Session& session) {
    std::vector<v1::JobItem> items;
    numbers.clear();
    session.Query(
        "SELECT item_no, listing_id, item_id, outcome, reason, field, description FROM job_item "
        "WHERE merchant_no = ? AND job_id = ? AND item_no > ? ORDER BY item_no LIMIT ?",
        {job->merchant_number, job->job_id, after, limit}, [&](const Row& row) {
          numbers.push_back(row.Int(0));
          v1::JobItem& item = items.emplace_back();
          item.set_listing_id(row.String(1));
          item.set_item_id(row.String(2));
          item.set_outcome(static_cast<v1::JobItemOutcome>(row.Int(3)));
          item.set_reason(static_cast<v1::ErrorReason>(row.Int(4)));
          item.set_field(row.String(5));
          item.set_description(row.String(6));
        });
    return items;
  });
}

}  // namespace skulink::store
