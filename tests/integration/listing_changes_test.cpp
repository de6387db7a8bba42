// Listings prepared before the merchant is locked, while the catalogue changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/rekey.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using testing::Pair;

class PreparedListings : public testing::Test {
 protected:
  PreparedListings() {
    CreateShop(*database_);
    channel_ = AddChannel(*database_, "web");
    changes_.created = {{.listing_id = "l1",
                         .item_id = "i1",
                         .name = "Shirt",
                         .seller_sku = "a",
                         .state = ListingState::kLive,
                         .price = {},
                         .stock = 3,
                         .gtin = ""}};
  }

  store::PreparedChanges Prepare() {
    auto prepared = database_->Read([&](store::Session& session) {
      return store::PrepareListingChanges(session, store::RequireMerchant(session, "shop"), channel_,
                                          changes_);
    });
    EXPECT_TRUE(prepared.ok()) << prepared.status();
    return *std::move(prepared);
  }
  void Write(const store::PreparedChanges& prepared) {
    bool first = true;
    const absl::Status written = database_->Transact([&](store::Session& session) {
      const bool load_early = std::exchange(first, false);
      if (load_early) store::LoadCreated(session, prepared);
      store::ApplyListingChanges(session, store::LockMerchant(session, "shop"), channel_, changes_, nullptr,
                                 &prepared,
                                 load_early ? store::CreatedRows::kLoaded : store::CreatedRows::kToLoad);
    });
    EXPECT_TRUE(written.ok()) << written;
  }
  void CreateProduct(const std::string& sku) {
    const auto created = store::CreateProduct(
        *database_, "shop", {.id = "p-" + sku, .name = "Shirt", .variants = {{.id = "v", .sku = sku}}});
    EXPECT_TRUE(created.ok()) << created.status();
  }
  // Variants sold, listings not in the POS.
  std::pair<std::int64_t, std::int64_t> Counts() {
    const auto statistics = store::ChannelStatistics(*database_, "shop", {});
    EXPECT_TRUE(statistics.ok()) << statistics.status();
    return {statistics->at(0).sold_skus, statistics->at(0).not_in_pos_skus};
  }

  TestDatabase database_;
  int channel_ = 0;
  store::ListingChanges changes_;
};

TEST_F(PreparedListings, MatchAVariantThatCameSince) {
  const store::PreparedChanges prepared = Prepare();
  CreateProduct("a");
  Write(prepared);
  EXPECT_THAT(Counts(), Pair(1, 0));
  ExpectVerified(*database_);
}

TEST_F(PreparedListings, DoNotMatchAVariantThatWentSince) {
  CreateProduct("a");
  const store::PreparedChanges prepared = Prepare();
  EXPECT_TRUE(store::DeleteProduct(*database_, "shop", "p-a", std::nullopt).ok());
  Write(prepared);
  EXPECT_THAT(Counts(), Pair(0, 1));
  ExpectVerified(*database_);
}

TEST_F(PreparedListings, HaveTheKeysOfTheMerchantsNewCase) {
  CreateProduct("A");
  const store::PreparedChanges prepared = Prepare();
  EXPECT_TRUE(store::UpdateMerchant(*database_, "shop", {.sku_case = SkuCase::kIgnore}).ok());
  Write(prepared);
  EXPECT_THAT(Counts(), Pair(1, 0));
  ExpectVerified(*database_);
}

TEST_F(PreparedListings, MadeWhileTheMerchantIsBeingRekeyedHaveTheKeysOfItsEnd) {
  CreateProduct("A");
  changes_.created[0].seller_sku = "a";
  const absl::Status marked = database_->Transact([](store::Session& session) {
    session.Execute("UPDATE merchant SET rekeying = 1, sku_case = 1 WHERE merchant_id = 'shop'");
  });
  ASSERT_TRUE(marked.ok()) << marked;
  const store::PreparedChanges prepared = Prepare();  // finds no owner: the variant still has its old key
  ASSERT_TRUE(store::FinishRekeying(*database_, "shop").ok());

  Write(prepared);

  EXPECT_THAT(Counts(), Pair(1, 0));
  ExpectVerified(*database_);
}

// What one channel's scan loads before it has the merchant's lock must not hold up another that has it.
TEST_F(PreparedListings, DoNotHoldUpRemovalsOnAnotherChannel) {
  const int other = AddChannel(*database_, "other");
  store::ListingChanges some;
  for (int i = 0; i < 60; ++i) {
    const std::string id = absl::StrCat("o", i);
    some.created.push_back(
        {.listing_id = id, .item_id = id, .name = "Shirt", .seller_sku = id, .state = ListingState::kLive});
    some.removed.push_back(id);
  }
  ASSERT_TRUE(ChangeListings(*database_, other, {.created = some.created}).ok());
  const store::PreparedChanges prepared = Prepare();
  absl::Status removed;

  const absl::Status written = database_->Transact([&](store::Session& session) {
    store::LoadCreated(session, prepared);
    removed = ChangeListings(*database_, other, {.removed = some.removed});
    store::ApplyListingChanges(session, store::LockMerchant(session, "shop"), channel_, changes_, nullptr,
                               &prepared, store::CreatedRows::kLoaded);
  });

  EXPECT_TRUE(removed.ok()) << removed;
  EXPECT_TRUE(written.ok()) << written;
  ExpectVerified(*database_);
}

TEST_F(PreparedListings, WrittenByAnotherServerAreNotWrittenAgain) {
  const store::PreparedChanges prepared = Prepare();
  Write(prepared);
  int attempts = 0;

  const absl::Status written = database_->Transact([&](store::Session& session) {
    if (++attempts == 1) store::LoadCreated(session, prepared);
  });

  EXPECT_TRUE(written.ok()) << written;
  EXPECT_EQ(attempts, 2);
  ExpectVerified(*database_);
}

}  // namespace
}  // namespace skulink
