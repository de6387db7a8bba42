// Scans as jobs: cancelled, repeated, handed from server to server (design rule 6 and section 7).
#include "server/store/jobs.h"
#include "tests/integration/eventually.h"
#include "tests/integration/scan_fixture.h"

namespace skulink {
namespace {

using simulator::FaultKind;
using simulator::FaultyCall;

constexpr char kRequest[] = "0b7e4d2e-9a3f-4c57-8c5e-0a6d6f1b2c3d";

class ScanJobsTest : public ScanTest {
 protected:
  void SetUp() override {
    ScanTest::SetUp();
    AddVariants({"SKU-1", "SKU-50"});
    shop().SetListings(MakeListings(50));
  }

  void ExpectWholeScan(const v1::Job& job) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
    EXPECT_EQ(job.progress().pages(), 5);
    EXPECT_EQ(job.progress().listings_seen(), 50);
    EXPECT_EQ(job.progress().created(), 50);
    EXPECT_EQ(job.progress().sold_in_channel(), 2);
    EXPECT_EQ(Listings(), ListingIds(1, 50));
    ExpectNoPagesKept();
  }

  absl::StatusOr<v1::Job> StartAgain(const std::string& request_id, const std::string& channel = "shop") {
    return engine().StartJob(FullScan(channel, request_id));
  }
};

TEST_F(ScanJobsTest, CancelKeepsThePagesWrittenAndRemovesNothing) {
  Scan();
  for (int number = 1; number <= 12; ++number) {
    sellercenter::v1::Listing listing = MakeListing(number);
    listing.set_stock(7000);
    shop().Upsert(listing);
  }
  shop().Remove(ListingId(20));
  const v1::Job job = StartAndHoldAfterTwoPages();

  const auto cancelled = engine().CancelJob(NameOf(job), kPatient);

  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED) << cancelled->ShortDebugString();
  EXPECT_EQ(cancelled->progress().phase(), v1::SCAN_PHASE_ENDED);
  EXPECT_EQ(cancelled->progress().updated(), 12);
  EXPECT_EQ(cancelled->progress().removed(), 0);
  EXPECT_TRUE(cancelled->has_end_time());
  EXPECT_FALSE(cancelled->has_error());
  EXPECT_EQ(Listings(), ListingIds(1, 50));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE stock = 7000"), 12);
  EXPECT_EQ(engine().CancelJob(NameOf(job), kPatient)->state(), v1::JOB_STATE_CANCELLED);
  shop().Release();
  EXPECT_EQ(Scan().progress().removed(), 1);
}

