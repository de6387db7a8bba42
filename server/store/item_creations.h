#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "server/store/jobs.h"
#include "server/store/session.h"

// What Seller Centers were asked to create. An outcome that is not known is found out by asking the same once
// more, under the same key.
namespace skulink::store {

struct CreationRecord {
  std::string job_id;        // the job that asked last
  std::int64_t product = 0;  // its number
  std::string key;           // the idempotency key
  std::string request;       // serialized
  int outcome = 0;           // WriteResult; 0: not known
  std::string item_id;       // once it is known
};

// Within a transaction: before the Seller Center is asked, by this job.
void SaveCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations);
// Once it has answered; `request` is not read. With no job_id it is forgotten what was asked: the job that
// did will not come back to it.
void SaveOutcomes(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations);
// It was not asked.
void ForgetCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations);

// Of the job's channel: those whose outcome is not known, whichever job asked; after this one, the next few.
std::vector<CreationRecord> FindUnknownCreations(Session& session, const JobRecord& job,
                                                 const CreationRecord& after, int limit);
// Of these products: those that this job was told are done.
std::vector<CreationRecord> FindCreationsOfJob(Session& session, const JobRecord& job,
                                               const std::vector<std::int64_t>& products);
// Of these products: items that were made of them on the job's channel, the newest first.
absl::flat_hash_map<std::int64_t, std::vector<std::string>> FindItemsMade(
    Session& session, const JobRecord& job, const std::vector<std::int64_t>& products);

// Keeps of all that ended jobs of the channel were told only which items they made, in transactions of
// bounded size.
absl::Status TidyCreations(Database& database, const JobRecord& job);

}  // namespace skulink::store
