// Downloads and uploads as callers ask for them: what can be wrong with it, and pictures of products.
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/store/channels.h"
#include "skulink/v1/catalog_service.pb.h"
#include "skulink/v1/sync_service.pb.h"
#include "tests/integration/service_fixture.h"
#include "tests/seller_center_simulator/simulated_seller_center.h"

namespace skulink {
namespace {

constexpr char kListing[] = "merchants/default/channels/shop/listings/";
constexpr char kProduct[] = "merchants/default/products/";

class ServiceTransferTest : public ServiceTest {
 protected:
  // With a channel `shop`, which has listing `l1` of item `i1`, and product `p1` with variant `v1`.
  void Start() {
    StartServer();
    sellercenter::v1::Listing listing;
    listing.set_listing_id("l1");
    listing.set_item_id("i1");
    listing.set_title("Baju");
    listing.set_seller_sku("SKU-1");
    listing.set_state(sellercenter::v1::LISTING_STATE_LIVE);
    shop_.SetListings({listing});
    ASSERT_TRUE(CallText("ChannelService.CreateChannel",
                         "parent: 'merchants/default' channel_id: 'shop' channel { display_name: 'shop' "
                         "endpoint: '" +
                             shop_.address() + "' }")
                    .ok());
    ASSERT_TRUE(CallText("CatalogService.CreateProduct",
                         "parent: 'merchants/default' product { product_id: 'p1' display_name: 'Produk' "
                         "variants { variant_id: 'v1' sku: 'A-1' price { units: 5 } } }")
                    .ok());
    AwaitEnd(Parse<v1::StartScanRequest>("channel: 'merchants/default/channels/shop'"), "StartScan",
             v1::StartScanResponse());
  }

  template <typename Request, typename Response>
  v1::Job AwaitEnd(const Request& request, const std::string& method, const Response&) {
    const auto started = Call<Response>("SyncService." + method, request);
    EXPECT_TRUE(started.ok()) << started.status();
    v1::GetJobRequest get;
    get.set_name(started->job().name());
    while (true) {
      const v1::Job job = Call<v1::GetJobResponse>("SyncService.GetJob", get)->job();
      if (job.state() > v1::JOB_STATE_RUNNING) return job;
      absl::SleepFor(absl::Milliseconds(10));
    }
  }

  struct Refused {
    std::string request;
    std::string field;
    v1::ErrorReason reason;
  };
  void ExpectRefused(const std::string& method, const std::vector<Refused>& refused) {
    const auto jobs = CallText("SyncService.ListJobs", "parent: 'merchants/default'");
    for (const Refused& input : refused) {
      SCOPED_TRACE(method + " " + input.request.substr(0, 200));
      const absl::Status status =
          CallText(method, "channel: 'merchants/default/channels/shop' " + input.request).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
      EXPECT_EQ(FieldOf(status), input.field) << status;
      EXPECT_EQ(ReasonOf(status), input.reason) << status;
    }
    EXPECT_EQ(*CallText("SyncService.ListJobs", "parent: 'merchants/default'"), *jobs);
  }

