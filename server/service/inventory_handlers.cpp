#include "server/service/inventory_handlers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/page_token.h"
#include "common/product_rules.h"
#include "server/service/answers.h"
#include "server/service/request_fields.h"
#include "server/store/push_list.h"
#include "server/store/stock.h"

namespace skulink {
namespace {

constexpr int kMaxChanges = 1000;
constexpr int kWatchedPushes = 1000;

absl::StatusOr<store::VariantChoice> ReadVariant(const v1::VariantSelector& selector,
                                                 const MerchantName& parent, const std::string& field) {
  store::VariantChoice choice;
  switch (selector.variant_case()) {
    case v1::VariantSelector::kName: {
      SKULINK_ASSIGN_OR_RETURN(VariantName name, ParseVariantName(selector.name(), field + ".name"));
      if (name.merchant != parent.merchant) {
        return InvalidField(field + ".name", v1::ERROR_REASON_FORMAT_INVALID,
                            "must be a variant of the parent");
      }
      choice.product_id = std::move(name.product);
      choice.variant_id = std::move(name.variant);
      return choice;
    }
    case v1::VariantSelector::kSku:
      SKULINK_RETURN_IF_ERROR(CheckTextField(selector.sku(), field + ".sku", kSkuRule));
      SKULINK_RETURN_IF_ERROR(CheckGiven(!Trim(selector.sku()).empty(), field + ".sku"));
      choice.sku = selector.sku();
      return choice;
    default:
      return InvalidField(field, v1::ERROR_REASON_FIELD_REQUIRED, "is required: a name or a SKU");
  }
}

absl::Status CheckCount(int count, std::string_view field) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(count > 0, field));
  if (count <= kMaxChanges) return absl::OkStatus();
  return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE, absl::StrCat("must be 1 to ", kMaxChanges));
}

absl::Status CheckQuantity(std::int64_t quantity, std::int64_t least, const std::string& field) {
  if (quantity >= least && quantity <= kMaxStock) return absl::OkStatus();
  return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                      absl::StrCat("must be ", least, " to ", kMaxStock));
}

// SetStockRequest or AdjustStockRequest. `decode(i)` is its change at i.
template <typename Request, typename Decode>
absl::StatusOr<v1::SetStockResponse> Change(store::StockRequest::Kind kind, const Request& request, int count,
                                            const MerchantName& parent, const Decode& decode,
                                            CallContext& call) {
  store::StockRequest change{.kind = kind};
  SKULINK_ASSIGN_OR_RETURN(change.request_id, ReadRequestId(request.request_id()));
  for (int i = 0; i < count; ++i) {
    SKULINK_ASSIGN_OR_RETURN(store::StockChange one, decode(i));
    change.changes.push_back(std::move(one));
  }
  Request content(request);
  content.clear_request_id();
  change.request = content.SerializeAsString();
  absl::StatusOr<v1::SetStockResponse> changed = store::ChangeStock(call.database, parent.merchant, change);
  if (changed.ok()) call.engine.WakePushes();
  return changed;
}

}  // namespace

absl::StatusOr<v1::SetStockResponse> SetStock(const v1::SetStockRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_RETURN_IF_ERROR(CheckCount(request.settings_size(), "settings"));
  const auto decode = [&](int i) -> absl::StatusOr<store::StockChange> {
    const v1::StockSetting& setting = request.settings(i);
    const std::string field = absl::StrCat("settings[", i, "]");
    store::StockChange change{.quantity = setting.quantity()};
    SKULINK_ASSIGN_OR_RETURN(change.variant, ReadVariant(setting.variant(), parent, field + ".variant"));
    SKULINK_RETURN_IF_ERROR(CheckQuantity(setting.quantity(), 0, field + ".quantity"));
    return change;
  };
  return Change(store::StockRequest::Kind::kSet, request, request.settings_size(), parent, decode, call);
}

