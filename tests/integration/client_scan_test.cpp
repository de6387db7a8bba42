#include <gtest/gtest.h>

#include <atomic>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/integration/client_fake_server.h"
#include "tests/integration/eventually.h"

namespace skulink {
namespace {

constexpr char kChannel[] = "merchants/toko/channels/shopee";

v1::ScanChannelResponse Snapshot(v1::JobState state, std::int64_t listings_seen) {
  v1::ScanChannelResponse response;
  response.mutable_job()->set_name("merchants/toko/jobs/1");
  response.mutable_job()->set_state(state);
  response.mutable_job()->mutable_progress()->set_listings_seen(listings_seen);
  return response;
}

TEST(ClientScan, GoesOnWithTheSameJobAfterTheStreamBroke) {
  FakeServer server;
  std::vector<std::string> request_ids;
  server.sync.scan = [&](grpc::ServerContext&, const v1::ScanChannelRequest& request,
                         FakeSync::Writer& writer) {
    request_ids.push_back(request.request_id());
    if (request_ids.size() == 1) {
      writer.Write(Snapshot(v1::JOB_STATE_RUNNING, 10));
      return ServerIsGone();
    }
    writer.Write(Snapshot(v1::JOB_STATE_SUCCEEDED, 20));
    return absl::OkStatus();
  };
  server.Start();

  std::vector<std::int64_t> seen;
  const absl::StatusOr<v1::Job> job = server.Connect().Scan(
      kChannel, [&](const v1::Job& state) { seen.push_back(state.progress().listings_seen()); });

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{10, 20}));
  server.Stop();
  ASSERT_EQ(request_ids.size(), 2u);
  EXPECT_EQ(request_ids[0].size(), 36u);
  EXPECT_EQ(request_ids[0], request_ids[1]);
}

TEST(ClientScan, GoesOnWhenTheServerIsStartedAnew) {
  FakeServer first;
  absl::Notification running;
  first.sync.scan = [&](grpc::ServerContext& context, const v1::ScanChannelRequest&,
                        FakeSync::Writer& writer) {
    writer.Write(Snapshot(v1::JOB_STATE_RUNNING, 10));
    while (!context.IsCancelled()) {
      if (!writer.Write(Snapshot(v1::JOB_STATE_RUNNING, 10))) break;
    }
    return ServerIsGone();
  };
  first.Start();
  FakeServer second;
  second.port = first.port;
  second.sync.scan = [](grpc::ServerContext&, const v1::ScanChannelRequest&, FakeSync::Writer& writer) {
    writer.Write(Snapshot(v1::JOB_STATE_SUCCEEDED, 20));
    return absl::OkStatus();
  };
  std::jthread restart([&] {
    running.WaitForNotification();
    first.Stop();
    second.Start();
  });

  std::atomic<bool> notified = false;
  const absl::StatusOr<v1::Job> job = first.Connect().Scan(kChannel, [&](const v1::Job&) {
    if (!notified.exchange(true)) running.Notify();
  });

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->progress().listings_seen(), 20);
}

TEST(ClientScan, StreamThatEndsBeforeTheJobIsABrokenOne) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.sync.scan = [&](grpc::ServerContext&, const v1::ScanChannelRequest&, FakeSync::Writer& writer) {
    writer.Write(Snapshot(++calls == 1 ? v1::JOB_STATE_RUNNING : v1::JOB_STATE_NEEDS_CONFIRMATION, 10));
    return absl::OkStatus();
  };
  server.Start();

  const absl::StatusOr<v1::Job> job = server.Connect().Scan(kChannel);

  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->state(), v1::JOB_STATE_NEEDS_CONFIRMATION);
  EXPECT_EQ(calls, 2);
}

TEST(ClientScan, HeartbeatsAreNotProgress) {
  FakeServer server;
  server.sync.scan = [](grpc::ServerContext&, const v1::ScanChannelRequest&, FakeSync::Writer& writer) {
    writer.Write(Snapshot(v1::JOB_STATE_RUNNING, 10));
    v1::ScanChannelResponse heartbeat = Snapshot(v1::JOB_STATE_RUNNING, 10);
    heartbeat.set_heartbeat(true);
    writer.Write(heartbeat);
    writer.Write(Snapshot(v1::JOB_STATE_SUCCEEDED, 20));
    return absl::OkStatus();
  };
  server.Start();

  int progress = 0;
  ASSERT_TRUE(server.Connect().Scan(kChannel, [&](const v1::Job&) { ++progress; }).ok());

  EXPECT_EQ(progress, 2);
}

TEST(ClientScan, GivesUpWhenNobodyAnswersForTooLong) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.sync.scan = [&](grpc::ServerContext&, const v1::ScanChannelRequest&, FakeSync::Writer& writer) {
    if (++calls == 1) writer.Write(Snapshot(v1::JOB_STATE_RUNNING, 10));
    return ServerIsGone();
  };
  server.Start();
  const absl::Time start = absl::Now();

  const absl::Status status = server.Connect({.give_up_after = absl::Seconds(1)}).Scan(kChannel).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_GT(calls, 2);
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

TEST(ClientScan, RefusalIsNotTriedAgain) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.sync.scan = [&](grpc::ServerContext&, const v1::ScanChannelRequest&, FakeSync::Writer&) {
    ++calls;
    return NotFound(kChannel);
  };
  server.Start();

  EXPECT_EQ(ReasonOf(server.Connect().Scan(kChannel).status()), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(calls, 1);
}

TEST(ClientScan, StopEndsTheWatchingAtOnce) {
  FakeServer server;
  std::atomic<bool> was_cancelled = false;
  server.sync.scan = [&](grpc::ServerContext& context, const v1::ScanChannelRequest&,
                         FakeSync::Writer& writer) {
    writer.Write(Snapshot(v1::JOB_STATE_RUNNING, 10));
    was_cancelled = Eventually([&context] { return context.IsCancelled(); });
    return absl::CancelledError("cancelled");
  };
  server.Start();
  std::stop_source stop;

  const absl::Status status =
      server.Connect()
          .Scan(
              kChannel, [&](const v1::Job&) { stop.request_stop(); }, stop.get_token())
          .status();
  server.Stop();

  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(was_cancelled);
}

}  // namespace
}  // namespace skulink
