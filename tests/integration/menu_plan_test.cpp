// How many rows the database touches for a page of a view: few, and as many in a large catalogue as in a
// small one.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/store/channels.h"
#include "server/store/jobs.h"
#include "server/store/merchants.h"
#include "server/store/not_in_pos_reasons.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

constexpr int kPage = 50;
constexpr int kSmall = 2'000, kLarge = 20'000;

// A merchant whose variants are nearly all on channel c1, the even ones on c2, and one in 500 on c3; c1 has
// few listings that are not in POS, few groups of two, c2 has many.
class Catalogue {
 public:
  // One session, so that its counters are those of the calls made here.
  explicit Catalogue(int variants) : database_(TestDatabase::Schema::kMigrated, 1) {
    CreateShop(*database_);
    // The statistics of the indexes stay those of empty tables, as where many rows come fast.
    const absl::Status altered = database_->Read([](store::Session& session) {
      for (const char* table : {"listing", "product", "variant"}) {
        session.Execute(absl::StrCat("ALTER TABLE ", table, " STATS_AUTO_RECALC=0"));
      }
    });
    EXPECT_TRUE(altered.ok()) << altered;
    std::vector<store::ImportRow> rows;
    for (int i = 0; i < variants; i += 2) {
      store::Product product{.id = absl::StrCat("p", i), .name = NameOf(i)};
      for (int v = i; v < i + 2; ++v)
        product.variants.push_back({.id = absl::StrCat("v", v), .sku = SkuOf(v)});
      rows.push_back({.line = i, .product = std::move(product)});
    }
    const auto imported = store::ImportProducts(*database_, "shop", rows);
    EXPECT_TRUE(imported.ok()) << imported.status();
    for (const char* channel : {"c1", "c2", "c3"}) FillChannel(channel, variants);
  }

  // Rows read by `call`, index entries rejected early included.
  template <typename Call>
  std::int64_t Reads(const Call& call) {
    const std::int64_t first = Counter(), own = Counter() - first;
    const std::int64_t before = Counter();
    call();
    return Counter() - before - own;
  }

  store::Database& database() { return *database_; }

  // A channel with nothing but one group.
  void AddGroup(const std::string& channel, int listings) {
    const int number = AddChannel(*database_, channel);
    store::ListingChanges changes;
    for (int i = 0; i < listings; ++i) {
      const std::string id = absl::StrFormat("%06d", i);
      changes.created.push_back(
          {.listing_id = id, .item_id = id, .seller_sku = SkuOf(1), .state = ListingState::kLive});
      if (changes.created.size() < 2000 && i + 1 < listings) continue;
      const absl::Status changed = ChangeListings(*database_, number, changes);
      EXPECT_TRUE(changed.ok()) << changed;
      changes.created.clear();
    }
  }

 private:
  static std::string SkuOf(int i) { return absl::StrFormat("SKU-%06d", i); }
  // A few have a name of their own.
  static std::string NameOf(int i) {
    return absl::StrCat(i % 500 == 0 ? "Rare " : "Common ", absl::StrFormat("%06d", i));
  }

  void FillChannel(const std::string& channel, int variants) {
    const int number = AddChannel(*database_, channel);
    store::ListingChanges changes;
    const auto add = [&](int i, const std::string& id, const std::string& sku) {
      changes.created.push_back({.listing_id = id,
                                 .item_id = absl::StrCat("i", i / 2),
                                 .name = NameOf(i),
                                 .seller_sku = sku,
                                 .state = ListingState::kLive});
    };
    const int extra = channel == "c1" ? 500 : 10, step = channel == "c2" ? 2 : channel == "c3" ? 500 : 1;
    for (int i = 0; i < variants; ++i) {
      if (i % step == 0 && i % 1000 != 7) add(i, absl::StrCat("l", i), SkuOf(i));
      if (i % extra == 0) add(i, absl::StrCat("twin", i), SkuOf(i));
      if (i % extra == 1) add(i, absl::StrCat("strange", i), absl::StrCat("OTHER-", i));
      if (changes.created.size() < 2000 && i + 1 < variants) continue;
      const absl::Status changed = ChangeListings(*database_, number, changes);
      EXPECT_TRUE(changed.ok()) << changed;
      changes.created.clear();
    }
  }

