#pragma once

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "skulink/v1/channel_service.pb.h"

// ChannelService, free of gRPC. What each does is said in its proto.
namespace skulink {

absl::StatusOr<v1::CreateChannelResponse> CreateChannel(const v1::CreateChannelRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::GetChannelResponse> GetChannel(const v1::GetChannelRequest& request, CallContext& call);
absl::StatusOr<v1::ListChannelsResponse> ListChannels(const v1::ListChannelsRequest& request,
                                                      CallContext& call);
absl::StatusOr<v1::UpdateChannelResponse> UpdateChannel(const v1::UpdateChannelRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::DeleteChannelResponse> DeleteChannel(const v1::DeleteChannelRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::CheckChannelResponse> CheckChannel(const v1::CheckChannelRequest& request,
                                                      CallContext& call);

}  // namespace skulink