TEST_F(ScanJobsTest, ScanThatWaitsForTheShopIsCancelledAtOnce) {
  shop().AddFault(At(3, FaultKind::kHang));
  const v1::Job job = Await(Start(), [](const v1::Job& now) { return now.progress().pages() == 2; });

  const auto cancelled = engine().CancelJob(NameOf(job), kPatient);

  EXPECT_EQ(cancelled.value().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(Listings(), ListingIds(1, 20));
}

TEST_F(ScanJobsTest, EndedJobCannotBeCancelled) {
  const v1::Job job = Scan();

  EXPECT_EQ(ReasonOf(engine().CancelJob(NameOf(job), kPatient).status()), v1::ERROR_REASON_JOB_STATE);
}

TEST_F(ScanJobsTest, ChannelHasOneScanAtATime) {
  const v1::Job job = StartAndHoldAfterTwoPages();

  const absl::Status busy = StartAgain("").status();

  EXPECT_EQ(ReasonOf(busy), v1::ERROR_REASON_CHANNEL_BUSY) << busy;
  EXPECT_EQ(MetadataOf(busy, "job"), job.name());
  shop().Release();
  ExpectWholeScan(AwaitEnd(job));
  EXPECT_EQ(Scan().progress().unchanged(), 50);
}

TEST_F(ScanJobsTest, RepeatedRequestIsTheSameJob) {
  const auto first = StartAgain(kRequest);
  const auto second = StartAgain(kRequest);
  ASSERT_TRUE(first.ok() && second.ok()) << second.status();
  EXPECT_EQ(first->name(), second->name());
  AwaitEnd(*first);

  const auto third = StartAgain(kRequest);

  EXPECT_EQ(third->name(), first->name());
  EXPECT_EQ(third->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(engine().ListJobs("default", "", "", 10)->size(), 1u);
}

TEST_F(ScanJobsTest, RequestIdOfAnotherScanIsRefused) {
  simulator::SimulatedSellerCenter other;
  AddChannel("other", other.address());
  AwaitEnd(StartAgain(kRequest).value());

  const absl::Status status = StartAgain(kRequest, "other").status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_REQUEST_ID_REUSED) << status;
  EXPECT_EQ(FieldOf(status), "request_id");
}

TEST_F(ScanJobsTest, NoMoreJobsRunThanThereIsRoomFor) {
  simulator::SimulatedSellerCenter other;
  AddChannel("other", other.address());
  StartEngine({.max_running_jobs = 1});
  const v1::Job first = StartAndHoldAfterTwoPages();
  const v1::Job second = Start("other");
  EXPECT_EQ(engine().GetJob(NameOf(second))->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(other.books().describe_shop_calls, 0);
  shop().Release();

  ExpectWholeScan(AwaitEnd(first));
  EXPECT_EQ(AwaitEnd(second).state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(ScanJobsTest, QueuedJobIsCancelledAtOnce) {
  simulator::SimulatedSellerCenter other;
  AddChannel("other", other.address());
  StartEngine({.max_running_jobs = 1});
  StartAndHoldAfterTwoPages();
  const v1::Job queued = Start("other");

  EXPECT_EQ(engine().CancelJob(NameOf(queued), kPatient)->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(other.books().describe_shop_calls, 0);
}

// ------------------------------------------------------------------ from server to server

TEST_F(ScanJobsTest, AnotherServerGoesOnFromTheLastPageWritten) {
  const v1::Job job = StartAndHoldAfterTwoPages();
  StopEngine();
  EXPECT_EQ(Listings(), ListingIds(1, 20));
  ExpectViewsRight();
  shop().Release();

  StartEngine({});

  ExpectWholeScan(AwaitEnd(job));
  EXPECT_EQ(shop().books().pages_sent, 5) << "no page was read twice";
}

TEST_F(ScanJobsTest, SuccessorKnowsWhatItsPredecessorSaw) {
  Scan();
  shop().Remove(ListingId(33));
  shop().AddFault(At(4, FaultKind::kListingOnTwoPages, 1));  // one of the predecessor's comes again
  const v1::Job job = StartAndHoldAfterTwoPages();
  StopEngine();
  shop().Release();

  StartEngine({});
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().unchanged(), 49);
  EXPECT_EQ(ended.progress().removed(), 1);
}

TEST_F(ScanJobsTest, SuccessorKnowsWhatWasRefused) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(50);
  listings[0].set_seller_sku(std::string(256, 'S'));
  shop().SetListings(listings);
  shop().AddFault(At(4, FaultKind::kListingOnTwoPages, 1));
  const v1::Job job = StartAndHoldAfterTwoPages();
  StopEngine();
  shop().Release();

  StartEngine({});
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().refused(), 1);
  EXPECT_EQ(ended.progress().created(), 49);
}

TEST_F(ScanJobsTest, SuccessorKnowsWhatWasReportedAsIncomplete) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(50);
  listings[0].set_stock(-1);
  shop().SetListings(listings);
  shop().AddFault(At(4, FaultKind::kListingOnTwoPages, 1));
  const v1::Job job = StartAndHoldAfterTwoPages();
  StopEngine();
  shop().Release();

  StartEngine({});
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().incomplete(), 1);
  EXPECT_EQ(Items(ended).size(), 1u);
}

TEST_F(ScanJobsTest, TokenUsedByThePredecessorIsKnown) {
  const v1::Job job = StartAndHoldAfterTwoPages();
  StopEngine();
  shop().AddFault(At(3, FaultKind::kRepeatedToken));
  shop().Release();

  StartEngine({});
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(FieldOf(FromProto(ended.error())), "resume_token");
  ExpectNoPagesKept();
}

TEST_F(ScanJobsTest, LeaseOfASilentServerRunsOut) {
  const v1::Job job = StartAndHoldAfterTwoPages();
  StopEngine();
  const auto silent = store::ClaimJob(database(), "a-server-that-died", "its-claim", absl::Milliseconds(700));
  ASSERT_TRUE(silent.ok() && silent->has_value());
  shop().Release();

  StartEngine({.lease = absl::Seconds(1)});

  ExpectWholeScan(AwaitEnd(job));
  EXPECT_EQ(shop().books().pages_sent, 5);
}

TEST_F(ScanJobsTest, ServerThatLostItsLeaseWritesNothingMore) {
  const v1::Job job = StartAndHoldAfterTwoPages();
  Execute("UPDATE job SET owner = 'another', lease_until = lease_until + 600000000");
  shop().Release();
  // It comes to its end without a word; then the other's lease runs out, and it is claimed anew.
  Execute("UPDATE job SET lease_until = 0");

  ExpectWholeScan(AwaitEnd(job));
}

