#include "server/store/item_creations.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

constexpr char kColumns[] = "job_id, product_no, creation_key, request, outcome, item_id ";
// Products of one statement: MariaDB looks up so many one by one, however small the table is.
constexpr std::size_t kProductsAtOnce = 500;
constexpr int kTidiedAtOnce = 1000;

CreationRecord FromRow(const Row& row) {
  return {.job_id = row.String(0),
          .product = row.Int(1),
          .key = row.String(2),
          .request = row.String(3),
          .outcome = static_cast<int>(row.Int(4)),
          .item_id = row.String(5)};
}

// Calls `take` with at most so many of `all`, until there are no more.
template <typename Element, typename Take>
void InParts(const std::vector<Element>& all, const Take& take) {
  for (std::size_t first = 0; first < all.size(); first += kProductsAtOnce) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t count = std::min(kProductsAtOnce, all.size() - first);
    take(std::vector<Element>(begin, begin + static_cast<std::ptrdiff_t>(count)));
  }
}

// A job that has ended and has creations of that kind.
std::string FindEndedJob(Session& session, const JobRecord& job, std::string_view kind) {
  std::string ended;
  session.Query(
      absl::StrCat(
          "SELECT STRAIGHT_JOIN c.job_id FROM item_creation c FORCE INDEX (by_outcome) JOIN job j FORCE "
          "INDEX (PRIMARY) ON j.merchant_no = c.merchant_no AND j.job_id = c.job_id WHERE "
          "c.merchant_no = ? AND c.channel_no = ? AND ",
          std::string(kind), " AND j.active_channel_no IS NULL LIMIT 1"),
      {job.merchant_number, job.channel_number}, [&](const Row& row) { ended = row.String(0); });
  return ended;
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
    rows.push_back({job.merchant_number, job.channel_number, creation.product, creation.key, creation.job_id,
                    "", creation.outcome, creation.item_id, std::int64_t{0}});
  }
  session.Execute(
      "INSERT INTO item_creation (merchant_no, channel_no, product_no, creation_key, job_id, request, "
      "outcome, "
      "item_id, create_time) VALUES ? ON DUPLICATE KEY UPDATE request = IF(VALUES(job_id) = '', '', "
      "request), "
      "job_id = VALUES(job_id), outcome = VALUES(outcome), item_id = VALUES(item_id)",
      {rows});
}

void ForgetCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations) {
  InParts(creations, [&](const std::vector<CreationRecord>& some) {
    std::vector<std::int64_t> products;
    std::vector<std::string> keys;
    for (const CreationRecord& creation : some) {
      products.push_back(creation.product);
      keys.push_back(creation.key);
    }
    session.Execute(
        "DELETE c FROM item_creation c FORCE INDEX (PRIMARY) WHERE c.merchant_no = ? AND c.channel_no = ? "
        "AND "
        "c.product_no IN (?) AND CONCAT(c.creation_key) IN (?)",  // CONCAT: not 500 * 500 ranges
        {job.merchant_number, job.channel_number, products, keys});
  });
}

std::vector<CreationRecord> FindUnknownCreations(Session& session, const JobRecord& job,
                                                 const CreationRecord& after, int limit) {
  std::vector<CreationRecord> found;
  session.Query(
      absl::StrCat("SELECT ", kColumns,
                   "FROM item_creation FORCE INDEX (by_outcome) WHERE merchant_no = ? AND channel_no = ? AND "
                   "outcome = 0 AND (job_id > ? OR (job_id = ? AND product_no > ?) OR (job_id = ? AND "
                   "product_no = ? AND creation_key > ?)) ORDER BY job_id, product_no, creation_key LIMIT ?"),
      {job.merchant_number, job.channel_number, after.job_id, after.job_id, after.product, after.job_id,
       after.product, after.key, limit},
      [&](const Row& row) { found.push_back(FromRow(row)); });
  return found;
}

std::vector<CreationRecord> FindCreationsOfJob(Session& session, const JobRecord& job,
                                               const std::vector<std::int64_t>& products) {
  std::vector<CreationRecord> found;
  InParts(products, [&](const std::vector<std::int64_t>& some) {
    session.Query(
        absl::StrCat("SELECT ", kColumns,
                     "FROM item_creation FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND channel_no = ? "
                     "AND product_no IN (?) AND outcome = 1 AND job_id = ? ORDER BY product_no, "
                     "creation_key"),
        {job.merchant_number, job.channel_number, some, job.job_id},
        [&](const Row& row) { found.push_back(FromRow(row)); });
  });
  return found;
}

absl::flat_hash_map<std::int64_t, std::vector<std::string>> FindItemsMade(
    Session& session, const JobRecord& job, const std::vector<std::int64_t>& products) {
  absl::flat_hash_map<std::int64_t, std::vector<std::string>> items;
  InParts(products, [&](const std::vector<std::int64_t>& some) {
    session.Query(
        "SELECT product_no, item_id FROM item_creation FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND "
        "channel_no = ? AND product_no IN (?) AND outcome = 1 ORDER BY create_time DESC, creation_key",
        {job.merchant_number, job.channel_number, some},
        [&](const Row& row) { items[row.Int(0)].push_back(row.String(1)); });
  });
  return items;
}

absl::Status TidyCreations(Database& database, const JobRecord& job) {
  for (bool more = true; more;) {
    const absl::StatusOr<bool> some = database.Transact([&](Session& session) {
      std::string ended = FindEndedJob(session, job, "c.outcome = 1 AND c.job_id > ''");
      if (!ended.empty()) {
        session.Execute(
            "UPDATE item_creation FORCE INDEX (by_outcome) SET request = '', job_id = '' WHERE merchant_no = "
            "? "
            "AND channel_no = ? AND outcome = 1 AND job_id = ? LIMIT ?",
            {job.merchant_number, job.channel_number, ended, kTidiedAtOnce});
        return true;
      }
      ended = FindEndedJob(session, job, "c.outcome > 1");
      if (ended.empty()) return false;
      session.Execute(
          "DELETE FROM item_creation WHERE merchant_no = ? AND channel_no = ? AND outcome > 1 AND job_id = ? "
          "LIMIT ?",
          {job.merchant_number, job.channel_number, ended, kTidiedAtOnce});
      return true;
    });
    if (!some.ok()) return some.status();
    more = *some;
  }
  return absl::OkStatus();
}

}  // namespace skulink::store
