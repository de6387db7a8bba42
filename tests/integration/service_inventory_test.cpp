#include <memory>
#include <string>

#include "absl/strings/str_replace.h"
#include "server/store/channels.h"
#include "server/store/pushes.h"
#include "skulink/v1/channel_service.pb.h"
#include "skulink/v1/inventory_service.grpc.pb.h"
#include "skulink/v1/merchant_service.pb.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/push_fixture.h"
#include "tests/integration/service_fixture.h"

// Stock and pushes through the API; the server sends nothing, for the test has the right to.
namespace skulink {
namespace {

using testing::HasSubstr;

class ServiceInventoryTest : public ServiceTest {
 protected:
  // A variant with the SKU S on two listings of channel c.
  void Start(absl::Duration heartbeat = absl::Seconds(60)) {
    ServerOptions options;
    options.heartbeat = heartbeat;
    SyncOptions sync;
    sync.max_running_jobs = 0;
    StartServer(options, sync);
    const auto created =
        CallText("ChannelService.CreateChannel",
                 "parent: 'merchants/default' channel_id: 'c' channel { endpoint: 'grpc://127.0.0.1:1' "
                 "stock_sync { enabled: true buffer: 1 maximum: 100 } }");
    ASSERT_TRUE(created.ok()) << created.status();
    EXPECT_THAT(*created, HasSubstr("stock_sync { enabled: true percentage: 100 buffer: 1 maximum: 100 }"));
    OwnTraffic(database(), 0, "default");
    ASSERT_TRUE(CallText("CatalogService.CreateProduct",
                         "parent: 'merchants/default' product { product_id: 'p' display_name: 'P' variants { "
                         "variant_id: 'v' sku: 'S' } variants { variant_id: 'w' } }")
                    .ok());
    store::ListingChanges changes;
    for (const char* id : {"a", "b"}) {
      changes.created.push_back(
          {.listing_id = id, .item_id = "i", .seller_sku = "S", .state = ListingState::kLive});
    }
    const absl::Status changed = ChangeListings(database(), 0, changes, nullptr, "default");
    ASSERT_TRUE(changed.ok()) << changed;
    stub_ = v1::InventoryService::NewStub(this->channel());
  }

  absl::StatusOr<std::string> Set(int quantity, const std::string& more = "") {
    return CallText("InventoryService.SetStock",
                    "parent: 'merchants/default' settings { variant { sku: 'S' } quantity: " +
                        std::to_string(quantity) + " } " + more);
  }

  std::unique_ptr<grpc::ClientReader<v1::WatchPushesResponse>> Watch(
      grpc::ClientContext& context, const std::string& variant = "variant { sku: 'S' }") {
    SetDeadline(context);
    return stub_->WatchPushes(&context,
                              Parse<v1::WatchPushesRequest>("parent: 'merchants/default' " + variant));
  }

