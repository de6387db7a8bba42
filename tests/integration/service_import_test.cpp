#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/unknown_field_set.h"
#include "skulink/v1/catalog_service.grpc.pb.h"
#include "tests/integration/service_fixture.h"

// CatalogService.ImportProducts: what its stream does with good and bad messages.
namespace skulink {
namespace {

class ServiceImportTest : public ServiceTest {
 protected:
  void SetUp() override {
    StartServer();
    stub_ = v1::CatalogService::NewStub(channel());
    SetDeadline(context_);
    stream_ = stub_->ImportProducts(&context_);
  }

  // Sends a message and reads its answer; the end of the stream is a failure.
  v1::ImportProductsResponse Send(const std::string& request) {
    v1::ImportProductsResponse response;
    EXPECT_TRUE(stream_->Write(Parse<v1::ImportProductsRequest>(request)));
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }
  // Sends a message that must end the stream.
  absl::Status SendLast(const v1::ImportProductsRequest& request) {
    stream_->Write(request);
    v1::ImportProductsResponse response;
    EXPECT_FALSE(stream_->Read(&response)) << response.ShortDebugString();
    return FromGrpc(stream_->Finish());
  }
  absl::Status SendLast(const std::string& request) {
    return SendLast(Parse<v1::ImportProductsRequest>(request));
  }
  absl::Status Close() {
    stream_->WritesDone();
    v1::ImportProductsResponse response;
    EXPECT_FALSE(stream_->Read(&response)) << response.ShortDebugString();
    return FromGrpc(stream_->Finish());
  }

  int ProductsInStore() {
    return Call<v1::ListProductsResponse>("CatalogService.ListProducts",
                                          Parse<v1::ListProductsRequest>("parent: 'merchants/default'"))
        ->products_size();
  }

  std::unique_ptr<v1::CatalogService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ImportProductsRequest, v1::ImportProductsResponse>> stream_;
};

TEST_F(ServiceImportTest, EachMessageIsAnsweredOnceItsRowsAreThere) {
  const auto first =
      Send(R"(parent: 'merchants/default' rows { line: 1 product { product_id: '1' display_name: 'Baju'
      variants { variant_id: 'a' sku: 'A' price { units: 150000 } stock: 3 } variants { variant_id: 'b' sku: 'B' } } })");
  EXPECT_EQ(first.refused_rows_size(), 0) << first.ShortDebugString();
  EXPECT_EQ(ProductsInStore(), 1);
  const auto second =
      Send("rows { line: 2 product { product_id: '2' display_name: 'Topi' variants { variant_id: 'a' } } }");
  EXPECT_EQ(ProductsInStore(), 2);

  EXPECT_EQ(second.counts().rows(), 2);
  EXPECT_EQ(second.counts().products_created(), 2);
  EXPECT_EQ(second.counts().variants_created(), 3);
  EXPECT_TRUE(Close().ok());
}

TEST_F(ServiceImportTest, ThePriceWithoutCurrencyIsInTheMerchants) {
  Send(R"(parent: 'merchants/default' rows { product { product_id: '1' display_name: 'Baju'
      variants { variant_id: 'a' price { units: 150000 } } } })");
  const auto product = Call<v1::GetProductResponse>(
      "CatalogService.GetProduct", Parse<v1::GetProductRequest>("name: 'merchants/default/products/1'"));
  ASSERT_TRUE(product.ok()) << product.status();
  EXPECT_EQ(product->product().variants(0).price().currency_code(), "IDR");
  EXPECT_EQ(product->product().variants(0).price().units(), 150000);
}

TEST_F(ServiceImportTest, TheSameRowsAgainWriteNothing) {
  const std::string rows =
      "rows { line: 1 product { product_id: '1' display_name: 'Baju' variants { variant_id: 'a' sku: 'A' } } "
      "}";
  Send("parent: 'merchants/default' " + rows);
  const auto again = Send(rows);
  EXPECT_EQ(again.counts().products_created(), 1);
  EXPECT_EQ(again.counts().products_unchanged(), 1);
  EXPECT_EQ(again.counts().variants_unchanged(), 1);
  EXPECT_EQ(again.counts().products_updated(), 0);
}

