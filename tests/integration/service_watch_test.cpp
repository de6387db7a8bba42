#include <memory>
#include <vector>

#include "skulink/v1/sync_service.grpc.pb.h"
#include "tests/integration/eventually.h"
#include "tests/integration/service_fixture.h"

// WatchJob and ScanChannel: when what is sent, and how streams end. The job is one that no server takes up;
// the tests say how it goes on.
namespace skulink {
namespace {

using WatchStream = std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>>;

class ServiceWatchTest : public ServiceTest {
 protected:
  void StartWithJob(absl::Duration heartbeat = absl::Seconds(60)) {
    ServerOptions options;
    options.heartbeat = heartbeat;
    SyncOptions sync;
    sync.max_running_jobs = 0;
    StartServer(options, sync);
    ASSERT_TRUE(
        CallText("ChannelService.CreateChannel",
                 "parent: 'merchants/default' channel_id: 'c' channel { endpoint: 'grpc://127.0.0.1:1' }")
            .ok());
    const auto started = Call<v1::StartScanResponse>(
        "SyncService.StartScan", Parse<v1::StartScanRequest>("channel: 'merchants/default/channels/c'"));
    ASSERT_TRUE(started.ok()) << started.status();
    job_ = started->job();
    stub_ = v1::SyncService::NewStub(channel());
  }

  WatchStream Watch(grpc::ClientContext& context, const std::string& fields = "") {
    SetDeadline(context);
    return stub_->WatchJob(&context, Parse<v1::WatchJobRequest>("name: '" + job_.name() + "' " + fields));
  }

  // The job goes on: a newer revision with this many pages.
  void Publish(std::int64_t pages, v1::JobState state = v1::JOB_STATE_RUNNING) {
    job_.set_revision(job_.revision() + 1);
    job_.set_state(state);
    job_.mutable_progress()->set_pages(pages);
    engine().hub().Publish(std::make_shared<const v1::Job>(job_));
  }

  v1::WatchJobResponse Read(const WatchStream& stream) {
    v1::WatchJobResponse message;
    EXPECT_TRUE(stream->Read(&message));
    return message;
  }

