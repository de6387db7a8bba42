#include "tests/integration/menu_model.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/text.h"
#include "server/store/merchants.h"
#include "server/store/verify.h"

namespace skulink {
namespace {

using store::Badges;
using store::Product;
using store::Variant;

template <typename Number>
std::string OrNone(const std::optional<Number>& number) {
  return number ? absl::StrCat(*number) : "-";
}
std::string OrNone(const std::optional<Money>& price) {
  return price ? absl::StrCat(price->ten_thousandths, price->currency) : "-";
}

std::string Text(const Variant& variant) {
  return absl::StrJoin({variant.id, variant.sku, variant.barcode, OrNone(variant.price),
                        OrNone(variant.stock), variant.option},
                       "|");
}

std::string Text(const Listing& listing) {
  return absl::StrJoin({listing.listing_id, listing.item_id, listing.name, listing.seller_sku,
                        absl::StrCat(static_cast<int>(listing.state)), OrNone(listing.price),
                        OrNone(listing.stock), listing.gtin},
                       "|");
}

std::string Text(const store::MenuVariant& row) {
  const Variant variant{row.variant_id, row.sku, row.barcode, row.price, row.stock, row.option};
  return absl::StrCat(row.product_id, "|", row.product_name, "|", Text(variant), "|badges ", row.badges);
}

std::string Text(const Product& product) {
  std::string text = absl::StrCat(product.id, "|", product.name, "|version ", product.version);
  for (const Variant& variant : product.variants) absl::StrAppend(&text, "\n  ", Text(variant));
  return text;
}

bool BeginsWith(std::string_view text, std::string_view prefix) {
  return FoldCase(text).starts_with(FoldCase(prefix));
}

}  // namespace

Product* MenuModel::Find(std::string_view product_id) {
  const auto found = std::find_if(products.begin(), products.end(),
                                  [&](const Product& other) { return other.id == product_id; });
  return found == products.end() ? nullptr : &*found;
}

std::string MenuModel::OwnerOf(std::string_view sku, std::string_view product_id,
                               std::string_view variant_id) const {
  const std::string key = Key(sku);
  if (key.empty()) return "";
  for (const Product& product : products) {
    for (const Variant& variant : product.variants) {
      if (product.id == product_id && variant.id == variant_id) continue;
      if (Key(variant.sku) == key) return absl::StrCat(product.id, "/", variant.id);
    }
  }
  return "";
}

bool MenuModel::Put(Product& product, const Variant& variant, bool& changed) {
  const auto same = std::find_if(product.variants.begin(), product.variants.end(),
                                 [&](const Variant& other) { return other.id == variant.id; });
  changed = same == product.variants.end() || *same != variant;
  if (!OwnerOf(variant.sku, product.id, variant.id).empty()) return false;
  if (same == product.variants.end()) {
    product.variants.push_back(variant);
  } else {
    *same = variant;
  }
  return true;
}

void MenuModel::Apply(const std::string& channel, const store::ListingChanges& changes) {
  std::map<std::string, Listing>& listings = channels.at(channel).listings;
  for (const Listing& listing : changes.created) listings[listing.listing_id] = listing;
  for (const Listing& listing : changes.updated) listings[listing.listing_id] = listing;
  for (const std::string& id : changes.removed) listings.erase(id);
}

bool MenuModel::Clashes(SkuCase other) const {
  std::set<std::string> keys;
  for (const Product& product : products) {
    for (const Variant& variant : product.variants) {
      const std::string key = SkuKey(variant.sku, other);
      if (!key.empty() && !keys.insert(key).second) return true;
    }
  }
  return false;
}

std::vector<std::string> MenuModel::Asked(const Filter& filter) const {
  std::vector<std::string> asked;
  for (const auto& [id, shop] : channels) {
    if (filter.channels.empty() || absl::c_linear_search(filter.channels, id)) asked.push_back(id);
  }
  return asked;
}

std::vector<MenuModel::Row> MenuModel::Variants() const {
  std::map<std::string, Badges> badges;
  for (const auto& [id, shop] : channels) {
    for (const auto& [listing_id, listing] : shop.listings) {
      if (listing.state == ListingState::kLive) badges[Key(listing.seller_sku)] |= Badges{1} << shop.number;
    }
  }
  badges.erase("");
  std::vector<Row> rows;
  for (const Product& product : products) {
    for (const Variant& variant : product.variants) {
      const std::string key = Key(variant.sku);
      const auto found = badges.find(key);
      rows.push_back({&product, &variant, key, found == badges.end() ? 0 : found->second, rows.size()});
    }
  }
  return rows;
}

std::vector<std::string> MenuModel::Sorted(std::vector<Row> rows, const Filter& filter, bool in_pos) const {
  const std::string prefix = SkuKeyPrefix(filter.sku_prefix, sku_case);
  std::erase_if(rows, [&](const Row& row) {
    if (!prefix.empty() && !row.key.starts_with(prefix)) return true;
    return !filter.name_prefix.empty() && !BeginsWith(row.product->name, filter.name_prefix);
  });
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    if (!filter.name_prefix.empty()) return NameKey(a.product->name) < NameKey(b.product->name);
    if (!in_pos) return std::pair(a.badges, a.key) < std::pair(b.badges, b.key);
    return !prefix.empty() && a.key < b.key;
  });
  std::vector<std::string> texts;
  for (const Row& row : rows) {
    texts.push_back(absl::StrCat(row.product->id, "|", row.product->name, "|", Text(*row.variant), "|badges ",
                                 row.badges));
  }
  return texts;
}

