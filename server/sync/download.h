#pragma once

#include <future>
#include <string>

#include "absl/status/statusor.h"
#include "server/sync/download_piece.h"
#include "server/sync/transfer_job.h"

namespace skulink {

// A download (design rule 7): makes POS products of items of the channel, and variants of their listings.
class Download final : public TransferJob {
 public:
  using TransferJob::TransferJob;

 private:
  void Forget() override;
  absl::Status Prepare(const std::string& request) override;
  store::TransferPlan MakePlan(store::Session& session) override;
  absl::Status Do(Groups groups, Groups following) override;

  // What the Seller Center says of the first of some groups, and what of that the store does not know.
  struct Fetched {
    std::size_t groups = 0;
    DownloadedItems items;
    store::ListingChanges changes;
  };
  absl::StatusOr<Fetched> Fetch(Groups groups);
  // Rows of the plan in a transaction, at most.
  std::size_t RowsAtOnce(store::Session& session) const;

  v1::StartDownloadRequest request_;
  DownloadPiece::Options options_;
  std::string currency_;                        // the merchant's
  std::future<absl::StatusOr<Fetched>> ahead_;  // of the next groups, while those before are written
  bool wrote_listings_ = false;                 // while the next groups were looked at
};

}  // namespace skulink
