// Pages at the edges: groups too large for a row, names longer than their keys, prefixes that fold to more
// than they were, and pages read while listings change.
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using store::MenuQuery;
using testing::ElementsAre;

class MenuPaging : public testing::Test {
 protected:
  MenuPaging() { CreateShop(*database_); }

  Listing Live(const std::string& id, const std::string& sku, const std::string& name = "Name") {
    return {.listing_id = id, .item_id = id, .name = name, .seller_sku = sku, .state = ListingState::kLive};
  }
  // To the store and to the model.
  void Create(const std::string& channel, const std::vector<Listing>& listings) {
    if (!model_.channels.contains(channel)) model_.channels[channel].number = AddChannel(*database_, channel);
    const store::ListingChanges changes{.created = listings};
    const absl::Status changed = ChangeListings(*database_, model_.channels[channel].number, changes);
    ASSERT_TRUE(changed.ok()) << changed;
    model_.Apply(channel, changes);
  }
  void AddProduct(const std::string& id, const std::string& name, const std::string& sku) {
    const store::Product product{.id = id, .name = name, .variants = {{.id = "v", .sku = sku}}, .version = 1};
    const auto created = store::CreateProduct(*database_, "shop", product);
    ASSERT_TRUE(created.ok()) << created.status();
    model_.products.push_back(product);
  }
  void CreateGroup(const std::string& sku, int size) {
    std::vector<Listing> listings;
    for (int i = 0; i < size; ++i) listings.push_back(Live(absl::StrCat(sku, "-", 10000 + i), sku));
    Create("c", listings);
  }
  // Listings of each row of Multiple Listing, as `key:listings`, page by page.
  std::vector<std::string> GroupRows(int page_size) {
    std::vector<std::string> rows;
    const auto menu = store::OpenMenu(*database_, "shop", {});
    EXPECT_TRUE(menu.ok()) << menu.status();
    MenuQuery query{.limit = page_size};
    StringSet seen;
    int repeated = 0;
    do {
      const auto page = store::MultipleListings(*database_, *menu, query);
      EXPECT_TRUE(page.ok()) << page.status();
      for (const auto& group : page->rows) {
        rows.push_back(absl::StrCat(group.sku_key, ":", group.listings.size()));
        for (const Listing& listing : group.listings) repeated += !seen.insert(listing.listing_id).second;
      }
      query.after = page->next;
    } while (!query.after.empty() && rows.size() < 20);
    EXPECT_EQ(repeated, 0);
    return rows;
  }

  TestDatabase database_;
  MenuModel model_;
};

TEST_F(MenuPaging, AGroupOfAThousandIsOneRow) {
  CreateGroup("a", 1000);
  CreateGroup("b", 2);
  EXPECT_THAT(GroupRows(1), ElementsAre("a:1000", "b:2"));
  EXPECT_THAT(GroupRows(50), ElementsAre("a:1000", "b:2"));
}

TEST_F(MenuPaging, ALargerGroupGoesOnInTheNextRows) {
  CreateGroup("a", 2);
  CreateGroup("b", 1001);
  CreateGroup("c", 2000);
  CreateGroup("d", 2);
  AddProduct("p", "In POS", "c");
  EXPECT_THAT(GroupRows(1), ElementsAre("a:2", "b:1000", "b:1", "c:1000", "c:1000", "d:2"));
  EXPECT_THAT(GroupRows(50), ElementsAre("a:2", "b:1000", "b:1", "c:1000", "c:1000", "d:2"));
}

TEST_F(MenuPaging, GroupsFoundByNameFillNoMoreThanAPage) {
  std::vector<Listing> listings;
  for (int i = 0; i < 40; ++i) {
    const std::string sku = absl::StrCat("s", 10 + i);
    listings.push_back(Live(sku + "x", sku, i % 3 == 0 ? "Celana" : "Baju"));
    listings.push_back(Live(sku + "y", sku, "Celana"));
  }
  Create("c", listings);
  for (const int page_size : {1, 2, 3, 4, 7, 50}) {
    ExpectMenu(*database_, model_, {.name_prefix = "baju"}, page_size);
  }
}

// Channels in another order than they were made in, and groups of such sizes that one read ends within each.
TEST_F(MenuPaging, GroupsOfAllSizesOnAllChannelsFillPages) {
  for (const char* channel : {"c", "a", "d", "b"}) {
    std::vector<Listing> listings;
    for (int i = 0; i < 30; ++i) {
      const std::string sku = absl::StrCat("s", 10 + i);
      const int size = i % 7 == 3 ? 40 : 1 + i % 5;
      for (int l = 0; l < size; ++l) listings.push_back(Live(absl::StrCat(sku, "-", l), sku));
    }
    Create(channel, listings);
  }
  AddProduct("p", "In POS", "s13");
  for (const int page_size : {1, 2, 7, 50}) {
    ExpectMenu(*database_, model_, {}, page_size);
    ExpectMenu(*database_, model_, {.sku_prefix = "s2"}, page_size);
    ExpectMenu(*database_, model_, {.channels = {"a", "c"}, .name_prefix = "n"}, page_size);
  }
}

TEST_F(MenuPaging, ANameLongerThanItsKeyIsComparedWhole) {
  const std::string begin(35, 'x');
  const std::vector<std::string> names = {begin + "A", begin + "B", begin + "ab", begin};
  for (const std::string& name : names) {
    const std::string id = name.substr(30);
    AddProduct(id, name, id);
    Create("c1", {Live(id, id, name), Live(id + "'", id, name), Live("other" + id, "other" + id, name)});
  }
  Create("c2", {});
  for (const std::string& prefix : {begin + "a", begin + "AB", begin, begin + "z"}) {
    for (const int page_size : {1, 2, 50}) ExpectMenu(*database_, model_, {.name_prefix = prefix}, page_size);
  }
}

