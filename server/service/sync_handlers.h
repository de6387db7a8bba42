#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/names.h"
#include "google/protobuf/duration.pb.h"
#include "server/service/call_context.h"
#include "skulink/v1/sync_service.pb.h"

// SyncService, free of gRPC. What each does is said in its proto.
namespace skulink {

absl::StatusOr<v1::StartScanResponse> StartScan(const v1::StartScanRequest& request, CallContext& call);
absl::StatusOr<v1::GetJobResponse> GetJob(const v1::GetJobRequest& request, CallContext& call);
absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request, CallContext& call);
absl::StatusOr<v1::CancelJobResponse> CancelJob(const v1::CancelJobRequest& request, CallContext& call);
absl::StatusOr<v1::ConfirmJobResponse> ConfirmJob(const v1::ConfirmJobRequest& request, CallContext& call);
absl::StatusOr<v1::ListJobItemsResponse> ListJobItems(const v1::ListJobItemsRequest& request,
                                                      CallContext& call);

// What a stream of progress is to show.
struct WatchedJob {
  JobName job;
  absl::Duration min_interval;
};
absl::StatusOr<WatchedJob> OpenWatch(const v1::WatchJobRequest& request, CallContext& call);
// Starts the scan.
absl::StatusOr<WatchedJob> OpenWatch(const v1::ScanChannelRequest& request, CallContext& call);

}  // namespace skulink
