#pragma once

#include <span>
#include <string>

#include "server/sync/download_piece.h"
#include "server/sync/transfer_job.h"

namespace skulink {

// A download (design rule 7): makes POS products of items of the channel, and variants of their listings.
class Download final : public TransferJob {
 public:
  using TransferJob::TransferJob;

 private:
  absl::Status Prepare(const std::string& request) override;
  store::TransferPlan MakePlan(store::Session& session) override;
  absl::StatusOr<std::size_t> Do(std::span<const store::TransferGroup> groups) override;

  v1::StartDownloadRequest request_;
  DownloadPiece::Options options_;
};

}  // namespace skulink
