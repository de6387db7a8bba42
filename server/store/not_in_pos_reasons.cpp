#include "server/store/not_in_pos_reasons.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/store/menu_views.h"

namespace skulink::store {
namespace {

static_assert(static_cast<int>(SkuDifference::kCase) == v1::NOT_IN_POS_REASON_CASE);
static_assert(static_cast<int>(SkuDifference::kInnerSpace) == v1::NOT_IN_POS_REASON_INNER_SPACE);
static_assert(static_cast<int>(SkuDifference::kInvisibleCharacter) ==
              v1::NOT_IN_POS_REASON_INVISIBLE_CHARACTER);
static_assert(static_cast<int>(SkuDifference::kDashOrUnderscore) == v1::NOT_IN_POS_REASON_DASH_OR_UNDERSCORE);
static_assert(static_cast<int>(SkuDifference::kLeadingZero) == v1::NOT_IN_POS_REASON_LEADING_ZERO);
static_assert(static_cast<int>(SkuDifference::kLookalike) == v1::NOT_IN_POS_REASON_LOOKALIKE);

// Rows read for many keys at once, for each of them: nearly every key has one variant or none.
constexpr std::int64_t kUsualVariantsOfKey = 4;

using Candidate = NotInPosExplanation::Candidate;

struct KeyedVariant {
  std::string sku_key;
  std::int64_t product, number;
  Candidate candidate;

