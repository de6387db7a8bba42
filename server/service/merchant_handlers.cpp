#include "server/service/merchant_handlers.h"

#include "common/errors.h"
#include "common/money.h"
#include "common/names.h"
#include "server/service/answers.h"
#include "server/service/request_fields.h"
#include "server/store/merchants.h"

namespace skulink {
namespace {

constexpr std::string_view kDefaultCurrency = "IDR";

absl::Status CheckCurrency(const std::string& code) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(!code.empty(), "merchant.currency_code"));
  if (IsCurrency(code)) return absl::OkStatus();
  return InvalidField("merchant.currency_code", v1::ERROR_REASON_CURRENCY_UNKNOWN,
                      "must be a code of ISO 4217, three capital letters");
}

absl::StatusOr<SkuCase> ParseSkuCase(v1::SkuCase sku_case) {
  switch (sku_case) {
    case v1::SKU_CASE_SENSITIVE:
      return SkuCase::kSensitive;
    case v1::SKU_CASE_IGNORE_CASE:
      return SkuCase::kIgnore;
    case v1::SKU_CASE_UNSPECIFIED:
      return InvalidField("merchant.sku_case", v1::ERROR_REASON_FIELD_REQUIRED, "is required");
    default:
      return InvalidField("merchant.sku_case", v1::ERROR_REASON_FORMAT_INVALID,
                          "must be SENSITIVE or IGNORE_CASE");
  }
}

}  // namespace

absl::StatusOr<v1::CreateMerchantResponse> CreateMerchant(const v1::CreateMerchantRequest& request,
                                                          CallContext& call) {
  SKULINK_RETURN_IF_ERROR(CheckSlug(request.merchant_id(), "merchant_id"));
  SKULINK_RETURN_IF_ERROR(CheckGiven(request.has_merchant(), "merchant"));
  const v1::Merchant& given = request.merchant();
  store::Merchant merchant;
  merchant.id = request.merchant_id();

  SKULINK_RETURN_IF_ERROR(CheckTextField(given.display_name(), "merchant.display_name", kLabelRule));
  merchant.display_name = given.display_name();
  merchant.currency = given.currency_code().empty() ? kDefaultCurrency : given.currency_code();
  SKULINK_RETURN_IF_ERROR(CheckCurrency(merchant.currency));
  if (given.sku_case() != v1::SKU_CASE_UNSPECIFIED) {
    SKULINK_ASSIGN_OR_RETURN(merchant.sku_case, ParseSkuCase(given.sku_case()));
  }
  merchant.allow_negative_stock = given.allow_negative_stock();

  SKULINK_ASSIGN_OR_RETURN(const store::Merchant created, store::CreateMerchant(call.database, merchant));
  v1::CreateMerchantResponse response;
  *response.mutable_merchant() = ToProto(created);
  return response;
}

absl::StatusOr<v1::GetMerchantResponse> GetMerchant(const v1::GetMerchantRequest& request,
                                                    CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName name, ParseMerchantName(request.name(), "name"));
  SKULINK_ASSIGN_OR_RETURN(const store::Merchant merchant, store::GetMerchant(call.database, name.merchant));
  v1::GetMerchantResponse response;
  *response.mutable_merchant() = ToProto(merchant);
  return response;
}

absl::StatusOr<v1::ListMerchantsResponse> ListMerchants(const v1::ListMerchantsRequest& request,
                                                        CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(const std::string after, ReadTextToken(request));
  SKULINK_ASSIGN_OR_RETURN(std::vector<store::Merchant> merchants,
                           store::ListMerchants(call.database, after, page_size + 1));
  v1::ListMerchantsResponse response;
  if (CutToPage(merchants, page_size)) {
    response.set_next_page_token(MakePageToken(request, {merchants.back().id}));
  }
  for (const store::Merchant& merchant : merchants) *response.add_merchants() = ToProto(merchant);
  return response;
}

absl::StatusOr<v1::UpdateMerchantResponse> UpdateMerchant(const v1::UpdateMerchantRequest& request,
                                                          CallContext& call) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(request.has_merchant(), "merchant"));
  const v1::Merchant& given = request.merchant();
  SKULINK_ASSIGN_OR_RETURN(const MerchantName name, ParseMerchantName(given.name(), "merchant.name"));
  SKULINK_ASSIGN_OR_RETURN(const UpdateMask mask,
                           UpdateMask::Parse(request.update_mask(), {"display_name", "currency_code",
                                                                     "sku_case", "allow_negative_stock"}));

  store::MerchantChange change;
  SKULINK_ASSIGN_OR_RETURN(change.version, ParseEtag(given.etag(), "merchant.etag"));
  if (mask.Has("display_name")) {
    SKULINK_RETURN_IF_ERROR(CheckTextField(given.display_name(), "merchant.display_name", kLabelRule));
    change.display_name = given.display_name();
  }
  if (mask.Has("currency_code")) {
    SKULINK_RETURN_IF_ERROR(CheckCurrency(given.currency_code()));
    change.currency = given.currency_code();
  }
  if (mask.Has("sku_case")) {
    SKULINK_ASSIGN_OR_RETURN(change.sku_case, ParseSkuCase(given.sku_case()));
  }
  if (mask.Has("allow_negative_stock")) change.allow_negative_stock = given.allow_negative_stock();

  SKULINK_ASSIGN_OR_RETURN(const store::Merchant merchant,
                           store::UpdateMerchant(call.database, name.merchant, change));
  v1::UpdateMerchantResponse response;
  *response.mutable_merchant() = ToProto(merchant);
  return response;
}

}  // namespace skulink
