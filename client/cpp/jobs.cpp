#include <cstdint>
#include <random>

#include "absl/strings/str_format.h"
#include "client/cpp/connection.h"
#include "client/cpp/scan_request.h"
#include "client/cpp/watching.h"
#include "skulink/client.h"

namespace skulink {
namespace internal {

std::string NewRequestId() {
  std::random_device random;
  const auto next = [&random] { return (std::uint64_t{random()} << 32) | random(); };
  const std::uint64_t high = (next() & 0xFFFFFFFFFFFF0FFF) | 0x4000;             // version 4
  const std::uint64_t low = (next() & 0x3FFFFFFFFFFFFFFF) | 0x8000000000000000;  // variant 1
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF,
                         low >> 48, low & 0xFFFFFFFFFFFF);
}

}  // namespace internal

namespace {

bool HasStopped(const v1::Job& job) { return job.state() >= v1::JOB_STATE_NEEDS_CONFIRMATION; }

// Reads the progress stream that `open` makes, again and again until the job has stopped.
template <class Response, class Open>
absl::StatusOr<v1::Job> Watch(const internal::Connection& connection, const Open& open,
                              const OnJobProgress& on_progress, const std::stop_token& stop) {
  v1::Job job;
  const auto take = [&](Response& response) {
    job = std::move(*response.mutable_job());
    if (on_progress && !response.heartbeat()) on_progress(job);
  };
  const absl::Status status = internal::Watch<Response>(
      connection, open, take, [&job] { return HasStopped(job); }, stop);
  if (absl::IsCancelled(status) && stop.stop_requested()) {
    return absl::CancelledError("watching was stopped; the job goes on");
  }
  if (!status.ok()) return status;
  return job;
}

}  // namespace

absl::StatusOr<v1::Job> Client::Scan(std::string_view channel, const OnJobProgress& on_progress,
                                     const std::stop_token& stop, const ScanSelection& selection) {
  auto request = internal::ScanOf<v1::ScanChannelRequest>(channel, selection);
  return Watch<v1::ScanChannelResponse>(
      *connection_,
      [this, &request](grpc::ClientContext& context) {
        return connection_->sync->ScanChannel(&context, request);
      },
      on_progress, stop);
}

absl::StatusOr<v1::Job> Client::WatchJob(std::string_view name, const OnJobProgress& on_progress,
                                         const std::stop_token& stop) {
  v1::WatchJobRequest request;
  request.set_name(std::string(name));
  return Watch<v1::WatchJobResponse>(
      *connection_,
      [this, &request](grpc::ClientContext& context) {
        return connection_->sync->WatchJob(&context, request);
      },
      on_progress, stop);
}

}  // namespace skulink
