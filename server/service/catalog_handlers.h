#pragma once

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "skulink/v1/catalog_service.pb.h"

// CatalogService, free of gRPC, but for its stream: see product_import.h. What each does is said in its
// proto.
namespace skulink {

absl::StatusOr<v1::CreateProductResponse> CreateProduct(const v1::CreateProductRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::GetProductResponse> GetProduct(const v1::GetProductRequest& request, CallContext& call);
absl::StatusOr<v1::ListProductsResponse> ListProducts(const v1::ListProductsRequest& request,
                                                      CallContext& call);
absl::StatusOr<v1::UpdateProductResponse> UpdateProduct(const v1::UpdateProductRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::DeleteProductResponse> DeleteProduct(const v1::DeleteProductRequest& request,
                                                        CallContext& call);

}  // namespace skulink
