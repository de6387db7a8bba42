#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "server/sync/transfer_job.h"
#include "server/sync/upload_piece.h"

namespace skulink {

// An upload (design rule 7): makes items of the channel of POS products, and listings of their variants. What
// the Seller Center is asked to create is committed before it is asked; while it is not known what became of
// it, it is asked the same again, by whichever upload of the channel comes next, before that decides
// anything.
class Upload final : public TransferJob {
 public:
  using TransferJob::TransferJob;

 private:
  absl::Status Prepare(const std::string& request) override;
  store::TransferPlan MakePlan(store::Session& session) override;
  absl::Status Do(Groups groups, Groups following) override;

  // Finds out what became of all creations of the channel of which that is not known.
  absl::Status AskAgain();
  // Takes what the shop has now of the items of these answers, which may be of long ago. What it does not
  // show is, in the answers, in no state that is known: it may be gone, or not be shown yet.
  absl::Status ReadAnswered(std::span<UploadGroup> groups, const std::string& currency);
  // Decides what to do with the first of these groups, and in a firm upload commits it.
  absl::StatusOr<std::vector<UploadGroup>> Decide(Groups groups);

  // Makes, or validates, the creations of the first of these groups, call after call, until the answers are
  // worth a transaction. Touches nothing but them, so that others may be written meanwhile.
  struct Asked {
    std::size_t groups = 0;
    absl::Status status = {};
  };
  Asked AskSome(std::span<UploadGroup> groups);
  // And again for those that are put off for a while. With a status that is not OK some may be answered.
  absl::Status Ask(std::span<UploadGroup> groups);
  absl::Status AskOnce(std::span<UploadGroup* const> groups);

  // Writes what was answered. The job does not come back to the first `done` of these groups.
  static void Take(store::Session& session, const store::Merchant& merchant, const store::JobRecord& job,
                   std::span<const UploadGroup> groups, std::size_t done);
  // Writes what became of the first of these groups.
  absl::Status Report(std::span<UploadGroup> asked);
  // The creations of those of these groups that were not asked for.
  absl::Status ForgetUnsent(std::span<const UploadGroup> groups);

  v1::StartUploadRequest request_;
  bool firm_ = false;
  CallSize creations_at_once_{CallSize::Refusals::kUsual};
  // Decided at once at most: fewer where the Seller Center takes so long that most had to be forgotten.
  std::size_t groups_at_once_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace skulink
