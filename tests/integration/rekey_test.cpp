// A change of sku_case: refused when variants would clash, finished after any interruption.
#include "server/store/rekey.h"

#include <gmock/gmock.h>

#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/store/merchants.h"
#include "server/sync/sync_engine.h"
#include "tests/integration/eventually.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using testing::HasSubstr;

class Rekey : public testing::Test {
 protected:
  // `variants` variants and twice as many listings on two channels, of which only some match unless case is
  // ignored.
  void Fill(int variants) {
    CreateShop(*database_);
    std::vector<store::ImportRow> rows;
    std::map<std::string, store::ListingChanges> changes;
    for (int i = 0; i < variants; ++i) {
      const std::string id = absl::StrCat(i);
      store::Product product{
          .id = id, .name = "Name", .variants = {{.id = "v", .sku = "Sku" + id}}, .version = 1};
      model_.products.push_back(product);
      rows.push_back({.line = i, .product = std::move(product)});
      const auto live = [&](const std::string& listing_id, const std::string& sku) {
        return Listing{
            .listing_id = listing_id, .item_id = "i" + id, .seller_sku = sku, .state = ListingState::kLive};
      };
      changes["c1"].created.push_back(live("l" + id, i % 2 == 0 ? "Sku" + id : "SKU" + id));
      changes["c2"].created.push_back(live("l" + id, "sku" + id));
      if (i % 3 == 0) changes["c1"].created.push_back(live("m" + id, "sku" + id));
    }
    ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
    for (const auto& [id, change] : changes) {
      model_.channels[id].number = AddChannel(*database_, id);
      ASSERT_TRUE(ChangeListings(*database_, model_.channels[id].number, change).ok());
      model_.Apply(id, change);
    }
  }

  void Execute(const std::string& sql) {
    const absl::Status done = database_->Transact([&](store::Session& session) { session.Execute(sql); });
    ASSERT_TRUE(done.ok()) << done;
  }

  void ExpectAll() {
    ExpectMenu(*database_, model_, {}, 7);
    ExpectStatistics(*database_, model_);
    ExpectCatalogue(*database_, model_);
    ExpectVerified(*database_);
  }

  TestDatabase database_;
  MenuModel model_;
};

TEST_F(Rekey, IgnoringCaseIsRefusedWithTheVariantsThatWouldClash) {
  CreateShop(*database_);
  for (const char* sku : {"a", "A ", "b", "Straße", "STRASSE"}) {
    ASSERT_TRUE(store::CreateProduct(*database_, "shop",
                                     {.id = sku, .name = "N", .variants = {{.id = "v", .sku = sku}}})
                    .ok());
  }
  const auto refused =
      store::UpdateMerchant(*database_, "shop", {.display_name = "New", .sku_case = SkuCase::kIgnore});

  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_SKU_CASE_CLASH);
  for (const char* part :
       {"products/a/variants/v (a)", "products/A /variants/v (A )", "(Straße)", "(STRASSE)"}) {
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(part));
  }
  EXPECT_THAT(std::string(refused.status().message()), testing::Not(HasSubstr("products/b/")));
  EXPECT_EQ(store::GetMerchant(*database_, "shop")->display_name, "Shop");
  ExpectVerified(*database_);
}

TEST_F(Rekey, ThereAndBackAgain) {
  Fill(2100);
  for (const SkuCase sku_case : {SkuCase::kIgnore, SkuCase::kSensitive}) {
    ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = sku_case}).ok());
    model_.sku_case = sku_case;
    ExpectStatistics(*database_, model_);
    ExpectVerified(*database_);
  }
}

TEST_F(Rekey, WhileItIsUnderWayEveryoneIsToldToComeBack) {
  Fill(10);
  Execute("UPDATE merchant SET rekeying = 1, sku_case = 1 WHERE merchant_id = 'shop'");
  const auto reason = [](const auto& answer) { return ReasonOf(answer.status()); };
  EXPECT_EQ(reason(store::OpenMenu(*database_, "shop", {})), v1::ERROR_REASON_REKEYING);
  EXPECT_EQ(reason(store::ChannelStatistics(*database_, "shop", {})), v1::ERROR_REASON_REKEYING);
  EXPECT_EQ(reason(store::ImportProducts(*database_, "shop", {})), v1::ERROR_REASON_REKEYING);
  EXPECT_EQ(ReasonOf(ChangeListings(*database_, 0, {.removed = {"l1"}})), v1::ERROR_REASON_REKEYING);
  EXPECT_TRUE(store::GetProduct(*database_, "shop", "1").ok());
}

// As a server leaves it that dies before, in the middle of, or right before the end of its work.
TEST_F(Rekey, WhatWasInterruptedIsFinishedByWhoeverComesNext) {
  Fill(30);
  model_.sku_case = SkuCase::kIgnore;
  const std::vector<std::vector<std::string>> interruptions = {
      {},
      {"UPDATE variant SET sku_key = LOWER(CONVERT(sku_key USING utf8mb4)) WHERE product_no <= 15"},
      {"UPDATE listing SET sku_key = LOWER(CONVERT(sku_key USING utf8mb4))", "DELETE FROM multiple_listing"},
      {"UPDATE variant SET badges = 1 WHERE product_no <= 7", "UPDATE channel_count SET live = 0",
       "DELETE FROM badge_count"},
  };
  for (const std::vector<std::string>& interruption : interruptions) {
    Execute("UPDATE merchant SET rekeying = 77, sku_case = 1 WHERE merchant_id = 'shop'");
    for (const std::string& sql : interruption) Execute(sql);

    const absl::Status finished = store::FinishAbandonedRekeying(*database_);

    ASSERT_TRUE(finished.ok()) << finished;
    ExpectAll();
    // For the next one.
    ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kSensitive}).ok());
  }
}

TEST_F(Rekey, AskingForItAgainGoesOn) {
  Fill(30);
  Execute("UPDATE merchant SET rekeying = 77, sku_case = 1 WHERE merchant_id = 'shop'");
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kIgnore}).ok());
  model_.sku_case = SkuCase::kIgnore;
  ExpectAll();
}

TEST_F(Rekey, OfSeveralServersAtOnceOneDoesItAndTheOthersWait) {
  Fill(300);
  Execute("UPDATE merchant SET rekeying = 1, sku_case = 1 WHERE merchant_id = 'shop'");
  std::vector<std::thread> servers;
  for (int i = 0; i < 4; ++i) {
    servers.emplace_back([&] {
      const absl::Status status = store::FinishRekeying(*database_, "shop");
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  for (std::thread& server : servers) server.join();
  model_.sku_case = SkuCase::kIgnore;
  ExpectStatistics(*database_, model_);
  ExpectVerified(*database_);
}

TEST_F(Rekey, WhatAServerLeftHalfWayIsFinishedByAnotherThatRuns) {
  Fill(30);
  SyncEngine engine(*database_, {});
  Execute("UPDATE merchant SET rekeying = 77, sku_case = 1 WHERE merchant_id = 'shop'");
  model_.sku_case = SkuCase::kIgnore;

  EXPECT_TRUE(Eventually([&] { return store::OpenMenu(*database_, "shop", {}).ok(); }));

  ExpectStatistics(*database_, model_);
  ExpectVerified(*database_);
}

}  // namespace
}  // namespace skulink
