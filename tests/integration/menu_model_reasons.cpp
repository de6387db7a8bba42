// The reasons of the model's Not In POS rows, and the comparison with the store's.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/sku_likeness.h"
#include "tests/integration/menu_model.h"

namespace skulink {
namespace {

std::string Text(const std::string& channel, const std::string& listing_id,
                 const store::NotInPosExplanation& explanation) {
  std::string text = absl::StrCat(channel, "|", listing_id, "|", v1::NotInPosReason_Name(explanation.reason));
  for (const SkuDifference difference : explanation.differences) {
    absl::StrAppend(&text, " ", static_cast<int>(difference));
  }
  if (!explanation.candidate) return text;
  const store::NotInPosExplanation::Candidate& candidate = *explanation.candidate;
  return absl::StrCat(text, "|", candidate.product_id, "/", candidate.variant_id, "|", candidate.product_name,
                      "|", candidate.sku, "|others ", explanation.other_candidates);
}

std::string Text(const std::string& channel, const std::map<v1::NotInPosReason, std::int64_t>& listings) {
  std::string text = channel;
  for (const auto& [reason, count] : listings) {
    absl::StrAppend(&text, " ", v1::NotInPosReason_Name(reason), ":", count);
  }
  return text;
}

}  // namespace

store::NotInPosExplanation MenuModel::Explain(const Listing& listing,
                                              const std::vector<Row>& variants) const {
  store::NotInPosExplanation explanation;
  const std::string key = Key(listing.seller_sku);
  if (key.empty()) {
    explanation.reason = v1::NOT_IN_POS_REASON_SKU_EMPTY;
    return explanation;
  }
  const auto choose = [&](const Row& row, int others) {
    explanation.candidate.emplace();
    explanation.candidate->product_id = row.product->id;
    explanation.candidate->variant_id = row.variant->id;
    explanation.candidate->product_name = row.product->name;
    explanation.candidate->sku = row.variant->sku;
    explanation.other_candidates = others;
  };
  std::vector<const Row*> alike, same_gtin;
  for (const Row& row : variants) {
    if (!SkuDifferences(row.key, key).empty()) alike.push_back(&row);
    if (GtinKey(row.variant->barcode) && GtinKey(row.variant->barcode) == GtinKey(listing.gtin)) {
      same_gtin.push_back(&row);
    }
  }
  if (!alike.empty()) {
    const auto rank = [&](const Row* row) {
      const std::vector<SkuDifference> differences = SkuDifferences(row->key, key);
      return std::tuple(differences.size(), differences, row->key);
    };
    const Row& best = **std::min_element(alike.begin(), alike.end(),
                                         [&](const Row* a, const Row* b) { return rank(a) < rank(b); });
    explanation.differences = SkuDifferences(best.key, key);
    explanation.reason = static_cast<v1::NotInPosReason>(explanation.differences.front());
    choose(best, static_cast<int>(alike.size()) - 1);
  } else if (!same_gtin.empty()) {
    explanation.reason = v1::NOT_IN_POS_REASON_SAME_GTIN;
    const Row& first = **std::min_element(same_gtin.begin(), same_gtin.end(), [](const Row* a, const Row* b) {
      return std::tie(a->key, a->place) < std::tie(b->key, b->place);
    });
    choose(first, std::min<int>(static_cast<int>(same_gtin.size()), store::kCandidatesOfKey) - 1);
  } else {
    explanation.reason = v1::NOT_IN_POS_REASON_NO_CANDIDATE;
  }
  return explanation;
}

std::vector<std::string> MenuModel::Reasons(const Filter& filter) const {
  const std::vector<Row> variants = Variants();
  std::vector<std::string> texts;
  for (const auto& [channel, listing] : ListingsNotInPos(filter)) {
    texts.push_back(Text(channel, listing->listing_id, Explain(*listing, variants)));
  }
  return texts;
}

std::vector<std::string> MenuModel::ReasonCounts(const Filter& filter) const {
  const std::vector<Row> variants = Variants();
  std::map<std::string, std::map<v1::NotInPosReason, std::int64_t>> counts;
  for (const std::string& channel : Asked(filter)) counts[channel];
  for (const auto& [channel, listing] : ListingsNotInPos({.channels = filter.channels})) {
    ++counts[channel][Explain(*listing, variants).reason];
  }
  std::vector<std::string> texts;
  for (const auto& [channel, listings] : counts) texts.push_back(Text(channel, listings));
  return texts;
}

void ExpectReasons(store::Database& database, const MenuModel& model, const MenuModel::Filter& filter,
                   int page_size, const std::string& merchant) {
  SCOPED_TRACE(absl::StrCat("channels '", absl::StrJoin(filter.channels, ","), "' sku '", filter.sku_prefix,
                            "' name '", filter.name_prefix, "' page size ", page_size));
  const absl::StatusOr<store::Menu> menu = store::OpenMenu(database, merchant, filter.channels);
  ASSERT_TRUE(menu.ok()) << menu.status();
  std::map<int, std::string> ids;
  for (const auto& channel : menu->channels) ids[channel.number] = channel.id;
  EXPECT_EQ(AllPages<store::MenuListing>(
                [&](const auto& page) { return store::NotInPos(database, *menu, page, filter.states, true); },
                {filter.sku_prefix, filter.name_prefix, page_size, {}},
                [&](const auto& row) {
                  return Text(ids[row.channel_number], row.listing.listing_id, row.explanation);
                }),
            model.Reasons(filter));
  const auto summaries = store::SummarizeNotInPos(database, merchant, filter.channels, [] { return false; });
  ASSERT_TRUE(summaries.ok()) << summaries.status();
  std::vector<std::string> counts;
  for (const store::NotInPosSummary& summary : *summaries)
    counts.push_back(Text(summary.channel_id, summary.listings));
  EXPECT_EQ(counts, model.ReasonCounts(filter));
}

}  // namespace skulink
