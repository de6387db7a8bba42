#pragma once

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "skulink/v1/sync_service.pb.h"

// SyncService, decoded and encoded: downloads and uploads.
namespace skulink {

absl::StatusOr<v1::StartDownloadResponse> StartDownload(const v1::StartDownloadRequest& request,
                                                        CallContext& call);
absl::StatusOr<v1::StartUploadResponse> StartUpload(const v1::StartUploadRequest& request, CallContext& call);

}  // namespace skulink
