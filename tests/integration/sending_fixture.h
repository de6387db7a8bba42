#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/store/database.h"
#include "server/sync/sync_engine.h"
#include "tests/integration/seller_center_fixture.h"
#include "tests/integration/test_database.h"

namespace skulink {

// A merchant with variants, shops that list them, and servers that keep the shops in step. At the end no shop
// was asked for anything against the protocol, or had two values for a listing at once.
class SendingTest : public testing::Test {
 protected:
  using Shop = simulator::SimulatedSellerCenter;

  void SetUp() override;
  void TearDown() override;

  store::Database& database() { return *database_; }
  const store::DatabaseAddress& address() const { return database_.address(); }

  // Variants with the SKUs of listings 1 to `count`, each with stock 10000 + its number, and a price of as
  // many rupiah.
  void AddVariants(int count);
  // A shop with listings 1 to `count`, which offer other stocks and prices, and its channel, scanned, not in
  // step yet.
  Shop& OpenShop(const std::string& channel, int count, const simulator::ShopOptions& options = {});
  // The shop `shop` of one listing, which asks for ten minutes at the first stock that it is sent.
  Shop& OpenShopThatAsksForAPause();
  void SwitchOn(const std::string& channel, bool stock = true, bool prices = false);
  v1::Job Scan(const std::string& channel);
  v1::Job Start(const std::string& channel, SyncEngine& engine);
  v1::Job AwaitEnd(const v1::Job& job);

  // Pauses are short; the rest is as usual.
  static SyncOptions Quick();
  SyncEngine& engine();
  // As StartEngine, of its own pool of connections.
  std::unique_ptr<SyncEngine> AnotherEngine(store::Database& database, const SyncOptions& options = Quick());
  void StartEngine(const SyncOptions& options);
  void StopEngine() { engine_.reset(); }

  void SetStock(int number, std::int64_t quantity);
  void SetStock(const std::vector<std::pair<int, std::int64_t>>& quantities, store::Database& database);
  // Every listing of every shop that is kept in step offers what its variant has, and nothing is under way.
  bool InStep();
  void ExpectInStep();
  // A shop was asked for something against the protocol, on purpose.
  void ExpectViolations() { violations_expected_ = true; }

  // Of a listing's stock.
  struct Push {
    std::string outcome;
    std::string description;
    int attempts = 0;
    bool due = false;  // now or later
  };
  Push PushOf(const std::string& channel, int number, v1::PushKind kind = v1::PUSH_KIND_STOCK);
  // How often an update of its stock reached the shop.
  static int TimesSent(const Shop& shop, int number);
  std::int64_t Number(const std::string& query);
  void Execute(const std::string& statement);

 private:
  TestDatabase database_{TestDatabase::Schema::kMigrated, /*max_sessions=*/32};
  std::map<std::string, std::unique_ptr<Shop>> shops_;
  bool violations_expected_ = false;
  std::unique_ptr<SyncEngine> engine_;
};

}  // namespace skulink
