#include "server/store/upload_products.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/string_map.h"
#include "server/store/channels.h"
#include "server/store/item_creations.h"
#include "server/store/listings.h"
#include "server/store/stock.h"

namespace skulink::store {
namespace {

using Products = absl::flat_hash_map<std::int64_t, UploadProduct>;

// So that a statement stays under the max_allowed_packet that databases have by default, however long the
// keys are.
constexpr std::size_t kKeysAtOnce = 2000;

template <typename Take>
void InParts(const std::vector<std::string_view>& keys, const Take& take) {
  for (std::size_t first = 0; first < keys.size(); first += kKeysAtOnce) {
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t count = std::min(kKeysAtOnce, keys.size() - first);
    take(std::vector<std::string_view>(begin, begin + static_cast<std::ptrdiff_t>(count)));
  }
}

StockSync StockRule(Session& session, const JobRecord& job) {
  StockSync rule;
  session.Query(
      "SELECT stock_percentage, stock_buffer, stock_maximum FROM channel WHERE merchant_no = ? AND "
      "channel_no = ? "
      "AND stock_sync",
      {job.merchant_number, job.channel_number}, [&](const Row& row) {
        rule = {
            .percentage = static_cast<int>(row.Int(0)), .buffer = row.Int(1), .maximum = row.OptionalInt(2)};
      });
  return rule;
}

Products ReadProducts(Session& session, const JobRecord& job, const std::vector<std::int64_t>& numbers) {
  Products products;
  session.Query(
      "WITH asked (k) AS (?) SELECT p.product_no, p.product_id, p.name, p.image_uris FROM asked "
      "STRAIGHT_JOIN product p "
      "FORCE INDEX (PRIMARY) ON p.merchant_no = ? AND p.product_no = asked.k",
      {Keys(numbers), job.merchant_number}, [&](const Row& row) {
        UploadProduct& product = products[row.Int(0)];
        product.number = row.Int(0);
        product.id = row.String(1);
        product.name = row.String(2);
        if (!row.IsNull(3)) product.image_uris = absl::StrSplit(row.String(3), '\n');
      });
  session.Query(
      absl::StrCat(
          "WITH asked (k) AS (?) SELECT v.product_no, v.variant_no, v.sku_key, v.variant_id, v.sku, "
          "v.barcode, "
          "v.price, v.currency, ",
          OfferedStock(StockRule(session, job)),
          ", v.option_text FROM asked STRAIGHT_JOIN variant v FORCE INDEX (PRIMARY) ON v.merchant_no = ? AND "
          "v.product_no = asked.k"),
      {Keys(numbers), job.merchant_number}, [&](const Row& row) {
        const auto product = products.find(row.Int(0));
        if (product == products.end()) return;
        UploadVariant& upload = product->second.variants[row.Int(1)];
        upload.sku_key = row.String(2);
        upload.offered = row.Int(8);
        upload.variant = {
            .id = row.String(3), .sku = row.String(4), .barcode = row.String(5), .option = row.String(9)};
        if (!row.IsNull(6)) upload.variant.price = Money{row.Int(6), row.String(7)};
      });
  return products;
}

void FindListings(Session& session, const JobRecord& job, Products& products) {
  StringMap<UploadVariant*> by_key;
  for (auto& [number, product] : products) {
    for (auto& [variant_number, variant] : product.variants) {
      if (!variant.sku_key.empty()) by_key.emplace(variant.sku_key, &variant);
    }
  }
  std::vector<std::string_view> keys;
  for (const auto& [key, variant] : by_key) keys.push_back(key);
  // What has a variant's key is in the POS.
  FindListingsOfKeys(session, job, keys, {1},
                     [&](std::string_view key, std::string_view listing_id, std::string_view item_id) {
                       UploadVariant& variant = *by_key.at(key);
                       // Of several always the same one.
                       if (!variant.listing_id.empty() && variant.listing_id < listing_id) return;
                       variant.listing_id = listing_id;
                       variant.item_id = item_id;
                     });
}

// The item that has most of the product's variants; empty: there is none.
std::string ItemWithMost(const UploadProduct& product) {
  std::map<std::string, int> matches;
  for (const auto& [number, variant] : product.variants) {
    if (!variant.item_id.empty()) ++matches[variant.item_id];
  }
  std::string item_id;
  int most = 0;
  for (const auto& [id, count] : matches) {
    if (count <= most) continue;
    item_id = id;
    most = count;
  }
  return item_id;
}

void ChooseItems(Session& session, const JobRecord& job, Products& products) {
  StringSet items;
  std::vector<std::int64_t> without;
  for (auto& [number, product] : products) {
    product.item_id = ItemWithMost(product);
    if (product.item_id.empty()) {
      without.push_back(number);
    } else {
      items.insert(product.item_id);
    }
  }
  const auto made = FindItemsMade(session, job, without);
  for (const auto& [number, ids] : made) items.insert(ids.begin(), ids.end());
  if (items.empty()) return;
  StringMap<std::int64_t> listings;
  const std::vector<std::string_view> asked(items.begin(), items.end());
  session.Query(
      "WITH asked (k) AS (?) SELECT l.item_id FROM asked STRAIGHT_JOIN listing l FORCE INDEX (by_item) ON "
      "l.merchant_no = ? AND l.channel_no = ? AND l.item_id = asked.k AND l.state <> 5",
      {Keys(asked), job.merchant_number, job.channel_number},
      [&](const Row& row) { ++listings[row.Text(0)]; });
  for (const auto& [number, ids] : made) {
    const auto there =
        std::find_if(ids.begin(), ids.end(), [&](const auto& id) { return listings.contains(id); });
    if (there != ids.end()) products.at(number).item_id = *there;
  }
  for (auto& [number, product] : products) {
    if (!product.item_id.empty()) product.item_listings = listings[product.item_id];
  }
}

}  // namespace

Products ReadUploadProducts(Session& session, const JobRecord& job,
                            const std::vector<std::int64_t>& numbers) {
  Products products = ReadProducts(session, job, numbers);
  FindListings(session, job, products);
  ChooseItems(session, job, products);
  return products;
}

std::size_t CountWithin(Session& session, const JobRecord& job, const std::vector<std::int64_t>& numbers,
                        std::int64_t variants) {
  absl::flat_hash_map<std::int64_t, std::int64_t> counts;
  session.Query(
      "WITH asked (k) AS (?) SELECT v.product_no FROM asked STRAIGHT_JOIN variant v FORCE INDEX (PRIMARY) ON "
      "v.merchant_no = ? AND v.product_no = asked.k",
      {Keys(numbers), job.merchant_number}, [&](const Row& row) { ++counts[row.Int(0)]; });
  std::size_t within = 0;
  while (within < numbers.size() && (variants -= counts[numbers[within]]) >= 0) ++within;
  return std::max<std::size_t>(within, 1);
}

void FindListingsOfKeys(
    Session& session, const JobRecord& job, const std::vector<std::string_view>& sku_keys,
    const std::vector<std::int64_t>& in_pos,
    const std::function<void(std::string_view, std::string_view, std::string_view)>& take) {
  std::vector<ListingState> states = StatesInUse(session, job.merchant_number)[job.channel_number];
  std::erase(states, ListingState::kDeleted);
  InParts(sku_keys, [&](const std::vector<std::string_view>& some) {
    for (const ListingState state : states) {
      for (const std::int64_t place : in_pos) {
        session.Query(
            "WITH asked (k) AS (?) SELECT l.sku_key, l.listing_id, l.item_id FROM asked STRAIGHT_JOIN "
            "listing l "
            "FORCE INDEX (by_sku) ON l.merchant_no = ? AND l.channel_no = ? AND l.state = ? AND l.in_pos = ? "
            "AND "
            "l.sku_key = asked.k",
            {Keys(some), job.merchant_number, job.channel_number, static_cast<int>(state), place},
            [&](const Row& row) { take(row.Text(0), row.Text(1), row.Text(2)); });
      }
    }
  });
}

absl::flat_hash_set<std::int64_t> FindProducts(Session& session, const JobRecord& job,
                                               const std::vector<std::int64_t>& numbers) {
  absl::flat_hash_set<std::int64_t> found;
  session.Query(
      "WITH asked (k) AS (?) SELECT p.product_no FROM asked STRAIGHT_JOIN product p FORCE INDEX (PRIMARY) ON "
      "p.merchant_no = ? AND p.product_no = asked.k",
      {Keys(numbers), job.merchant_number}, [&](const Row& row) { found.insert(row.Int(0)); });
  return found;
}

StringSet FindKeysInPos(Session& session, const JobRecord& job,
                        const std::vector<std::string_view>& sku_keys) {
  StringSet found;
  InParts(sku_keys, [&](const std::vector<std::string_view>& some) {
    session.Query(
        "WITH asked (k) AS (?) SELECT v.sku_key FROM asked STRAIGHT_JOIN variant v FORCE INDEX (by_sku) ON "
        "v.merchant_no = ? AND v.sku_key = asked.k",
        {Keys(some), job.merchant_number}, [&](const Row& row) { found.insert(row.String(0)); });
  });
  return found;
}

bool WasScannedInFull(Session& session, std::int64_t merchant_number, int channel) {
  bool was = false;
  session.Query(
      "SELECT 1 FROM channel_count WHERE merchant_no = ? AND channel_no = ? AND last_scan_time IS NOT NULL",
      {merchant_number, channel}, [&](const Row&) { was = true; });
  return was;
}

}  // namespace skulink::store
