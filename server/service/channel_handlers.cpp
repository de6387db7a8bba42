#include "server/service/channel_handlers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/product_rules.h"
#include "server/sellercenters/seller_center.h"
#include "server/service/answers.h"
#include "server/service/request_fields.h"
#include "server/store/channels.h"

namespace skulink {
namespace {

constexpr int kMaxPercentage = 1000;
constexpr absl::Duration kLongestCheck = absl::Seconds(15);

absl::Status CheckPlatform(v1::Platform platform) {
  if (v1::Platform_IsValid(platform)) return absl::OkStatus();
  return InvalidField("channel.platform", v1::ERROR_REASON_FORMAT_INVALID, "must be one of Platform");
}

absl::Status CheckChannelEndpoint(const std::string& endpoint) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(!endpoint.empty(), "channel.endpoint"));
  const absl::Status valid = CheckEndpoint(endpoint);
  return valid.ok() ? valid : WithinField("channel", valid);
}

absl::Status CheckUnits(std::int64_t units, std::string_view field) {
  if (units >= 0 && units <= kMaxStock) return absl::OkStatus();
  return InvalidField(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE, absl::StrCat("must be 0 to ", kMaxStock));
}

absl::StatusOr<store::StockSync> ReadStockSync(const v1::StockSync& given) {
  store::StockSync rule{.enabled = given.enabled(), .buffer = given.buffer()};
  if (given.percentage() < 0 || given.percentage() > kMaxPercentage) {
    return InvalidField("channel.stock_sync.percentage", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be 1 to ", kMaxPercentage, ", or 0 for 100"));
  }
  if (given.percentage() != 0) rule.percentage = given.percentage();
  SKULINK_RETURN_IF_ERROR(CheckUnits(given.buffer(), "channel.stock_sync.buffer"));
  if (given.has_maximum()) {
    SKULINK_RETURN_IF_ERROR(CheckUnits(given.maximum(), "channel.stock_sync.maximum"));
    rule.maximum = given.maximum();
  }
  return rule;
}

}  // namespace

absl::StatusOr<v1::CreateChannelResponse> CreateChannel(const v1::CreateChannelRequest& request,
                                                        CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_RETURN_IF_ERROR(CheckSlug(request.channel_id(), "channel_id"));
  SKULINK_RETURN_IF_ERROR(CheckGiven(request.has_channel(), "channel"));
  const v1::Channel& given = request.channel();
  SKULINK_RETURN_IF_ERROR(CheckTextField(given.display_name(), "channel.display_name", kLabelRule));
  SKULINK_RETURN_IF_ERROR(CheckPlatform(given.platform()));
  SKULINK_RETURN_IF_ERROR(CheckChannelEndpoint(given.endpoint()));

  store::Channel channel;
  channel.id = request.channel_id();
  channel.display_name = given.display_name().empty() ? channel.id : given.display_name();
  channel.platform = given.platform() == v1::PLATFORM_UNSPECIFIED ? v1::PLATFORM_OTHER : given.platform();
  channel.endpoint = given.endpoint();
  SKULINK_ASSIGN_OR_RETURN(channel.stock_sync, ReadStockSync(given.stock_sync()));
  channel.price_sync = given.price_sync().enabled();

  SKULINK_ASSIGN_OR_RETURN(const store::Channel created,
                           store::CreateChannel(call.database, parent.merchant, channel));
  v1::CreateChannelResponse response;
  *response.mutable_channel() = ToProto(created, parent.merchant);
  return response;
}

absl::StatusOr<v1::GetChannelResponse> GetChannel(const v1::GetChannelRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ChannelName name, ParseChannelName(request.name(), "name"));
  SKULINK_ASSIGN_OR_RETURN(const store::Channel channel,
                           store::GetChannel(call.database, name.merchant, name.channel));
  v1::GetChannelResponse response;
  *response.mutable_channel() = ToProto(channel, name.merchant);
  return response;
}

