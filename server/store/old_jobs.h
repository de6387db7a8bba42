#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/store/database.h"
#include "server/store/jobs.h"
#include "server/store/session.h"

namespace skulink::store {

// A part of what these jobs keep, or, when that is nothing, of the jobs.
void DeleteSomeOfJobs(Session& session, std::int64_t merchant_number,
                      const std::vector<std::string>& job_ids);

// Deletes the jobs of the channel that ended so long ago that nobody asks for them (see v1::Job), in
// transactions of bounded size.
absl::Status RemoveOldJobs(Database& database, const JobRecord& job);

}  // namespace skulink::store