  std::unique_ptr<v1::InventoryService::Stub> stub_;
};

TEST_F(ServiceInventoryTest, AStockThatIsSetIsPlannedByTheRuleOfTheChannel) {
  Start();
  const auto answered = Set(5);
  ASSERT_TRUE(answered.ok()) << answered.status();
  EXPECT_EQ(*answered, "stocks { variant: \"merchants/default/products/p/variants/v\" sku: \"S\" stock: 5 }");
  const auto pushes =
      Call<v1::ListPushesResponse>("InventoryService.ListPushes",
                                   Parse<v1::ListPushesRequest>("parent: 'merchants/default' page_size: 1"));
  ASSERT_TRUE(pushes.ok()) << pushes.status();
  ASSERT_EQ(pushes->pushes_size(), 1);
  EXPECT_EQ(pushes->pushes(0).listing(), "merchants/default/channels/c/listings/a");
  EXPECT_EQ(pushes->pushes(0).quantity(), 4);
  EXPECT_EQ(pushes->pushes(0).outcome(), v1::PUSH_OUTCOME_PENDING);
  v1::ListPushesRequest next = Parse<v1::ListPushesRequest>("parent: 'merchants/default' page_size: 1");
  next.set_page_token(pushes->next_page_token());
  const auto last = Call<v1::ListPushesResponse>("InventoryService.ListPushes", next);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->pushes(0).listing(), "merchants/default/channels/c/listings/b");
  EXPECT_EQ(last->next_page_token(), "");
}

TEST_F(ServiceInventoryTest, AdjustmentsAreDoneOnceForARequestId) {
  Start();
  ASSERT_TRUE(Set(5).ok());
  const std::string adjust =
      "parent: 'merchants/default' adjustments { variant { name: 'merchants/default/products/p/variants/v' } "
      "delta: -2 } request_id: '9D2FA1E6-0e56-4d0b-9d7a-2b0a5f6f9a10'";
  for (int i = 0; i < 2; ++i) {
    const auto answered = CallText("InventoryService.AdjustStock", adjust);
    ASSERT_TRUE(answered.ok()) << answered.status();
    EXPECT_THAT(*answered, HasSubstr("stock: 3"));
  }
  const absl::Status reused = Set(1, "request_id: '9d2fa1e6-0e56-4d0b-9d7a-2b0a5f6f9a10'").status();
  EXPECT_EQ(ReasonOf(reused), v1::ERROR_REASON_REQUEST_ID_REUSED) << reused;
  const absl::Status below =
      CallText("InventoryService.AdjustStock",
               "parent: 'merchants/default' adjustments { variant { sku: 'S' } delta: -4 }")
          .status();
  EXPECT_EQ(below.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(below), v1::ERROR_REASON_STOCK_BELOW_ZERO);
  EXPECT_EQ(FieldOf(below), "adjustments[0].delta");
  ASSERT_TRUE(
      CallText("MerchantService.UpdateMerchant",
               "merchant { name: 'merchants/default' allow_negative_stock: true } update_mask { paths: "
               "'allow_negative_stock' }")
          .ok());
  EXPECT_THAT(*CallText("InventoryService.AdjustStock",
                        "parent: 'merchants/default' adjustments { variant { sku: 'S' } delta: -4 }"),
              HasSubstr("stock: -1"));
}

TEST_F(ServiceInventoryTest, AProductWithAStockBelowZeroCanBeWrittenBackAsItIs) {
  Start();
  ASSERT_TRUE(
      CallText("MerchantService.UpdateMerchant",
               "merchant { name: 'merchants/default' allow_negative_stock: true } update_mask { paths: "
               "'allow_negative_stock' }")
          .ok());
  ASSERT_TRUE(Set(3).ok());
  ASSERT_TRUE(CallText("InventoryService.AdjustStock",
                       "parent: 'merchants/default' adjustments { variant { sku: 'S' } delta: -4 }")
                  .ok());
  const auto get = [&] {
    return CallText("CatalogService.GetProduct", "name: 'merchants/default/products/p'").value_or("");
  };
  ASSERT_THAT(get(), HasSubstr("stock: -1"));

  const auto written = CallText("CatalogService.UpdateProduct", get());
  EXPECT_TRUE(written.ok()) << written.status();

  const absl::Status lower =
      CallText("CatalogService.UpdateProduct", absl::StrReplaceAll(get(), {{"stock: -1", "stock: -2"}}))
          .status();
  EXPECT_EQ(ReasonOf(lower), v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
  EXPECT_EQ(FieldOf(lower), "product.variants[0].stock");
  EXPECT_THAT(get(), HasSubstr("stock: -1"));
}

TEST_F(ServiceInventoryTest, AnUpdateOfTheRuleKeepsWhatItsMaskDoesNotName) {
  Start();
  const auto updated =
      CallText("ChannelService.UpdateChannel",
               "channel { name: 'merchants/default/channels/c' price_sync { enabled: true } } "
               "update_mask { paths: 'price_sync' }");
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_THAT(*updated, HasSubstr("stock_sync { enabled: true percentage: 100 buffer: 1 maximum: 100 } "
                                  "price_sync { enabled: true }"));
  const auto off =
      CallText("ChannelService.UpdateChannel",
               "channel { name: 'merchants/default/channels/c' } update_mask { paths: 'stock_sync' "
               "paths: 'price_sync' }");
  ASSERT_TRUE(off.ok()) << off.status();
  EXPECT_THAT(*off, testing::Not(HasSubstr("sync")));
}

TEST_F(ServiceInventoryTest, AWatchReportsAllPushesAtOnceAndWheneverOneChanged) {
  Start();
  grpc::ClientContext context;
  const auto stream = Watch(context);
  v1::WatchPushesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_EQ(message.pushes_size(), 0);
  ASSERT_TRUE(Set(5).ok());
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_EQ(message.pushes_size(), 2);
  EXPECT_EQ(message.pushes(1).quantity(), 4);
  EXPECT_FALSE(message.heartbeat());
  const store::ChannelTraffic traffic = OwnTraffic(database(), 0, "default");
  const auto due = store::DuePushes(database(), traffic, v1::PUSH_KIND_STOCK, 1);
  ASSERT_TRUE(due.ok() && due->size() == 1);
  ASSERT_TRUE(
      store::SavePushAnswers(database(), traffic, {{.push = due->at(0), .outcome = v1::PUSH_OUTCOME_APPLIED}})
          .ok());
  ASSERT_TRUE(stream->Read(&message));
  ASSERT_EQ(message.pushes_size(), 2) << "all of them, not what changed alone";
  EXPECT_EQ(message.pushes(0).outcome(), v1::PUSH_OUTCOME_APPLIED);
  EXPECT_EQ(message.pushes(1).outcome(), v1::PUSH_OUTCOME_PENDING);
}

TEST_F(ServiceInventoryTest, TheAgeOfAPushRunsUntilTheShopHasIt) {
  Start();
  constexpr std::int64_t kHour = 3600;
  const auto execute = [this](const std::string& statement) {
    const absl::Status status =
        database().Transact([&](store::Session& session) { session.Execute(statement); });
    ASSERT_TRUE(status.ok()) << status;
  };
  // What ListPushes says, and what a watch says that is begun now: of listing `a`, then of `b`.
  const auto both = [this] {
    std::vector<std::vector<v1::Push>> said;
    const auto listed = Call<v1::ListPushesResponse>(
        "InventoryService.ListPushes", Parse<v1::ListPushesRequest>("parent: 'merchants/default'"));
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (listed.ok()) said.emplace_back(listed->pushes().begin(), listed->pushes().end());
    grpc::ClientContext context;
    const auto stream = Watch(context);
    v1::WatchPushesResponse message;
    EXPECT_TRUE(stream->Read(&message));
    said.emplace_back(message.pushes().begin(), message.pushes().end());
    for (const std::vector<v1::Push>& pushes : said) EXPECT_EQ(pushes.size(), 2);
    return said;
  };
  ASSERT_TRUE(Set(5).ok());
  execute("UPDATE push SET change_time = change_time - 3600000000");

  for (const std::vector<v1::Push>& pushes : both()) {
    for (const v1::Push& push : pushes) {
      EXPECT_GE(push.age().seconds(), kHour) << push.ShortDebugString();
      EXPECT_LT(push.age().seconds(), kHour + kHour / 4) << push.ShortDebugString();
    }
  }

  const store::ChannelTraffic traffic = OwnTraffic(database(), 0, "default");
  const auto due = store::DuePushes(database(), traffic, v1::PUSH_KIND_STOCK, 1);
  ASSERT_TRUE(due.ok() && due->size() == 1 && due->at(0).listing_id == "a");
  ASSERT_TRUE(
      store::SavePushAnswers(database(), traffic, {{.push = due->at(0), .outcome = v1::PUSH_OUTCOME_APPLIED}})
          .ok());
  // It took half an hour, and since then another half has passed.
  execute("UPDATE push SET apply_time = apply_time - 1800000000");

  for (const std::vector<v1::Push>& pushes : both()) {
    const v1::Push &applied = pushes.at(0), &pending = pushes.at(1);
    const auto nanos = [](const auto& time) { return time.seconds() * 1'000'000'000 + time.nanos(); };
    EXPECT_EQ(nanos(applied.age()), nanos(applied.apply_time()) - nanos(applied.change_time()))
        << applied.ShortDebugString();
    EXPECT_GE(applied.age().seconds(), kHour / 2) << applied.ShortDebugString();
    EXPECT_LT(applied.age().seconds(), kHour / 4 * 3) << applied.ShortDebugString();
    EXPECT_FALSE(pending.has_apply_time());
    EXPECT_GE(pending.age().seconds(), kHour) << pending.ShortDebugString();
  }

  // Another value is as old as its own change.
  ASSERT_TRUE(Set(9).ok());

  for (const std::vector<v1::Push>& pushes : both()) {
    EXPECT_LT(pushes.at(0).age().seconds(), kHour / 4) << pushes.at(0).ShortDebugString();
    EXPECT_FALSE(pushes.at(0).has_apply_time());
  }
}

TEST_F(ServiceInventoryTest, AQuietWatchSendsHeartbeats) {
  Start(absl::Milliseconds(200));
  grpc::ClientContext context;
  const auto stream = Watch(context);
  v1::WatchPushesResponse message;
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_FALSE(message.heartbeat());
  ASSERT_TRUE(stream->Read(&message));
  EXPECT_TRUE(message.heartbeat());
}

TEST_F(ServiceInventoryTest, AWatchEndsWithItsVariantItsCallerOrTheServer) {
  Start();
  grpc::ClientContext wrong, gone, cancelled, stopped;
  v1::WatchPushesResponse message;
  const auto refused = Watch(wrong, "");
  EXPECT_FALSE(refused->Read(&message));
  EXPECT_EQ(FieldOf(FromGrpc(refused->Finish())), "variant");

  const auto of_gone = Watch(gone, "variant { name: 'merchants/default/products/p/variants/w' }");
  const auto of_cancelled = Watch(cancelled), of_stopped = Watch(stopped);
  for (const auto* stream : {&of_gone, &of_cancelled, &of_stopped}) ASSERT_TRUE((*stream)->Read(&message));
  ASSERT_TRUE(
      CallText("CatalogService.UpdateProduct",
               "product { name: 'merchants/default/products/p' variants { variant_id: 'v' sku: 'S' } } "
               "update_mask { paths: 'variants' }")
          .ok());
  EXPECT_FALSE(of_gone->Read(&message));
  EXPECT_EQ(ReasonOf(FromGrpc(of_gone->Finish())), v1::ERROR_REASON_NOT_FOUND);
  cancelled.TryCancel();
  EXPECT_FALSE(of_cancelled->Read(&message));
  EXPECT_EQ(of_cancelled->Finish().error_code(), grpc::StatusCode::CANCELLED);
  StopServer();
  while (of_stopped->Read(&message)) {
  }
  EXPECT_EQ(ReasonOf(FromGrpc(of_stopped->Finish())), v1::ERROR_REASON_SHUTTING_DOWN);
}

}  // namespace
}  // namespace skulink
