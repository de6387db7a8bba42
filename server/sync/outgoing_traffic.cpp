#include "server/sync/outgoing_traffic.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace skulink {
namespace {

// Channels taken at once; more are taken at the next look.
constexpr int kTakenAtOnce = 100;
// Between two looks, however many changes come; and not less than so many times what a look takes, since each
// asks for all channels.
constexpr absl::Duration kShortestPause = absl::Milliseconds(20);
constexpr int kPauseForLook = 20;

std::string NameOf(const store::ChannelTraffic& traffic) {
  return ToString(ChannelName{traffic.merchant_id, traffic.channel_id});
}

OutgoingTraffic::Options WithinLease(OutgoingTraffic::Options options) {
  // When a lease is to be renewed, three quarters of it are left.
  options.push.call_timeout = std::min(options.push.call_timeout, 0.6 * options.lease);
  options.push.lease_margin = std::min(options.push.lease_margin, 0.1 * options.lease);
  return options;
}

// How long the shop still asks not to be called, to whoever asks.
absl::Duration PauseOf(const OwnedChannel& channel) {
  return std::max(absl::ZeroDuration(), channel.budget()->held_until() - RateClock::Steady().Now());
}

}  // namespace

std::string NewOwner() {
  absl::BitGen random;
  return absl::StrCat(absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16),
                      absl::Hex(absl::Uniform<std::uint64_t>(random), absl::kZeroPad16));
}

OutgoingTraffic::OutgoingTraffic(store::Database& database, const Options& options)
    : database_(database), options_(WithinLease(options)), server_(NewOwner()) {
  pool_.emplace(database_, options_.push);
  keeper_ = std::thread([this] { Keep(); });
  watcher_ = std::thread([this] { WatchLeases(); });
}

OutgoingTraffic::~OutgoingTraffic() {
  {
    const std::lock_guard lock(mutex_);
    stop_.request_stop();
    changed_.notify_all();
  }
  keeper_.join();
  watcher_.join();
  pool_.reset();
  for (const auto& [key, owned] : owned_) GiveBack(*owned.channel);
}

void OutgoingTraffic::Wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

std::optional<OutgoingTraffic::Job> OutgoingTraffic::ClaimJob(const std::string& owner) {
  const std::lock_guard turn(turn_);
  const Clock::time_point start = Clock::now();
  absl::StatusOr<std::optional<store::ClaimedJob>> claimed =
      store::ClaimJob(database_, server_, owner, options_.lease);
  if (!claimed.ok() || !*claimed) return std::nullopt;
  const std::lock_guard lock(mutex_);
  Owned& owned = Adopt((*claimed)->traffic, LeaseFrom(start));
  ++owned.jobs;
  return Job{std::move((*claimed)->job), owned.channel};
}

void OutgoingTraffic::JobEnded(const std::shared_ptr<OwnedChannel>& channel) {
  const std::lock_guard lock(mutex_);
  const auto found = owned_.find({channel->traffic().merchant_number, channel->traffic().channel_number});
  if (found != owned_.end() && found->second.channel == channel) --found->second.jobs;
}

std::shared_ptr<RateBudget> OutgoingTraffic::BudgetOf(const ChannelName& channel) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, owned] : owned_) {
    const store::ChannelTraffic& traffic = owned.channel->traffic();
    if (traffic.merchant_id == channel.merchant && traffic.channel_id == channel.channel)
      return owned.channel->budget();
  }
  return nullptr;
}

void OutgoingTraffic::Keep() {
  Clock::time_point next_renewal{};
  while (!stop_.stop_requested()) {
    const Clock::time_point start = Clock::now();
    bool renewed = true;
    if (start >= next_renewal) {
      const std::lock_guard turn(turn_);
      renewed = Renew();
      if (renewed) next_renewal = start + absl::ToChronoNanoseconds(options_.lease / 4);
    }
    if (renewed) {
      pool_->LookAll();
      WritePauses();
      const std::lock_guard turn(turn_);
      GiveBackIdle();
      Take();
    }
    const Clock::duration pause = std::max<Clock::duration>(absl::ToChronoNanoseconds(kShortestPause),
                                                            kPauseForLook * (Clock::now() - start));
    std::unique_lock lock(mutex_);
    const auto stopped = [this] { return stop_.stop_requested(); };
    changed_.wait_for(lock, std::min<Clock::duration>(pause, absl::ToChronoNanoseconds(options_.poll)),
                      stopped);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(options_.poll), [&] { return woken_ || stopped(); });
    woken_ = false;
  }
}