  std::int64_t Counter() {
    std::int64_t sum = 0;
    const absl::Status read = database_->Read([&](store::Session& session) {
      session.Query(
          "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = "
          "'Handler_icp_attempts'",
          {}, [&](const store::Row& row) { sum += row.Int(1); });
    });
    EXPECT_TRUE(read.ok()) << read;
    return sum;
  }

  TestDatabase database_;
};

class MenuPlan : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    small_ = std::make_unique<Catalogue>(kSmall);
    large_ = std::make_unique<Catalogue>(kLarge);
  }
  static void TearDownTestSuite() {
    small_.reset();
    large_.reset();
  }

  // `reads(catalogue)` rows are at most `most` in both; a scan of the large one would be 20 times that.
  template <typename ReadsOf>
  static void ExpectFew(const std::string& what, std::int64_t most, const ReadsOf& reads) {
    const std::int64_t in_small = reads(*small_), in_large = reads(*large_);
    EXPECT_GT(in_large, 0) << what;
    EXPECT_LE(in_small, most) << what;
    EXPECT_LE(in_large, most) << what << " (" << in_small << " in the small catalogue)";
  }

  static inline std::unique_ptr<Catalogue> small_, large_;
};

using View = PagePosition (*)(store::Database&, const store::Menu&, const store::MenuQuery&);

template <auto kView>
PagePosition Next(store::Database& database, const store::Menu& menu, const store::MenuQuery& query) {
  const auto page = kView(database, menu, query);
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? page->next : PagePosition();
}

absl::StatusOr<store::MenuPage<store::MenuListing>> LiveNotInPos(store::Database& database,
                                                                 const store::Menu& menu,
                                                                 const store::MenuQuery& query) {
  return store::NotInPos(database, menu, query, {ListingState::kLive});
}

absl::StatusOr<store::MenuPage<store::MenuListing>> LiveNotInPosWithReasons(store::Database& database,
                                                                            const store::Menu& menu,
                                                                            const store::MenuQuery& query) {
  return store::NotInPos(database, menu, query, {ListingState::kLive}, true);
}

const std::map<std::string, View> kViews = {{"not in POS with reasons", Next<LiveNotInPosWithReasons>},
                                            {"sold in channel", Next<store::SoldInChannel>},
                                            {"not in channel", Next<store::NotInChannel>},
                                            {"in POS", Next<store::InPos>},
                                            {"not in POS", Next<LiveNotInPos>},
                                            {"multiple listing", Next<store::MultipleListings>}};
const std::vector<std::vector<std::string>> kChannelFilters = {{}, {"c1"}, {"c2"}, {"c3"}, {"c1", "c3"}};

struct Case {
  View view;
  std::vector<std::string> channels;
  store::MenuQuery query;
  bool deep = false;  // the page that follows on the first 2,000 rows, or on as many as there are
};

std::int64_t PageReads(Catalogue& catalogue, const Case& page) {
  const auto menu = store::OpenMenu(catalogue.database(), "shop", page.channels);
  EXPECT_TRUE(menu.ok()) << menu.status();
  store::MenuQuery query = page.query;
  for (int rows = 0; page.deep && rows < 2000; rows += query.limit) {
    PagePosition next = page.view(catalogue.database(), *menu, query);
    if (next.empty()) break;
    query.after = std::move(next);
  }
  return catalogue.Reads([&] { page.view(catalogue.database(), *menu, query); });
}

void ForEachCase(const std::vector<store::MenuQuery>& queries,
                 const std::function<void(const std::string& what, const Case& page)>& check) {
  for (const auto& [name, view] : kViews) {
    for (const std::vector<std::string>& channels : kChannelFilters) {
      for (const store::MenuQuery& query : queries) {
        for (const bool deep : {false, true}) {
          check(absl::StrCat(name, ", channels '", absl::StrJoin(channels, " "), "', SKU '", query.sku_prefix,
                             "', name '", query.name_prefix, deep ? "', deep" : "'"),
                {view, channels, query, deep});
        }
      }
    }
  }
}

