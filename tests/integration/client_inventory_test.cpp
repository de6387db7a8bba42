#include <gmock/gmock.h>

#include <stop_token>

#include "tests/integration/client_fake_server.h"

namespace skulink {
namespace {

v1::VariantSelector Sku(const std::string& sku) {
  v1::VariantSelector selector;
  selector.set_sku(sku);
  return selector;
}

TEST(ClientInventory, ACallThatIsTriedAgainKeepsItsRequestId) {
  FakeServer server;
  std::vector<std::string> ids;
  server.inventory.adjust = [&](const v1::AdjustStockRequest& request, v1::AdjustStockResponse& response) {
    ids.push_back(request.request_id());
    EXPECT_EQ(request.parent(), "merchants/toko");
    EXPECT_EQ(request.adjustments(0).variant().sku(), "S");
    if (ids.size() % 2 == 1) return ServerIsGone();
    response.add_stocks()->set_stock(3);
    return absl::OkStatus();
  };
  server.Start();
  Client client = server.Connect();
  v1::StockAdjustment adjustment;
  *adjustment.mutable_variant() = Sku("S");
  adjustment.set_delta(-2);
  for (int i = 0; i < 2; ++i) {
    const auto stocks = client.AdjustStock("merchants/toko", {adjustment});
    ASSERT_TRUE(stocks.ok()) << stocks.status();
    EXPECT_EQ(stocks->at(0).stock(), 3);
  }
  ASSERT_EQ(ids.size(), 4);
  EXPECT_EQ(ids[0].size(), 36);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[2], ids[3]);
  EXPECT_NE(ids[0], ids[2]);
}

TEST(ClientInventory, ARefusalIsNotTriedAgain) {
  FakeServer server;
  int calls = 0;
  server.inventory.set = [&](const v1::SetStockRequest&, v1::SetStockResponse&) {
    ++calls;
    return InvalidField("settings[0].quantity", v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "must be 0 to 10");
  };
  server.Start();
  v1::StockSetting setting;
  *setting.mutable_variant() = Sku("S");
  const auto stocks = server.Connect().SetStock("merchants/toko", {setting});
  EXPECT_EQ(FieldOf(stocks.status()), "settings[0].quantity");
  EXPECT_EQ(calls, 1);
}

TEST(ClientInventory, AWatchGoesOnInAnotherStreamUntilItIsStopped) {
  FakeServer server;
  int streams = 0;
  server.inventory.watch = [&](const v1::WatchPushesRequest& request, FakeInventory::Writer& writer) {
    EXPECT_EQ(request.variant().sku(), "S");
    v1::WatchPushesResponse message;
    message.add_pushes()->set_quantity(++streams);
    writer.Write(message);
    message.set_heartbeat(true);
    writer.Write(message);
    return streams == 1 ? absl::OkStatus() : ServerIsGone();
  };
  server.Start();
  std::stop_source stop;
  std::vector<std::int64_t> seen;
  const absl::Status status = server.Connect().WatchPushes(
      "merchants/toko", Sku("S"),
      [&](const std::vector<v1::Push>& pushes) {
        seen.push_back(pushes.at(0).quantity());
        if (seen.size() == 3) stop.request_stop();
      },
      stop.get_token());
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_THAT(seen, testing::ElementsAre(1, 2, 3)) << "no heartbeats";
}

TEST(ClientInventory, AWatchOfAVariantThatIsGoneEnds) {
  FakeServer server;
  server.inventory.watch = [](const v1::WatchPushesRequest&, FakeInventory::Writer&) {
    return NotFound("merchants/toko/products/p/variants/v");
  };
  server.Start();
  const absl::Status status =
      server.Connect().WatchPushes("merchants/toko", Sku("S"), [](const std::vector<v1::Push>&) {}, {});
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NOT_FOUND);
}

}  // namespace
}  // namespace skulink