  simulator::SimulatedSellerCenter shop_;
};

std::string Times(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST_F(ServiceTransferTest, RefusesSelectionsOfListingsThatMakeNoSense) {
  Start();
  const std::string listing = std::string("listings: '") + kListing;
  ExpectRefused("SyncService.StartDownload",
                {{"", "listings", v1::ERROR_REASON_FIELD_REQUIRED},
                 {"all: true item_ids: 'i1'", "all", v1::ERROR_REASON_FORMAT_INVALID},
                 {listing + "l1' " + listing + "none'", "listings[1]", v1::ERROR_REASON_NOT_FOUND},
                 {"listings: 'l1'", "listings[0]", v1::ERROR_REASON_FORMAT_INVALID},
                 {"listings: 'merchants/default/channels/other/listings/l1'", "listings[0]",
                  v1::ERROR_REASON_FORMAT_INVALID},
                 {"listings: 'merchants/other/channels/shop/listings/l1'", "listings[0]",
                  v1::ERROR_REASON_FORMAT_INVALID},
                 {"item_ids: 'i1' item_ids: 'none'", "item_ids[1]", v1::ERROR_REASON_NOT_FOUND},
                 {"item_ids: ''", "item_ids[0]", v1::ERROR_REASON_FIELD_REQUIRED},
                 {Times("item_ids: 'i1' ", 10'001), "listings", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
                 {"all: true request_id: 'once'", "request_id", v1::ERROR_REASON_FORMAT_INVALID}});
  const auto nowhere =
      CallText("SyncService.StartDownload", "channel: 'merchants/default/channels/none' all: true");
  EXPECT_EQ(ReasonOf(nowhere.status()), v1::ERROR_REASON_NOT_FOUND) << nowhere.status();
}

TEST_F(ServiceTransferTest, RefusesSelectionsOfVariantsThatMakeNoSense) {
  Start();
  const std::string product = std::string("products: '") + kProduct;
  const std::string variant = std::string("variants: '") + kProduct;
  ExpectRefused("SyncService.StartUpload",
                {{"", "products", v1::ERROR_REASON_FIELD_REQUIRED},
                 {"all: true " + product + "p1'", "all", v1::ERROR_REASON_FORMAT_INVALID},
                 {product + "none'", "products[0]", v1::ERROR_REASON_NOT_FOUND},
                 {"products: 'merchants/other/products/p1'", "products[0]", v1::ERROR_REASON_FORMAT_INVALID},
                 {variant + "p1/variants/v1' " + variant + "p1/variants/none'", "variants[1]",
                  v1::ERROR_REASON_NOT_FOUND},
                 {variant + "none/variants/v1'", "variants[0]", v1::ERROR_REASON_NOT_FOUND},
                 {"variants: 'merchants/other/products/p1/variants/v1'", "variants[0]",
                  v1::ERROR_REASON_FORMAT_INVALID},
                 {Times(product + "p1' ", 10'001), "products", v1::ERROR_REASON_VALUE_OUT_OF_RANGE}});
}

TEST_F(ServiceTransferTest, UploadsOnlyToAChannelThatWasScannedInFull) {
  Start();
  ASSERT_TRUE(CallText("ChannelService.CreateChannel",
                       "parent: 'merchants/default' channel_id: 'other' channel { display_name: 'other' "
                       "endpoint: '" +
                           shop_.address() + "' }")
                  .ok());
  const std::string channel = "channel: 'merchants/default/channels/other' ";
  for (const std::string dry : {"", "validate_only: true "}) {
    const absl::Status refused = CallText("SyncService.StartUpload", channel + dry + "all: true").status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition) << refused;
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_FULL_SCAN_NEEDED) << refused;
  }
  AwaitEnd(Parse<v1::StartScanRequest>(channel), "StartScan", v1::StartScanResponse());
  EXPECT_TRUE(CallText("SyncService.StartUpload", channel + "all: true").ok());
}

TEST_F(ServiceTransferTest, StartsAJobOnceForARequestId) {
  Start();
  auto request = Parse<v1::StartUploadRequest>(
      "channel: 'merchants/default/channels/shop' products: 'merchants/default/products/p1' "
      "request_id: '0b7e6a54-6f0e-4a5d-9a3c-0d6a0f2b1c11'");

  const v1::Job job = AwaitEnd(request, "StartUpload", v1::StartUploadResponse());

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.kind(), v1::JOB_KIND_UPLOAD);
  EXPECT_EQ(job.transfer().created(), 1);
  EXPECT_EQ(AwaitEnd(request, "StartUpload", v1::StartUploadResponse()).name(), job.name());
  request.set_validate_only(true);
  const auto other = Call<v1::StartUploadResponse>("SyncService.StartUpload", request);
  EXPECT_EQ(ReasonOf(other.status()), v1::ERROR_REASON_REQUEST_ID_REUSED) << other.status();
  v1::ConfirmJobRequest confirm;
  confirm.set_name(job.name());
  EXPECT_EQ(ReasonOf(Call<v1::ConfirmJobResponse>("SyncService.ConfirmJob", confirm).status()),
            v1::ERROR_REASON_JOB_STATE);
}

TEST_F(ServiceTransferTest, KeepsPicturesOfProducts) {
  Start();
  const auto get = [this] {
    return Call<v1::GetProductResponse>("CatalogService.GetProduct",
                                        Parse<v1::GetProductRequest>("name: 'merchants/default/products/p1'"))
        ->product();
  };
  const std::string update =
      "product { name: 'merchants/default/products/p1' image_uris: 'https://example.com/1.jpg' image_uris: "
      "'http://example.com/2.jpg' } update_mask { paths: 'image_uris' }";

  ASSERT_TRUE(CallText("CatalogService.UpdateProduct", update).ok());

  v1::Product product = get();
  EXPECT_EQ(product.image_uris_size(), 2);
  EXPECT_EQ(product.image_uris(1), "http://example.com/2.jpg");
  EXPECT_EQ(product.display_name(), "Produk");
  // The same again is no change; a name alone leaves them.
  ASSERT_TRUE(CallText("CatalogService.UpdateProduct", update).ok());
  EXPECT_EQ(get().etag(), product.etag());
  ASSERT_TRUE(CallText("CatalogService.UpdateProduct",
                       "product { name: 'merchants/default/products/p1' display_name: 'Baju' } update_mask { "
                       "paths: 'display_name' }")
                  .ok());
  product = get();
  EXPECT_EQ(product.image_uris_size(), 2);
  const auto refused = [&](const std::string& uris) {
    return CallText("CatalogService.UpdateProduct", "product { name: 'merchants/default/products/p1' " +
                                                        uris + " } update_mask { paths: 'image_uris' }")
        .status();
  };
  EXPECT_EQ(FieldOf(refused("image_uris: 'https://a/1' image_uris: 'ftp://a/2'")), "product.image_uris[1]");
  EXPECT_EQ(FieldOf(refused("image_uris: 'https://a/1 2'")), "product.image_uris[0]");
  EXPECT_EQ(FieldOf(refused("image_uris: 'https://'")), "product.image_uris[0]");
  EXPECT_EQ(FieldOf(refused("image_uris: 'https://a/" + std::string(1000, 'b') + "'")),
            "product.image_uris[0]");
  EXPECT_EQ(FieldOf(refused(Times("image_uris: 'https://a/1' ", 10))), "product.image_uris");
  EXPECT_EQ(get().etag(), product.etag());
}

}  // namespace
}  // namespace skulink
