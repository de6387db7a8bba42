#pragma once

#include <span>
#include <string>
#include <vector>

#include "server/sync/transfer_job.h"
#include "server/sync/upload_piece.h"

namespace skulink {

// An upload (design rule 7): makes items of the channel of POS products, and listings of their variants. What
// the Seller Center is asked to create is committed before it is asked; while the answer is not known, it is
// asked the same again before anything else is done for that product.
class Upload final : public TransferJob {
 public:
  using TransferJob::TransferJob;

 private:
  // A creation with its answer.
  struct Asked {
    std::int64_t product = 0;  // its number
    ItemCreation creation;
    ItemCreated answer;
  };

  absl::Status Prepare(const std::string& request) override;
  store::TransferPlan MakePlan(store::Session& session) override;
  absl::Status Do(Groups groups, Groups following) override;

  // Finds out what became of creations whose answer was lost.
  absl::Status AskAgain(Groups groups);
  // Decides what to do, and in a firm upload commits it.
  absl::StatusOr<std::vector<UploadGroup>> Decide(Groups groups);
  // Makes, or validates, the creations of groups, which fit into one call.
  absl::Status Create(std::span<UploadGroup> groups);
  // Asks for at most as many as the shop takes at once; those that are to be tried again are.
  absl::Status Ask(std::vector<Asked>& asked);
  // Writes what was answered.
  static void Take(store::Session& session, const store::Merchant& merchant, const store::JobRecord& job,
                   const std::vector<Asked>& asked);
  // Writes what became of groups, and forgets creations that are not asked for any more.
  absl::Status Report(std::span<const UploadGroup> done, std::span<const UploadGroup> not_asked);

  bool IsFirm() const { return !job().job.validate_only(); }

  v1::StartUploadRequest request_;
};

}  // namespace skulink
