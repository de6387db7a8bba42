#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/sku_likeness.h"
#include "server/store/database.h"
#include "skulink/v1/products_menu_service.pb.h"

// Why listings are not in the POS (design rule 9): found by two indexes of the variants, whatever the size of
// the catalogue.
namespace skulink::store {

// What decides: the listing's SKU key, and its GTIN as sent.
struct UnmatchedListing {
  std::string sku_key;
  std::string gtin;
};

struct NotInPosExplanation {
  v1::NotInPosReason reason = v1::NOT_IN_POS_REASON_UNSPECIFIED;
  std::vector<SkuDifference> differences;  // from the candidate's SKU; the reason is the first
  struct Candidate {
    std::string product_id, variant_id, product_name, sku;
  };
  std::optional<Candidate> candidate;  // without texts when those were not asked for
  int other_candidates = 0;
};

// Variants with one loose key, or one GTIN, that are looked at: the first by SKU key.
inline constexpr int kCandidatesOfKey = 20;

// Listings that are explained at once, at most: of an IN list with 1,000 values MariaDB makes a subquery,
// which may not use the index.
inline constexpr std::size_t kExplainedAtOnce = 400;
// One for each listing, in order.
std::vector<NotInPosExplanation> ExplainNotInPos(Session& session, std::int64_t merchant_number,
                                                 const std::vector<UnmatchedListing>& listings,
                                                 bool with_candidates);

struct NotInPosSummary {
  std::string channel_id;
  std::map<v1::NotInPosReason, std::int64_t> listings;  // live ones
};
// One for each channel asked for, by id; of all channels when none is. All of one moment. Errors as
// OpenMenu's; CANCELLED when `stop` says so, which is asked now and then.
absl::StatusOr<std::vector<NotInPosSummary>> SummarizeNotInPos(
    Database& database, std::string_view merchant_id, const std::vector<std::string>& asked_channel_ids,
    const std::function<bool()>& stop);

}  // namespace skulink::store