std::vector<std::string> MenuModel::Sold(const Filter& filter) const {
  std::vector<Row> rows = Variants();
  Badges asked = 0;
  for (const std::string& id : Asked(filter)) asked |= Badges{1} << channels.at(id).number;
  std::erase_if(rows, [&](const Row& row) { return (row.badges & asked) == 0; });
  return Sorted(std::move(rows), filter, false);
}

std::vector<std::string> MenuModel::NotInChannel(const Filter& filter) const {
  std::vector<Row> rows = Variants();
  Badges asked = 0;
  for (const std::string& id : Asked(filter)) asked |= Badges{1} << channels.at(id).number;
  std::erase_if(rows, [&](const Row& row) { return row.badges == 0 || (asked & ~row.badges) == 0; });
  return Sorted(std::move(rows), filter, false);
}

std::vector<std::string> MenuModel::InPos(const Filter& filter) const {
  return Sorted(Variants(), filter, true);
}

std::vector<std::pair<std::string, const Listing*>> MenuModel::ListingsNotInPos(const Filter& filter) const {
  std::set<std::string> keys;
  for (const Row& row : Variants()) keys.insert(row.key);
  keys.erase("");
  const std::string prefix = SkuKeyPrefix(filter.sku_prefix, sku_case);
  std::vector<std::pair<std::string, const Listing*>> all;
  for (const std::string& id : Asked(filter)) {
    std::vector<std::pair<std::tuple<ListingState, std::string, std::string>, const Listing*>> rows;
    for (const auto& [listing_id, listing] : channels.at(id).listings) {
      const std::string key = Key(listing.seller_sku);
      if (keys.contains(key) || !absl::c_linear_search(filter.states, listing.state)) continue;
      if (!key.starts_with(prefix) || !BeginsWith(listing.name, filter.name_prefix)) continue;
      const std::string order = filter.name_prefix.empty() ? key : NameKey(listing.name);
      rows.push_back({{listing.state, order, listing_id}, &listing});
    }
    std::sort(rows.begin(), rows.end());
    for (const auto& [order, listing] : rows) all.emplace_back(id, listing);
  }
  return all;
}

std::vector<std::string> MenuModel::NotInPos(const Filter& filter) const {
  std::vector<std::string> texts;
  for (const auto& [id, listing] : ListingsNotInPos(filter)) {
    texts.push_back(absl::StrCat(id, "|", Text(*listing)));
  }
  return texts;
}

