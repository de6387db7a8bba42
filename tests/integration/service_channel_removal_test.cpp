// Channels that are removed while there are jobs, and jobs that are asked for while a channel is removed.
#include <string>
#include <vector>

#include "server/store/channels.h"
#include "skulink/v1/channel_service.pb.h"
#include "skulink/v1/sync_service.grpc.pb.h"
#include "tests/integration/eventually.h"
#include "tests/integration/service_fixture.h"
#include "tests/seller_center_simulator/simulated_seller_center.h"

namespace skulink {
namespace {

class ServiceChannelRemovalTest : public ServiceTest {
 protected:
  using Shop = simulator::SimulatedSellerCenter;

  // A channel `id` of a shop of 25 listings, ten in a page; one of them has the SKU of the only variant.
  void AddChannel(const std::string& id, Shop& shop) {
    std::vector<sellercenter::v1::Listing> listings(25);
    for (std::size_t i = 0; i < listings.size(); ++i) {
      listings[i].set_listing_id("l" + std::to_string(i));
      listings[i].set_item_id("i" + std::to_string(i));
      listings[i].set_title("Baju");
      listings[i].set_seller_sku("SKU-" + std::to_string(i));
      listings[i].set_state(sellercenter::v1::LISTING_STATE_LIVE);
    }
    shop.SetListings(listings);
    const auto created = CallText("ChannelService.CreateChannel",
                                  "parent: 'merchants/default' channel_id: '" + id +
                                      "' channel { display_name: 'Toko' stock_sync { enabled: true } "
                                      "endpoint: '" +
                                      shop.address() + "' }");
    ASSERT_TRUE(created.ok()) << created.status();
  }
  void AddProduct() {
    const auto created =
        CallText("CatalogService.CreateProduct",
                 "parent: 'merchants/default' product { product_id: 'p1' display_name: 'Produk' variants { "
                 "variant_id: 'v1' sku: 'SKU-1' stock: 3 price { units: 5 } } variants { variant_id: 'v2' "
                 "sku: 'NEW' option: 'L' price { units: 5 } } }");
    ASSERT_TRUE(created.ok()) << created.status();
  }

  v1::Job StartScan(const std::string& channel) {
    const auto started = Call<v1::StartScanResponse>(
        "SyncService.StartScan",
        Parse<v1::StartScanRequest>("channel: 'merchants/default/channels/" + channel + "'"));
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? started->job() : v1::Job();
  }
  v1::Job GetJob(const v1::Job& job) {
    v1::GetJobRequest get;
    get.set_name(job.name());
    return Call<v1::GetJobResponse>("SyncService.GetJob", get).value().job();
  }
  v1::Job AwaitEnd(const v1::Job& job) {
    v1::Job now;
    EXPECT_TRUE(Eventually([&] { return (now = GetJob(job)).state() > v1::JOB_STATE_RUNNING; }));
    return now;
  }
  absl::Status Delete(const std::string& channel) {
    return CallText("ChannelService.DeleteChannel", "name: 'merchants/default/channels/" + channel + "'")
        .status();
  }
  std::int64_t Count(const std::string& table) {
    std::int64_t count = -1;
    const absl::Status read = database().Read([&](store::Session& session) {
      session.Query("SELECT COUNT(*) FROM " + table, {}, [&](const store::Row& row) { count = row.Int(0); });
    });
    EXPECT_TRUE(read.ok()) << read;
    return count;
  }
  // What a removal would take away.
  std::string WhatThereIs(const std::string& channel) {
    const auto found =
        CallText("ChannelService.GetChannel", "name: 'merchants/default/channels/" + channel + "'");
    std::string text = found.ok() ? *found : found.status().ToString();
    const auto stored = store::GetChannel(database(), "default", channel);
    if (stored.ok() && stored->removing) text += " is being removed,";
    for (const char* table : {"channel", "channel_count", "listing", "push", "job", "job_request"}) {
      text += std::string(" ") + table + " " + std::to_string(Count(table));
    }
    return text;
  }
  void ExpectBusy(const std::string& channel, const v1::Job& job) {
    const std::string before = WhatThereIs(channel);
    const absl::Status refused = Delete(channel);
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_CHANNEL_BUSY) << refused;
    EXPECT_EQ(MetadataOf(refused, "job"), job.name()) << refused;
    EXPECT_EQ(WhatThereIs(channel), before);
  }

