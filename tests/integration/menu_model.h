#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/listing.h"
#include "common/sku_key.h"
#include "server/store/channels.h"
#include "server/store/database.h"
#include "server/store/listings.h"
#include "server/store/menu_views.h"
#include "server/store/products.h"

namespace skulink {

// The products menu as design rules 2 to 5 say it, computed from nothing but SKUs, states and names, in
// memory. Tests do the same to it and to the store, and compare.
class MenuModel {
 public:
  SkuCase sku_case = SkuCase::kSensitive;
  std::vector<store::Product> products;  // as created
  struct Shop {
    int number = 0;
    std::map<std::string, Listing> listings;
    store::StockSync stock_sync;
    bool price_sync = false;
  };
  std::map<std::string, Shop> channels;

  store::Product* Find(std::string_view product_id);
  // Of another variant than this one; empty: nobody. `product_id/variant_id`.
  std::string OwnerOf(std::string_view sku, std::string_view product_id, std::string_view variant_id) const;
  // False, and nothing done, when the SKU is taken.
  bool Put(store::Product& product, const store::Variant& variant, bool& changed);
  // As the store is asked for it. False, and nothing done, when it is refused.
  bool Create(const store::Product& product);
  bool Update(std::string_view product_id, const store::ProductChange& change);
  bool Delete(std::string_view product_id);
  // Which variants were refused: `LINE FIELD product_id/variant_id`.
  std::vector<std::string> Import(const std::vector<store::ImportRow>& rows);
  void Apply(const std::string& channel, const store::ListingChanges& changes);
  // Whether `other` would give two variants one key.
  bool Clashes(SkuCase other) const;

  struct Filter {
    std::vector<std::string> channels;  // empty: all
    std::string sku_prefix, name_prefix;
    std::vector<ListingState> states = {ListingState::kLive};  // of Not In POS
  };
  // Rows as text, in the order of each view.
  std::vector<std::string> Sold(const Filter& filter) const;
  std::vector<std::string> NotInChannel(const Filter& filter) const;
  std::vector<std::string> InPos(const Filter& filter) const;
  std::vector<std::string> NotInPos(const Filter& filter) const;
  // The same with reasons, each found by a look at every variant; and how many of each on a channel.
  std::vector<std::string> Reasons(const Filter& filter) const;
  std::vector<std::string> ReasonCounts(const Filter& filter) const;
  std::vector<std::string> MultipleListings(const Filter& filter) const;
  std::vector<std::string> Statistics() const;
  std::vector<std::string> Catalogue() const;
  // What is to be at the listings of the channels that are kept in step, by channel number.
  std::vector<std::string> Pushes() const;

 protected:
  // A variant with its product, where it is live, and its place in the order of products.
  struct Row {
    const store::Product* product;
    const store::Variant* variant;
    std::string key;
    store::Badges badges;
    std::size_t place;
  };
  std::string Key(std::string_view sku) const { return SkuKey(sku, sku_case); }
  std::vector<Row> Variants() const;

 private:
  bool Replace(store::Product& product, const std::vector<store::Variant>& coming);
  void ImportRow(const store::ImportRow& row, std::vector<std::string>& refused,
                 std::set<std::string>& touched);
  std::set<std::size_t> Stuck(const store::ImportRow& row) const;
  std::vector<std::string> Asked(const Filter& filter) const;
  std::vector<std::pair<std::string, const Listing*>> ListingsNotInPos(const Filter& filter) const;
  store::NotInPosExplanation Explain(const Listing& listing, const std::vector<Row>& variants) const;
  std::vector<std::string> Sorted(std::vector<Row> rows, const Filter& filter, bool in_pos) const;
  std::string Statistic(const std::string& id, const Shop& shop) const;
};

// Compares every page, of `page_size` rows, of every view with the model.
void ExpectMenu(store::Database& database, const MenuModel& model, const MenuModel::Filter& filter,
                int page_size, const std::string& merchant = "shop");
// Every page of Not In POS with reasons, and the summary.
void ExpectReasons(store::Database& database, const MenuModel& model, const MenuModel::Filter& filter,
                   int page_size, const std::string& merchant = "shop");
void ExpectStatistics(store::Database& database, const MenuModel& model,
                      const std::string& merchant = "shop");
// Products and variants with all their values and etags.
void ExpectCatalogue(store::Database& database, const MenuModel& model, const std::string& merchant = "shop");
// What a channel is sent of a stock.
std::int64_t Offered(std::int64_t stock, const store::StockSync& rule);
// Of the channels that are kept in step, when all is planned.
void ExpectPlannedPushes(store::Database& database, const MenuModel& model,
                         const std::string& merchant = "shop");
// Plans what is still to be planned first, in the place of a server.
void ExpectPushes(store::Database& database, const MenuModel& model, const std::string& merchant = "shop");
// `skulinkd verify` finds no difference.
void ExpectVerified(store::Database& database);

// All rows of a view, page by page. A page may be short before the last only where names are looked through.
template <typename RowType>
std::vector<std::string> AllPages(
    const std::function<absl::StatusOr<store::MenuPage<RowType>>(const store::MenuQuery&)>& read,
    store::MenuQuery query, const std::function<std::string(const RowType&)>& text) {
  std::vector<std::string> texts;
  do {
    const absl::StatusOr<store::MenuPage<RowType>> page = read(query);
    if (!page.ok()) return {page.status().ToString()};
    EXPECT_LE(page->rows.size(), static_cast<std::size_t>(query.limit));
    if (!page->next.empty() && query.name_prefix.empty()) {
      EXPECT_EQ(page->rows.size(), static_cast<std::size_t>(query.limit));
    }
    for (const RowType& row : page->rows) texts.push_back(text(row));
    query.after = page->next;
  } while (!query.after.empty() && texts.size() < 1'000'000);
  return texts;
}

// Puts the merchant `shop` there.
void CreateShop(store::Database& database, const std::string& merchant = "shop",
                SkuCase sku_case = SkuCase::kSensitive);
int AddChannel(store::Database& database, const std::string& channel, const std::string& merchant = "shop");
// As a scan writes them.
absl::Status ChangeListings(store::Database& database, int channel, const store::ListingChanges& changes,
                            const store::ChannelMemory* memory = nullptr,
                            const std::string& merchant = "shop");

}  // namespace skulink