TEST_F(MenuPaging, APrefixThatFoldsToMoreThanAKeyHoldsFindsItsNames) {
  std::string sharp;
  for (int i = 0; i < 17; ++i) sharp += "ß";
  for (const std::string& name : {std::string(34, 's'), std::string(40, 'S'), sharp, std::string(33, 's')}) {
    const std::string id = absl::StrCat("id", name.size(), name.substr(0, 2));
    AddProduct(id, name, id);
    Create("c1", {Live(id, id, name), Live(id + "'", id, name), Live("other" + id, "other" + id, name)});
  }
  Create("c2", {});
  for (const int page_size : {1, 2, 50}) ExpectMenu(*database_, model_, {.name_prefix = sharp}, page_size);
}

// More variants than a view is filtered by name in one go.
TEST_F(MenuPaging, ALargeCatalogueIsSearchedByNamePageByPage) {
  std::vector<store::ImportRow> rows;
  std::vector<Listing> one, two;
  for (int i = 0; i < 6000; ++i) {
    const std::string id = absl::StrCat(10000 + i);
    const std::string name = absl::StrCat(i % 700 == 0 ? "Rare " : "Common ", id);
    store::Product product{.id = id, .name = name, .variants = {{.id = "v", .sku = id}}, .version = 1};
    model_.products.push_back(product);
    rows.push_back({.line = i, .product = std::move(product)});
    if (i % 2 == 0) one.push_back(Live(id, id));
    if (i % 3 == 0) two.push_back(Live(id, id));
  }
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
  Create("c1", one);
  Create("c2", two);
  for (const char* prefix : {"rare", "common 100", "RARE 14"}) {
    ExpectMenu(*database_, model_, {.name_prefix = prefix}, 7);
  }
  ExpectMenu(*database_, model_, {.channels = {"c2"}, .name_prefix = "c"}, 999);
  ExpectStatistics(*database_, model_);
}

TEST_F(MenuPaging, VariantsOfOneProductFillPagesByName) {
  std::vector<store::ImportRow> rows;
  std::vector<Listing> listings;
  for (const int variants : {3, 120, 1, 40}) {
    const std::string id = absl::StrCat("p", variants);
    store::Product product{.id = id, .name = absl::StrCat("Many ", variants), .version = 1};
    for (int v = 0; v < variants; ++v) {
      const std::string sku = absl::StrCat(id, "-", v);
      product.variants.push_back({.id = absl::StrCat("v", v), .sku = sku});
      if (v % 3 != 0) listings.push_back(Live(sku, sku));
    }
    model_.products.push_back(product);
    rows.push_back({.line = variants, .product = std::move(product)});
  }
  // So many others that the views are no small ones.
  for (int i = 0; i < 2500; ++i) {
    const std::string id = absl::StrCat(10000 + i);
    store::Product product{.id = id, .name = "Other", .variants = {{.id = "v", .sku = id}}, .version = 1};
    model_.products.push_back(product);
    rows.push_back({.line = 1000 + i, .product = std::move(product)});
    listings.push_back(Live(id, id));
  }
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
  Create("c1", listings);
  Create("c2", {});
  for (const int page_size : {1, 2, 7, 50, 200}) {
    ExpectMenu(*database_, model_, {.name_prefix = "many"}, page_size);
  }
}

// More variants than are looked through for a page.
TEST_F(MenuPaging, AProductOfThousandsOfVariantsDoesNotHoldUpASearchByName) {
  std::vector<store::ImportRow> rows;
  std::vector<Listing> listings;
  const auto add = [&](const std::string& id, const std::string& name, int variants) {
    store::Product product{.id = id, .name = name, .version = 1};
    for (int v = 0; v < variants; ++v) {
      const std::string sku = absl::StrCat(id, "-", v);
      product.variants.push_back({.id = absl::StrCat("v", v), .sku = sku});
      if (v == variants - 1) listings.push_back(Live(sku, sku));
    }
    model_.products.push_back(product);
    rows.push_back({.line = 1, .product = std::move(product)});
  };
  // More than the API or an import lets a product have: a store may have it from before they were limited.
  add("large", "Many A", 4500);
  ASSERT_TRUE(store::CreateProduct(*database_, "shop", rows.front().product).ok());
  rows.clear();
  add("small", "Many B", 1);
  for (int i = 0; i < 2500; ++i) add(absl::StrCat(10000 + i), "Other", 1);
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
  Create("c1", listings);
  Create("c2", {});
  for (const int page_size : {50, 900}) {
    ExpectMenu(*database_, model_, {.name_prefix = "many"}, page_size);
  }
}

TEST_F(MenuPaging, AGroupAndItsListingsAreOfOneMoment) {
  const int channel = AddChannel(*database_, "c");
  ASSERT_TRUE(ChangeListings(*database_, channel, {.created = {Live("1", "a"), Live("2", "a")}}).ok());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 300; ++i) {
      const store::ListingChanges changes = i % 2 == 0 ? store::ListingChanges{.created = {Live("3", "a")}}
                                                       : store::ListingChanges{.removed = {"3"}};
      EXPECT_TRUE(ChangeListings(*database_, channel, changes).ok());
    }
    done = true;
  });
  const auto menu = store::OpenMenu(*database_, "shop", {});
  int pages = 0, torn = 0;
  while (!done || pages == 0) {
    const auto page = store::MultipleListings(*database_, *menu, {});
    ++pages;
    torn += !page.ok() || page->rows.size() != 1 ||
            static_cast<std::int64_t>(page->rows[0].listings.size()) != page->rows[0].listing_count;
  }
  writer.join();
  EXPECT_EQ(torn, 0) << "of " << pages;
}

}  // namespace
}  // namespace skulink
