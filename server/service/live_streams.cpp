#include "server/service/live_streams.h"

#include <vector>

namespace skulink {

void LiveStreams::Add(const std::shared_ptr<LiveStream>& stream) {
  absl::Status ended;
  {
    const std::lock_guard lock(mutex_);
    streams_.emplace(stream.get(), stream);
    ended = ended_;
  }
  if (!ended.ok()) stream->End(ended);
}

void LiveStreams::Remove(const LiveStream* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void LiveStreams::EndAll(const absl::Status& status) {
  std::vector<std::shared_ptr<LiveStream>> streams;
  {
    const std::lock_guard lock(mutex_);
    ended_ = status;
    for (const auto& [key, stream] : streams_) {
      if (auto alive = stream.lock()) streams.push_back(std::move(alive));
    }
  }
  for (const auto& stream : streams) stream->End(status);
}

}  // namespace skulink
