#include "server/store/planned_variants.h"

#include "common/string_map.h"

namespace skulink::store {
namespace {

constexpr int kRemovedAtOnce = 5000;

}  // namespace

std::vector<PlannedVariant> FindPlanned(Session& session, const JobRecord& job,
                                        const std::vector<std::string_view>& sku_keys,
                                        const std::vector<std::string>& product_ids) {
  StringSet products(product_ids.begin(), product_ids.end());
  session.Query(
      "SELECT product_id FROM planned_variant FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND job_id = ? AND "
      "sku_key IN (?)",
      {job.merchant_number, job.job_id, sku_keys}, [&](const Row& row) { products.insert(row.String(0)); });
  const std::vector<std::string> ids(products.begin(), products.end());
  std::vector<PlannedVariant> planned;
  session.Query(
      "SELECT sku_key, product_id, variant_id FROM planned_variant FORCE INDEX (by_product) WHERE "
      "merchant_no "
      "= ? AND job_id = ? AND product_id IN (?) ORDER BY made_no",
      {job.merchant_number, job.job_id, ids}, [&](const Row& row) {
        planned.push_back({row.String(0), row.String(1), row.String(2)});
      });
  return planned;
}

void SavePlanned(Session& session, const JobRecord& job, const std::vector<PlannedVariant>& planned) {
  RowBatch batch("planned_variant", "merchant_no, job_id, sku_key, made_no, product_id, variant_id");
  std::int64_t number = job.job.transfer().created();
  for (const PlannedVariant& variant : planned) {
    batch.Add(job.merchant_number).Add(job.job_id).Add(variant.sku_key).Add(number++);
    batch.Add(variant.product_id).Add(variant.variant_id).EndRow();
  }
  if (!batch.empty()) session.Load(batch);
}

absl::Status RemoveOldPlanned(Database& database, const JobRecord& job) {
  for (bool more = true; more;) {
    const absl::StatusOr<bool> some = database.Transact([&](Session& session) {
      std::string ended;
      session.Query(
          "SELECT j.job_id FROM job j FORCE INDEX (by_channel) WHERE j.merchant_no = ? AND j.channel_no = ? "
          "AND "
          "j.kind = ? AND j.validate_only AND j.active_channel_no IS NULL AND EXISTS (SELECT 1 FROM "
          "planned_variant p WHERE p.merchant_no = j.merchant_no AND p.job_id = j.job_id) LIMIT 1",
          {job.merchant_number, job.channel_number, static_cast<int>(v1::JOB_KIND_DOWNLOAD)},
          [&](const Row& row) { ended = row.String(0); });
      if (ended.empty()) return false;
      session.Execute("DELETE FROM planned_variant WHERE merchant_no = ? AND job_id = ? LIMIT ?",
                      {job.merchant_number, ended, kRemovedAtOnce});
      return true;
    });
    if (!some.ok()) return some.status();
    more = *some;
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