TEST_F(MenuPlan, PagesInTheOrderOfSkusTouchFewRowsWhereverTheyAre) {
  std::vector<store::MenuQuery> queries;
  for (const char* prefix : {"", "SKU-", "SKU-0005", "SKU-0019", "OTHER-1", "nothing"}) {
    queries.push_back({.sku_prefix = prefix, .limit = kPage});
  }
  ForEachCase(queries, [](const std::string& what, const Case& page) {
    ExpectFew(what, 20 * kPage, [&](Catalogue& catalogue) { return PageReads(catalogue, page); });
  });
}

TEST_F(MenuPlan, PagesByNameTouchNoMoreRowsThanAreLookedThroughForThem) {
  std::vector<store::MenuQuery> queries;
  for (const char* prefix : {"c", "common 0005", "rare", "nothing"}) {
    queries.push_back({.name_prefix = prefix, .limit = kPage});
  }
  // 4,000 products with two variants each are looked through, then a page is given out even when it is empty.
  ForEachCase(queries, [](const std::string& what, const Case& page) {
    ExpectFew(what, 20'000, [&](Catalogue& catalogue) { return PageReads(catalogue, page); });
  });
}

TEST(LargeGroup, APartTouchesNoMoreRowsThanItHas) {
  Catalogue catalogue(10);
  catalogue.AddGroup("large", 12'000);
  for (const bool deep : {false, true}) {
    const Case page{.view = Next<store::MultipleListings>, .channels = {"large"}, .query = {}, .deep = deep};
    EXPECT_LE(PageReads(catalogue, page), 5'000) << deep;
  }
}

TEST_F(MenuPlan, StatisticsAndListsOfProductsTouchFewRows) {
  ExpectFew("statistics", 100, [](Catalogue& catalogue) {
    return catalogue.Reads(
        [&] { EXPECT_TRUE(store::ChannelStatistics(catalogue.database(), "shop", {}).ok()); });
  });
  ExpectFew("products", 20 * kPage, [](Catalogue& catalogue) {
    return catalogue.Reads(
        [&] { EXPECT_TRUE(store::ListProducts(catalogue.database(), "shop", 700, kPage).ok()); });
  });
}

TEST_F(MenuPlan, TheSummaryOfReasonsLooksUpItsListingsOnly) {
  ExpectFew("summary of a channel with few listings that are not in POS", 2'000, [](Catalogue& catalogue) {
    return catalogue.Reads([&] {
      const auto summary =
          store::SummarizeNotInPos(catalogue.database(), "shop", {"c1"}, [] { return false; });
      EXPECT_TRUE(summary.ok() && !summary->front().listings.empty()) << summary.status();
    });
  });
}

TEST_F(MenuPlan, SmallChangesTouchFewRows) {
  const auto rename = [](std::string sku) {
    return [sku = std::move(sku)](Catalogue& catalogue) {
      return catalogue.Reads([&] {
        const store::ProductChange change{
            .variants = {{{.id = "v100", .sku = sku}, {.id = "v101", .sku = "new"}}}};
        const auto updated = store::UpdateProduct(catalogue.database(), "shop", "p100", change);
        EXPECT_TRUE(updated.ok()) << updated.status();
      });
    };
  };
  ExpectFew("a variant that leaves its listings", 300, rename("gone"));
  ExpectFew("a variant that finds them again", 300, rename("SKU-000100"));
  ExpectFew("a listing that ends and one that comes", 300, [](Catalogue& catalogue) {
    const auto channel = store::GetChannel(catalogue.database(), "shop", "c1");
    EXPECT_TRUE(channel.ok()) << channel.status();
    return catalogue.Reads([&] {
      const store::ListingChanges changes{.created = {{.listing_id = "another",
                                                       .item_id = "i9",
                                                       .seller_sku = "SKU-000007",
                                                       .state = ListingState::kLive}},
                                          .removed = {"l12"}};
      const absl::Status changed = ChangeListings(catalogue.database(), channel->number, changes);
      EXPECT_TRUE(changed.ok()) << changed;
    });
  });
  ExpectFew("an import of what is there", 300, [](Catalogue& catalogue) {
    store::ImportRow row{.product = {.id = "p200", .name = "Common 000200"}};
    for (const int v : {200, 201}) {
      row.product.variants.push_back({.id = absl::StrCat("v", v), .sku = absl::StrFormat("SKU-%06d", v)});
    }
    return catalogue.Reads([&] {
      const auto imported = store::ImportProducts(catalogue.database(), "shop", {row});
      EXPECT_TRUE(imported.ok()) << imported.status();
      EXPECT_EQ(imported->counts.variants_unchanged(), 2);
    });
  });
  ExpectVerified(small_->database());
  ExpectVerified(large_->database());
}

// Whatever the statistics of the indexes say, which follow a table that grows fast only later.
TEST_F(MenuPlan, LargeChangesTouchFewRowsForEach) {
  constexpr int kChanges = 400, kMost = 25 * kChanges;
  const auto change = [](Catalogue& catalogue, const store::ListingChanges& changes) {
    const auto channel = store::GetChannel(catalogue.database(), "shop", "c3");
    EXPECT_TRUE(channel.ok()) << channel.status();
    return catalogue.Reads([&] {
      const absl::Status changed = ChangeListings(catalogue.database(), channel->number, changes);
      EXPECT_TRUE(changed.ok()) << changed;
    });
  };
  store::ListingChanges known, fresh, updated;
  std::vector<store::ImportRow> rows;
  for (int i = 0; i < kChanges; ++i) {
    const std::string sku = absl::StrFormat("SKU-%06d", i + 1);
    const Listing listing{.listing_id = absl::StrCat("known", i),
                          .item_id = absl::StrCat("known", i / 2),
                          .seller_sku = sku,
                          .state = ListingState::kLive};
    known.created.push_back(listing);
    updated.updated.push_back(listing);
    updated.updated.back().seller_sku = absl::StrCat("STRANGE-", i);
    fresh.created.push_back(listing);
    fresh.created.back().listing_id = absl::StrCat("fresh", i);
    fresh.created.back().item_id = absl::StrCat("fresh", i / 2);
    fresh.created.back().seller_sku = absl::StrCat("FRESH-", i);
    store::ImportRow row{.line = i, .product = {.id = absl::StrCat("fresh", i), .name = "Fresh"}};
    row.product.variants.push_back({.id = "only", .sku = fresh.created.back().seller_sku});
    rows.push_back(std::move(row));
  }
  ExpectFew("listings of SKUs of the POS", kMost,
            [&](Catalogue& catalogue) { return change(catalogue, known); });
  ExpectFew("listings of other SKUs", kMost, [&](Catalogue& catalogue) { return change(catalogue, fresh); });
  ExpectFew("listings that get other SKUs", kMost,
            [&](Catalogue& catalogue) { return change(catalogue, updated); });
  ExpectFew("products of such listings", kMost, [&](Catalogue& catalogue) {
    return catalogue.Reads([&] {
      const auto imported = store::ImportProducts(catalogue.database(), "shop", rows);
      EXPECT_TRUE(imported.ok()) << imported.status();
    });
  });
  ExpectVerified(small_->database());
  ExpectVerified(large_->database());
}

TEST_F(MenuPlan, ServersLookForJobsAmongThoseThatAreNotOver) {
  const auto claim = [](Catalogue& catalogue) {
    return catalogue.Reads([&] {
      const auto claimed = store::ClaimJob(catalogue.database(), "server", "owner", absl::Seconds(10));
      EXPECT_TRUE(claimed.ok() && !*claimed) << claimed.status();
      EXPECT_TRUE(store::RenewLeases(catalogue.database(), "owner", absl::Seconds(10)).ok());
    });
  };
  const absl::Status ended = small_->database().Transact([](store::Session& session) {
    session.Execute(
        "INSERT INTO job (merchant_no, job_id, channel_no, state, scan_mode, revision, progress, "
        "create_time) "
        "SELECT c.merchant_no, CONCAT(c.channel_no, '-', s.seq), c.channel_no, 4, 1, 1, '', 1 FROM channel "
        "c, seq_1_to_5000 s");
  });
  ASSERT_TRUE(ended.ok()) << ended;

  EXPECT_LT(claim(*small_), 50);
}

}  // namespace
}  // namespace skulink