  Shop shop_{{.max_page_size = 10}}, other_{{.max_page_size = 10}};
};

TEST_F(ServiceChannelRemovalTest, AChannelThatIsScannedStaysAsItIs) {
  StartServer();
  AddChannel("shop", shop_);
  AddProduct();
  shop_.HoldAtPage(2);
  const v1::Job job = StartScan("shop");
  ASSERT_TRUE(Eventually([&] { return GetJob(job).progress().pages() == 1; }));

  ExpectBusy("shop", job);

  shop_.Release();
  const v1::Job ended = AwaitEnd(job);
  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().listings_seen(), 25);
  EXPECT_EQ(Count("listing"), 25);
  EXPECT_TRUE(Delete("shop").ok());
  EXPECT_EQ(Count("listing"), 0);
}

TEST_F(ServiceChannelRemovalTest, AChannelThatWaitsForItsScanStaysAsItIs) {
  SyncOptions one_job;
  one_job.max_running_jobs = 1;
  StartServer({}, one_job);
  AddChannel("other", other_);
  AddChannel("shop", shop_);
  other_.HoldAtPage(2);
  const v1::Job running = StartScan("other");
  ASSERT_TRUE(other_.WaitUntilHeld());
  ASSERT_TRUE(Eventually([&] { return GetJob(running).progress().pages() == 1; }));
  const v1::Job queued = StartScan("shop");

  ExpectBusy("shop", queued);

  EXPECT_EQ(GetJob(queued).state(), v1::JOB_STATE_QUEUED);
  other_.Release();
  EXPECT_EQ(AwaitEnd(running).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(AwaitEnd(queued).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Count("listing"), 50);
  EXPECT_TRUE(Delete("shop").ok());
  EXPECT_EQ(Count("listing"), 25);
}

TEST_F(ServiceChannelRemovalTest, NoJobBeginsOnAChannelThatIsBeingRemoved) {
  StartServer();
  AddChannel("shop", shop_);
  AddProduct();
  ASSERT_EQ(AwaitEnd(StartScan("shop")).state(), v1::JOB_STATE_SUCCEEDED);
  int steps = 0;
  const absl::Status stopped =
      store::DeleteChannel(database(), "default", "shop", std::nullopt, [&] { return ++steps > 1; });
  ASSERT_EQ(stopped.code(), absl::StatusCode::kCancelled) << stopped;
  ASSERT_EQ(Count("listing"), 25) << "most is still there";
  const std::string jobs = *CallText("SyncService.ListJobs", "parent: 'merchants/default'");
  const std::string before = WhatThereIs("shop");
  const auto expect_removed = [](const absl::Status& refused) {
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_CHANNEL_REMOVED) << refused;
  };
  const std::string channel_field = "channel: 'merchants/default/channels/shop' ";
  const struct {
    std::string method, selection;
  } calls[] = {
      {"StartScan", ""},
      {"StartScan", "mode: SCAN_MODE_UPDATED"},
      {"StartScan", "mode: SCAN_MODE_ITEM item_ids: 'i1'"},
      {"StartDownload", "all: true"},
      {"StartDownload", "item_ids: 'i2'"},
      {"StartDownload", "listings: 'merchants/default/channels/shop/listings/l2' validate_only: true"},
      {"StartUpload", "all: true"},
      {"StartUpload", "products: 'merchants/default/products/p1'"},
      {"StartUpload", "variants: 'merchants/default/products/p1/variants/v2' validate_only: true"},
  };

  for (const auto& [method, selection] : calls) {
    SCOPED_TRACE(method + " " + selection);
    expect_removed(CallText("SyncService." + method, channel_field + selection).status());
  }
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = v1::SyncService::NewStub(channel())->ScanChannel(
      &context, Parse<v1::ScanChannelRequest>(channel_field));
  v1::ScanChannelResponse message;
  EXPECT_FALSE(stream->Read(&message));
  expect_removed(FromGrpc(stream->Finish()));

  EXPECT_EQ(*CallText("SyncService.ListJobs", "parent: 'merchants/default'"), jobs);
  EXPECT_EQ(WhatThereIs("shop"), before);
  EXPECT_TRUE(Delete("shop").ok()) << "the removal goes on";
  EXPECT_EQ(Count("channel"), 0);
}

}  // namespace
}  // namespace skulink
