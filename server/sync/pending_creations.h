#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/database.h"
#include "server/store/item_creations.h"
#include "server/sync/upload_piece.h"

namespace skulink {

// Creations of a channel of which it is not known what became of them.
struct PendingCreations {
  std::optional<store::CreationRecord> last;  // that was looked at; absent: there are no more
  std::vector<UploadGroup> groups;            // to be asked for once more
  std::string currency;                       // the merchant's
  // A scan found all that they asked for, in one item: they are done.
  std::vector<store::CreationRecord> found;
};

// The next few after `after`.
absl::StatusOr<PendingCreations> ReadPendingCreations(store::Database& database, const store::JobRecord& job,
                                                      const store::CreationRecord& after, int limit);

}  // namespace skulink
