#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "server/store/channel_traffic.h"
#include "server/store/jobs.h"
#include "server/store/pushes.h"
#include "server/sync/channel_pusher.h"
#include "tests/integration/eventually.h"
#include "tests/integration/sending_fixture.h"

// Several servers on one database: one at a time talks to a channel.
namespace skulink {
namespace {

using namespace std::chrono_literals;
using simulator::FaultyCall;

// Another one with each owner.
constexpr char kFence[] = "SELECT MAX(fence) FROM channel_traffic";

class SendingServersTest : public SendingTest {
 protected:
  // A pool of its own, whose connections can be cut: it reaches the server through a link to its socket.
  std::unique_ptr<store::Database> OpenCuttable() {
    store::DatabaseAddress through_link = address();
    // ... unix_socket='PATH' ...
    const std::vector<std::string> parts = absl::StrSplit(through_link.soci_connect_string, '\'');
    const auto before = std::find_if(parts.begin(), parts.end(),
                                     [](const std::string& part) { return part.ends_with("unix_socket="); });
    EXPECT_NE(before, parts.end()) << through_link.soci_connect_string;
    socket_ = *std::next(before);
    link_ = folder_.path() / "link.sock";
    Mend();
    through_link.soci_connect_string =
        absl::StrReplaceAll(through_link.soci_connect_string, {{socket_, link_.string()}});
    return store::Database::Open(through_link, 32).value();
  }
  // All connections break; those through the link cannot be made anew.
  void Cut() {
    std::filesystem::remove(link_);
    std::vector<std::int64_t> connections;
    const absl::Status cut = database().Read([&](store::Session& session) {
      session.Query(
          "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> "
          "CONNECTION_ID()",
          {}, [&](const store::Row& row) { connections.push_back(row.Int(0)); });
      for (const std::int64_t id : connections) {
        try {
          session.Execute("KILL CONNECTION ?", {id});
        } catch (const store::StoreError&) {  // it has ended meanwhile
        }
      }
    });
    EXPECT_TRUE(cut.ok()) << cut;
    // Those of our own pool are found broken, one after the other.
    for (std::size_t i = 0; i < connections.size(); ++i) {
      (void)database().Read([](store::Session& session) { session.Execute("DO 1"); });
    }
  }
  void Mend() { std::filesystem::create_symlink(socket_, link_); }