std::vector<std::string> MenuModel::MultipleListings(const Filter& filter) const {
  const std::string prefix = SkuKeyPrefix(filter.sku_prefix, sku_case);
  std::vector<std::string> texts;
  for (const std::string& id : Asked(filter)) {
    std::map<std::string, std::vector<const Listing*>> groups;
    for (const auto& [listing_id, listing] : channels.at(id).listings) {
      const std::string key = Key(listing.seller_sku);
      if (listing.state == ListingState::kLive && !key.empty()) groups[key].push_back(&listing);
    }
    for (const auto& [key, listings] : groups) {
      const auto fits = [&](const Listing* one) { return BeginsWith(one->name, filter.name_prefix); };
      if (listings.size() < 2 || !key.starts_with(prefix) || absl::c_none_of(listings, fits)) continue;
      std::string text = absl::StrCat(id, "|", key, "|", listings.size(), "|", OwnerOf(key, "", ""));
      for (const Listing* listing : listings) absl::StrAppend(&text, "\n  ", Text(*listing));
      texts.push_back(text);
    }
  }
  return texts;
}

std::string MenuModel::Statistic(const std::string& id, const Shop& shop) const {
  const Filter here{.channels = {id}, .sku_prefix = {}, .name_prefix = {}};
  std::map<std::string, std::string> owners;
  std::set<std::string> sold_products;
  for (const Row& row : Variants()) {
    owners[row.key] = row.product->id;
    if ((row.badges & (Badges{1} << shop.number)) != 0) sold_products.insert(row.product->id);
  }
  owners.erase("");
  std::set<std::string> items, items_not_in_pos;
  std::map<int, int> states;
  for (const auto& [listing_id, listing] : shop.listings) {
    ++states[static_cast<int>(listing.state)];
    if (listing.state != ListingState::kLive) continue;
    items.insert(listing.item_id);
    if (!owners.contains(Key(listing.seller_sku))) items_not_in_pos.insert(listing.item_id);
  }
  std::string text = absl::StrCat(id, ": live ", states[1], " ", items.size(), ", sold ", Sold(here).size(),
                                  " ", sold_products.size(), ", not in POS ", NotInPos(here).size(), " ",
                                  items_not_in_pos.size(), ", not in channel ", NotInChannel(here).size(),
                                  ", multiple ", MultipleListings(here).size(), ", states");
  for (int state = 1; state <= kListingStates; ++state) absl::StrAppend(&text, " ", states[state]);
  return text;
}

std::vector<std::string> MenuModel::Statistics() const {
  std::vector<std::string> texts;
  for (const auto& [id, shop] : channels) texts.push_back(Statistic(id, shop));
  return texts;
}

std::vector<std::string> MenuModel::Catalogue() const {
  std::vector<std::string> texts;
  for (const Product& product : products) texts.push_back(Text(product));
  return texts;
}

