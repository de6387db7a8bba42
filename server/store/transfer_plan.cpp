#include "server/store/transfer_plan.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/string_map.h"
#include "server/store/menu_ledger.h"

namespace skulink::store {
namespace {

// Ids in one statement, at most.
constexpr std::size_t kIdsAtOnce = 2000;
// The same where the order counts: MariaDB makes a temporary table of a longer list.
constexpr std::size_t kSelectedAtOnce = 500;

// A group is packed as its parent and its rows, each a text with its length, 32 bits, before it; the first
// character says what it is.
enum Mark : char { kGroup = 'a', kRow = 'r', kLinkedRow = 'l' };
constexpr int kWhole = 1, kContinues = 2;

void PackText(char mark, std::string_view text, std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(text.size() + 1);
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(1, mark).append(text);
}

template <typename Id, typename Query>
int FindMissing(const std::vector<Id>& ids, const Query& query, std::string (*key_of)(const Id&)) {
  StringSet found;
  for (std::size_t first = 0; first < ids.size(); first += kIdsAtOnce) {
    query(first, std::min(kIdsAtOnce, ids.size() - first), found);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!found.contains(key_of(ids[i]))) return static_cast<int>(i);
  }
  return -1;
}

std::vector<std::string> Some(const std::vector<std::string>& ids, std::size_t first, std::size_t count) {
  const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

int FindMissingId(Session& session, std::string_view sql, std::initializer_list<Value> scope,
                  const std::vector<std::string>& ids) {
  const auto query = [&](std::size_t first, std::size_t count, StringSet& found) {
    const std::vector<std::string> some = Some(ids, first, count);
    const auto take = [&](const Row& row) { found.insert(row.String(0)); };
    const Value* const values = scope.begin();
    if (scope.size() == 1) {
      session.Query(sql, {values[0], some}, take);
    } else {
      session.Query(sql, {values[0], values[1], some}, take);
    }
  };
  return FindMissing<std::string>(ids, query, [](const std::string& id) { return id; });
}

std::string KeyOf(const VariantId& id) { return absl::StrCat(id.product, "\n", id.variant); }

}  // namespace

void TransferPlan::Add(std::string_view parent, bool whole, TransferGroup::Row row) {
  if (group_.rows.empty() || group_.parent != parent) {
    EndGroup();
    group_.parent = parent;
    group_.whole = whole;
  } else if (group_.rows.size() == rows_of_part_) {
    group_.continues = true;
    EndGroup();
  }
  group_.rows.push_back(std::move(row));
  ++rows_;
}

void TransferPlan::Finish() {
  EndGroup();
  EndPart();
}

void TransferPlan::EndGroup() {
  if (group_.rows.empty()) return;
  if (rows_in_part_ > 0 && rows_in_part_ + group_.rows.size() > rows_of_part_) EndPart();
  Pack(group_);
  rows_in_part_ += group_.rows.size();
  group_.rows.clear();
  group_.continues = false;
}

void TransferPlan::Pack(const TransferGroup& group) {
  const char flags = static_cast<char>('0' + (group.whole ? kWhole : 0) + (group.continues ? kContinues : 0));
  PackText(kGroup, flags + group.parent, part_);
  for (const TransferGroup::Row& row : group.rows) PackText(row.linked ? kLinkedRow : kRow, row.id, part_);
}

void TransferPlan::EndPart() {
  if (rows_in_part_ == 0) return;
  parts_.push_back(std::move(part_));
  part_.clear();
  rows_in_part_ = 0;
}

void SavePlan(Session& session, const JobRecord& job, const TransferPlan& plan) {
  RowBatch batch("transfer_part", "merchant_no, job_id, part_no, packed");
  std::int64_t number = 0;
  for (const std::string& part : plan.parts()) {
    batch.Add(job.merchant_number).Add(job.job_id).Add(number++).Add(part).EndRow();
  }
  if (!batch.empty()) session.Load(batch);
}

TransferPart ReadPart(Session& session, const JobRecord& job, std::int64_t number) {
  TransferPart part;
  session.Query("SELECT packed FROM transfer_part WHERE merchant_no = ? AND job_id = ? AND part_no = ?",
                {job.merchant_number, job.job_id, number}, [&](const Row& row) {
                  std::string_view bytes = row.Text(0);
                  while (bytes.size() > sizeof(std::uint32_t)) {
                    std::uint32_t size = 0;
                    std::memcpy(&size, bytes.data(), sizeof size);
                    const std::string_view text = bytes.substr(sizeof size, size);
                    bytes.remove_prefix(std::min(bytes.size(), sizeof size + size));
                    if (text[0] == kGroup) {
                      const int flags = text[1] - '0';
                      part.push_back({.parent = std::string(text.substr(2)),
                                      .whole = (flags & kWhole) != 0,
                                      .continues = (flags & kContinues) != 0,
                                      .rows = {}});
                    } else {
                      part.back().rows.push_back({std::string(text.substr(1)), text[0] == kLinkedRow});
                    }
                  }
                });
  return part;
}

void PlanNotInPos(Session& session, const JobRecord& job, TransferPlan& plan) {
  session.Stream(
      "SELECT item_id, listing_id FROM listing FORCE INDEX (by_item) WHERE merchant_no = ? AND channel_no = "
      "? "
      "AND state = 1 AND in_pos = 0 ORDER BY item_id, state, listing_id",
      {job.merchant_number, job.channel_number}, [&](const Row& row) {
        plan.Add(row.Text(0), /*whole=*/true, {row.String(1), /*linked=*/false});
      });
}

void PlanListings(Session& session, const JobRecord& job, const std::vector<std::string>& listing_ids,
                  const std::vector<std::string>& item_ids, TransferPlan& plan) {
  const StringSet whole(item_ids.begin(), item_ids.end());
  session.Stream(
      "SELECT item_id, listing_id, in_pos FROM listing WHERE merchant_no = ? AND channel_no = ? AND "
      "listing_id IN (?) UNION SELECT item_id, listing_id, in_pos FROM listing WHERE merchant_no = ? AND "
      "channel_no = ? AND item_id IN (?) ORDER BY 1, 2",
      {job.merchant_number, job.channel_number, listing_ids, job.merchant_number, job.channel_number,
       item_ids},
      [&](const Row& row) {
        plan.Add(row.Text(0), whole.contains(row.Text(0)), {row.String(1), row.Int(2) != 0});
      });
}

void PlanNotInChannel(Session& session, const JobRecord& job, TransferPlan& plan) {
  session.Stream(
      "SELECT product_no, variant_no FROM variant FORCE INDEX (PRIMARY) WHERE merchant_no = ? AND badges <> "
      "0 "
      "AND badges & ? = 0 ORDER BY product_no, variant_no",
      {job.merchant_number, static_cast<std::int64_t>(BadgeOf(job.channel_number))}, [&](const Row& row) {
        plan.Add(row.Text(0), /*whole=*/false, {row.String(1), /*linked=*/false});
      });
}

void PlanVariants(Session& session, const JobRecord& job, std::vector<VariantId> variants,
                  std::vector<std::string> product_ids, TransferPlan& plan) {
  constexpr char kSelect[] =
      "SELECT STRAIGHT_JOIN p.product_no, v.variant_no FROM product p FORCE INDEX (by_id) JOIN variant v "
      "FORCE "
      "INDEX (PRIMARY) ON v.merchant_no = p.merchant_no AND v.product_no = p.product_no WHERE p.merchant_no "
      "= ? "
      "AND p.product_id IN (?) ";
  // In the order of the products' ids, so that a product whose variants are in two statements is together.
  constexpr char kOrder[] = "ORDER BY p.product_id, v.variant_no";
  const StringSet whole(product_ids.begin(), product_ids.end());
  std::sort(product_ids.begin(), product_ids.end());
  product_ids.erase(std::unique(product_ids.begin(), product_ids.end()), product_ids.end());
  for (std::size_t first = 0; first < product_ids.size(); first += kSelectedAtOnce) {
    const std::vector<std::string> some =
        Some(product_ids, first, std::min(kSelectedAtOnce, product_ids.size() - first));
    session.Stream(absl::StrCat(kSelect, kOrder), {job.merchant_number, some}, [&](const Row& row) {
      plan.Add(row.Text(0), /*whole=*/true, {row.String(1), /*linked=*/false});
    });
  }
  std::erase_if(variants, [&](const VariantId& variant) { return whole.contains(variant.product); });
  std::sort(variants.begin(), variants.end(), [](const VariantId& left, const VariantId& right) {
    return std::tie(left.product, left.variant) < std::tie(right.product, right.variant);
  });
  variants.erase(std::unique(variants.begin(), variants.end()), variants.end());
  for (std::size_t first = 0; first < variants.size(); first += kSelectedAtOnce) {
    std::vector<std::string> products;
    ValueRows ids;
    for (std::size_t i = first; i < std::min(first + kSelectedAtOnce, variants.size()); ++i) {
      products.push_back(variants[i].product);
      ids.push_back({variants[i].product, variants[i].variant});
    }
    session.Stream(absl::StrCat(kSelect, "AND (p.product_id, v.variant_id) IN (?) ", kOrder),
                   {job.merchant_number, products, ids}, [&](const Row& row) {
                     plan.Add(row.Text(0), /*whole=*/false, {row.String(1), /*linked=*/false});
                   });
  }
}

int FindMissingListing(Session& session, std::int64_t merchant_number, int channel,
                       const std::vector<std::string>& listing_ids) {
  return FindMissingId(
      session,
      "SELECT listing_id FROM listing WHERE merchant_no = ? AND channel_no = ? AND listing_id IN (?)",
      {merchant_number, channel}, listing_ids);
}

int FindMissingItem(Session& session, std::int64_t merchant_number, int channel,
                    const std::vector<std::string>& item_ids) {
  return FindMissingId(session,
                       "SELECT DISTINCT item_id FROM listing FORCE INDEX (by_item) WHERE merchant_no = ? AND "
                       "channel_no = ? AND item_id IN (?)",
                       {merchant_number, channel}, item_ids);
}

int FindMissingProduct(Session& session, std::int64_t merchant_number,
                       const std::vector<std::string>& product_ids) {
  return FindMissingId(session, "SELECT product_id FROM product WHERE merchant_no = ? AND product_id IN (?)",
                       {merchant_number}, product_ids);
}

int FindMissingVariant(Session& session, std::int64_t merchant_number,
                       const std::vector<VariantId>& variants) {
  const auto query = [&](std::size_t first, std::size_t count, StringSet& found) {
    std::vector<std::string> products, ids;
    for (std::size_t i = first; i < first + count; ++i) {
      products.push_back(variants[i].product);
      ids.push_back(variants[i].variant);
    }
    session.Query(
        "SELECT STRAIGHT_JOIN p.product_id, v.variant_id FROM product p FORCE INDEX (by_id) JOIN variant v "
        "FORCE INDEX (PRIMARY) ON v.merchant_no = p.merchant_no AND v.product_no = p.product_no WHERE "
        "p.merchant_no = ? AND p.product_id IN (?) AND v.variant_id IN (?)",
        {merchant_number, products, ids}, [&](const Row& row) {
          found.insert(KeyOf({row.String(0), row.String(1)}));
        });
  };
  return FindMissing<VariantId>(variants, query, &KeyOf);
}

}  // namespace skulink::store
