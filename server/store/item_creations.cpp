#include "server/store/item_creations.h"

#include "server/store/times.h"

namespace skulink::store {
namespace {

constexpr std::string_view kSelect =
    "SELECT product_no, creation_key, request, outcome, item_id FROM item_creation WHERE merchant_no = ? AND "
    "channel_no = ? AND product_no IN (?) AND ";

CreationRecord FromRow(const Row& row) {
  return {.product = row.Int(0),
          .key = row.String(1),
          .request = row.String(2),
          .outcome = static_cast<int>(row.Int(3)),
          .item_id = row.String(4)};
}

}  // namespace

void SaveCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations) {
  RowBatch batch("item_creation",
                 "merchant_no, channel_no, product_no, creation_key, job_id, request, create_time");
  const std::int64_t now = Now();
  for (const CreationRecord& creation : creations) {
    batch.Add(job.merchant_number).Add(std::int64_t{job.channel_number}).Add(creation.product);
    batch.Add(creation.key).Add(job.job_id).Add(creation.request).Add(now).EndRow();
  }
  if (!batch.empty()) session.Load(batch);
}

void SaveOutcomes(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations) {
  if (creations.empty()) return;
  ValueRows rows;
  for (const CreationRecord& creation : creations) {
    rows.push_back({job.merchant_number, job.channel_number, creation.product, creation.key, job.job_id, "",
                    creation.outcome, creation.item_id, std::int64_t{0}});
  }
  session.Execute(
      "INSERT INTO item_creation (merchant_no, channel_no, product_no, creation_key, job_id, request, "
      "outcome, "
      "item_id, create_time) VALUES ? ON DUPLICATE KEY UPDATE job_id = VALUES(job_id), outcome = "
      "VALUES(outcome), item_id = VALUES(item_id)",
      {rows});
}

void ForgetCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations) {
  if (creations.empty()) return;
  std::vector<std::int64_t> products;
  std::vector<std::string> keys;
  for (const CreationRecord& creation : creations) {
    products.push_back(creation.product);
    keys.push_back(creation.key);
  }
  session.Execute(
      "DELETE FROM item_creation WHERE merchant_no = ? AND channel_no = ? AND product_no IN (?) AND "
      "creation_key IN (?)",
      {job.merchant_number, job.channel_number, products, keys});
}

std::vector<CreationRecord> FindUnknownCreations(Session& session, const JobRecord& job,
                                                 const std::vector<std::int64_t>& products) {
  std::vector<CreationRecord> found;
  session.Query(std::string(kSelect) + "outcome = 0 ORDER BY product_no, creation_key",
                {job.merchant_number, job.channel_number, products},
                [&](const Row& row) { found.push_back(FromRow(row)); });
  return found;
}

std::vector<CreationRecord> FindCreationsOfJob(Session& session, const JobRecord& job,
                                               const std::vector<std::int64_t>& products) {
  std::vector<CreationRecord> found;
  session.Query(std::string(kSelect) + "outcome = 1 AND job_id = ? ORDER BY product_no, creation_key",
                {job.merchant_number, job.channel_number, products, job.job_id},
                [&](const Row& row) { found.push_back(FromRow(row)); });
  return found;
}

}  // namespace skulink::store
