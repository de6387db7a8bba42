// A scan that saw suspiciously little removes nothing until somebody says so (design rule 6).
#include "common/names.h"
#include "server/store/channels.h"
#include "tests/integration/scan_fixture.h"

namespace skulink {
namespace {

using simulator::FaultKind;
using testing::IsEmpty;

class ScanConfirmationTest : public ScanTest {
 protected:
  void SetUp() override {
    ScanTest::SetUp();
    AddVariants({"SKU-1", "SKU-40"});
    shop().SetListings(MakeListings(40));
    ASSERT_EQ(Scan().state(), v1::JOB_STATE_SUCCEEDED);
  }

  // A scan of a shop with `count` listings left, none of the first ones.
  v1::Job ScanOfWhatIsLeft(int count) {
    std::vector<sellercenter::v1::Listing> listings = MakeListings(40);
    listings.erase(listings.begin(), listings.end() - count);
    shop().SetListings(listings);
    return Scan();
  }

  static void ExpectDoubt(const v1::Job& job, v1::ConfirmationReason reason, int live_seen, int not_seen) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_NEEDS_CONFIRMATION) << job.ShortDebugString();
    EXPECT_EQ(job.confirmation().reason(), reason);
    EXPECT_EQ(job.confirmation().live_before(), 40);
    EXPECT_EQ(job.confirmation().live_seen(), live_seen);
    EXPECT_EQ(job.confirmation().not_seen(), not_seen);
    EXPECT_EQ(job.progress().removed(), 0);
    EXPECT_FALSE(job.has_end_time());
  }
};

TEST_F(ScanConfirmationTest, EmptyShopRemovesNothing) {
  const v1::Job job = ScanOfWhatIsLeft(0);

  ExpectDoubt(job, v1::CONFIRMATION_REASON_NOTHING_LIVE, 0, 40);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  EXPECT_FALSE(Statistic().complete);
}

TEST_F(ScanConfirmationTest, NothingLiveLeftRemovesNothing) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(40);
  for (auto& listing : listings) listing.set_state(sellercenter::v1::LISTING_STATE_SUSPENDED);
  listings.pop_back();
  shop().SetListings(listings);

  const v1::Job job = Scan();

  ExpectDoubt(job, v1::CONFIRMATION_REASON_NOTHING_LIVE, 0, 1);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
}

TEST_F(ScanConfirmationTest, LessThanHalfOfWhatWasLiveRemovesNothing) {
  const v1::Job job = ScanOfWhatIsLeft(19);

  ExpectDoubt(job, v1::CONFIRMATION_REASON_LIVE_DROP, 19, 21);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
}

TEST_F(ScanConfirmationTest, TheShopBehindTheChannelStaysUntilItIsOver) {
  const v1::Job job = ScanOfWhatIsLeft(0);
  const auto change = [&](const std::string& endpoint) {
    return store::UpdateChannel(database(), "default", "shop", {.endpoint = endpoint}).status();
  };
  EXPECT_EQ(ReasonOf(change("grpc://127.0.0.1:1")), v1::ERROR_REASON_CHANNEL_BUSY);
  EXPECT_TRUE(change(shop().address()).ok()) << "it is the same";
  ASSERT_TRUE(engine().CancelJob(*ParseJobName(job.name(), "name"), absl::Seconds(10)).ok());
  EXPECT_TRUE(change("grpc://127.0.0.1:1").ok());
}

// More than one transaction holds, of one item.
TEST_F(ScanConfirmationTest, AnItemThatHasThousandsOfNewListingsIsTakenInSteps) {
  std::vector<sellercenter::v1::Listing> listings = MakeListings(40);
  for (int i = 0; i < 12'000; ++i) {
    sellercenter::v1::Listing& listing = listings.emplace_back(listings[0]);
    listing.set_listing_id("new-" + std::to_string(i));
  }
  shop().SetListings(listings);
  shop().AddFault({.kind = FaultKind::kEmptyShop, .times = 1});
  const v1::Job doubtful = Scan();
  ASSERT_EQ(doubtful.state(), v1::JOB_STATE_NEEDS_CONFIRMATION);
  const std::int64_t revision = doubtful.revision();

  const auto confirmed = engine().ConfirmJob(*ParseJobName(doubtful.name(), "name"));
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  const v1::Job job = AwaitEnd(*confirmed);

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().removed(), 0);
  EXPECT_EQ(Listings().size(), 12'040);
  EXPECT_GE(job.revision() - revision, 12'000 * 2 / 10'000);
}

TEST_F(ScanConfirmationTest, HalfOfWhatWasLiveIsEnough) {
  const v1::Job job = ScanOfWhatIsLeft(20);

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().removed(), 20);
  EXPECT_EQ(Listings(), ListingIds(21, 40));
}

TEST_F(ScanConfirmationTest, FaultyEmptyAnswerRemovesNothingEvenWhenConfirmed) {
  shop().AddFault(At(1, FaultKind::kEmptyShop, 1));
  const v1::Job job = Scan();
  ExpectDoubt(job, v1::CONFIRMATION_REASON_NOTHING_LIVE, 0, 40);

  ASSERT_TRUE(engine().ConfirmJob(NameOf(job)).ok());
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().removed(), 0) << "the shop has them all when asked for each";
  EXPECT_EQ(Listings(), ListingIds(1, 40));
}