void ExpectMenu(store::Database& database, const MenuModel& model, const MenuModel::Filter& filter,
                int page_size, const std::string& merchant) {
  SCOPED_TRACE(absl::StrCat("channels '", absl::StrJoin(filter.channels, ","), "' sku '", filter.sku_prefix,
                            "' name '", filter.name_prefix, "' page size ", page_size));
  const absl::StatusOr<store::Menu> menu = store::OpenMenu(database, merchant, filter.channels);
  ASSERT_TRUE(menu.ok()) << menu.status();
  std::map<int, std::string> ids;
  for (const auto& channel : menu->channels) ids[channel.number] = channel.id;
  const store::MenuQuery query{filter.sku_prefix, filter.name_prefix, page_size, {}};

  using Variants = absl::StatusOr<store::MenuPage<store::MenuVariant>> (*)(
      store::Database&, const store::Menu&, const store::MenuQuery&);
  const auto variants = [&](Variants view) {
    return AllPages<store::MenuVariant>([&](const auto& page) { return view(database, *menu, page); }, query,
                                        [](const auto& row) { return Text(row); });
  };
  EXPECT_EQ(variants(store::SoldInChannel), model.Sold(filter)) << "Sold In Channel";
  EXPECT_EQ(variants(store::NotInChannel), model.NotInChannel(filter)) << "Not In Channel";
  EXPECT_EQ(variants(store::InPos), model.InPos(filter)) << "In POS";
  EXPECT_EQ(
      AllPages<store::MenuListing>(
          [&](const auto& page) { return store::NotInPos(database, *menu, page, filter.states); }, query,
          [&](const auto& row) { return absl::StrCat(ids[row.channel_number], "|", Text(row.listing)); }),
      model.NotInPos(filter))
      << "Not In POS";
  EXPECT_EQ(AllPages<store::MultipleListingGroup>(
                [&](const auto& page) { return store::MultipleListings(database, *menu, page); }, query,
                [&](const auto& row) {
                  const std::string owner =
                      row.product_id.empty() ? "" : absl::StrCat(row.product_id, "/", row.variant_id);
                  std::string text = absl::StrCat(ids[row.channel_number], "|", row.sku_key, "|",
                                                  row.listing_count, "|", owner);
                  for (const Listing& listing : row.listings) absl::StrAppend(&text, "\n  ", Text(listing));
                  return text;
                }),
            model.MultipleListings(filter))
      << "Multiple Listing";
}

void ExpectStatistics(store::Database& database, const MenuModel& model, const std::string& merchant) {
  const auto statistics = store::ChannelStatistics(database, merchant, {});
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  std::vector<std::string> texts;
  for (const store::ChannelStatistic& one : *statistics) {
    texts.push_back(absl::StrCat(one.channel_id, ": live ", one.live_skus, " ", one.live_products, ", sold ",
                                 one.sold_skus, " ", one.sold_products, ", not in POS ", one.not_in_pos_skus,
                                 " ", one.not_in_pos_products, ", not in channel ", one.not_in_channel,
                                 ", multiple ", one.multiple_listings, ", states ",
                                 absl::StrJoin(one.listings_by_state, " ")));
  }
  EXPECT_EQ(texts, model.Statistics());
}

void ExpectCatalogue(store::Database& database, const MenuModel& model, const std::string& merchant) {
  std::vector<std::string> texts;
  for (std::int64_t after = 0;;) {
    const auto page = store::ListProducts(database, merchant, after, 7);
    ASSERT_TRUE(page.ok()) << page.status();
    if (page->empty()) break;
    for (const Product& product : *page) texts.push_back(Text(product));
    after = page->back().number;
  }
  EXPECT_EQ(texts, model.Catalogue());
}

void ExpectVerified(store::Database& database) {
  const auto report = store::Verify(database);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->differences, 0) << absl::StrJoin(report->first_differences, "\n");
}

void CreateShop(store::Database& database, const std::string& merchant, SkuCase sku_case) {
  const auto created = store::CreateMerchant(
      database, {.id = merchant, .display_name = "Shop", .currency = "IDR", .sku_case = sku_case});
  ASSERT_TRUE(created.ok()) << created.status();
}

int AddChannel(store::Database& database, const std::string& channel, const std::string& merchant) {
  const auto created = store::CreateChannel(
      database, merchant, {.id = channel, .display_name = channel, .endpoint = "localhost:1"});
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? created->number : -1;
}

absl::Status ChangeListings(store::Database& database, int channel, const store::ListingChanges& changes,
                            const store::ChannelMemory* memory, const std::string& merchant) {
  const auto prepared = database.Read([&](store::Session& session) {
    return store::PrepareListingChanges(session, store::RequireMerchant(session, merchant), channel, changes);
  });
  if (!prepared.ok()) return prepared.status();
  bool first = true;
  return database.Transact([&](store::Session& session) {
    const bool load_early = std::exchange(first, false);
    if (load_early) store::LoadCreated(session, *prepared);
    store::ApplyListingChanges(session, store::LockMerchant(session, merchant), channel, changes, memory,
                               &*prepared,
                               load_early ? store::CreatedRows::kLoaded : store::CreatedRows::kToLoad);
  });
}

}  // namespace skulink