  v1::Job job_;
  std::unique_ptr<v1::SyncService::Stub> stub_;
};

TEST_F(ServiceWatchTest, TheFirstMessageIsTheJobAsItIs) {
  StartWithJob();
  grpc::ClientContext context;
  const auto stream = Watch(context);
  const v1::WatchJobResponse first = Read(stream);
  EXPECT_EQ(first.job().name(), job_.name());
  EXPECT_EQ(first.job().state(), v1::JOB_STATE_QUEUED);
  EXPECT_FALSE(first.heartbeat());
}

TEST_F(ServiceWatchTest, ASlowReaderGetsTheNewestOnly) {
  StartWithJob();
  grpc::ClientContext context;
  const auto stream = Watch(context, "min_interval { seconds: 1 }");
  Read(stream);
  for (int pages = 1; pages <= 1000; ++pages) Publish(pages);
  int messages = 1;
  while (Read(stream).job().progress().pages() < 1000 && messages < 1000) ++messages;
  EXPECT_LT(messages, 50);
}

TEST_F(ServiceWatchTest, MessagesKeepTheInterval) {
  StartWithJob();
  const absl::Time start = absl::Now();
  grpc::ClientContext context;
  const auto stream = Watch(context, "min_interval { seconds: 1 }");
  Read(stream);
  Publish(1);
  EXPECT_EQ(Read(stream).job().progress().pages(), 1);
  EXPECT_GE(absl::Now() - start, absl::Seconds(1));
}

TEST_F(ServiceWatchTest, TheLastMessageNeverWaits) {
  StartWithJob();
  grpc::ClientContext context;
  const absl::Time start = absl::Now();
  const auto stream = Watch(context, "min_interval { seconds: 60 }");
  Read(stream);
  Publish(1);
  Publish(2, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Read(stream).job().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_LT(absl::Now() - start, absl::Seconds(30));
}

TEST_F(ServiceWatchTest, TheStreamEndsWithTheJobsEndWhateverThatIs) {
  for (const v1::JobState end : {v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED,
                                 v1::JOB_STATE_NEEDS_CONFIRMATION}) {
    SCOPED_TRACE(v1::JobState_Name(end));
    if (job_.name().empty()) StartWithJob();
    grpc::ClientContext context;
    const auto stream = Watch(context);
    Read(stream);
    Publish(1, end);
    EXPECT_EQ(Read(stream).job().state(), end);
    v1::WatchJobResponse none;
    EXPECT_FALSE(stream->Read(&none));
    EXPECT_TRUE(stream->Finish().ok());
  }
}

TEST_F(ServiceWatchTest, AJobThatHasEndedIsSentOnce) {
  StartWithJob();
  ASSERT_TRUE(CallText("SyncService.CancelJob", "name: '" + job_.name() + "'").ok());
  grpc::ClientContext context;
  const auto stream = Watch(context);
  EXPECT_EQ(Read(stream).job().state(), v1::JOB_STATE_CANCELLED);
  v1::WatchJobResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ServiceWatchTest, AQuietJobIsSentAgainAsAHeartbeat) {
  StartWithJob(absl::Milliseconds(300));
  grpc::ClientContext context;
  const auto stream = Watch(context);
  const v1::WatchJobResponse first = Read(stream);
  for (int i = 0; i < 3; ++i) {
    const v1::WatchJobResponse heartbeat = Read(stream);
    EXPECT_TRUE(heartbeat.heartbeat());
    EXPECT_EQ(heartbeat.job().SerializeAsString(), first.job().SerializeAsString());
  }
  Publish(7);
  v1::WatchJobResponse message = Read(stream);
  while (message.heartbeat()) message = Read(stream);
  EXPECT_EQ(message.job().progress().pages(), 7);
}

TEST_F(ServiceWatchTest, AStoppedServerEndsStreamsSoThatCallersComeAgain) {
  StartWithJob();
  grpc::ClientContext context;
  const auto stream = Watch(context);
  Read(stream);
  const absl::Time start = absl::Now();
  StopServer();
  EXPECT_LT(absl::Now() - start, ServerOptions().stop_grace);
  v1::WatchJobResponse none;
  EXPECT_FALSE(stream->Read(&none));
  const absl::Status status = FromGrpc(stream->Finish());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SHUTTING_DOWN);
  EXPECT_GT(RetryAfter(status), absl::ZeroDuration());
}

TEST_F(ServiceWatchTest, AWatcherThatGoesLeavesNothingBehind) {
  StartWithJob();
  {
    grpc::ClientContext context;
    const auto stream = Watch(context);
    Read(stream);
    EXPECT_THAT(engine().hub().Watched(), testing::ElementsAre(job_.name()));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_TRUE(Eventually([this] { return engine().hub().Watched().empty(); }));
}

TEST_F(ServiceWatchTest, ManyWatchersAllSeeTheEnd) {
  StartWithJob();
  constexpr int kWatchers = 500;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<WatchStream> streams;
  for (int i = 0; i < kWatchers; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(Watch(*contexts.back()));
  }
  for (const WatchStream& stream : streams) Read(stream);
  for (int pages = 1; pages <= 100; ++pages) Publish(pages);
  Publish(101, v1::JOB_STATE_SUCCEEDED);
  for (const WatchStream& stream : streams) {
    v1::WatchJobResponse message, last;
    while (stream->Read(&message)) last = message;
    EXPECT_EQ(last.job().progress().pages(), 101);
    EXPECT_TRUE(stream->Finish().ok());
  }
}

TEST_F(ServiceWatchTest, ScanChannelStartsOneJobForOneRequestId) {
  StartWithJob();
  ASSERT_TRUE(CallText("SyncService.CancelJob", "name: '" + job_.name() + "'").ok());
  const auto request = Parse<v1::ScanChannelRequest>(
      "channel: 'merchants/default/channels/c' request_id: '7F9C24E5-1B2A-4C3D-8E4F-5A6B7C8D9E0F'");
  std::vector<std::string> names;
  for (int i = 0; i < 2; ++i) {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto stream = stub_->ScanChannel(&context, request);
    v1::ScanChannelResponse first;
    ASSERT_TRUE(stream->Read(&first));
    names.push_back(first.job().name());
    context.TryCancel();
    stream->Finish();
  }
  EXPECT_NE(names[0], job_.name());
  EXPECT_EQ(names[1], names[0]);
  EXPECT_EQ(
      Call<v1::GetJobResponse>("SyncService.GetJob", Parse<v1::GetJobRequest>("name: '" + names[0] + "'"))
          ->job()
          .state(),
      v1::JOB_STATE_QUEUED);
}

}  // namespace
}  // namespace skulink
