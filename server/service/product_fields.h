#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/product_rules.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "server/store/products.h"
#include "skulink/v1/catalog_service.pb.h"

// Products as callers send them, checked by the rules in catalog_service.proto.
namespace skulink {

// Errors name `field` and its parts. `currency` is that of prices without one. An empty variant_id stays
// empty.
absl::StatusOr<store::Variant> DecodeVariant(const v1::Variant& variant, const std::string& field,
                                             const std::string& currency, std::int64_t least_stock = 0);

// All variants of a product, with an id for each: those that are empty are made. Refused when there are none,
// too many, or two with one id. `least_stock` is below zero where a variant may have such a stock already.
absl::StatusOr<std::vector<store::Variant>> DecodeVariants(
    const google::protobuf::RepeatedPtrField<v1::Variant>& variants, const std::string& field,
    const std::string& currency, std::int64_t least_stock = 0);

// The addresses of a product's pictures.
absl::StatusOr<std::vector<std::string>> DecodeImages(
    const google::protobuf::RepeatedPtrField<std::string>& image_uris, const std::string& field);

// An id that no other product or variant has.
std::string MakeId();

}  // namespace skulink
