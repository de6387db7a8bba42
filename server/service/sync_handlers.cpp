#include "server/service/sync_handlers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/service/answers.h"
#include "server/service/request_fields.h"

namespace skulink {
namespace {

constexpr int kMaxItemIds = 1000;
constexpr absl::Duration kCancelWait = absl::Seconds(10);

template <typename Request>
absl::Status CheckItemIds(const Request& request) {
  if (request.mode() != v1::SCAN_MODE_ITEM) {
    if (request.item_ids().empty()) return absl::OkStatus();
    return InvalidField("item_ids", v1::ERROR_REASON_FORMAT_INVALID, "must be empty unless mode is ITEM");
  }
  SKULINK_RETURN_IF_ERROR(CheckGiven(!request.item_ids().empty(), "item_ids"));
  if (request.item_ids_size() > kMaxItemIds) {
    return InvalidField("item_ids", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be 1 to ", kMaxItemIds, " ids"));
  }
  for (int i = 0; i < request.item_ids_size(); ++i) {
    SKULINK_RETURN_IF_ERROR(CheckForeignId(request.item_ids(i), absl::StrCat("item_ids[", i, "]")));
  }
  return absl::OkStatus();
}

// StartScanRequest or ScanChannelRequest.
template <typename Request>
absl::StatusOr<v1::Job> Start(const Request& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ChannelName channel, ParseChannelName(request.channel(), "channel"));
  if (!v1::ScanMode_IsValid(request.mode())) {
    return InvalidField("mode", v1::ERROR_REASON_FORMAT_INVALID, "must be FULL, UPDATED or ITEM");
  }
  SKULINK_RETURN_IF_ERROR(CheckItemIds(request));
  SKULINK_ASSIGN_OR_RETURN(const std::string request_id, ReadRequestId(request.request_id()));
  v1::StartScanRequest what;  // the same, whichever method asked for it
  what.set_channel(request.channel());
  what.set_mode(request.mode() == v1::SCAN_MODE_UNSPECIFIED ? v1::SCAN_MODE_FULL : request.mode());
  *what.mutable_item_ids() = request.item_ids();
  return call.engine.StartJob({.channel = channel,
                               .kind = v1::JOB_KIND_SCAN,
                               .scan_mode = what.mode(),
                               .request_id = request_id,
                               .request = what.SerializeAsString()});
}

}  // namespace

absl::StatusOr<v1::StartScanResponse> StartScan(const v1::StartScanRequest& request, CallContext& call) {
  v1::StartScanResponse response;
  SKULINK_ASSIGN_OR_RETURN(*response.mutable_job(), Start(request, call));
  return response;
}

absl::StatusOr<v1::GetJobResponse> GetJob(const v1::GetJobRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const JobName name, ParseJobName(request.name(), "name"));
  v1::GetJobResponse response;
  SKULINK_ASSIGN_OR_RETURN(*response.mutable_job(), call.engine.GetJob(name));
  return response;
}

absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  ChannelName channel;
  if (!request.channel().empty()) {
    SKULINK_ASSIGN_OR_RETURN(channel, ParseChannelName(request.channel(), "channel"));
    if (channel.merchant != parent.merchant) {
      return InvalidField("channel", v1::ERROR_REASON_FORMAT_INVALID, "must be a channel of the parent");
    }
  }
  SKULINK_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(const std::string before, ReadTextToken(request));
  SKULINK_ASSIGN_OR_RETURN(std::vector<v1::Job> jobs,
                           call.engine.ListJobs(parent.merchant, channel.channel, before, page_size + 1));
  v1::ListJobsResponse response;
  if (CutToPage(jobs, page_size)) {
    SKULINK_ASSIGN_OR_RETURN(const JobName last, ParseJobName(jobs.back().name(), "name"));
    response.set_next_page_token(MakePageToken(request, {last.job}));
  }
  for (v1::Job& job : jobs) *response.add_jobs() = std::move(job);
  return response;
}

absl::StatusOr<v1::CancelJobResponse> CancelJob(const v1::CancelJobRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const JobName name, ParseJobName(request.name(), "name"));
  v1::CancelJobResponse response;
  SKULINK_ASSIGN_OR_RETURN(*response.mutable_job(),
                           call.engine.CancelJob(name, std::min(kCancelWait, call.deadline - absl::Now())));
  return response;
}

absl::StatusOr<v1::ConfirmJobResponse> ConfirmJob(const v1::ConfirmJobRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const JobName name, ParseJobName(request.name(), "name"));
  v1::ConfirmJobResponse response;
  SKULINK_ASSIGN_OR_RETURN(*response.mutable_job(), call.engine.ConfirmJob(name));
  return response;
}

absl::StatusOr<v1::ListJobItemsResponse> ListJobItems(const v1::ListJobItemsRequest& request,
                                                      CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const JobName job, ParseJobName(request.parent(), "parent"));
  SKULINK_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(const std::int64_t after, ReadNumberToken(request));
  std::vector<std::int64_t> numbers;
  SKULINK_ASSIGN_OR_RETURN(std::vector<v1::JobItem> items,
                           call.engine.ListJobItems(job, after, page_size + 1, numbers));
  v1::ListJobItemsResponse response;
  if (CutToPage(items, page_size)) {
    response.set_next_page_token(MakePageToken(request, {absl::StrCat(numbers[items.size() - 1])}));
  }
  for (v1::JobItem& item : items) *response.add_items() = std::move(item);
  return response;
}

absl::StatusOr<WatchedJob> OpenWatch(const v1::WatchJobRequest& request, CallContext&) {
  WatchedJob watched;
  SKULINK_ASSIGN_OR_RETURN(watched.job, ParseJobName(request.name(), "name"));
  SKULINK_ASSIGN_OR_RETURN(watched.min_interval,
                           ReadMinInterval(request.has_min_interval(), request.min_interval()));
  return watched;
}

absl::StatusOr<WatchedJob> OpenWatch(const v1::ScanChannelRequest& request, CallContext& call) {
  WatchedJob watched;
  // All is checked before the scan is started.
  SKULINK_ASSIGN_OR_RETURN(watched.min_interval,
                           ReadMinInterval(request.has_min_interval(), request.min_interval()));
  SKULINK_ASSIGN_OR_RETURN(const v1::Job job, Start(request, call));
  SKULINK_ASSIGN_OR_RETURN(watched.job, ParseJobName(job.name(), "name"));
  return watched;
}

}  // namespace skulink
