#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/string_map.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/item_creations.h"
#include "server/store/transfer_plan.h"
#include "server/store/upload_products.h"
#include "server/sync/transfer_job.h"

namespace skulink {

// What an upload does for the variants of one product: at most one creation.
struct UploadGroup {
  std::vector<v1::JobItem> report = {};  // of each variant; of those to be created, as if they were
  std::optional<ItemCreation> creation = {};
  std::optional<ItemCreated> answer = {};  // once it was asked for
  bool sent = false;                       // it was asked for, answered or not
  std::int64_t product = 0;                // its number
  std::vector<std::size_t> created = {};   // for each listing of the creation its place in `report`
  std::int64_t items_created = 0;          // by this job before, without its report
};

// Decides what to do for each group, from what the store has of it.
class UploadPiece {
 public:
  UploadPiece(store::Session& session, const store::Merchant& merchant, const store::JobRecord& job,
              const ItemLimits& limits)
      : session_(session), merchant_(merchant), job_(job), limits_(limits) {}

  // Of the first of these groups, at least one: with many variants there are fewer.
  std::vector<UploadGroup> Decide(std::span<const store::TransferGroup> groups);

 private:
  // What an earlier life of this job had created, and did not report.
  struct CreatedBefore {
    std::vector<std::string> sku_keys;
    bool new_item = false;
  };

  void FindCreatedBefore(const std::vector<std::int64_t>& products);
  void FindPending();
  UploadGroup DecideGroup(const store::TransferGroup& group, const store::UploadProduct& product);
  // UNSPECIFIED: it is to be created.
  v1::JobItem DecideVariant(const store::UploadProduct& product, const store::UploadVariant& variant) const;
  // Takes those of `candidates` into a creation that the shop may take.
  void MakeCreation(const store::UploadProduct& product,
                    const std::vector<const store::UploadVariant*>& candidates,
                    const std::vector<std::size_t>& places, UploadGroup& decided);
  absl::Status CheckProduct(const store::UploadProduct& product) const;

  store::Session& session_;
  const store::Merchant& merchant_;
  const store::JobRecord& job_;
  const ItemLimits& limits_;
  absl::flat_hash_map<std::int64_t, std::vector<CreatedBefore>> created_before_;  // by product
  // Of creations of which it is not known what became of them.
  absl::flat_hash_set<std::int64_t> pending_products_;
  StringSet pending_sku_keys_;
};

// A creation as it is stored, and as it was.
std::string PackCreation(const ItemCreation& creation);
absl::StatusOr<ItemCreation> UnpackCreation(const std::string& bytes);

std::int64_t ProductNumber(const store::TransferGroup& group);

}  // namespace skulink
