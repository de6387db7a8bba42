#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <random>

#include "absl/strings/str_format.h"
#include "client/cpp/connection.h"
#include "client/cpp/scan_request.h"
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

// A watch goes on in another stream after this.
constexpr absl::Duration kLongestStream = absl::Minutes(1);

bool HasStopped(const v1::Job& job) { return job.state() >= v1::JOB_STATE_NEEDS_CONFIRMATION; }

// False when stopped before.
bool SleepUnlessStopped(absl::Duration duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
  return !stop.stop_requested();
}

// Reads the progress stream that `open` makes, again and again until the job has stopped.
template <class Response, class Open>
absl::StatusOr<v1::Job> Watch(const internal::Connection& connection, const Open& open,
                              const OnJobProgress& on_progress, const std::stop_token& stop) {
  const absl::Duration give_up_after = connection.options.give_up_after;
  internal::Backoff backoff;
  absl::Time last_answer = absl::Now();
  v1::Job job;
  while (true) {
    grpc::ClientContext context;
    // So that a stream on which not even heartbeats come any more does not stand for ever.
    context.set_deadline(absl::ToChronoTime(absl::Now() + std::min(give_up_after, kLongestStream)));
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    const std::unique_ptr<grpc::ClientReader<Response>> stream = open(context);
    for (Response response; stream->Read(&response);) {
      backoff.Answered();
      last_answer = absl::Now();
      job = std::move(*response.mutable_job());
      if (on_progress && !response.heartbeat()) on_progress(job);
    }
    absl::Status status = internal::FromGrpc(stream->Finish());
    if (stop.stop_requested()) return absl::CancelledError("watching was stopped; the job goes on");
    if (status.ok() && HasStopped(job)) return job;
    // A stream that ends before the job does is a broken one.
    if (status.ok() || absl::IsDeadlineExceeded(status)) {
      status = absl::UnavailableError("the progress stream ended before the job did");
    }
    const std::optional<absl::Duration> delay = backoff.NextDelay(status);
    if (!delay.has_value() || absl::Now() + *delay - last_answer > give_up_after) return status;
    if (!SleepUnlessStopped(*delay, stop))
      return absl::CancelledError("watching was stopped; the job goes on");
  }
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