 private:
  TempDir folder_;
  std::string socket_;
  std::filesystem::path link_;
};

TEST_F(SendingServersTest, OneOfTwoTalksToAChannel) {
  AddVariants(30);
  Shop& shop = OpenShop("shop", 30, {.max_stock_updates = 4, .write_latency = 3ms});
  SyncOptions options = Quick();
  options.push.linger = absl::Minutes(1);
  StartEngine(options);
  const auto other = AnotherEngine(database(), options);
  SwitchOn("shop");
  ExpectInStep();
  const std::int64_t fence = Number(kFence);
  std::mt19937 random(2);
  for (int i = 0; i < 60; ++i) {
    SetStock({{1 + static_cast<int>(random() % 30), i}}, database());
    (i % 2 == 0 ? engine() : *other).WakePushes();
    absl::SleepFor(absl::Milliseconds(10));
  }
  ExpectInStep();
  EXPECT_EQ(Number(kFence), fence);
  EXPECT_LE(shop.most_in_flight(), 1);
}

TEST_F(SendingServersTest, CheckOfAChannelAtAnotherServerHeedsThePauseThatTheShopAskedFor) {
  Shop& shop = OpenShopThatAsksForAPause();
  SwitchOn("shop");
  const auto other = AnotherEngine(database());
  const auto pause = [&] { return other->CheckChannel({"default", "shop"}, absl::Seconds(30)).status(); };

  EXPECT_TRUE(Eventually([&] { return RetryAfter(pause()) > absl::Minutes(9); }));

  const int described = shop.books().describe_shop_calls;
  EXPECT_EQ(ReasonOf(pause()), v1::ERROR_REASON_SELLER_CENTER_THROTTLED);
  EXPECT_EQ(shop.books().describe_shop_calls, described);
}

TEST_F(SendingServersTest, SilentServerIsTakenOverFromAndWritesNothingMore) {
  AddVariants(10);
  Shop& shop = OpenShop("shop", 10);
  StopEngine();
  // The silent one takes the channel, gets its pushes, and falls silent.
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  const auto taken = store::TakeTraffic(database(), "silent", absl::Seconds(2), 10);
  ASSERT_TRUE(taken.ok() && taken->size() == 1) << taken.status();
  const store::ChannelTraffic silent = taken->front();
  ASSERT_TRUE(store::PlanSomeOfAll(database(), silent).value());
  const auto due = store::DuePushes(database(), silent, v1::PUSH_KIND_STOCK, 100);
  ASSERT_EQ(due.value().size(), 10u);
  const absl::Time start = absl::Now();

  StartEngine(Quick());

  ExpectInStep();
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
  for (int number = 1; number <= 10; ++number) EXPECT_EQ(TimesSent(shop, number), 1);
  std::vector<store::PushAnswer> answers;
  for (const store::DuePush& push : *due) {
    answers.push_back({.push = push, .outcome = v1::PUSH_OUTCOME_GONE});
  }
  EXPECT_TRUE(absl::IsAborted(store::SavePushAnswers(database(), silent, answers)));
  EXPECT_TRUE(absl::IsAborted(store::PlanSomeOfAll(database(), silent).status()));
  EXPECT_EQ(PushOf("shop", 1).outcome, "APPLIED");
  EXPECT_EQ(store::RenewTraffic(database(), "silent", absl::Seconds(9)).value().size(), 0u);
  EXPECT_TRUE(store::ReleaseTraffic(database(), silent).ok());
  SetStock(1, 3);
  ExpectInStep();
}

// SIGSTOP, or a machine that pauses: when it wakes, another one has the channel and has sent a newer value.
TEST_F(SendingServersTest, ServerThatWasStoppedBeforeACallDoesNotMakeIt) {
  AddVariants(1);
  Shop& shop = OpenShop("shop", 1);
  StopEngine();
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  const auto taken = store::TakeTraffic(database(), "stopped", absl::Minutes(1), 1);
  ASSERT_EQ(taken.value().size(), 1u);
  using Clock = ChannelPusher::Clock;
  constexpr auto kTimeout = 300ms;
  std::atomic<int> doubtful_calls = 0;
  ChannelPusher pusher(database(),
                       std::make_shared<OwnedChannel>(taken->front(), std::make_shared<RateBudget>(),
                                                      Clock::now() + std::chrono::minutes(1)),
                       {.call_timeout = absl::FromChrono(kTimeout)}, doubtful_calls);
  const int described = shop.books().describe_shop_calls;
  ASSERT_TRUE(Eventually([&] {
    pusher.Step([] {}, {});
    return shop.books().describe_shop_calls > described;
  }));

  // All that is left is to send; it is stopped between the choice and the call.
  const auto stopped = [&] {
    const Clock::time_point end = Clock::now() + kTimeout;
    EXPECT_TRUE(Eventually([&] { return Clock::now() > end; }));
  };
  EXPECT_TRUE(Eventually([&] {
    pusher.Step(stopped, {});
    return PushOf("shop", 1).outcome != "PENDING";
  }));

  EXPECT_EQ(PushOf("shop", 1).outcome, "RETRYING");
  EXPECT_EQ(TimesSent(shop, 1), 0);
  EXPECT_TRUE(Eventually([&] {
    pusher.Look();
    pusher.Step([] {}, {});
    return TimesSent(shop, 1) == 1;
  })) << "it is tried again";
}

TEST_F(SendingServersTest, ServerThatLostTheDatabaseStopsAndAnotherOneGoesOn) {
  AddVariants(40);
  OpenShop("shop", 40, {.max_stock_updates = 4, .write_latency = 10ms});
  StopEngine();
  SyncOptions options = Quick();
  options.lease = absl::Seconds(3);
  const std::unique_ptr<store::Database> cuttable = OpenCuttable();
  auto first = AnotherEngine(*cuttable, options);
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  ExpectInStep();
  std::vector<std::pair<int, std::int64_t>> changes;
  for (int number = 1; number <= 40; ++number) changes.emplace_back(number, number);
  SetStock(changes, *cuttable);
  first->WakePushes();

  Cut();
  StartEngine(options);
  const absl::Time start = absl::Now();
  for (int number = 1; number <= 40; ++number) changes[number - 1].second = 2 * number;
  SetStock(changes, database());

  ExpectInStep();
  EXPECT_LT(absl::Now() - start, absl::Seconds(15));
  Mend();
  for (int round = 0; round < 20; ++round) {
    SetStock({{1 + round, 1000 + round}}, database());
    (round % 2 == 0 ? engine() : *first).WakePushes();
    absl::SleepFor(absl::Milliseconds(50));
  }
  ExpectInStep();
  first.reset();
}

TEST_F(SendingServersTest, PauseThatTheShopAskedForHoldsForTheNextServer) {
  AddVariants(2);
  Shop& shop = OpenShop("shop", 2, {.throttle_delay = 2s});
  const int described = shop.books().describe_shop_calls;
  shop.AddFault(
      {.kind = simulator::FaultKind::kThrottledWithDelay, .times = 1, .call = FaultyCall::kDescribeShop});
  const absl::Time start = absl::Now();
  SwitchOn("shop");
  ASSERT_TRUE(Eventually([&] { return PushOf("shop", 1).outcome == "RETRYING"; }));

  StopEngine();
  StartEngine(Quick());
  SetStock(1, 7);

  EXPECT_TRUE(Eventually([&] { return shop.books().describe_shop_calls >= described + 2; }));
  EXPECT_GE(absl::Now() - start, absl::Seconds(2));
  ExpectInStep();
}

TEST_F(SendingServersTest, PauseThatTheShopAskedForIsKnownAfterTheServerIsGone) {
  AddVariants(2);
  Shop& shop = OpenShop("shop", 2, {.throttle_delay = 6s});
  StopEngine();
  SyncOptions options = Quick();
  options.lease = absl::Seconds(2);
  const std::unique_ptr<store::Database> cuttable = OpenCuttable();
  const int described = shop.books().describe_shop_calls;
  shop.AddFault(
      {.kind = simulator::FaultKind::kThrottledWithDelay, .times = 1, .call = FaultyCall::kDescribeShop});
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  const absl::Time start = absl::Now();
  const auto first = AnotherEngine(*cuttable, options);
  ASSERT_TRUE(Eventually([&] {
    return Number(
               "SELECT COUNT(*) FROM channel_traffic WHERE paused_until > UNIX_TIMESTAMP(NOW(6)) * "
               "1000000") == 1;
  }));

  Cut();
  StartEngine(options);
  SetStock(1, 7);

  EXPECT_TRUE(Eventually([&] { return shop.books().describe_shop_calls >= described + 2; }));
  EXPECT_GE(absl::Now() - start, absl::Seconds(6));
  ExpectInStep();
  Mend();
}

TEST_F(SendingServersTest, JobIsDoneByWhoeverHasTheChannel) {
  AddVariants(10);
  Shop& shop = OpenShop("shop", 10, {.max_page_size = 2});
  SwitchOn("shop");
  ExpectInStep();
  const auto other = AnotherEngine(database());
  shop.HoldAtPage(2);
  const v1::Job job = Start("shop", engine());
  ASSERT_TRUE(shop.WaitUntilHeld());
  const std::int64_t fence = Number(kFence);

  // The other one is told of a change, and asked to do the same.
  SetStock({{1, 5}}, database());
  other->WakePushes();
  EXPECT_TRUE(Eventually([&] { return TimesSent(shop, 1) == 2; })) << "pushes go beside a job";
  shop.Release();

  EXPECT_EQ(AwaitEnd(job).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Number(kFence), fence);
  ExpectInStep();
}

TEST_F(SendingServersTest, JobAskedForAtAnotherServerIsDone) {
  AddVariants(10);
  OpenShop("shop", 10);
  StopEngine();
  const auto first = AnotherEngine(database());
  const auto second = AnotherEngine(database());

  EXPECT_EQ(AwaitEnd(Start("shop", *first)).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(AwaitEnd(Start("shop", *second)).state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(SendingServersTest, JobOfAChannelThatAnotherServerHasIsLeftToIt) {
  AddVariants(3);
  OpenShop("shop", 3);
  StopEngine();
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  ASSERT_EQ(store::TakeTraffic(database(), "busy", absl::Minutes(1), 1).value().size(), 1u);
  const auto idle = AnotherEngine(database());
  const v1::Job job = Start("shop", *idle);

  EXPECT_FALSE(store::ClaimJob(database(), "idle", "claim", absl::Seconds(9)).value().has_value());
  const auto claimed = store::ClaimJob(database(), "busy", "claim", absl::Milliseconds(1));
  ASSERT_TRUE(claimed.ok() && claimed->has_value());
  EXPECT_EQ((*claimed)->job.job.name(), job.name());
  EXPECT_EQ((*claimed)->traffic.owner, "busy");

  ASSERT_TRUE(store::ReleaseTraffic(database(), (*claimed)->traffic).ok());
  EXPECT_EQ(AwaitEnd(job).state(), v1::JOB_STATE_SUCCEEDED);
  ExpectInStep();
}

// Its server fell silent in the midst of a transaction.
TEST_F(SendingServersTest, ChannelWhoseRowIsHeldKeepsNoOtherFromBeingTaken) {
  AddVariants(3);
  OpenShop("held", 3);
  OpenShop("other", 3);
  StopEngine();
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  Execute(
      "UPDATE channel_traffic SET owner = 'silent' WHERE channel_no = (SELECT channel_no FROM channel WHERE "
      "channel_id = 'held')");
  std::vector<std::string> taken;

  const absl::Status held = database().Transact([&](store::Session& session) {
    session.Query("SELECT fence FROM channel_traffic WHERE owner = 'silent' FOR UPDATE", {},
                  [](const store::Row&) {});
    taken.clear();
    const auto traffic = store::TakeTraffic(database(), "server", absl::Minutes(1), 10);
    for (const store::ChannelTraffic& one : traffic.value()) taken.push_back(one.channel_id);
  });

  EXPECT_TRUE(held.ok()) << held;
  EXPECT_THAT(taken, testing::ElementsAre("other"));
  EXPECT_EQ(store::TakeTraffic(database(), "server", absl::Minutes(1), 10).value().size(), 1u);
}

TEST_F(SendingServersTest, AllIsGivenBackAtTheStartOfAStoreWithOneServer) {
  AddVariants(3);
  OpenShop("shop", 3);
  StopEngine();
  Execute("UPDATE channel SET stock_sync = 1, push_all_after = ''");
  const auto taken = store::TakeTraffic(database(), "killed", absl::Minutes(10), 1);
  ASSERT_EQ(taken.value().size(), 1u);
  EXPECT_EQ(store::TakeTraffic(database(), "next", absl::Minutes(10), 1).value().size(), 0u);

  ASSERT_TRUE(store::ReleaseAllLeases(database()).ok());

  StartEngine(Quick());
  ExpectInStep();
  EXPECT_GT(Number(kFence), taken->front().fence);
}

}  // namespace
}  // namespace skulink
