#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "skulink/v1/sync_service.pb.h"

namespace skulink {

using JobSnapshot = std::shared_ptr<const v1::Job>;

// Passes the newest state of jobs from whoever has it to whoever watches, within this process. Thread-safe.
class JobHub {
 public:
  // Ends the subscription when destroyed; `changed` is not running any more then and will not be called again.
  class Subscription;

  // A snapshot with a revision that is not newer than the newest known of a watched job is dropped.
  void Publish(JobSnapshot job);

  // `changed` is called with each newer snapshot, from the publishing thread: it must be quick, and must not call the hub.
  std::unique_ptr<Subscription> Subscribe(const std::string& job_name, std::function<void(JobSnapshot)> changed);

  // Names of the jobs that have a subscription.
  std::vector<std::string> Watched() const;

 private:
  struct Topic;
  mutable std::mutex mutex_;  // guards topics_
  std::unordered_map<std::string, std::shared_ptr<Topic>> topics_;
};

}  // namespace skulink
