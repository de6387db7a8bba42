#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "skulink/v1/sync_service.pb.h"

namespace skulink {

using JobSnapshot = std::shared_ptr<const v1::Job>;

// Passes the newest state of jobs from whoever has it to whoever watches, within this process. Thread-safe.
class JobHub {
 public:
  class Subscription;

  // A snapshot with a revision that is not newer than the newest known of a watched job is dropped.
  void Publish(JobSnapshot job);

  // `changed` is called with each newer snapshot, from the publishing thread: it must be quick, and must not
  // call the hub. The hub must outlive the subscription.
  std::unique_ptr<Subscription> Subscribe(const std::string& job_name,
                                          std::function<void(JobSnapshot)> changed);

  // Names of the jobs that have a subscription.
  std::vector<std::string> Watched() const;

 private:
  struct Topic;
  void Unsubscribe(const std::string& job_name, Subscription* subscription);

  mutable std::mutex mutex_;  // guards topics_
  std::unordered_map<std::string, std::shared_ptr<Topic>> topics_;
};

// Ended by its destruction; `changed` is not running any more then and will not be called again.
class JobHub::Subscription {
 public:
  ~Subscription() { hub_.Unsubscribe(job_name_, this); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  friend class JobHub;
  Subscription(JobHub& hub, std::string job_name, std::function<void(JobSnapshot)> changed)
      : hub_(hub), job_name_(std::move(job_name)), changed_(std::move(changed)) {}

  JobHub& hub_;
  const std::string job_name_;
  const std::function<void(JobSnapshot)> changed_;
};

}  // namespace skulink