absl::StatusOr<v1::ListChannelsResponse> ListChannels(const v1::ListChannelsRequest& request,
                                                      CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(const std::string after, ReadTextToken(request));
  SKULINK_ASSIGN_OR_RETURN(std::vector<store::Channel> channels,
                           store::ListChannels(call.database, parent.merchant, after, page_size + 1));
  v1::ListChannelsResponse response;
  if (CutToPage(channels, page_size)) {
    response.set_next_page_token(MakePageToken(request, {channels.back().id}));
  }
  for (const store::Channel& channel : channels) *response.add_channels() = ToProto(channel, parent.merchant);
  return response;
}

absl::StatusOr<v1::UpdateChannelResponse> UpdateChannel(const v1::UpdateChannelRequest& request,
                                                        CallContext& call) {
  SKULINK_RETURN_IF_ERROR(CheckGiven(request.has_channel(), "channel"));
  const v1::Channel& given = request.channel();
  SKULINK_ASSIGN_OR_RETURN(const ChannelName name, ParseChannelName(given.name(), "channel.name"));
  SKULINK_ASSIGN_OR_RETURN(const UpdateMask mask,
                           UpdateMask::Parse(request.update_mask(), {"display_name", "platform", "endpoint",
                                                                     "stock_sync", "price_sync"}));

  store::ChannelChange change;
  SKULINK_ASSIGN_OR_RETURN(change.version, ParseEtag(given.etag(), "channel.etag"));
  if (mask.Has("display_name")) {
    SKULINK_RETURN_IF_ERROR(CheckTextField(given.display_name(), "channel.display_name", kLabelRule));
    change.display_name = given.display_name();
  }
  if (mask.Has("platform")) {
    SKULINK_RETURN_IF_ERROR(CheckGiven(given.platform() != v1::PLATFORM_UNSPECIFIED, "channel.platform"));
    SKULINK_RETURN_IF_ERROR(CheckPlatform(given.platform()));
    change.platform = given.platform();
  }
  if (mask.Has("endpoint")) {
    SKULINK_RETURN_IF_ERROR(CheckChannelEndpoint(given.endpoint()));
    change.endpoint = given.endpoint();
  }
  if (mask.Has("stock_sync")) {
    SKULINK_ASSIGN_OR_RETURN(change.stock_sync, ReadStockSync(given.stock_sync()));
  }
  if (mask.Has("price_sync")) change.price_sync = given.price_sync().enabled();

  SKULINK_ASSIGN_OR_RETURN(const store::Channel channel,
                           store::UpdateChannel(call.database, name.merchant, name.channel, change));
  if (change.stock_sync || change.price_sync) call.engine.WakePushes();
  v1::UpdateChannelResponse response;
  *response.mutable_channel() = ToProto(channel, name.merchant);
  return response;
}

absl::StatusOr<v1::DeleteChannelResponse> DeleteChannel(const v1::DeleteChannelRequest& request,
                                                        CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ChannelName name, ParseChannelName(request.name(), "name"));
  SKULINK_ASSIGN_OR_RETURN(const auto version, ParseEtag(request.etag(), "etag"));
  SKULINK_RETURN_IF_ERROR(store::DeleteChannel(call.database, name.merchant, name.channel, version,
                                               [&call] { return call.Abandoned(); }));
  return v1::DeleteChannelResponse();
}

absl::StatusOr<v1::CheckChannelResponse> CheckChannel(const v1::CheckChannelRequest& request,
                                                      CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ChannelName name, ParseChannelName(request.name(), "name"));
  // Shorter than the caller waits, who is to hear that it is the Seller Center that is silent.
  const absl::Duration left = call.deadline - absl::Now();
  const absl::Duration patience = std::min(kLongestCheck, std::max(left - absl::Seconds(2), left / 2));
  SKULINK_ASSIGN_OR_RETURN(const SyncEngine::CheckedChannel checked,
                           call.engine.CheckChannel(name, patience));
  v1::CheckChannelResponse response;
  response.set_shop_display_name(checked.shop.display_name);
  response.set_shop_id(checked.shop.shop_id);
  if (checked.shop.listing_count) response.set_listing_count(*checked.shop.listing_count);
  response.set_max_page_size(checked.shop.max_page_size);
  response.set_max_items_per_get(checked.shop.max_items_per_get);
  response.set_round_trip_milliseconds(absl::ToInt64Milliseconds(checked.round_trip));
  return response;
}

}  // namespace skulink