TEST_F(ServiceImportTest, BadRowsAreReportedAndTheOthersImported) {
  const auto response = Send(R"(parent: 'merchants/default'
      rows { line: 10 product { product_id: '1' display_name: ' ' variants { variant_id: 'a' } } }
      rows { line: 11 product { display_name: 'no id' variants { variant_id: 'a' } } }
      rows { line: 12 product { product_id: '3' display_name: 'no variants' } }
      rows { line: 13 product { product_id: '4' display_name: 'lines' variants { variant_id: 'a' } } variant_lines: [1, 2] }
      rows { line: 20 variant_lines: [20, 21, 22, 23, 24] product { product_id: '5' display_name: 'Baju'
        variants { variant_id: 'a' sku: 'A' } variants { sku: 'B' } variants { variant_id: 'c' price { units: -1 } }
        variants { variant_id: 'a' } variants { variant_id: 'e' sku: 'A' } } })");
  std::vector<std::string> refused;
  for (const v1::RefusedRow& row : response.refused_rows()) {
    refused.push_back(std::to_string(row.line()) + " " + row.field() + " " + ReasonName(row.reason()) + " " +
                      row.product_id() + "/" + row.variant_id());
    EXPECT_FALSE(row.description().empty());
  }
  EXPECT_THAT(
      refused,
      testing::UnorderedElementsAre(
          "10 display_name FIELD_REQUIRED 1/", "11 product_id FIELD_REQUIRED /",
          "12 variants VALUE_OUT_OF_RANGE 3/", "13 variant_lines VALUE_OUT_OF_RANGE 4/",
          "21 variants[1].variant_id FIELD_REQUIRED 5/", "22 variants[2].price VALUE_OUT_OF_RANGE 5/c",
          "23 variants[3].variant_id ALREADY_EXISTS 5/a", "24 variants[4].sku SKU_TAKEN 5/e"));
  EXPECT_EQ(response.counts().rows(), 5);
  EXPECT_EQ(response.counts().refused(), 8);
  EXPECT_EQ(response.counts().products_created(), 1);
  EXPECT_EQ(response.counts().variants_created(), 1);
}

TEST_F(ServiceImportTest, RefusalsComeInTheOrderOfLines) {
  const auto response = Send(R"(parent: 'merchants/default'
      rows { line: 1 product { product_id: '1' display_name: 'Baju' variants { variant_id: 'a' sku: 'A' } } }
      rows { line: 2 product { product_id: '2' display_name: 'Baju' variants { variant_id: 'a' sku: 'A' } } }
      rows { line: 3 product { product_id: '3' } }
      rows { line: 4 product { product_id: '4' display_name: 'Baju' variants { variant_id: 'a' sku: 'A' } } } )");
  std::vector<std::int64_t> lines;
  for (const v1::RefusedRow& row : response.refused_rows()) lines.push_back(row.line());
  EXPECT_THAT(lines, testing::ElementsAre(2, 3, 4));
}

TEST_F(ServiceImportTest, FieldsThatARowKeepsAreNotRead) {
  Send(R"(parent: 'merchants/default' rows { product { product_id: '1' display_name: 'Baju'
      variants { variant_id: 'a' sku: 'A' barcode: '899' price { units: 5 } stock: 3 option: 'Merah' }
      variants { variant_id: 'b' sku: 'B' stock: 4 } } })");

  // One mask for all, then one for each.
  Send(
      R"(rows { kept_fields { paths: ['price', 'stock', 'barcode'] } product { product_id: '1' display_name: 'Baju'
      variants { variant_id: 'a' sku: 'A2' stock: 9 } variants { variant_id: 'b' sku: 'B' } } })");
  Send(R"(rows { kept_fields { paths: ['sku', 'price', 'barcode'] } kept_fields {} product { product_id: '1'
      display_name: 'Baju' variants { variant_id: 'a' } variants { variant_id: 'b' sku: 'B' option: 'Biru' } } })");

  const auto product = Call<v1::GetProductResponse>(
      "CatalogService.GetProduct", Parse<v1::GetProductRequest>("name: 'merchants/default/products/1'"));
  ASSERT_TRUE(product.ok()) << product.status();
  const v1::Variant &a = product->product().variants(0), &b = product->product().variants(1);
  EXPECT_EQ(a.sku(), "A2");
  EXPECT_EQ(a.barcode(), "899");
  EXPECT_EQ(a.price().units(), 5);
  EXPECT_FALSE(a.has_stock()) << "the last row cleared it";
  EXPECT_EQ(a.option(), "");
  EXPECT_FALSE(b.has_stock());
  EXPECT_EQ(b.option(), "Biru");
}