absl::StatusOr<v1::AdjustStockResponse> AdjustStock(const v1::AdjustStockRequest& request,
                                                    CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_RETURN_IF_ERROR(CheckCount(request.adjustments_size(), "adjustments"));
  const auto decode = [&](int i) -> absl::StatusOr<store::StockChange> {
    const v1::StockAdjustment& adjustment = request.adjustments(i);
    const std::string field = absl::StrCat("adjustments[", i, "]");
    store::StockChange change{.quantity = adjustment.delta()};
    SKULINK_ASSIGN_OR_RETURN(change.variant, ReadVariant(adjustment.variant(), parent, field + ".variant"));
    SKULINK_RETURN_IF_ERROR(CheckQuantity(adjustment.delta(), -kMaxStock, field + ".delta"));
    return change;
  };
  SKULINK_ASSIGN_OR_RETURN(
      v1::SetStockResponse changed,
      Change(store::StockRequest::Kind::kAdjust, request, request.adjustments_size(), parent, decode, call));
  v1::AdjustStockResponse response;
  response.mutable_stocks()->Swap(changed.mutable_stocks());
  return response;
}

absl::StatusOr<v1::ListPushesResponse> ListPushes(const v1::ListPushesRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  store::PushQuery query;
  if (request.has_variant()) {
    SKULINK_ASSIGN_OR_RETURN(query.variant, ReadVariant(request.variant(), parent, "variant"));
  }
  if (!request.channel().empty()) {
    SKULINK_ASSIGN_OR_RETURN(ChannelName channel, ParseChannelName(request.channel(), "channel"));
    if (channel.merchant != parent.merchant) {
      return InvalidField("channel", v1::ERROR_REASON_FORMAT_INVALID, "must be a channel of the parent");
    }
    query.channel_id = std::move(channel.channel);
  }
  for (int i = 0; i < request.outcomes_size(); ++i) {
    const v1::PushOutcome outcome = request.outcomes(i);
    if (!v1::PushOutcome_IsValid(outcome) || outcome == v1::PUSH_OUTCOME_UNSPECIFIED) {
      return InvalidField(absl::StrCat("outcomes[", i, "]"), v1::ERROR_REASON_FORMAT_INVALID,
                          "must be one of PushOutcome");
    }
    query.outcomes.push_back(outcome);
  }
  if (!query.outcomes.empty() && !query.variant && query.channel_id.empty()) {
    return InvalidField("outcomes", v1::ERROR_REASON_FORMAT_INVALID, "must come with a channel or a variant");
  }
  SKULINK_ASSIGN_OR_RETURN(query.limit, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(query.after, ReadPageToken(request, store::kPushPosition));
  while (true) {
    SKULINK_ASSIGN_OR_RETURN(store::PushPage page, store::ListPushes(call.database, parent.merchant, query));
    v1::ListPushesResponse response;
    for (v1::Push& push : page.pushes) *response.add_pushes() = std::move(push);
    const std::size_t bytes = response.ByteSizeLong();
    const int count = response.pushes_size();
    if (bytes <= kMaxPageBytes || count <= 1) {
      if (!page.next.empty()) response.set_next_page_token(MakePageToken(request, page.next));
      return response;
    }
    // Somewhat fewer than would fit if all were alike.
    const std::size_t fitting = static_cast<std::size_t>(count) * kMaxPageBytes / bytes;
    query.limit = std::clamp(static_cast<int>(fitting * 9 / 10), 1, count - 1);
  }
}

absl::StatusOr<WatchedVariant> OpenWatch(const v1::WatchPushesRequest& request) {
  WatchedVariant watched;
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  watched.merchant_id = parent.merchant;
  SKULINK_ASSIGN_OR_RETURN(watched.variant, ReadVariant(request.variant(), parent, "variant"));
  SKULINK_ASSIGN_OR_RETURN(watched.min_interval,
                           ReadMinInterval(request.has_min_interval(), request.min_interval()));
  return watched;
}

absl::StatusOr<v1::WatchPushesResponse> ReadPushes(store::Database& database, const WatchedVariant& watched) {
  store::PushQuery query{.limit = kWatchedPushes};
  query.variant = watched.variant;
  SKULINK_ASSIGN_OR_RETURN(store::PushPage page, store::ListPushes(database, watched.merchant_id, query));
  CutToPage(page.pushes, kWatchedPushes);  // by its bytes
  v1::WatchPushesResponse response;
  for (v1::Push& push : page.pushes) *response.add_pushes() = std::move(push);
  return response;
}

}  // namespace skulink
