#include "server/service/product_fields.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/money.h"
#include "common/names.h"
#include "server/service/request_fields.h"

namespace skulink {

absl::StatusOr<store::Variant> DecodeVariant(const v1::Variant& variant, const std::string& field,
                                             const std::string& currency, std::int64_t least_stock) {
  if (!variant.variant_id().empty()) {
    SKULINK_RETURN_IF_ERROR(CheckForeignId(variant.variant_id(), field + ".variant_id"));
  }
  SKULINK_RETURN_IF_ERROR(CheckTextField(variant.sku(), field + ".sku", kSkuRule));
  SKULINK_RETURN_IF_ERROR(CheckTextField(variant.barcode(), field + ".barcode", kBarcodeRule));
  SKULINK_RETURN_IF_ERROR(CheckTextField(variant.option(), field + ".option", kLabelRule));
  store::Variant decoded;
  decoded.id = variant.variant_id();
  decoded.sku = variant.sku();
  decoded.barcode = variant.barcode();
  decoded.option = variant.option();
  if (variant.has_price()) {
    SKULINK_ASSIGN_OR_RETURN(decoded.price, FromProto(variant.price(), currency, field + ".price"));
  }
  if (variant.has_stock()) {
    if (variant.stock() < least_stock || variant.stock() > kMaxStock) {
      return InvalidField(field + ".stock", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                          absl::StrCat("must be ", least_stock, " to ", kMaxStock));
    }
    decoded.stock = variant.stock();
  }
  return decoded;
}

absl::StatusOr<std::vector<store::Variant>> DecodeVariants(
    const google::protobuf::RepeatedPtrField<v1::Variant>& variants, const std::string& field,
    const std::string& currency, std::int64_t least_stock) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(!variants.empty(), field));
  if (variants.size() > kMaxVariants) {
    return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be 1 to ", kMaxVariants, " variants"));
  }
  std::vector<store::Variant> decoded;
  std::unordered_set<std::string> ids;
  for (int i = 0; i < variants.size(); ++i) {
    const std::string variant_field = absl::StrCat(field, "[", i, "]");
    SKULINK_ASSIGN_OR_RETURN(store::Variant variant,
                             DecodeVariant(variants[i], variant_field, currency, least_stock));
    if (variant.id.empty()) variant.id = MakeId();
    if (!ids.insert(variant.id).second) {
      return InvalidField(variant_field + ".variant_id", v1::ERROR_REASON_ALREADY_EXISTS,
                          "is that of another variant of the product");
    }
    decoded.push_back(std::move(variant));
  }
  return decoded;
}

absl::StatusOr<std::vector<std::string>> DecodeImages(
    const google::protobuf::RepeatedPtrField<std::string>& image_uris, const std::string& field) {
  if (image_uris.size() > kMaxImages) {
    return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be at most ", kMaxImages, " addresses"));
  }
  std::vector<std::string> decoded;
  for (int i = 0; i < image_uris.size(); ++i) {
    const std::string& uri = image_uris[i];
    const std::string uri_field = absl::StrCat(field, "[", i, "]");
    SKULINK_RETURN_IF_ERROR(CheckTextField(uri, uri_field, kImageUriRule));
    const std::size_t host = uri.starts_with("https://") ? 8 : uri.starts_with("http://") ? 7 : uri.size();
    const bool blank = std::any_of(uri.begin(), uri.end(), absl::ascii_isspace);
    if (host == uri.size() || blank) {
      return InvalidField(uri_field, v1::ERROR_REASON_FORMAT_INVALID,
                          "must be an address that begins with https:// or http://, without white space");
    }
    decoded.push_back(uri);
  }
  return decoded;
}

std::string MakeId() {
  absl::BitGen random;
  return absl::StrCat(absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16),
                      absl::Hex(absl::Uniform<std::uint32_t>(random), absl::kZeroPad8));
}

}  // namespace skulink