// The database was away for longer than the lease: nobody took the job, and its server is still at it.
TEST_F(ScanJobsTest, ServerMayClaimItsOwnJobAgain) {
  const v1::Job job = StartAndHoldAfterTwoPages();
  const std::int64_t revision = engine().GetJob(NameOf(job))->revision();
  Execute("UPDATE job SET lease_until = 0");
  Await(job, [&](const v1::Job& now) { return now.revision() > revision + 1; });
  shop().Release();

  ExpectWholeScan(AwaitEnd(job));
}

// The COMMIT of a claim was not answered, but done: the server does not know that it has the job.
TEST_F(ScanJobsTest, JobThatItsServerDoesNotKnowOfIsClaimedAgain) {
  simulator::SimulatedSellerCenter other;
  AddChannel("other", other.address());
  StartEngine({.max_running_jobs = 1, .lease = absl::Seconds(1)});
  const v1::Job first = StartAndHoldAfterTwoPages();
  const v1::Job second = Start("other");
  std::string server, owner;
  const absl::Status read = database().Read([&](store::Session& session) {
    session.Query(
        "SELECT t.owner, j.owner FROM job j JOIN channel_traffic t USING (merchant_no, channel_no) "
        "WHERE j.owner <> ''",
        {}, [&](const store::Row& row) {
          server = row.String(0);
          owner = row.String(1);
        });
  });
  ASSERT_TRUE(read.ok() && !owner.empty());
  ASSERT_TRUE(store::ClaimJob(database(), server, owner, absl::Seconds(1))->has_value());
  shop().Release();

  ExpectWholeScan(AwaitEnd(first));
  EXPECT_EQ(AwaitEnd(second).state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(ScanJobsTest, CancelReachesTheServerThatRunsTheJob) {
  StartEngine({.lease = absl::Seconds(1)});
  const v1::Job job = StartAndHoldAfterTwoPages();
  SyncEngine other(database(), {});

  const auto cancelled = other.CancelJob(NameOf(job), kPatient);

  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(Listings(), ListingIds(1, 20));
}

TEST_F(ScanJobsTest, EngineStopsThoughTheShopDoesNotAnswer) {
  shop().AddFault(At(3, FaultKind::kHang));
  const v1::Job job = Await(Start(), [](const v1::Job& now) { return now.progress().pages() == 2; });
  const absl::Time start = absl::Now();

  StopEngine();

  EXPECT_LT(absl::Now() - start, kPatient / 2);
  shop().ClearFaults();
  StartEngine({});
  ExpectWholeScan(AwaitEnd(job));
}

TEST_F(ScanJobsTest, EngineStopsThoughALookUpIsNotAnswered) {
  Scan();
  shop().Remove(ListingId(50));
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kHang));
  const v1::Job job =
      Await(Start(), [](const v1::Job& now) { return now.progress().phase() == v1::SCAN_PHASE_REMOVING; });
  const absl::Time start = absl::Now();

  StopEngine();

  EXPECT_LT(absl::Now() - start, kPatient / 2);
  shop().ClearFaults();
  StartEngine({});
  EXPECT_EQ(AwaitEnd(job).progress().removed(), 1);
}

TEST_F(ScanJobsTest, TwoServersShareTheJobs) {
  simulator::SimulatedSellerCenter other({.max_page_size = 10});
  other.SetListings(MakeListings(50));
  AddChannel("other", other.address());
  StartEngine({.max_running_jobs = 1});
  const v1::Job first = StartAndHoldAfterTwoPages();

  SyncEngine neighbour(database(), {.max_running_jobs = 1});
  const v1::Job second = AwaitEnd(neighbour.StartJob(FullScan("other")).value());

  EXPECT_EQ(second.state(), v1::JOB_STATE_SUCCEEDED) << second.ShortDebugString();
  EXPECT_EQ(Listings("other"), ListingIds(1, 50));
  shop().Release();
  ExpectWholeScan(AwaitEnd(first));
}

TEST_F(ScanJobsTest, JobsThatEndedLongAgoAreForgotten) {
  sellercenter::v1::Listing refused = MakeListing(7);
  refused.set_seller_sku(std::string(256, 'S'));
  shop().Upsert(refused);
  const std::string old = NameOf(Scan()).job;
  const v1::Job recent = Scan();
  ASSERT_EQ(Number("SELECT COUNT(*) FROM job_item"), 2);
  // Ids begin with the time.
  for (const char* table : {"job", "job_item"}) {
    Execute(std::string("UPDATE ") + table + " SET job_id = '00of-long-ago' WHERE job_id = '" + old + "'");
  }
  Execute("UPDATE job SET end_time = end_time - 31 * 86400 * 1000000 WHERE job_id = '00of-long-ago'");

  Scan();

  EXPECT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM job") == 2; }));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM job_item WHERE job_id = '00of-long-ago'"), 0);
  EXPECT_TRUE(engine().GetJob(NameOf(recent)).ok());
}

}  // namespace
}  // namespace skulink
