#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/store/channels.h"
#include "server/store/pushes.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/test_database.h"

namespace skulink {

// The right to send to a channel, for ever: no server takes it.
store::ChannelTraffic OwnTraffic(store::Database& database, int channel,
                                 const std::string& merchant = "shop");
// PlanSomeOfAll until nothing is left; how many steps it took.
int PlanAll(store::Database& database, const store::ChannelTraffic& traffic);

// A merchant `shop` with channels that are kept in step, and what a server does that sends.
class PushFixture : public testing::Test {
 protected:
  PushFixture() { CreateShop(*database_); }

  // Its number.
  int Channel(const std::string& id, const store::StockSync& stock_sync = {.enabled = true},
              bool price_sync = false);
  void Sync(const std::string& channel, const store::StockSync& stock_sync, bool price_sync = false);
  // One product of one variant, `v`.
  void Put(const std::string& product, const std::string& sku, std::optional<std::int64_t> stock,
           std::optional<std::int64_t> price = std::nullopt);
  static Listing Live(const std::string& id, const std::string& sku,
                      std::optional<std::int64_t> stock = std::nullopt);
  void Scan(int channel, const store::ListingChanges& changes);

  // All pushes of a channel, each as `LISTING KIND QUANTITY OUTCOME`, with ` due` when it is.
  std::vector<std::string> Pushes(int channel);
  std::vector<store::DuePush> Due(int channel, v1::PushKind kind = v1::PUSH_KIND_STOCK);
  void Answer(int channel, const std::vector<store::PushAnswer>& answers);
  // Sends all that is due, which the Seller Center takes. Returns `LISTING QUANTITY` of each.
  std::vector<std::string> Send(int channel, v1::PushKind kind = v1::PUSH_KIND_STOCK);
  int PlanAll(int channel) { return skulink::PlanAll(*database_, Own(channel)); }
  std::optional<std::int64_t> ListedStock(int channel, const std::string& listing);

  store::ChannelTraffic Own(int channel) { return OwnTraffic(*database_, channel); }

  TestDatabase database_;
};

}  // namespace skulink