TEST_F(ScanConfirmationTest, EarlyEndThatClaimsToBeCompleteRemovesNothing) {
  sellercenter::v1::Listing added = MakeListing(41);
  added.set_item_id("new-item");
  shop().Upsert(added);
  shop().AddFault(At(3, FaultKind::kEarlyComplete, 1));

  const v1::Job job = Scan();

  // Those that are known are found one by one; that of which nothing is known is still missing.
  ExpectDoubt(job, v1::CONFIRMATION_REASON_ENDED_EARLY, 40, 0);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  EXPECT_EQ(Scan().progress().created(), 1);
}

TEST_F(ScanConfirmationTest, EarlyEndOfAFirstScanIsNotComplete) {
  simulator::SimulatedSellerCenter other({.max_page_size = 10});
  other.SetListings(MakeListings(40));
  other.AddFault(At(2, FaultKind::kEarlyComplete, 1));
  AddChannel("other", other.address());

  const v1::Job job = Scan("other");

  EXPECT_EQ(job.state(), v1::JOB_STATE_NEEDS_CONFIRMATION) << job.ShortDebugString();
  EXPECT_EQ(job.confirmation().reason(), v1::CONFIRMATION_REASON_ENDED_EARLY);
  EXPECT_FALSE(Statistic("other").complete);
  EXPECT_EQ(Listings("other").size(), 20u);

  // Confirming it does not bring the others.
  ASSERT_TRUE(engine().ConfirmJob(NameOf(job)).ok());
  EXPECT_EQ(AwaitEnd(job).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(Statistic("other").complete);
  EXPECT_EQ(Scan("other").state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(Statistic("other").complete);
}

TEST_F(ScanConfirmationTest, ConfirmedJobRemovesWhatIsGone) {
  const v1::Job job = ScanOfWhatIsLeft(10);

  const auto confirmed = engine().ConfirmJob(NameOf(job));
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->state(), v1::JOB_STATE_RUNNING);
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().removed(), 30);
  EXPECT_EQ(ended.progress().listings_seen(), 10);
  EXPECT_EQ(Items(ended).size(), 30u);
  EXPECT_EQ(Listings(), ListingIds(31, 40));
  EXPECT_TRUE(Statistic().complete);
  EXPECT_EQ(ReasonOf(engine().ConfirmJob(NameOf(job)).status()), v1::ERROR_REASON_JOB_STATE);
}

TEST_F(ScanConfirmationTest, ConfirmedJobIsFinishedByAnotherServer) {
  const v1::Job job = ScanOfWhatIsLeft(0);
  StopEngine();

  ASSERT_TRUE(engine().ConfirmJob(NameOf(job)).ok());
  const v1::Job ended = AwaitEnd(job);

  EXPECT_EQ(ended.state(), v1::JOB_STATE_SUCCEEDED) << ended.ShortDebugString();
  EXPECT_EQ(ended.progress().removed(), 40);
  EXPECT_THAT(Listings(), IsEmpty());
  ExpectNoPagesKept();
}

TEST_F(ScanConfirmationTest, CancelledJobRemovesNothing) {
  const v1::Job job = ScanOfWhatIsLeft(0);

  const auto cancelled = engine().CancelJob(NameOf(job), kPatient);

  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(ReasonOf(engine().ConfirmJob(NameOf(job)).status()), v1::ERROR_REASON_JOB_STATE);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  ExpectNoPagesKept();
}

TEST_F(ScanConfirmationTest, NewScanEndsTheOneInDoubt) {
  const v1::Job job = ScanOfWhatIsLeft(0);
  shop().SetListings(MakeListings(40));

  const v1::Job next = Scan();

  EXPECT_EQ(next.state(), v1::JOB_STATE_SUCCEEDED) << next.ShortDebugString();
  EXPECT_EQ(next.progress().unchanged(), 40);
  EXPECT_EQ(engine().GetJob(NameOf(job))->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
}

TEST_F(ScanConfirmationTest, NothingButAFullScanEndsTheOneInDoubt) {
  const v1::Job job = ScanOfWhatIsLeft(0);
  const auto start = [&](v1::JobKind kind, v1::ScanMode mode, bool validate_only) {
    return engine()
        .StartJob({.channel = {"default", "shop"},
                   .kind = kind,
                   .scan_mode = mode,
                   .validate_only = validate_only,
                   .request_id = {},
                   .request = {}})
        .status();
  };

  for (const absl::Status& busy : {start(v1::JOB_KIND_SCAN, v1::SCAN_MODE_UPDATED, false),
                                   start(v1::JOB_KIND_SCAN, v1::SCAN_MODE_ITEM, false),
                                   start(v1::JOB_KIND_DOWNLOAD, v1::SCAN_MODE_UNSPECIFIED, false),
                                   start(v1::JOB_KIND_DOWNLOAD, v1::SCAN_MODE_UNSPECIFIED, true),
                                   start(v1::JOB_KIND_UPLOAD, v1::SCAN_MODE_UNSPECIFIED, false)}) {
    EXPECT_EQ(ReasonOf(busy), v1::ERROR_REASON_CHANNEL_BUSY) << busy;
    EXPECT_EQ(MetadataOf(busy, "job"), job.name());
    EXPECT_THAT(std::string(busy.message()), testing::HasSubstr("confirmation"));
  }

  EXPECT_EQ(engine().GetJob(NameOf(job))->state(), v1::JOB_STATE_NEEDS_CONFIRMATION);
}

TEST_F(ScanConfirmationTest, OnlyAJobInDoubtCanBeConfirmed) {
  const v1::Job job = StartAndHoldAfterTwoPages();

  const absl::Status status = engine().ConfirmJob(NameOf(job)).status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_JOB_STATE) << status;
}

}  // namespace
}  // namespace skulink
