#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/connection.h"

namespace skulink::internal {

// A watch goes on in another stream after this.
inline constexpr absl::Duration kLongestStream = absl::Minutes(1);

// False when stopped before.
bool SleepUnlessStopped(absl::Duration duration, const std::stop_token& stop);

// Hands what the stream that `open` makes sends to `take`, in one stream after the other, until one ends by
// itself and `done()`. CANCELLED when `stop` is asked for.
template <class Response, class Open, class Take, class Done>
absl::Status Watch(const Connection& connection, const Open& open, const Take& take, const Done& done,
                   const std::stop_token& stop) {
  const absl::Duration give_up_after = connection.options.give_up_after;
  const absl::Status stopped = absl::CancelledError("watching was stopped");
  Backoff backoff;
  absl::Time last_answer = absl::Now();
  while (true) {
    grpc::ClientContext context;
    // So that a stream on which not even heartbeats come any more does not stand for ever.
    context.set_deadline(absl::ToChronoTime(absl::Now() + std::min(give_up_after, kLongestStream)));
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    const std::unique_ptr<grpc::ClientReader<Response>> stream = open(context);
    for (Response response; stream->Read(&response);) {
      backoff.Answered();
      last_answer = absl::Now();
      take(response);
    }
    absl::Status status = FromGrpc(stream->Finish());
    if (stop.stop_requested()) return stopped;
    if (status.ok() && done()) return status;
    // A stream that ends before that is a broken one.
    if (status.ok() || absl::IsDeadlineExceeded(status)) {
      status = absl::UnavailableError("the stream ended too early");
    }
    const std::optional<absl::Duration> delay = backoff.NextDelay(status);
    if (!delay.has_value() || absl::Now() + *delay - last_answer > give_up_after) return status;
    if (!SleepUnlessStopped(*delay, stop)) return stopped;
  }
}

}  // namespace skulink::internal
