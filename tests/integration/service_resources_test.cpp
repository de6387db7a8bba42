#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/page_token.h"
#include "skulink/v1/catalog_service.pb.h"
#include "skulink/v1/channel_service.pb.h"
#include "skulink/v1/merchant_service.pb.h"
#include "skulink/v1/products_menu_service.pb.h"
#include "tests/integration/service_fixture.h"

// Merchants, products and channels through the API: creating, reading, changing, paging.
namespace skulink {
namespace {

using testing::ElementsAre;

class ServiceResourcesTest : public ServiceTest {
 protected:
  void SetUp() override { StartServer(); }

  v1::Product CreateProduct(const std::string& product) {
    const auto created = Call<v1::CreateProductResponse>(
        "CatalogService.CreateProduct",
        Parse<v1::CreateProductRequest>("parent: 'merchants/default' product { " + product + " }"));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->product() : v1::Product();
  }
  v1::Channel CreateChannel(const std::string& id) {
    const auto created = Call<v1::CreateChannelResponse>(
        "ChannelService.CreateChannel",
        Parse<v1::CreateChannelRequest>("parent: 'merchants/default' channel_id: '" + id +
                                        "' channel { endpoint: 'grpc://127.0.0.1:1' }"));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->channel() : v1::Channel();
  }
};

TEST_F(ServiceResourcesTest, AMerchantHasDefaultsAndKeepsWhatItWasGiven) {
  const auto created = Call<v1::CreateMerchantResponse>(
      "MerchantService.CreateMerchant",
      Parse<v1::CreateMerchantRequest>("merchant_id: 'toko' merchant { display_name: 'Toko Budi' }"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->merchant().name(), "merchants/toko");
  EXPECT_EQ(created->merchant().display_name(), "Toko Budi");
  EXPECT_EQ(created->merchant().currency_code(), "IDR");
  EXPECT_EQ(created->merchant().sku_case(), v1::SKU_CASE_SENSITIVE);
  EXPECT_FALSE(created->merchant().etag().empty());
  EXPECT_GT(created->merchant().create_time().seconds(), 1'700'000'000);

  const absl::Status again =
      CallText("MerchantService.CreateMerchant", "merchant_id: 'toko' merchant {}").status();
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists) << again;
  EXPECT_EQ(MetadataOf(again, "resource"), "merchants/toko");
}

TEST_F(ServiceResourcesTest, AnUpdateChangesWhatItsMaskNames) {
  const auto updated = Call<v1::UpdateMerchantResponse>(
      "MerchantService.UpdateMerchant",
      Parse<v1::UpdateMerchantRequest>(
          "merchant { name: 'merchants/default' display_name: 'Toko' currency_code: 'USD' }"
          " update_mask { paths: 'display_name' }"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->merchant().display_name(), "Toko");
  EXPECT_EQ(updated->merchant().currency_code(), "IDR");

  const auto all = Call<v1::UpdateMerchantResponse>(
      "MerchantService.UpdateMerchant",
      Parse<v1::UpdateMerchantRequest>("merchant { name: 'merchants/default' currency_code: 'USD' sku_case: "
                                       "SKU_CASE_IGNORE_CASE } update_mask { paths: '*' }"));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->merchant().display_name(), "");
  EXPECT_EQ(all->merchant().currency_code(), "USD");
  EXPECT_EQ(all->merchant().sku_case(), v1::SKU_CASE_IGNORE_CASE);
}

TEST_F(ServiceResourcesTest, AnOldEtagIsRefused) {
  const v1::Channel channel = CreateChannel("shopee");
  const std::string update = "channel { name: '" + channel.name() + "' etag: '" + channel.etag() +
                             "' display_name: 'Shopee' } update_mask { paths: 'display_name' }";
  ASSERT_TRUE(CallText("ChannelService.UpdateChannel", update).ok());
  const absl::Status status = CallText("ChannelService.UpdateChannel", update).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ETAG_MISMATCH);
}

TEST_F(ServiceResourcesTest, AChannelIsNamedByItsIdAndOfPlatformOtherUnlessSaid) {
  const v1::Channel channel = CreateChannel("shopee");
  EXPECT_EQ(channel.name(), "merchants/default/channels/shopee");
  EXPECT_EQ(channel.display_name(), "shopee");
  EXPECT_EQ(channel.platform(), v1::PLATFORM_OTHER);
  EXPECT_EQ(channel.endpoint(), "grpc://127.0.0.1:1");
}

TEST_F(ServiceResourcesTest, ADeletedChannelIsGone) {
  const v1::Channel channel = CreateChannel("shopee");
  const auto deleted = CallText("ChannelService.DeleteChannel", "name: '" + channel.name() + "'");
  EXPECT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(CallText("ChannelService.GetChannel", "name: '" + channel.name() + "'").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ServiceResourcesTest, AProductWithoutIdsIsGivenThem) {
  const v1::Product product = CreateProduct("display_name: 'Baju' variants {} variants { sku: ' A ' }");
  EXPECT_EQ(product.name(), "merchants/default/products/" + product.product_id());
  EXPECT_FALSE(product.product_id().empty());
  ASSERT_EQ(product.variants_size(), 2);
  EXPECT_NE(product.variants(0).variant_id(), product.variants(1).variant_id());
  EXPECT_EQ(product.variants(1).name(), product.name() + "/variants/" + product.variants(1).variant_id());
  EXPECT_EQ(product.variants(1).sku(), " A ");
  EXPECT_FALSE(product.variants(1).has_price());
  EXPECT_FALSE(product.variants(1).has_stock());
}

TEST_F(ServiceResourcesTest, ASkuThatIsTakenIsRefusedByItsField) {
  CreateProduct("product_id: '1' display_name: 'Baju' variants { variant_id: 'a' sku: 'A' }");
  const absl::Status status =
      CallText(
          "CatalogService.CreateProduct",
          "parent: 'merchants/default' product { display_name: 'Topi' variants {} variants { sku: 'A' } }")
          .status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SKU_TAKEN) << status;
  EXPECT_EQ(FieldOf(status), "product.variants[1].sku");
  EXPECT_EQ(MetadataOf(status, "variant"), "merchants/default/products/1/variants/a");
}

TEST_F(ServiceResourcesTest, AnUpdatedProductHasTheVariantsGivenAndNoOthers) {
  CreateProduct(
      "product_id: '1' display_name: 'Baju' variants { variant_id: 'a' sku: 'A' } variants { variant_id: 'b' "
      "}");
  const auto updated = Call<v1::UpdateProductResponse>(
      "CatalogService.UpdateProduct",
      Parse<v1::UpdateProductRequest>(
          "product { name: 'merchants/default/products/1' variants { variant_id: 'c' sku: 'A' stock: 4 } } "
          "update_mask { paths: 'variants' }"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->product().display_name(), "Baju");
  ASSERT_EQ(updated->product().variants_size(), 1);
  EXPECT_EQ(updated->product().variants(0).variant_id(), "c");
  EXPECT_EQ(updated->product().variants(0).stock(), 4);
}

TEST_F(ServiceResourcesTest, PagesFollowEachOtherToTheEnd) {
  std::vector<std::string> seen;
  for (const char* id : {"1", "2", "3", "4", "5"}) {
    CreateProduct("product_id: '" + std::string(id) + "' display_name: 'Baju' variants {}");
  }
  auto request = Parse<v1::ListProductsRequest>("parent: 'merchants/default' page_size: 2");
  int pages = 0;
  do {
    const auto page = Call<v1::ListProductsResponse>("CatalogService.ListProducts", request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Product& product : page->products()) seen.push_back(product.product_id());
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(pages, 3);
}

// A generated client takes 4 MiB, unless it is told otherwise.
TEST_F(ServiceResourcesTest, PagesOfLargeRowsEndBeforeTheyAreTooLarge) {
  for (int p = 0; p < 6; ++p) {
    auto product = Parse<v1::Product>("product_id: 'p" + std::to_string(p) + "'");
    product.set_display_name(std::string(500, 'N'));
    for (int v = 0; v < 500; ++v) {
      v1::Variant& variant = *product.add_variants();
      variant.set_variant_id(std::to_string(v));
      variant.set_sku("\u670d" + std::to_string(1000 * p + v) + std::string(245, 'S'));
      for (int i = 0; i < 200; ++i) variant.mutable_option()->append("\u670d");
      variant.set_barcode(std::string(64, 'B'));
    }
    v1::CreateProductRequest request;
    request.set_parent("merchants/default");
    *request.mutable_product() = product;
    const auto created = Call<v1::CreateProductResponse>("CatalogService.CreateProduct", request);
    ASSERT_TRUE(created.ok()) << created.status();
  }

  auto list = Parse<v1::ListProductsRequest>("parent: 'merchants/default' page_size: 1000");
  std::vector<std::string> seen;
  int pages = 0;
  do {
    const auto page = Call<v1::ListProductsResponse>("CatalogService.ListProducts", list);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_GT(page->products_size(), 0);
    for (const v1::Product& product : page->products()) seen.push_back(product.product_id());
    list.set_page_token(page->next_page_token());
    ++pages;
  } while (!list.page_token().empty());
  EXPECT_THAT(seen, ElementsAre("p0", "p1", "p2", "p3", "p4", "p5"));
  EXPECT_GT(pages, 1);

  auto view = Parse<v1::ListInPosRequest>("parent: 'merchants/default' page_size: 1000");
  int rows = 0;
  std::size_t largest = 0;
  do {
    const auto page = Call<v1::ListInPosResponse>("ProductsMenuService.ListInPos", view);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_GT(page->variants_size(), 0);
    rows += page->variants_size();
    largest = std::max(largest, page->ByteSizeLong());
    view.set_page_token(page->next_page_token());
  } while (!view.page_token().empty());
  EXPECT_EQ(rows, 3000);
  EXPECT_LE(largest, std::size_t{2} << 20);
}

TEST_F(ServiceResourcesTest, APageTokenBelongsToItsMethodAndFields) {
  CreateChannel("a");
  CreateChannel("b");
  ASSERT_TRUE(CallText("MerchantService.CreateMerchant", "merchant_id: 'toko' merchant {}").ok());
  const auto page = Call<v1::ListChannelsResponse>(
      "ChannelService.ListChannels",
      Parse<v1::ListChannelsRequest>("parent: 'merchants/default' page_size: 1"));
  ASSERT_TRUE(page.ok()) << page.status();
  const std::string token = "page_token: '" + page->next_page_token() + "' ";
  ASSERT_NE(page->next_page_token(), "");

  // Another page size is no other request.
  const auto next =
      CallText("ChannelService.ListChannels", "parent: 'merchants/default' page_size: 9 " + token);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_THAT(*next, testing::HasSubstr("channels/b"));
  EXPECT_EQ(ReasonOf(CallText("ChannelService.ListChannels", "parent: 'merchants/toko' " + token).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  EXPECT_EQ(
      ReasonOf(CallText("CatalogService.ListProducts", "parent: 'merchants/default' " + token).status()),
      v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  EXPECT_EQ(
      ReasonOf(CallText("ProductsMenuService.ListInPos", "parent: 'merchants/default' " + token).status()),
      v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

// As a server with other columns makes them, or somebody who knows how.
TEST_F(ServiceResourcesTest, PageTokensWithOtherColumnsThanTheViewHasAreRefused) {
  for (const char* view :
       {"ListSoldInChannel", "ListNotInPos", "ListNotInChannel", "ListInPos", "ListMultipleListings"}) {
    const std::string method = absl::StrCat("ProductsMenuService.", view);
    for (const std::string filter : {"", "sku_prefix: 'a' ", "name_prefix: 'a' "}) {
      const std::string text = "parent: 'merchants/default' " + filter;
      int taken = 0;
      for (std::size_t columns = 1; columns <= 5; ++columns) {
        const std::string token = MakePageToken(*ParseRequest(method, text), PagePosition(columns, "1"));
        const auto answer = CallText(method, text + "page_token: '" + token + "'");
        taken += answer.ok();
        EXPECT_TRUE(answer.ok() || ReasonOf(answer.status()) == v1::ERROR_REASON_PAGE_TOKEN_INVALID);
      }
      EXPECT_EQ(taken, 1) << method << " " << filter;
    }
  }
}

TEST_F(ServiceResourcesTest, CheckChannelOfASilentSellerCenterAnswersBeforeTheCallerGivesUp) {
  const SilentPort silent;
  const auto created = CallText(
      "ChannelService.CreateChannel",
      "parent: 'merchants/default' channel_id: 'silent' channel { endpoint: '" + silent.endpoint() + "' }");
  ASSERT_TRUE(created.ok()) << created.status();
  v1::CheckChannelRequest request;
  request.set_name("merchants/default/channels/silent");
  const absl::Status status =
      Call<v1::CheckChannelResponse>("ChannelService.CheckChannel", request, absl::Seconds(4)).status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_TIMEOUT) << status;
}

TEST_F(ServiceResourcesTest, CheckChannelSaysWhyTheSellerCenterCannotBeReached) {
  const v1::Channel channel = CreateChannel("shopee");
  const absl::Status status =
      CallText("ChannelService.CheckChannel", "name: '" + channel.name() + "'").status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE) << status;
}

}  // namespace
}  // namespace skulink
