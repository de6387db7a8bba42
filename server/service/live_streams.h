#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "absl/status/status.h"

namespace skulink {

// A stream that the server can end.
class LiveStream {
 public:
  virtual ~LiveStream() = default;
  // Soon, and not before what it is writing is written. Nothing when it has ended already.
  virtual void End(const absl::Status& status) = 0;
};

// The streams that are open, so that the server can be stopped without waiting for their callers.
// Thread-safe.
class LiveStreams {
 public:
  // Ends the stream at once when EndAll was called before.
  void Add(const std::shared_ptr<LiveStream>& stream);
  void Remove(const LiveStream* stream);
  // Also those still to come.
  void EndAll(const absl::Status& status);

 private:
  std::mutex mutex_;  // guards the following
  std::unordered_map<const LiveStream*, std::weak_ptr<LiveStream>> streams_;
  absl::Status ended_;  // OK until EndAll
};

}  // namespace skulink
