#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/jobs.h"
#include "server/store/session.h"

// What Seller Centers were asked to create. An outcome that is not known is found out by asking the same once
// more, under the same key.
namespace skulink::store {

struct CreationRecord {
  std::int64_t product = 0;  // its number
  std::string key;           // the idempotency key
  std::string request;       // serialized
  int outcome = 0;           // WriteResult; 0: not known
  std::string item_id;       // once it is known
};

// Within a transaction: before the Seller Center is asked.
void SaveCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations);
// Once it has answered; `request` is not read.
void SaveOutcomes(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations);
// It was not asked.
void ForgetCreations(Session& session, const JobRecord& job, const std::vector<CreationRecord>& creations);

// Of these products on the job's channel: those whose outcome is not known, whichever job asked.
std::vector<CreationRecord> FindUnknownCreations(Session& session, const JobRecord& job,
                                                 const std::vector<std::int64_t>& products);
// Those that this job was told are done.
std::vector<CreationRecord> FindCreationsOfJob(Session& session, const JobRecord& job,
                                               const std::vector<std::int64_t>& products);

}  // namespace skulink::store
