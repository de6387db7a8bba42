#include "server/store/upload_products.h"

#include <map>
#include <utility>

#include "absl/strings/str_split.h"
#include "common/string_map.h"
#include "server/store/listings.h"

namespace skulink::store {
namespace {

using Products = absl::flat_hash_map<std::int64_t, UploadProduct>;

Products ReadProducts(Session& session, const JobRecord& job, const std::vector<std::int64_t>& numbers) {
  Products products;
  session.Query(
      "SELECT product_no, product_id, name, image_uris FROM product WHERE merchant_no = ? AND product_no IN "
      "(?)",
      {job.merchant_number, numbers}, [&](const Row& row) {
        UploadProduct& product = products[row.Int(0)];
        product.number = row.Int(0);
        product.id = row.String(1);
        product.name = row.String(2);
        if (!row.IsNull(3)) product.image_uris = absl::StrSplit(row.String(3), '\n');
      });
  session.Query(
      "SELECT product_no, variant_no, sku_key, variant_id, sku, barcode, price, currency, stock, option_text "
      "FROM variant WHERE merchant_no = ? AND product_no IN (?)",
      {job.merchant_number, numbers}, [&](const Row& row) {
        const auto product = products.find(row.Int(0));
        if (product == products.end()) return;
        UploadVariant& upload = product->second.variants[row.Int(1)];
        upload.sku_key = row.String(2);
        upload.variant = {.id = row.String(3),
                          .sku = row.String(4),
                          .barcode = row.String(5),
                          .stock = row.OptionalInt(8),
                          .option = row.String(9)};
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
  std::vector<std::int64_t> states = StatesInUse(session, job.merchant_number)[job.channel_number];
  std::erase(states, static_cast<std::int64_t>(ListingState::kDeleted));
  if (states.empty() || keys.empty()) return;
  // What has a variant's key is in the POS.
  session.Query(
      "SELECT sku_key, listing_id, item_id FROM listing FORCE INDEX (by_sku) WHERE merchant_no = ? AND "
      "channel_no = ? AND state IN (?) AND in_pos = 1 AND sku_key IN (?)",
      {job.merchant_number, job.channel_number, states, keys}, [&](const Row& row) {
        UploadVariant& variant = *by_key.at(row.Text(0));
        // Of several always the same one.
        if (!variant.listing_id.empty() && variant.listing_id < row.Text(1)) return;
        variant.listing_id = row.String(1);
        variant.item_id = row.String(2);
      });
}

void ChooseItems(Session& session, const JobRecord& job, Products& products) {
  StringMap<std::vector<UploadProduct*>> by_item;
  for (auto& [number, product] : products) {
    std::map<std::string, int> matches;
    for (const auto& [variant_number, variant] : product.variants) {
      if (!variant.item_id.empty()) ++matches[variant.item_id];
    }
    int most = 0;
    for (const auto& [item_id, count] : matches) {
      if (count > most) {
        product.item_id = item_id;
        most = count;
      }
    }
    if (most > 0) by_item[product.item_id].push_back(&product);
  }
  std::vector<std::string_view> items;
  for (const auto& [item_id, of_item] : by_item) items.push_back(item_id);
  if (items.empty()) return;
  session.Query(
      "SELECT item_id, COUNT(*) FROM listing FORCE INDEX (by_item) WHERE merchant_no = ? AND channel_no = ? "
      "AND "
      "item_id IN (?) AND state <> 5 GROUP BY item_id",
      {job.merchant_number, job.channel_number, items}, [&](const Row& row) {
        for (UploadProduct* product : by_item.at(row.Text(0))) product->item_listings = row.Int(1);
      });
}

}  // namespace

Products ReadUploadProducts(Session& session, const JobRecord& job,
                            const std::vector<std::int64_t>& numbers) {
  Products products = ReadProducts(session, job, numbers);
  FindListings(session, job, products);
  ChooseItems(session, job, products);
  return products;
}

}  // namespace skulink::store