// In a thread that never waits for the database: what is on a channel whose lease cannot be renewed must end
// before another server may begin.
void OutgoingTraffic::WatchLeases() {
  std::unique_lock lock(mutex_);
  while (!stop_.stop_requested()) {
    const Clock::time_point limit = Clock::now() + absl::ToChronoNanoseconds(options_.push.lease_margin);
    Clock::time_point first_end = Clock::time_point::max();
    for (auto owned = owned_.begin(); owned != owned_.end();) {
      const std::shared_ptr<OwnedChannel> channel = owned->second.channel;
      const Clock::time_point end = channel->held_until();
      if (end > limit) {
        first_end = std::min(first_end, end);
        ++owned;
        continue;
      }
      spdlog::warn("{}: the right to talk to it could not be renewed", NameOf(channel->traffic()));
      channel->Lose();
      pool_->Remove(channel);
      owned = owned_.erase(owned);
    }
    if (first_end == Clock::time_point::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, first_end - absl::ToChronoNanoseconds(options_.push.lease_margin));
    }
  }
}

bool OutgoingTraffic::Renew() {
  const Clock::time_point start = Clock::now();
  const absl::StatusOr<std::vector<store::ChannelTraffic>> kept =
      store::RenewTraffic(database_, server_, options_.lease);
  if (!kept.ok()) return false;
  const std::lock_guard lock(mutex_);
  std::set<Key> still;
  for (const store::ChannelTraffic& traffic : *kept) {
    still.insert({traffic.merchant_number, traffic.channel_number});
    const std::shared_ptr<OwnedChannel> channel = Adopt(traffic, LeaseFrom(start)).channel;
    channel->Renewed(LeaseFrom(start), traffic.endpoint);
    if (traffic.plan_all) pool_->PlanAll(channel);
  }
  for (auto owned = owned_.begin(); owned != owned_.end();) {
    if (still.contains(owned->first)) {
      ++owned;
      continue;
    }
    spdlog::warn("another server talks to {}, or it is gone", NameOf(owned->second.channel->traffic()));
    owned->second.channel->Lose();
    pool_->Remove(owned->second.channel);
    owned = owned_.erase(owned);
  }
  return true;
}

void OutgoingTraffic::Take() {
  const Clock::time_point start = Clock::now();
  const absl::StatusOr<std::vector<store::ChannelTraffic>> taken =
      store::TakeTraffic(database_, server_, options_.lease, kTakenAtOnce);
  if (!taken.ok()) return;
  const std::lock_guard lock(mutex_);
  for (const store::ChannelTraffic& traffic : *taken) Adopt(traffic, LeaseFrom(start));
}

void OutgoingTraffic::GiveBackIdle() {
  std::vector<std::shared_ptr<OwnedChannel>> idle;
  {
    const std::lock_guard lock(mutex_);
    for (auto owned = owned_.begin(); owned != owned_.end();) {
      const std::shared_ptr<OwnedChannel> channel = owned->second.channel;
      if (owned->second.jobs > 0 || !pool_->RemoveIdle(channel)) {
        ++owned;
        continue;
      }
      idle.push_back(channel);
      owned = owned_.erase(owned);
    }
  }
  for (const std::shared_ptr<OwnedChannel>& channel : idle) GiveBack(*channel);
}

// Shorter pauses are over when another server takes what this one had, unless it is given back.
void OutgoingTraffic::WritePauses() {
  std::vector<std::pair<std::shared_ptr<OwnedChannel>, absl::Time>> paused;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, owned] : owned_) {
      const absl::Time until = owned.channel->budget()->held_until();
      if (until == owned.pause_written || PauseOf(*owned.channel) <= options_.lease) continue;
      paused.emplace_back(owned.channel, until);
    }
  }
  for (const auto& [channel, until] : paused) {
    if (!store::PauseTraffic(database_, channel->traffic(), PauseOf(*channel)).ok()) continue;
    const std::lock_guard lock(mutex_);
    const auto found = owned_.find({channel->traffic().merchant_number, channel->traffic().channel_number});
    if (found != owned_.end()) found->second.pause_written = until;
  }
}

OutgoingTraffic::Owned& OutgoingTraffic::Adopt(const store::ChannelTraffic& traffic,
                                               Clock::time_point held_until) {
  Owned& owned = owned_[{traffic.merchant_number, traffic.channel_number}];
  if (owned.channel != nullptr &&
      (owned.channel->traffic().fence != traffic.fence || owned.channel->lost().stop_requested())) {
    // It was another server's meanwhile, or was taken for lost.
    owned.channel->Lose();
    pool_->Remove(owned.channel);
    owned = {};
  }
  if (owned.channel == nullptr) {
    owned.channel = std::make_shared<OwnedChannel>(
        traffic, budgets_.Of(traffic.merchant_number, traffic.channel_number), held_until);
    owned.channel->budget()->Throttled(traffic.pause);
    pool_->Add(owned.channel);
    changed_.notify_all();  // the watcher
  }
  return owned;
}

void OutgoingTraffic::GiveBack(const OwnedChannel& channel) {
  if (channel.must_lapse()) return;
  const absl::Status released = store::ReleaseTraffic(database_, channel.traffic(), PauseOf(channel));
  if (!released.ok())
    spdlog::warn("{} could not be given back: {}", NameOf(channel.traffic()), released.ToString());
}

OutgoingTraffic::Clock::time_point OutgoingTraffic::LeaseFrom(Clock::time_point start) const {
  return start + absl::ToChronoNanoseconds(options_.lease);
}

}  // namespace skulink