  friend bool operator<(const KeyedVariant& a, const KeyedVariant& b) {
    return std::tie(a.sku_key, a.product, a.number) < std::tie(b.sku_key, b.product, b.number);
  }
};

std::string KeyFromRow(const Row& row, std::string_view /*type*/) { return row.String(0); }
std::int64_t KeyFromRow(const Row& row, std::int64_t /*type*/) { return row.Int(0); }

template <typename Key>
using VariantsByKey = absl::flat_hash_map<Key, std::vector<KeyedVariant>>;

template <typename Key>
std::vector<Key> Distinct(std::vector<Key> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

// Finds variants by one of their keys.
class VariantFinder {
 public:
  // Without candidates nothing but the index of `column` is read.
  VariantFinder(Session& session, std::int64_t merchant_number, const std::string& column,
                bool with_candidates)
      : session_(session), merchant_number_(merchant_number), with_candidates_(with_candidates) {
    const std::string columns =
        absl::StrCat("v.", column, ", v.sku_key, v.product_no, v.variant_no",
                     with_candidates ? ", p.product_id, v.variant_id, p.name, v.sku" : "");
    const std::string variants = absl::StrCat("variant v FORCE INDEX (by_", column, ")");
    const char* const products =
        with_candidates
            ? " STRAIGHT_JOIN product p FORCE INDEX (PRIMARY) ON p.merchant_no = v.merchant_no AND "
              "p.product_no = v.product_no"
            : "";
    of_keys_ = absl::StrCat("WITH asked (k) AS (?) SELECT ", columns, " FROM asked STRAIGHT_JOIN ", variants,
                            " ON v.merchant_no = ? AND v.", column, " = asked.k", products, " LIMIT ?");
    of_key_ =
        absl::StrCat("SELECT ", columns, " FROM ", variants, products, " WHERE v.merchant_no = ? AND v.",
                     column, " = ? ORDER BY v.sku_key, v.product_no, v.variant_no LIMIT ?");
  }

  // The first kCandidatesOfKey of each key.
  template <typename Key>
  VariantsByKey<Key> Find(std::vector<Key> keys) const {
    VariantsByKey<Key> variants;
    Add(Distinct(std::move(keys)), variants);
    return variants;
  }

 private:
  // Where keys have more variants than is usual they are read in two halves, down to each by itself: no more
  // than a few rows are read in vain, even when thousands share a key.
  template <typename Key>
  void Add(const std::vector<Key>& keys, VariantsByKey<Key>& variants) const {
    if (keys.empty()) return;
    if (keys.size() == 1) {
      session_.Query(of_key_, {merchant_number_, keys[0], kCandidatesOfKey},
                     [&](const Row& row) { AddRow<Key>(row, variants); });
      return;
    }
    const auto usual = std::max<std::int64_t>(static_cast<std::int64_t>(keys.size()) * kUsualVariantsOfKey,
                                              kCandidatesOfKey);
    std::int64_t rows = 0;
    VariantsByKey<Key> read;
    session_.Query(of_keys_, {Keys(keys), merchant_number_, usual + 1}, [&](const Row& row) {
      ++rows;
      AddRow<Key>(row, read);
    });
    if (rows > usual) {
      const auto middle = keys.begin() + static_cast<std::ptrdiff_t>(keys.size() / 2);
      Add<Key>({keys.begin(), middle}, variants);
      Add<Key>({middle, keys.end()}, variants);
      return;
    }
    for (auto& [key, found] : read) {
      std::sort(found.begin(), found.end());
      if (found.size() > kCandidatesOfKey) found.resize(kCandidatesOfKey);
      variants[key] = std::move(found);
    }
  }

  template <typename Key>
  void AddRow(const Row& row, VariantsByKey<Key>& variants) const {
    KeyedVariant& variant = variants[KeyFromRow(row, Key())].emplace_back(
        KeyedVariant{row.String(1), row.Int(2), row.Int(3), {}});
    if (with_candidates_) variant.candidate = {row.String(4), row.String(5), row.String(6), row.String(7)};
  }

  Session& session_;
  const std::int64_t merchant_number_;
  const bool with_candidates_;
  std::string of_keys_, of_key_;  // statements
};

// By the variants with the listing's loose key. False when none of them is alike.
bool ExplainBySku(const std::string& sku_key, const std::vector<KeyedVariant>& variants,
                  NotInPosExplanation& explanation) {
  const auto rank = [](const std::vector<SkuDifference>& differences) {
    return std::tuple(differences.size(), differences);
  };
  int alike = 0;
  for (const KeyedVariant& variant : variants) {
    // None when the very SKU has come to the POS since the listing was read.
    std::vector<SkuDifference> differences = SkuDifferences(variant.sku_key, sku_key);
    if (differences.empty()) continue;
    if (alike++ > 0 && rank(differences) >= rank(explanation.differences)) continue;
    explanation.differences = std::move(differences);
    explanation.candidate = variant.candidate;
  }
  if (alike == 0) return false;
  explanation.reason = static_cast<v1::NotInPosReason>(explanation.differences.front());
  explanation.other_candidates = alike - 1;
  return true;
}

// The SKU keys of a channel's listings that are in no page before, and their GTINs. Those without SKU are no
// part.
struct SummaryPosition {
  std::string sku_key = "\x01", listing_id;  // no SKU key begins with less
};
std::vector<UnmatchedListing> ReadListings(Session& session, std::int64_t merchant_number, int channel,
                                           SummaryPosition& after) {
  std::vector<UnmatchedListing> listings;
  const SummaryPosition from = after;
  session.Query(
      "SELECT sku_key, gtin, listing_id FROM listing FORCE INDEX (by_sku) WHERE merchant_no = ? AND "
      "channel_no = "
      "? AND state = 1 AND in_pos = 0 AND sku_key >= ? AND (sku_key > ? OR listing_id > ?) ORDER BY sku_key, "
      "listing_id LIMIT ?",
      {merchant_number, channel, Blob{from.sku_key}, Blob{from.sku_key}, Blob{from.listing_id},
       static_cast<std::int64_t>(kExplainedAtOnce)},
      [&](const Row& row) {
        listings.push_back({row.String(0), row.String(1)});
        after = {row.String(0), row.String(2)};
      });
  return listings;
}

void CountReasons(Session& session, std::int64_t merchant_number, int channel,
                  const std::function<bool()>& stop, NotInPosSummary& summary) {
  session.Query(
      "SELECT COUNT(*) FROM listing FORCE INDEX (by_sku) WHERE merchant_no = ? AND channel_no = ? AND state "
      "= 1 "
      "AND in_pos = 0 AND sku_key = ''",
      {merchant_number, channel}, [&](const Row& row) {
        if (row.Int(0) > 0) summary.listings[v1::NOT_IN_POS_REASON_SKU_EMPTY] = row.Int(0);
      });
  SummaryPosition after;
  while (true) {
    if (stop()) {
      throw Refused(Error(absl::StatusCode::kCancelled, v1::ERROR_REASON_DEADLINE_EXCEEDED,
                          "the caller does not wait for the summary any more"));
    }
    const std::vector<UnmatchedListing> listings = ReadListings(session, merchant_number, channel, after);
    if (listings.empty()) return;
    for (const NotInPosExplanation& explanation :
         ExplainNotInPos(session, merchant_number, listings, /*with_candidates=*/false)) {
      ++summary.listings[explanation.reason];
    }
  }
}

}  // namespace

std::vector<NotInPosExplanation> ExplainNotInPos(Session& session, std::int64_t merchant_number,
                                                 const std::vector<UnmatchedListing>& listings,
                                                 bool with_candidates) {
  std::vector<NotInPosExplanation> explanations(listings.size());
  std::vector<std::string> loose_keys(listings.size()), looked_up;
  for (std::size_t i = 0; i < listings.size(); ++i) {
    loose_keys[i] = LooseSkuKey(listings[i].sku_key);
    if (!loose_keys[i].empty()) looked_up.push_back(loose_keys[i]);
  }
  const auto by_loose_key =
      VariantFinder(session, merchant_number, "loose_key", with_candidates).Find(std::move(looked_up));
  std::vector<std::optional<std::int64_t>> gtin_keys(listings.size());
  std::vector<std::int64_t> gtins;
  for (std::size_t i = 0; i < listings.size(); ++i) {
    if (listings[i].sku_key.empty()) {
      explanations[i].reason = v1::NOT_IN_POS_REASON_SKU_EMPTY;
      continue;
    }
    const auto alike = by_loose_key.find(loose_keys[i]);
    if (alike != by_loose_key.end() && ExplainBySku(listings[i].sku_key, alike->second, explanations[i]))
      continue;
    explanations[i].reason = v1::NOT_IN_POS_REASON_NO_CANDIDATE;
    gtin_keys[i] = GtinKey(listings[i].gtin);
    if (gtin_keys[i]) gtins.push_back(*gtin_keys[i]);
  }
  const auto by_gtin =
      VariantFinder(session, merchant_number, "gtin_key", with_candidates).Find(std::move(gtins));
  for (std::size_t i = 0; i < listings.size(); ++i) {
    if (!gtin_keys[i]) continue;
    const auto same = by_gtin.find(*gtin_keys[i]);
    if (same == by_gtin.end()) continue;
    explanations[i].reason = v1::NOT_IN_POS_REASON_SAME_GTIN;
    explanations[i].candidate = same->second.front().candidate;
    explanations[i].other_candidates = static_cast<int>(same->second.size()) - 1;
  }
  return explanations;
}

absl::StatusOr<std::vector<NotInPosSummary>> SummarizeNotInPos(
    Database& database, std::string_view merchant_id, const std::vector<std::string>& asked_channel_ids,
    const std::function<bool()>& stop) {
  return database.ReadSnapshot([&](Session& session) {
    const Menu menu = ReadMenu(session, merchant_id, asked_channel_ids);
    std::vector<NotInPosSummary> summaries;
    for (const Menu::ChannelRef& channel : menu.channels) {
      if ((menu.asked & BadgeOf(channel.number)) == 0) continue;
      NotInPosSummary& summary = summaries.emplace_back();
      summary.channel_id = channel.id;
      CountReasons(session, menu.merchant_number, channel.number, stop, summary);
    }
    return summaries;
  });
}

}  // namespace skulink::store
