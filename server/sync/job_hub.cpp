#include "server/sync/job_hub.h"

#include <unordered_set>

namespace skulink {

// The subscriptions of one job; there is one as long as there are any.
struct JobHub::Topic {
  std::mutex mutex;  // guards the following; held while subscribers are called
  std::int64_t newest_revision = -1;
  std::unordered_set<Subscription*> subscriptions;
};

void JobHub::Publish(JobSnapshot job) {
  std::shared_ptr<Topic> topic;
  {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(job->name());
    if (found == topics_.end()) return;
    topic = found->second;
  }
  const std::lock_guard lock(topic->mutex);
  if (job->revision() <= topic->newest_revision) return;
  topic->newest_revision = job->revision();
  for (Subscription* subscription : topic->subscriptions) subscription->changed_(job);
}

std::unique_ptr<JobHub::Subscription> JobHub::Subscribe(const std::string& job_name,
                                                        std::function<void(JobSnapshot)> changed) {
  std::unique_ptr<Subscription> subscription(new Subscription(*this, job_name, std::move(changed)));
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Topic>& topic = topics_[job_name];
  if (topic == nullptr) topic = std::make_shared<Topic>();
  const std::lock_guard topic_lock(topic->mutex);
  topic->subscriptions.insert(subscription.get());
  return subscription;
}

void JobHub::Unsubscribe(const std::string& job_name, Subscription* subscription) {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(job_name);
  const std::shared_ptr<Topic> topic = found->second;
  const std::lock_guard topic_lock(topic->mutex);
  topic->subscriptions.erase(subscription);
  if (topic->subscriptions.empty()) topics_.erase(found);
}

std::vector<std::string> JobHub::Watched() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  names.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) names.push_back(name);
  return names;
}

}  // namespace skulink
