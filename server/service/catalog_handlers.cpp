#include "server/service/catalog_handlers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/product_rules.h"
#include "server/service/answers.h"
#include "server/service/product_fields.h"
#include "server/service/request_fields.h"
#include "server/store/merchants.h"
#include "server/store/products.h"

namespace skulink {
namespace {

constexpr int kProductsAtOnce = 100;

}  // namespace

absl::StatusOr<v1::CreateProductResponse> CreateProduct(const v1::CreateProductRequest& request,
                                                        CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_RETURN_IF_ERROR(CheckGiven(request.has_product(), "product"));
  const v1::Product& given = request.product();
  if (!given.product_id().empty()) {
    SKULINK_RETURN_IF_ERROR(CheckForeignId(given.product_id(), "product.product_id"));
  }
  SKULINK_RETURN_IF_ERROR(CheckTextField(given.display_name(), "product.display_name", kProductNameRule));
  SKULINK_ASSIGN_OR_RETURN(const store::Merchant merchant,
                           store::GetMerchant(call.database, parent.merchant));

  store::Product product;
  product.id = given.product_id().empty() ? MakeId() : given.product_id();
  product.name = given.display_name();
  SKULINK_ASSIGN_OR_RETURN(product.image_uris, DecodeImages(given.image_uris(), "product.image_uris"));
  SKULINK_ASSIGN_OR_RETURN(product.variants,
                           DecodeVariants(given.variants(), "product.variants", merchant.currency));

  SKULINK_ASSIGN_OR_RETURN(const store::Product created,
                           store::CreateProduct(call.database, parent.merchant, product));
  call.engine.WakePushes();
  v1::CreateProductResponse response;
  *response.mutable_product() = ToProto(created, parent.merchant);
  return response;
}

absl::StatusOr<v1::GetProductResponse> GetProduct(const v1::GetProductRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ProductName name, ParseProductName(request.name(), "name"));
  SKULINK_ASSIGN_OR_RETURN(const store::Product product,
                           store::GetProduct(call.database, name.merchant, name.product));
  v1::GetProductResponse response;
  *response.mutable_product() = ToProto(product, name.merchant);
  return response;
}

absl::StatusOr<v1::ListProductsResponse> ListProducts(const v1::ListProductsRequest& request,
                                                      CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(std::int64_t last, ReadNumberToken(request));
  v1::ListProductsResponse response;
  std::size_t bytes = 0;
  while (true) {
    // A few at a time, since each may have a thousand variants.
    const int limit = std::min(kProductsAtOnce, page_size + 1 - response.products_size());
    SKULINK_ASSIGN_OR_RETURN(const std::vector<store::Product> products,
                             store::ListProducts(call.database, parent.merchant, last, limit));
    for (const store::Product& product : products) {
      v1::Product proto = ToProto(product, parent.merchant);
      bytes += proto.ByteSizeLong();
      const bool fits = response.products_size() < page_size && bytes <= kMaxPageBytes;
      if (!fits && response.products_size() > 0) {
        response.set_next_page_token(MakePageToken(request, {absl::StrCat(last)}));
        return response;
      }
      last = product.number;
      *response.add_products() = std::move(proto);
    }
    if (std::ssize(products) < limit) return response;
  }
}

absl::StatusOr<v1::UpdateProductResponse> UpdateProduct(const v1::UpdateProductRequest& request,
                                                        CallContext& call) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(request.has_product(), "product"));
  const v1::Product& given = request.product();
  SKULINK_ASSIGN_OR_RETURN(const ProductName name, ParseProductName(given.name(), "product.name"));
  SKULINK_ASSIGN_OR_RETURN(
      const UpdateMask mask,
      UpdateMask::Parse(request.update_mask(), {"display_name", "image_uris", "variants"}));

  store::ProductChange change;
  SKULINK_ASSIGN_OR_RETURN(change.version, ParseEtag(given.etag(), "product.etag"));
  if (mask.Has("display_name")) {
    SKULINK_RETURN_IF_ERROR(CheckTextField(given.display_name(), "product.display_name", kProductNameRule));
    change.name = given.display_name();
  }
  if (mask.Has("image_uris")) {
    SKULINK_ASSIGN_OR_RETURN(change.image_uris, DecodeImages(given.image_uris(), "product.image_uris"));
  }
  if (mask.Has("variants")) {
    SKULINK_ASSIGN_OR_RETURN(const store::Merchant merchant,
                             store::GetMerchant(call.database, name.merchant));
    SKULINK_ASSIGN_OR_RETURN(
        change.variants, DecodeVariants(given.variants(), "product.variants", merchant.currency, -kMaxStock));
  }

  SKULINK_ASSIGN_OR_RETURN(const store::Product product,
                           store::UpdateProduct(call.database, name.merchant, name.product, change));
  call.engine.WakePushes();
  v1::UpdateProductResponse response;
  *response.mutable_product() = ToProto(product, name.merchant);
  return response;
}

absl::StatusOr<v1::DeleteProductResponse> DeleteProduct(const v1::DeleteProductRequest& request,
                                                        CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ProductName name, ParseProductName(request.name(), "name"));
  SKULINK_ASSIGN_OR_RETURN(const auto version, ParseEtag(request.etag(), "etag"));
  SKULINK_RETURN_IF_ERROR(store::DeleteProduct(call.database, name.merchant, name.product, version));
  return v1::DeleteProductResponse();
}

}  // namespace skulink
