#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/store/jobs.h"
#include "server/store/session.h"

// What a dry run of a download would have made so far.
namespace skulink::store {

struct PlannedVariant {
  std::string sku_key, product_id, variant_id;
};

// Those of the products named, and of products with a variant of one of these keys; in the order in which
// they were planned.
std::vector<PlannedVariant> FindPlanned(Session& session, const JobRecord& job,
                                        const std::vector<std::string_view>& sku_keys,
                                        const std::vector<std::string>& product_ids);
// Within the transaction that counts them as created by the job, before that.
void SavePlanned(Session& session, const JobRecord& job, const std::vector<PlannedVariant>& planned);
// Of dry runs of the channel that have ended, in transactions of bounded size.
absl::Status RemoveOldPlanned(Database& database, const JobRecord& job);

}  // namespace skulink::store