TEST_F(ServiceImportTest, MasksThatDoNotFitAreRefused) {
  const auto response = Send(R"(parent: 'merchants/default'
      rows { line: 1 kept_fields { paths: 'name' } product { product_id: '1' display_name: 'Baju' variants { variant_id: 'a' } } }
      rows { line: 2 kept_fields {} kept_fields {} product { product_id: '2' display_name: 'Baju' variants { variant_id: 'a' } } } )");
  ASSERT_EQ(response.refused_rows_size(), 2);
  EXPECT_EQ(response.refused_rows(0).field(), "kept_fields");
  EXPECT_EQ(response.refused_rows(0).reason(), v1::ERROR_REASON_FORMAT_INVALID);
  EXPECT_EQ(response.refused_rows(1).reason(), v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
  EXPECT_EQ(ProductsInStore(), 0);
}

TEST_F(ServiceImportTest, AProductThatComesAgainWithAnotherNameIsRefused) {
  Send(R"(parent: 'merchants/default'
      rows { line: 3 product { product_id: '1' display_name: 'Baju' variants { variant_id: 'a' } } })");
  const auto response = Send(
      R"(rows { line: 8 product { product_id: '1' display_name: 'Kaos' variants { variant_id: 'b' } } }
         rows { line: 9 product { product_id: '1' display_name: 'Baju' variants { variant_id: 'c' } } })");
  ASSERT_EQ(response.refused_rows_size(), 1);
  EXPECT_EQ(response.refused_rows(0).line(), 8);
  EXPECT_EQ(response.refused_rows(0).field(), "display_name");
  EXPECT_EQ(response.refused_rows(0).reason(), v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_THAT(response.refused_rows(0).description(), testing::HasSubstr("line 3"));
  EXPECT_EQ(response.counts().variants_created(), 2);
}

TEST_F(ServiceImportTest, TheFirstMessageNamesTheMerchant) {
  EXPECT_EQ(FieldOf(SendLast("rows { product { product_id: '1' } }")), "parent");
}

TEST_F(ServiceImportTest, AnUnknownMerchantIsNotFound) {
  EXPECT_EQ(ReasonOf(SendLast("parent: 'merchants/b'")), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(ServiceImportTest, OnlyTheFirstMessageNamesTheMerchant) {
  Send("parent: 'merchants/default'");
  EXPECT_EQ(FieldOf(SendLast("parent: 'merchants/default'")), "parent");
}

TEST_F(ServiceImportTest, AStreamWithoutMessagesImportsNothing) { EXPECT_TRUE(Close().ok()); }

TEST_F(ServiceImportTest, TooManyVariantsInAMessageAreRefused) {
  v1::ImportProductsRequest request;
  request.set_parent("merchants/default");
  for (int product = 0; product < 6; ++product) {
    auto& row = *request.add_rows()->mutable_product();
    row.set_product_id(std::to_string(product));
    row.set_display_name("Baju");
    for (int variant = 0; variant < 834; ++variant) {
      row.add_variants()->set_variant_id(std::to_string(variant));
    }
  }
  const absl::Status status = SendLast(request);
  EXPECT_EQ(FieldOf(status), "rows") << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
  EXPECT_EQ(ProductsInStore(), 0);
}

TEST_F(ServiceImportTest, AMessageOverTheLimitIsNoSilentEnd) {
  v1::ImportProductsRequest request;
  request.set_parent("merchants/default");
  request.add_rows()->mutable_product()->set_display_name(std::string(5 * 1024 * 1024, 'x'));
  EXPECT_EQ(SendLast(request).code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ServiceImportTest, TextThatIsNotUtf8EndsTheStreamWithItsPath) {
  std::string bytes = Parse<v1::ImportProductsRequest>(R"(parent: 'merchants/default' rows {}
      rows { product { product_id: '1' display_name: 'Baju\001' } })")
                          .SerializeAsString();
  bytes[bytes.find('\x01', bytes.find("Baju"))] = '\xfe';
  // Sent as they are.
  v1::ImportProductsRequest raw;
  raw.GetReflection()->MutableUnknownFields(&raw)->ParseFromString(bytes);

  const absl::Status status = SendLast(raw);
  EXPECT_EQ(FieldOf(status), "rows[1].product.display_name") << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TEXT_INVALID);
}

TEST_F(ServiceImportTest, AStoppedServerEndsTheStreamAfterTheAnswer) {
  Send("parent: 'merchants/default'");
  StopServer();
  v1::ImportProductsResponse response;
  EXPECT_FALSE(stream_->Read(&response));
  const absl::Status status = FromGrpc(stream_->Finish());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SHUTTING_DOWN);
}

}  // namespace
}  // namespace skulink
