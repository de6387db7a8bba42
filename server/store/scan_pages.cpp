// What a job keeps besides its row: the pages a scan wrote, and items.
#include <cstring>

#include "common/errors.h"
#include "common/text.h"
#include "server/store/jobs.h"
#include "server/store/menu_ledger.h"

namespace skulink::store {
namespace {

constexpr std::int64_t kMaxItemsOfScan = 10'000;
constexpr int kRemovedAtOnce = 2000;
// Code points that the columns hold, whatever they are.
constexpr std::size_t kMaxField = 50, kMaxDescription = 250;

// Texts one after the other, each with its length, 32 bits, before it.
void Pack(std::string_view text, std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

template <typename Take>
void Unpack(std::string_view bytes, const Take& take) {
  while (bytes.size() >= sizeof(std::uint32_t)) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    take(bytes.substr(0, size));
    bytes.remove_prefix(std::min<std::size_t>(size, bytes.size()));
  }
}

// Before the id that a run ends with; no id begins so.
constexpr char kLast = '\0';

}  // namespace

void SaveScanPages(Session& session, const JobRecord& job, const ScanPages& pages) {
  if (pages.resume_token.empty() && pages.seen.empty()) return;
  std::string resume_tokens, seen;
  for (const std::uint64_t hash : pages.resume_token_hashes) {
    Pack({reinterpret_cast<const char*>(&hash), sizeof hash}, resume_tokens);
  }
  if (!pages.resume_token.empty()) Pack(pages.resume_token, resume_tokens);
  for (const ScanPages::SeenListings& listings : pages.seen) {
    Pack(listings.first, seen);
    if (!listings.last.empty()) Pack(kLast + listings.last, seen);
  }
  RowBatch batch("scan_page", "merchant_no, job_id, page_no, resume_tokens, seen");
  batch.Add(job.merchant_number).Add(job.job_id).Add(job.job.revision());
  batch.Add(resume_tokens).Add(seen).EndRow();
  session.Load(batch);
}

absl::StatusOr<ScanPages> ReadScanPages(Database& database, const JobRecord& job) {
  return database.Read([&](Session& session) {
    ScanPages pages;
    session.Query(
        "SELECT resume_tokens, seen FROM scan_page WHERE merchant_no = ? AND job_id = ? ORDER BY page_no",
        {job.merchant_number, job.job_id}, [&](const Row& row) {
          Unpack(row.Text(0), [&](std::string_view token) {
            std::uint64_t hash = ChannelMemory::Hash(token);
            if (token.size() == sizeof hash) std::memcpy(&hash, token.data(), sizeof hash);
            pages.resume_token_hashes.push_back(hash);
            pages.resume_token = token;
          });
          Unpack(row.Text(1), [&](std::string_view id) {
            if (!id.starts_with(kLast)) {
              pages.seen.push_back({std::string(id), ""});
            } else if (!pages.seen.empty()) {
              pages.seen.back().last = id.substr(1);
            }
          });
        });
    return pages;
  });
}

absl::Status RemoveOldScanPages(Database& database, const JobRecord& job) {
  for (std::int64_t left = 1; left > 0;) {
    absl::StatusOr<std::int64_t> removed = database.Transact([&](Session& session) -> std::int64_t {
      std::vector<std::string> ended;
      session.Query(
          "SELECT j.job_id FROM job j FORCE INDEX (by_channel) WHERE j.merchant_no = ? AND j.channel_no = ? "
          "AND "
          "j.active_channel_no IS NULL AND EXISTS (SELECT 1 FROM scan_page p WHERE p.merchant_no = "
          "j.merchant_no AND p.job_id = j.job_id) LIMIT 1",
          {job.merchant_number, job.channel_number}, [&](const Row& row) { ended.push_back(row.String(0)); });
      if (ended.empty()) return 0;
      return session.Execute("DELETE FROM scan_page WHERE merchant_no = ? AND job_id = ? LIMIT ?",
                             {job.merchant_number, ended.front(), kRemovedAtOnce});
    });
    if (!removed.ok()) return removed.status();
    left = *removed;
  }
  return absl::OkStatus();
}

void SaveJobItems(Session& session, JobRecord& job, const std::vector<v1::JobItem>& items) {
  RowBatch batch("job_item",
                 "merchant_no, job_id, item_no, listing_id, item_id, outcome, reason, field, description, "
                 "product_id, variant_id");
  for (const v1::JobItem& item : items) {
    if (job.job.kind() == v1::JOB_KIND_SCAN && job.items >= kMaxItemsOfScan) break;
    batch.Add(job.merchant_number)
        .Add(job.job_id)
        .Add(++job.items)
        .Add(item.listing_id())
        .Add(item.item_id());
    batch.Add(std::int64_t{item.outcome()}).Add(std::int64_t{item.reason()});
    batch.Add(FirstCodePoints(item.field(), kMaxField))
        .Add(FirstCodePoints(item.description(), kMaxDescription));
    VariantName variant;
    if (!item.variant().empty()) variant = *ParseVariantName(item.variant(), "variant");
    batch.Add(variant.product).Add(variant.variant).EndRow();
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
        "SELECT item_no, listing_id, item_id, outcome, reason, field, description, product_id, variant_id "
        "FROM job_item "
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
          if (!row.Text(8).empty()) {
            item.set_variant(ToString(VariantName{name.merchant, row.String(7), row.String(8)}));
          }
        });
    return items;
  });
}

}  // namespace skulink::store
