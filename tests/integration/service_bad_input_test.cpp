#include <string>
#include <vector>

#include "skulink/v1/merchant_service.pb.h"
#include "skulink/v1/sync_service.grpc.pb.h"
#include "tests/integration/service_fixture.h"

// What callers can get wrong: each is refused with the field's name, and nothing is written.
namespace skulink {
namespace {

struct BadInput {
  std::string method;
  std::string request;
  std::string field;
  v1::ErrorReason reason;
};

std::string Repeat(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

// A request to CreateProduct with one variant that has `fields`.
std::string WithVariant(const std::string& fields) {
  return "parent: 'merchants/default' product { display_name: 'Baju' variants { " + fields + " } }";
}

class ServiceBadInputTest : public ServiceTest {
 protected:
  void ExpectRefused(const std::vector<BadInput>& inputs) {
    StartServer();
    for (const BadInput& input : inputs) {
      SCOPED_TRACE(input.method + " " + input.request.substr(0, 200));
      const absl::Status status = CallText(input.method, input.request).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
      EXPECT_EQ(FieldOf(status), input.field) << status;
      EXPECT_EQ(ReasonOf(status), input.reason) << status;
    }
    ExpectNothingWritten();
  }

  void ExpectNothingWritten() {
    const auto merchants =
        Call<v1::ListMerchantsResponse>("MerchantService.ListMerchants", Parse<v1::ListMerchantsRequest>(""));
    ASSERT_TRUE(merchants.ok()) << merchants.status();
    ASSERT_EQ(merchants->merchants_size(), 1);
    EXPECT_EQ(merchants->merchants(0).name(), "merchants/default");
    EXPECT_EQ(merchants->merchants(0).currency_code(), "IDR");
    EXPECT_EQ(*CallText("CatalogService.ListProducts", "parent: 'merchants/default'"), "");
    EXPECT_EQ(*CallText("ChannelService.ListChannels", "parent: 'merchants/default'"), "");
    EXPECT_EQ(*CallText("SyncService.ListJobs", "parent: 'merchants/default'"), "");
  }
};

TEST_F(ServiceBadInputTest, Merchants) {
  const std::string create = "MerchantService.CreateMerchant", update = "MerchantService.UpdateMerchant";
  const std::string list = "MerchantService.ListMerchants";
  ExpectRefused({
      {create, "merchant {}", "merchant_id", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, "merchant_id: 'Toko' merchant {}", "merchant_id", v1::ERROR_REASON_FORMAT_INVALID},
      {create, "merchant_id: 'toko'", "merchant", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, "merchant_id: 'toko' merchant { display_name: '" + Repeat("é", 201) + "' }",
       "merchant.display_name", v1::ERROR_REASON_FIELD_TOO_LONG},
      {create, "merchant_id: 'toko' merchant { display_name: 'a\\000b' }", "merchant.display_name",
       v1::ERROR_REASON_TEXT_INVALID},
      {create, "merchant_id: 'toko' merchant { currency_code: 'idr' }", "merchant.currency_code",
       v1::ERROR_REASON_CURRENCY_UNKNOWN},
      {create, "merchant_id: 'toko' merchant { sku_case: 7 }", "merchant.sku_case",
       v1::ERROR_REASON_FORMAT_INVALID},
      {"MerchantService.GetMerchant", "", "name", v1::ERROR_REASON_FIELD_REQUIRED},
      {"MerchantService.GetMerchant", "name: 'default'", "name", v1::ERROR_REASON_FORMAT_INVALID},
      {list, "page_size: -1", "page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {list, "page_size: 1001", "page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {list, "page_token: 'x'", "page_token", v1::ERROR_REASON_PAGE_TOKEN_INVALID},
      {update, "", "merchant", v1::ERROR_REASON_FIELD_REQUIRED},
      {update, "merchant { }", "merchant.name", v1::ERROR_REASON_FIELD_REQUIRED},
      {update, "merchant { name: 'merchants/default' } update_mask { paths: 'etag' }", "update_mask",
       v1::ERROR_REASON_FORMAT_INVALID},
      {update, "merchant { name: 'merchants/default' etag: 'x' }", "merchant.etag",
       v1::ERROR_REASON_FORMAT_INVALID},
      {update, "merchant { name: 'merchants/default' currency_code: 'USD' }", "merchant.sku_case",
       v1::ERROR_REASON_FIELD_REQUIRED},
      {update, "merchant { name: 'merchants/default' } update_mask { paths: 'currency_code' }",
       "merchant.currency_code", v1::ERROR_REASON_FIELD_REQUIRED},
  });
}

TEST_F(ServiceBadInputTest, Products) {
  const std::string create = "CatalogService.CreateProduct", update = "CatalogService.UpdateProduct";
  const std::string list = "CatalogService.ListProducts", parent = "parent: 'merchants/default' ";
  ExpectRefused({
      {create, "product {}", "parent", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, parent, "product", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, parent + "product { display_name: ' ' variants {} }", "product.display_name",
       v1::ERROR_REASON_FIELD_REQUIRED},
      {create, parent + "product { display_name: 'a\\000b' variants {} }", "product.display_name",
       v1::ERROR_REASON_TEXT_INVALID},
      {create, parent + "product { display_name: 'Baju' product_id: ' 1' variants {} }", "product.product_id",
       v1::ERROR_REASON_FORMAT_INVALID},
      {create, parent + "product { display_name: 'Baju' }", "product.variants",
       v1::ERROR_REASON_FIELD_REQUIRED},
      {create, parent + "product { display_name: 'Baju' " + Repeat("variants {} ", 1001) + "}",
       "product.variants", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {create, parent + "product { display_name: 'Baju' variants {} variants { sku: 'a\\000' } }",
       "product.variants[1].sku", v1::ERROR_REASON_TEXT_INVALID},
      {create, WithVariant("sku: '" + Repeat("x", 256) + "'"), "product.variants[0].sku",
       v1::ERROR_REASON_FIELD_TOO_LONG},
      {create, WithVariant("barcode: '" + Repeat("1", 65) + "'"), "product.variants[0].barcode",
       v1::ERROR_REASON_FIELD_TOO_LONG},
      {create, WithVariant("option: '" + Repeat("x", 201) + "'"), "product.variants[0].option",
       v1::ERROR_REASON_FIELD_TOO_LONG},
      {create, WithVariant("stock: -1"), "product.variants[0].stock", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {create, WithVariant("stock: 1000000000001"), "product.variants[0].stock",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {create, WithVariant("price { units: -1 }"), "product.variants[0].price",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {create, WithVariant("price { units: 1 currency_code: 'XYZ' }"),
       "product.variants[0].price.currency_code", v1::ERROR_REASON_CURRENCY_UNKNOWN},
      {create, WithVariant("variant_id: 'a' } variants { variant_id: 'a'"), "product.variants[1].variant_id",
       v1::ERROR_REASON_ALREADY_EXISTS},
      {list, parent + "page_size: -5", "page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {list, parent + "page_token: '!'", "page_token", v1::ERROR_REASON_PAGE_TOKEN_INVALID},
      {"CatalogService.GetProduct", "name: 'merchants/default'", "name", v1::ERROR_REASON_FORMAT_INVALID},
      {update, "product { name: 'merchants/default/products/1' } update_mask { paths: 'price' }",
       "update_mask", v1::ERROR_REASON_FORMAT_INVALID},
      {update, "product { name: 'merchants/default/products/1' display_name: 'Baju' }", "product.variants",
       v1::ERROR_REASON_FIELD_REQUIRED},
      {"CatalogService.DeleteProduct", "name: 'merchants/default/products/1' etag: '1.5'", "etag",
       v1::ERROR_REASON_FORMAT_INVALID},
  });
}

TEST_F(ServiceBadInputTest, Channels) {
  const std::string create = "ChannelService.CreateChannel", update = "ChannelService.UpdateChannel";
  const std::string good = "parent: 'merchants/default' channel_id: 'shopee' ";
  ExpectRefused({
      {create, "channel_id: 'shopee' channel {}", "parent", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, "parent: 'merchants/default' channel {}", "channel_id", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, "parent: 'merchants/default' channel_id: '1' channel {}", "channel_id",
       v1::ERROR_REASON_FORMAT_INVALID},
      {create, good, "channel", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, good + "channel {}", "channel.endpoint", v1::ERROR_REASON_FIELD_REQUIRED},
      {create, good + "channel { endpoint: 'http://x' }", "channel.endpoint",
       v1::ERROR_REASON_FORMAT_INVALID},
      {create, good + "channel { endpoint: 'grpc://127.0.0.1:1' platform: 50 }", "channel.platform",
       v1::ERROR_REASON_FORMAT_INVALID},
      {create, good + "channel { endpoint: 'grpc://127.0.0.1:1' display_name: '" + Repeat("x", 201) + "' }",
       "channel.display_name", v1::ERROR_REASON_FIELD_TOO_LONG},
      {create, good + "channel { endpoint: 'grpc://127.0.0.1:1' stock_sync { percentage: 1001 } }",
       "channel.stock_sync.percentage", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {create, good + "channel { endpoint: 'grpc://127.0.0.1:1' stock_sync { percentage: -1 } }",
       "channel.stock_sync.percentage", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {create, good + "channel { endpoint: 'grpc://127.0.0.1:1' stock_sync { buffer: -1 } }",
       "channel.stock_sync.buffer", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {update,
       "channel { name: 'merchants/default/channels/shopee' stock_sync { maximum: 1000000000001 } } "
       "update_mask { paths: 'stock_sync' }",
       "channel.stock_sync.maximum", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {update, "channel { name: 'merchants/default/channels/shopee' } update_mask { paths: 'platform' }",
       "channel.platform", v1::ERROR_REASON_FIELD_REQUIRED},
      {update, "channel { name: 'merchants/default/channels/shopee' } update_mask { paths: 'name' }",
       "update_mask", v1::ERROR_REASON_FORMAT_INVALID},
      {"ChannelService.ListChannels", "parent: 'merchants/default' page_size: 2000", "page_size",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {"ChannelService.GetChannel", "name: 'merchants/default/channels/'", "name",
       v1::ERROR_REASON_FORMAT_INVALID},
      {"ChannelService.DeleteChannel", "name: 'merchants/default/channels/shopee' etag: '-'", "etag",
       v1::ERROR_REASON_FORMAT_INVALID},
      {"ChannelService.CheckChannel", "", "name", v1::ERROR_REASON_FIELD_REQUIRED},
  });
}

TEST_F(ServiceBadInputTest, Inventory) {
  const std::string set = "InventoryService.SetStock", adjust = "InventoryService.AdjustStock";
  const std::string list = "InventoryService.ListPushes", parent = "parent: 'merchants/default' ";
  const std::string sku = "variant { sku: 'A' } ";
  ExpectRefused({
      {set, "settings { " + sku + "}", "parent", v1::ERROR_REASON_FIELD_REQUIRED},
      {set, parent, "settings", v1::ERROR_REASON_FIELD_REQUIRED},
      {set, parent + Repeat("settings { " + sku + "} ", 1001), "settings",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {set, parent + "settings { quantity: 1 }", "settings[0].variant", v1::ERROR_REASON_FIELD_REQUIRED},
      {set, parent + "settings { variant { sku: ' ' } }", "settings[0].variant.sku",
       v1::ERROR_REASON_FIELD_REQUIRED},
      {set, parent + "settings { variant { sku: 'a\\000' } }", "settings[0].variant.sku",
       v1::ERROR_REASON_TEXT_INVALID},
      {set, parent + "settings { variant { name: 'A' } }", "settings[0].variant.name",
       v1::ERROR_REASON_FORMAT_INVALID},
      {set, parent + "settings { variant { name: 'merchants/b/products/1/variants/1' } }",
       "settings[0].variant.name", v1::ERROR_REASON_FORMAT_INVALID},
      {set, parent + "settings { " + sku + "} settings { " + sku + "quantity: -1 }", "settings[1].quantity",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {set, parent + "settings { " + sku + "quantity: 1000000000001 }", "settings[0].quantity",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {set, parent + "request_id: 'again' settings { " + sku + "}", "request_id",
       v1::ERROR_REASON_FORMAT_INVALID},
      {adjust, parent, "adjustments", v1::ERROR_REASON_FIELD_REQUIRED},
      {adjust, parent + "adjustments { " + sku + "delta: -1000000000001 }", "adjustments[0].delta",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {adjust, parent + "adjustments { " + sku + "delta: 9223372036854775807 }", "adjustments[0].delta",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {list, parent + "variant { }", "variant", v1::ERROR_REASON_FIELD_REQUIRED},
      {list, parent + "channel: 'merchants/b/channels/c'", "channel", v1::ERROR_REASON_FORMAT_INVALID},
      {list, parent + "outcomes: 1", "outcomes", v1::ERROR_REASON_FORMAT_INVALID},
      {list, parent + "channel: 'merchants/default/channels/c' outcomes: [1, 0]", "outcomes[1]",
       v1::ERROR_REASON_FORMAT_INVALID},
      {list, parent + "channel: 'merchants/default/channels/c' outcomes: 99", "outcomes[0]",
       v1::ERROR_REASON_FORMAT_INVALID},
      {list, parent + "page_size: 1001", "page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {list, parent + "page_token: 'AAAA'", "page_token", v1::ERROR_REASON_PAGE_TOKEN_INVALID},
  });
}

TEST_F(ServiceBadInputTest, Jobs) {
  const std::string start = "SyncService.StartScan", shopee = "'merchants/default/channels/shopee' ";
  ExpectRefused({
      {start, "", "channel", v1::ERROR_REASON_FIELD_REQUIRED},
      {start, "channel: " + shopee + "mode: 9", "mode", v1::ERROR_REASON_FORMAT_INVALID},
      {start, "channel: " + shopee + "request_id: 'again'", "request_id", v1::ERROR_REASON_FORMAT_INVALID},
      {"SyncService.GetJob", "name: 'merchants/default/jobs/A'", "name", v1::ERROR_REASON_FORMAT_INVALID},
      {"SyncService.ListJobs", "parent: 'merchants/default' channel: 'merchants/b/channels/shopee'",
       "channel", v1::ERROR_REASON_FORMAT_INVALID},
      {"SyncService.ListJobs", "parent: 'merchants/default' page_size: -1", "page_size",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {"SyncService.CancelJob", "", "name", v1::ERROR_REASON_FIELD_REQUIRED},
      {"SyncService.ConfirmJob", "", "name", v1::ERROR_REASON_FIELD_REQUIRED},
      {"SyncService.ListJobItems", "parent: 'merchants/default'", "parent", v1::ERROR_REASON_FORMAT_INVALID},
  });
}

// StartScan and ScanChannel take the same.
TEST_F(ServiceBadInputTest, ItemIdsOfScans) {
  const struct {
    std::string selection, field;
    v1::ErrorReason reason;
  } bad[] = {
      {"mode: SCAN_MODE_ITEM", "item_ids", v1::ERROR_REASON_FIELD_REQUIRED},
      {"item_ids: 'i1'", "item_ids", v1::ERROR_REASON_FORMAT_INVALID},
      {"mode: SCAN_MODE_FULL item_ids: 'i1'", "item_ids", v1::ERROR_REASON_FORMAT_INVALID},
      {"mode: SCAN_MODE_UPDATED item_ids: 'i1'", "item_ids", v1::ERROR_REASON_FORMAT_INVALID},
      {"mode: SCAN_MODE_ITEM " + Repeat("item_ids: 'i1' ", 1001), "item_ids",
       v1::ERROR_REASON_VALUE_OUT_OF_RANGE},
      {"mode: SCAN_MODE_ITEM item_ids: 'i1' item_ids: ''", "item_ids[1]", v1::ERROR_REASON_FIELD_REQUIRED},
      {"mode: SCAN_MODE_ITEM item_ids: 'i1' item_ids: 'i2' item_ids: ' i3'", "item_ids[2]",
       v1::ERROR_REASON_FORMAT_INVALID},
      {"mode: SCAN_MODE_ITEM item_ids: 'a\\tb'", "item_ids[0]", v1::ERROR_REASON_TEXT_INVALID},
      {"mode: SCAN_MODE_ITEM item_ids: '" + Repeat("x", 129) + "'", "item_ids[0]",
       v1::ERROR_REASON_FIELD_TOO_LONG},
  };
  std::vector<BadInput> inputs;
  const std::string shopee = "channel: 'merchants/default/channels/shopee' ";
  for (const auto& [selection, field, reason] : bad) {
    inputs.push_back({"SyncService.StartScan", shopee + selection, field, reason});
  }
  ExpectRefused(inputs);
  const auto stub = v1::SyncService::NewStub(channel());
  for (const auto& [selection, field, reason] : bad) {
    SCOPED_TRACE("SyncService.ScanChannel " + selection.substr(0, 200));
    grpc::ClientContext context;
    SetDeadline(context);
    const auto stream = stub->ScanChannel(&context, Parse<v1::ScanChannelRequest>(shopee + selection));
    v1::ScanChannelResponse message;
    EXPECT_FALSE(stream->Read(&message));
    const absl::Status status = FromGrpc(stream->Finish());
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(FieldOf(status), field) << status;
    EXPECT_EQ(ReasonOf(status), reason) << status;
  }
  ExpectNothingWritten();
  // As many as may be, and as long: it is the channel that is not there.
  const absl::Status most =
      CallText("SyncService.StartScan", shopee + "mode: SCAN_MODE_ITEM " + Repeat("item_ids: 'i1' ", 999) +
                                            "item_ids: '" + Repeat("x", 128) + "'")
          .status();
  EXPECT_EQ(ReasonOf(most), v1::ERROR_REASON_NOT_FOUND) << most;
}

TEST_F(ServiceBadInputTest, ProductsMenu) {
  std::vector<BadInput> inputs;
  for (const std::string view : {"ListSoldInChannel", "ListNotInPos", "ListNotInChannel", "ListInPos",
                                 "ListMultipleListings", "ListChannelStatistics", "SummarizeNotInPos"}) {
    const std::string method = "ProductsMenuService." + view, parent = "parent: 'merchants/default' ";
    inputs.push_back({method, "", "parent", v1::ERROR_REASON_FIELD_REQUIRED});
    inputs.push_back({method, parent + "channels: 'shopee'", "channels[0]", v1::ERROR_REASON_FORMAT_INVALID});
    inputs.push_back({method, parent + "channels: 'merchants/b/channels/c'", "channels[0]",
                      v1::ERROR_REASON_FORMAT_INVALID});
    if (view == "ListChannelStatistics" || view == "SummarizeNotInPos") continue;
    inputs.push_back({method, parent + "sku_prefix: 'a' name_prefix: 'b'", "name_prefix",
                      v1::ERROR_REASON_FORMAT_INVALID});
    inputs.push_back({method, parent + "sku_prefix: '" + Repeat("x", 256) + "'", "sku_prefix",
                      v1::ERROR_REASON_FIELD_TOO_LONG});
    inputs.push_back(
        {method, parent + "name_prefix: 'a\\000'", "name_prefix", v1::ERROR_REASON_TEXT_INVALID});
    inputs.push_back({method, parent + "page_size: 1001", "page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE});
    inputs.push_back(
        {method, parent + "page_token: 'AAAA'", "page_token", v1::ERROR_REASON_PAGE_TOKEN_INVALID});
  }
  for (const std::string states : {"states: 0", "states: [1, 99]"}) {
    inputs.push_back({"ProductsMenuService.ListNotInPos", "parent: 'merchants/default' " + states,
                      states == "states: 0" ? "states[0]" : "states[1]", v1::ERROR_REASON_FORMAT_INVALID});
  }
  ExpectRefused(inputs);
}

TEST_F(ServiceBadInputTest, StreamsOfProgress) {
  StartServer();
  const auto stub = v1::SyncService::NewStub(channel());
  const auto watch = [&](const std::string& request) {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto stream = stub->WatchJob(&context, Parse<v1::WatchJobRequest>(request));
    v1::WatchJobResponse message;
    EXPECT_FALSE(stream->Read(&message));
    return FromGrpc(stream->Finish());
  };
  EXPECT_EQ(FieldOf(watch("")), "name");
  for (const std::string interval : {"nanos: 49999999", "seconds: 61", "seconds: -1"}) {
    const absl::Status status = watch("name: 'merchants/default/jobs/1' min_interval { " + interval + " }");
    EXPECT_EQ(FieldOf(status), "min_interval") << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_VALUE_OUT_OF_RANGE) << status;
  }
  EXPECT_EQ(ReasonOf(watch("name: 'merchants/default/jobs/1'")), v1::ERROR_REASON_NOT_FOUND);

  grpc::ClientContext context;
  SetDeadline(context);
  const auto scan = stub->ScanChannel(
      &context,
      Parse<v1::ScanChannelRequest>("channel: 'merchants/default/channels/x' min_interval { seconds: 61 }"));
  EXPECT_EQ(FieldOf(FromGrpc(scan->Finish())), "min_interval");
}

TEST_F(ServiceBadInputTest, UnknownResourcesAreNamed) {
  StartServer();
  const struct {
    std::string method, request, resource;
  } unknown[] = {
      {"MerchantService.GetMerchant", "name: 'merchants/b'", "merchants/b"},
      {"MerchantService.UpdateMerchant",
       "merchant { name: 'merchants/b' } update_mask { paths: 'display_name' }", "merchants/b"},
      {"CatalogService.ListProducts", "parent: 'merchants/b'", "merchants/b"},
      {"CatalogService.CreateProduct", "parent: 'merchants/b' product { display_name: 'a' variants {} }",
       "merchants/b"},
      {"CatalogService.GetProduct", "name: 'merchants/default/products/1'", "merchants/default/products/1"},
      {"CatalogService.DeleteProduct", "name: 'merchants/default/products/1'",
       "merchants/default/products/1"},
      {"ChannelService.ListChannels", "parent: 'merchants/b'", "merchants/b"},
      {"ChannelService.GetChannel", "name: 'merchants/default/channels/x'", "merchants/default/channels/x"},
      {"ChannelService.CheckChannel", "name: 'merchants/default/channels/x'", "merchants/default/channels/x"},
      {"ChannelService.DeleteChannel", "name: 'merchants/default/channels/x'",
       "merchants/default/channels/x"},
      {"SyncService.StartScan", "channel: 'merchants/default/channels/x'", "merchants/default/channels/x"},
      {"SyncService.GetJob", "name: 'merchants/default/jobs/1'", "merchants/default/jobs/1"},
      {"SyncService.ListJobs", "parent: 'merchants/b'", "merchants/b"},
      {"SyncService.ListJobItems", "parent: 'merchants/default/jobs/1'", "merchants/default/jobs/1"},
      {"InventoryService.ListPushes", "parent: 'merchants/b'", "merchants/b"},
      {"InventoryService.ListPushes", "parent: 'merchants/default' channel: 'merchants/default/channels/x'",
       "merchants/default/channels/x"},
      {"InventoryService.SetStock",
       "parent: 'merchants/default' settings { variant { name: 'merchants/default/products/1/variants/2' } }",
       "merchants/default/products/1/variants/2"},
      {"InventoryService.SetStock", "parent: 'merchants/b' settings { variant { sku: 'A' } }", "merchants/b"},
      {"ProductsMenuService.ListInPos", "parent: 'merchants/b'", "merchants/b"},
      {"ProductsMenuService.ListNotInPos",
       "parent: 'merchants/default' channels: 'merchants/default/channels/x'",
       "merchants/default/channels/x"},
      {"ProductsMenuService.SummarizeNotInPos",
       "parent: 'merchants/default' channels: 'merchants/default/channels/x'",
       "merchants/default/channels/x"},
      {"ProductsMenuService.ListChannelStatistics",
       "parent: 'merchants/default' channels: 'merchants/default/channels/x'",
       "merchants/default/channels/x"},
  };
  for (const auto& [method, request, resource] : unknown) {
    SCOPED_TRACE(method);
    const absl::Status status = CallText(method, request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
    EXPECT_EQ(MetadataOf(status, "resource"), resource) << status;
  }
}

}  // namespace
}  // namespace skulink
