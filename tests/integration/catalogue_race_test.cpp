// Many at once: importing, editing, and changing listings of one merchant and of two.
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/store/channels.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {
namespace {

using store::ListingChanges;
using store::Variant;

constexpr int kSteps = 60;

// What one caller does to a merchant. SKUs and products are everybody's; listings of `shard` are its own.
class Caller {
 public:
  Caller(store::Database& database, std::string merchant, int shard)
      : database_(database),
        merchant_(std::move(merchant)),
        shard_(shard),
        random_(static_cast<unsigned>(shard)) {}

  void Run() {
    for (int step = 0; step < kSteps; ++step) {
      switch (Below(6)) {
        case 0:
        case 1:
          Import();
          break;
        case 2:
          Edit();
          break;
        case 3:
          Fine(store::DeleteProduct(database_, merchant_, Product(), std::nullopt));
          break;
        default:
          ChangeSome();
      }
    }
  }

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  std::string Product() { return absl::StrCat("p", Below(12)); }
  std::string Sku() { return absl::StrCat("s", Below(40)); }

  // Done, or refused for what another caller did. Anything else would be lost work.
  static void Fine(const absl::Status& status) {
    const v1::ErrorReason reason = ReasonOf(status);
    EXPECT_TRUE(status.ok() || reason == v1::ERROR_REASON_NOT_FOUND || reason == v1::ERROR_REASON_SKU_TAKEN ||
                reason == v1::ERROR_REASON_ALREADY_EXISTS)
        << status;
  }

  std::vector<Variant> Variants() {
    std::vector<Variant> variants;
    for (int i = 1 + Below(3); i > 0; --i)
      variants.push_back({.id = absl::StrCat("v", i), .sku = Sku(), .stock = Below(9)});
    return variants;
  }

  void Import() {
    std::vector<store::ImportRow> rows;
    for (int i = 0; i < 5; ++i) {
      rows.push_back(
          {.line = i,
           .product = {.id = Product(), .name = absl::StrCat("N", Below(3)), .variants = Variants()}});
    }
    Fine(store::ImportProducts(database_, merchant_, rows).status());
  }

  void Edit() {
    Fine(store::UpdateProduct(database_, merchant_, Product(), {.variants = Variants()}).status());
  }

  void ChangeSome() {
    const int channel = Below(2);
    ListingChanges changes;
    for (int i = 0; i < 12; ++i) {
      const std::string id = absl::StrCat(shard_, "-", i);
      Listing listing{.listing_id = id,
                      .item_id = absl::StrCat("i", Below(8)),
                      .seller_sku = Sku(),
                      .state = Below(4) == 0 ? ListingState::kInactive : ListingState::kLive};
      if (there_[channel].insert(id).second) {
        changes.created.push_back(std::move(listing));
      } else if (Below(3) == 0) {
        changes.removed.push_back(id);
        there_[channel].erase(id);
      } else {
        changes.updated.push_back(std::move(listing));
      }
    }
    Fine(ChangeListings(database_, channel, changes, nullptr, merchant_));
  }

  store::Database& database_;
  const std::string merchant_;
  const int shard_;
  std::mt19937 random_;
  std::set<std::string> there_[2];
};

void RunTogether(store::Database& database, const std::vector<std::string>& merchants, int callers) {
  for (const std::string& merchant : merchants) {
    CreateShop(database, merchant);
    AddChannel(database, "c1", merchant);
    AddChannel(database, "c2", merchant);
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back(
        [&, i] { Caller(database, merchants[static_cast<std::size_t>(i) % merchants.size()], i).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  ExpectVerified(database);
  for (const std::string& merchant : merchants) {
    const auto statistics = store::ChannelStatistics(database, merchant, {});
    ASSERT_TRUE(statistics.ok()) << statistics.status();
    EXPECT_GT(statistics->at(0).live_skus, 0);
    EXPECT_GT(statistics->at(0).sold_skus, 0);
  }
}

TEST(CatalogueRace, ManyCallersOfOneMerchant) {
  TestDatabase database;
  RunTogether(*database, {"shop"}, 6);
}

TEST(CatalogueRace, ManyCallersOfNeighbouringMerchants) {
  TestDatabase database;
  RunTogether(*database, {"shop", "another", "third"}, 6);
}

TEST(CatalogueRace, TheSameProductIsMadeOnce) {
  TestDatabase database;
  CreateShop(*database);
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        const std::string id = absl::StrCat("p", n);
        const auto created = store::CreateProduct(
            *database, "shop", {.id = id, .name = id, .variants = {{.id = "v", .sku = id}}});
        made += created.ok();
        EXPECT_TRUE(created.ok() || created.status().code() == absl::StatusCode::kAlreadyExists)
            << created.status();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 20);
  ExpectVerified(*database);
}

TEST(CatalogueRace, ChannelsMadeAtOnceGetNumbersOfTheirOwn) {
  TestDatabase database;
  CreateShop(*database);
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) AddChannel(*database, absl::StrCat("c", i, "-", n));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto channels = store::ListChannels(*database, "shop", "", 100);
  ASSERT_TRUE(channels.ok());
  std::set<int> numbers;
  for (const store::Channel& channel : *channels) numbers.insert(channel.number);
  EXPECT_EQ(numbers.size(), 30);
  EXPECT_EQ(*numbers.rbegin(), 29);
}

TEST(MerchantRace, ServersThatStartTogetherMakeOneDefaultMerchant) {
  for (int round = 0; round < 5; ++round) {
    TestDatabase database;
    std::vector<std::thread> servers;
    for (int i = 0; i < 6; ++i) {
      servers.emplace_back([&] {
        const absl::Status status = store::EnsureDefaultMerchant(*database);
        EXPECT_TRUE(status.ok()) << status;
      });
    }
    for (std::thread& server : servers) server.join();
    EXPECT_EQ(store::ListMerchants(*database, "", 10)->size(), 1);
  }
}

}  // namespace
}  // namespace skulink
