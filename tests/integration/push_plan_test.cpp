// How many rows the database touches to plan, find, answer and list pushes: as many in a large catalogue as
// in a small one.
#include <gmock/gmock.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/store/merchants.h"
#include "server/store/push_list.h"
#include "server/store/stock.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/push_fixture.h"

namespace skulink {
namespace {

constexpr int kSmall = 1'000, kLarge = 10'000;

// Variants with a listing on each of two channels that are kept in step. On c1 all pushes are due, on c2
// applied.
class Catalogue {
 public:
  explicit Catalogue(int variants) : database_(TestDatabase::Schema::kMigrated, 1) {
    CreateShop(*database_);
    std::vector<store::ImportRow> rows;
    store::ListingChanges listings[2];
    for (const char* id : {"c1", "c2"}) {
      EXPECT_TRUE(store::CreateChannel(*database_, "shop",
                                       {.id = id,
                                        .display_name = id,
                                        .endpoint = "localhost:1",
                                        .stock_sync = {.enabled = true},
                                        .price_sync = true})
                      .ok());
    }
    for (int i = 0; i < variants; ++i) {
      const std::string sku = SkuOf(i);
      rows.push_back(
          {.line = i,
           .product = {.id = sku,
                       .name = sku,
                       .variants = {{.id = "v", .sku = sku, .price = Money{i, "IDR"}, .stock = i}}}});
      for (const int channel : {0, 1}) {
        Listing listing{.listing_id = sku, .item_id = sku, .seller_sku = sku, .state = ListingState::kLive};
        if (channel == 1) listing.stock = i;
        if (channel == 1) listing.price = Money{i, "IDR"};
        listings[channel].created.push_back(std::move(listing));
        if (listings[channel].created.size() < 2000 && i + 1 < variants) continue;
        EXPECT_TRUE(ChangeListings(*database_, channel, listings[channel]).ok());
        listings[channel].created.clear();
      }
    }
    const auto imported = store::ImportProducts(*database_, "shop", rows);
    EXPECT_TRUE(imported.ok()) << imported.status();
  }

  static std::string SkuOf(int i) { return absl::StrFormat("SKU-%06d", i); }
  store::Database& database() { return *database_; }
  store::ChannelTraffic Own(int channel) { return OwnTraffic(*database_, channel); }

  // Rows read by `call`, index entries rejected early included.
  std::int64_t Reads(const std::function<void()>& call) {
    const std::int64_t first = Counter(), own = Counter() - first;
    const std::int64_t before = Counter();
    call();
    return Counter() - before - own;
  }

 private:
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

class PushPlan : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    small_ = std::make_unique<Catalogue>(kSmall);
    large_ = std::make_unique<Catalogue>(kLarge);
  }
  static void TearDownTestSuite() {
    small_.reset();
    large_.reset();
  }

  static void ExpectFew(std::int64_t most, const std::function<void(Catalogue&)>& call) {
    for (const auto& catalogue : {small_.get(), large_.get()}) {
      const std::int64_t reads = catalogue->Reads([&] { call(*catalogue); });
      EXPECT_GT(reads, 0);
      EXPECT_LE(reads, most) << (catalogue == large_.get() ? "large" : "small");
    }
  }
  static store::StockRequest SetOf(int first, int count, std::int64_t stock) {
    store::StockRequest request;
    for (int i = first; i < first + count; ++i) {
      request.changes.push_back({{.sku = Catalogue::SkuOf(i)}, stock + i});
    }
    return request;
  }

  static inline std::unique_ptr<Catalogue> small_, large_;
};

TEST_F(PushPlan, AStockIsSetAndPlannedByKey) {
  ExpectFew(60, [](Catalogue& catalogue) {
    EXPECT_TRUE(store::ChangeStock(catalogue.database(), "shop", SetOf(7, 1, 5)).ok());
  });
  ExpectFew(100 * 30, [](Catalogue& catalogue) {
    EXPECT_TRUE(store::ChangeStock(catalogue.database(), "shop", SetOf(100, 100, 5)).ok());
  });
  ExpectFew(60, [](Catalogue& catalogue) {
    store::StockRequest request = SetOf(8, 1, 9);
    request.changes[0].variant = {.product_id = Catalogue::SkuOf(8), .variant_id = "v"};
    EXPECT_TRUE(store::ChangeStock(catalogue.database(), "shop", request).ok());
  });
}

TEST_F(PushPlan, RequestsThatWereAnsweredAreFoundAndForgottenByIndex) {
  for (const auto& catalogue : {small_.get(), large_.get()}) {
    const absl::Status filled = catalogue->database().Transact([&](store::Session& session) {
      const store::Merchant merchant = store::RequireMerchant(session, "shop");
      store::RowBatch batch("answered_request", "merchant_no, request_id, request, response, create_time");
      for (int i = 0; i < 3000; ++i) {
        // Half of them are old.
        batch.Add(merchant.number).Add(absl::StrCat(i)).Add(std::string(16, 'x')).Add("");
        batch.Add(i % 2 == 0 ? std::int64_t{i} : INT64_MAX - i).EndRow();
      }
      session.Load(batch);
    });
    ASSERT_TRUE(filled.ok()) << filled;
  }
  ExpectFew(150, [](Catalogue& catalogue) {
    store::StockRequest request = SetOf(9, 1, 5);
    request.request_id = "new";
    EXPECT_TRUE(store::ChangeStock(catalogue.database(), "shop", request).ok());
  });
}

TEST_F(PushPlan, SmallChangesOfTheCatalogueAndOfListingsPlanFew) {
  ExpectFew(200, [](Catalogue& catalogue) {
    const store::Variant variant{
        .id = "v", .sku = Catalogue::SkuOf(20), .price = Money{77, "IDR"}, .stock = std::nullopt};
    EXPECT_TRUE(
        store::UpdateProduct(catalogue.database(), "shop", Catalogue::SkuOf(20), {.variants = {{variant}}})
            .ok());
  });
  ExpectFew(300, [](Catalogue& catalogue) {
    store::ListingChanges changes;
    for (const int i : {30, 31}) {
      const std::string sku = Catalogue::SkuOf(i);
      changes.updated.push_back(
          {.listing_id = sku, .item_id = sku, .seller_sku = sku, .state = ListingState::kLive, .stock = 3});
    }
    changes.removed.push_back(Catalogue::SkuOf(32));
    EXPECT_TRUE(ChangeListings(catalogue.database(), 0, changes).ok());
  });
  ExpectVerified(small_->database());
  ExpectVerified(large_->database());
}

TEST_F(PushPlan, WhatIsDueIsFoundAndAnsweredByRow) {
  ExpectFew(50 * 10, [](Catalogue& catalogue) {
    const auto due = store::DuePushes(catalogue.database(), catalogue.Own(0), v1::PUSH_KIND_STOCK, 50);
    ASSERT_TRUE(due.ok()) << due.status();
    EXPECT_EQ(due->size(), 50);
    std::vector<store::PushAnswer> answers;
    for (const store::DuePush& push : *due) {
      answers.push_back({.push = push, .outcome = v1::PUSH_OUTCOME_APPLIED});
    }
    EXPECT_TRUE(store::SavePushAnswers(catalogue.database(), catalogue.Own(0), answers).ok());
  });
  ExpectFew(30, [](Catalogue& catalogue) {
    EXPECT_LE(store::DuePushes(catalogue.database(), catalogue.Own(1), v1::PUSH_KIND_PRICE, 10)->size(), 10);
  });
}

TEST_F(PushPlan, PagesOfPushesTouchFewRows) {
  const auto page = [](store::PushQuery query, int page_size, bool deep) {
    return [query, page_size, deep](Catalogue& catalogue) mutable {
      query.limit = page_size;
      if (deep) query.after = {"0", Catalogue::SkuOf(900), "1"};
      EXPECT_TRUE(store::ListPushes(catalogue.database(), "shop", query).ok());
    };
  };
  for (const bool deep : {false, true}) {
    ExpectFew(50 * 10, page({}, 50, deep));
    ExpectFew(50 * 10, page({.channel_id = "c2"}, 50, deep));
    ExpectFew(100, page({.variant = store::VariantChoice{.sku = Catalogue::SkuOf(901)}}, 50, deep));
    ExpectFew(3'000, page({.channel_id = "c2", .outcomes = {v1::PUSH_OUTCOME_GONE}}, 50, deep));
  }
}

TEST_F(PushPlan, APlanOfAllGoesThroughAPartOfTheListings) {
  for (const auto& catalogue : {small_.get(), large_.get()}) {
    const auto updated =
        store::UpdateChannel(catalogue->database(), "shop", "c2",
                             {.stock_sync = store::StockSync{.enabled = true, .maximum = 10}});
    ASSERT_TRUE(updated.ok()) << updated.status();
  }
  // 2,500 listings, each with its variant and two pushes, planned and checked.
  ExpectFew(2'500 * 16, [](Catalogue& catalogue) {
    EXPECT_TRUE(store::PlanSomeOfAll(catalogue.database(), catalogue.Own(1)).ok());
  });
}

}  // namespace
}  // namespace skulink
