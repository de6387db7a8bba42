// What a scan makes of a shop that fails or sends what makes no sense (design section 7).
#include "tests/integration/scan_fixture.h"

namespace skulink {
namespace {

using simulator::Fault;
using simulator::FaultKind;
using simulator::FaultyCall;
using testing::ElementsAre;

class ScanFaultsTest : public ScanTest {
 protected:
  void SetUp() override {
    ScanTest::SetUp();
    StartEngine({.seller_center_timeout = absl::Milliseconds(300)});
    AddVariants({"SKU-1", "SKU-40"});
    shop().SetListings(MakeListings(40));
  }

  // The scan failed, what its sound pages had is kept, nothing was removed, and the next scan is a whole one.
  void ExpectFailedAndSoundAfterwards(const v1::Job& job, v1::ErrorReason reason) {
    EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED) << job.ShortDebugString();
    EXPECT_EQ(ReasonOf(FromProto(job.error())), reason) << job.error().message();
    EXPECT_EQ(job.progress().phase(), v1::SCAN_PHASE_ENDED);
    EXPECT_EQ(job.progress().removed(), 0);
    EXPECT_TRUE(job.has_end_time());
    ExpectViewsRight();
    shop().ClearFaults();
    const v1::Job next = Scan();
    EXPECT_EQ(next.state(), v1::JOB_STATE_SUCCEEDED) << next.ShortDebugString();
    EXPECT_EQ(Listings(), ListingIds(1, 40));
    EXPECT_TRUE(Statistic().complete);
  }
};

struct NamedFault {
  const char* name;
  Fault fault;
};
std::string NameOfCase(const testing::TestParamInfo<NamedFault>& test) { return test.param.name; }

// ------------------------------------------------------------------ faults that pass

class FaultThatPasses : public ScanFaultsTest, public testing::WithParamInterface<NamedFault> {};

TEST_P(FaultThatPasses, DoesNotHurt) {
  shop().AddFault(GetParam().fault);

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().pages(), 4);
  EXPECT_EQ(job.progress().created(), 40);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  EXPECT_THAT(SoldInChannel(), ElementsAre("SKU-1", "SKU-40"));
  const simulator::ShopBooks books = shop().books();
  EXPECT_GT(books.list_listings_calls + books.describe_shop_calls, 2) << "the fault did not happen";
}

INSTANTIATE_TEST_SUITE_P(
    Scan, FaultThatPasses,
    testing::Values(NamedFault{"ThrottledTwice", At(3, FaultKind::kThrottled, 2)},
                    NamedFault{"ThrottledWithDelay", At(3, FaultKind::kThrottledWithDelay, 1)},
                    NamedFault{"InternalOnFirstPage", At(1, FaultKind::kInternal, 1)},
                    NamedFault{"Unavailable", At(2, FaultKind::kUnavailable, 1)},
                    NamedFault{"Hang", At(3, FaultKind::kHang, 1)},
                    NamedFault{"ConnectionCutInPage", At(3, FaultKind::kConnectionCut, 1)},
                    NamedFault{"ConnectionCutInLastPage", At(4, FaultKind::kConnectionCut, 1)},
                    NamedFault{"DescribeShopUnavailable",
                               In(FaultyCall::kDescribeShop, FaultKind::kUnavailable, 2)},
                    NamedFault{"DescribeShopHangs", In(FaultyCall::kDescribeShop, FaultKind::kHang, 1)}),
    NameOfCase);

TEST_F(ScanFaultsTest, PagesBetweenFailuresGiveNewPatience) {
  for (int page = 1; page <= 4; ++page) shop().AddFault(At(page, FaultKind::kThrottledWithDelay, 2));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(shop().books().list_listings_calls, 9);
  EXPECT_EQ(shop().books().pages_sent, 4);
}

// ------------------------------------------------------------------ faults that stay

TEST_F(ScanFaultsTest, ShopThatStaysUnavailableEndsTheScanAndRemovesNothing) {
  Scan();
  shop().AddFault(At(3, FaultKind::kUnavailable));

  const v1::Job job = Scan();

  EXPECT_EQ(job.progress().pages(), 2);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  ExpectFailedAndSoundAfterwards(job, v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE);
}

TEST_F(ScanFaultsTest, LookUpThatNeverAnswersRemovesNothing) {
  Scan();
  for (int number = 35; number <= 40; ++number) shop().Remove(ListingId(number));
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kHang));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().refused(), 6);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  EXPECT_FALSE(Statistic().complete);
}

TEST_F(ScanFaultsTest, LookUpThatAlwaysFailsForOneItemKeepsThat) {
  Scan();
  for (int number = 31; number <= 40; ++number) shop().Remove(ListingId(number));
  shop().FailItem("item-18", {grpc::StatusCode::INVALID_ARGUMENT, "bad item"});

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().removed(), 8);
  EXPECT_EQ(job.progress().refused(), 2);
  EXPECT_FALSE(Statistic().complete);
  std::vector<std::string> kept = ListingIds(1, 30);
  kept.insert(kept.end(), {ListingId(35), ListingId(36)});
  std::sort(kept.begin(), kept.end());
  EXPECT_EQ(Listings(), kept);
  shop().ClearFaults();
  EXPECT_EQ(Scan().progress().removed(), 2);
}

TEST_F(ScanFaultsTest, LookUpThatFailsOnceIsAskedAgain) {
  Scan();
  shop().Remove(ListingId(40));
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kInternal, 1));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().removed(), 1);
  EXPECT_EQ(Listings(), ListingIds(1, 39));
}

TEST_F(ScanFaultsTest, LookUpThatIsRefusedRemovesNothing) {
  Scan();
  shop().Remove(ListingId(40));
  shop().AddFault(In(FaultyCall::kGetItems, FaultKind::kExpiredToken));

  const v1::Job job = Scan();

  EXPECT_EQ(Listings(), ListingIds(1, 40));
  shop().Upsert(MakeListing(40));
  ExpectFailedAndSoundAfterwards(job, v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED);
}

TEST_F(ScanFaultsTest, ExpiredTokenEndsTheScanAtOnce) {
  shop().AddFault(At(3, FaultKind::kExpiredToken));

  const v1::Job job = Scan();

  EXPECT_EQ(shop().books().list_listings_calls, 1);
  EXPECT_EQ(Listings(), ListingIds(1, 20));
  ExpectFailedAndSoundAfterwards(job, v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED);
}

TEST_F(ScanFaultsTest, ExpiredTokenAtTheFirstCall) {
  shop().AddFault(In(FaultyCall::kDescribeShop, FaultKind::kExpiredToken));

  ExpectFailedAndSoundAfterwards(Scan(), v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED);
}

TEST_F(ScanFaultsTest, ShopThatIsNotThere) {
  std::string address;
  {
    simulator::SimulatedSellerCenter gone;
    address = gone.address();
  }
  AddChannel("gone", address);

  const v1::Job job = Scan("gone");

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED) << job.ShortDebugString();
  EXPECT_EQ(ReasonOf(FromProto(job.error())), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE);
  EXPECT_EQ(Scan().state(), v1::JOB_STATE_SUCCEEDED);
}

// ------------------------------------------------------------------ nonsense

struct Nonsense {
  const char* name;
  FaultKind kind;
  const char* field;
  int sound_listings;  // on pages before the third, which makes no sense, and in it
};

class ScanNonsenseTest : public ScanFaultsTest, public testing::WithParamInterface<Nonsense> {};

TEST_P(ScanNonsenseTest, EndsTheScanNamesTheFieldAndRemovesNothing) {
  Scan();
  shop().AddFault(At(3, GetParam().kind));

  const v1::Job job = Scan();

  EXPECT_THAT(FieldOf(FromProto(job.error())), testing::HasSubstr(GetParam().field)) << job.error().message();
  EXPECT_EQ(job.progress().listings_seen(), GetParam().sound_listings);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  ExpectFailedAndSoundAfterwards(job, v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID);
}

INSTANTIATE_TEST_SUITE_P(
    Scan, ScanNonsenseTest,
    testing::Values(Nonsense{"BytesThatAreNoMessage", FaultKind::kMalformed, "message", 20},
                    Nonsense{"RepeatedToken", FaultKind::kRepeatedToken, "resume_token", 30},
                    Nonsense{"ListingTwiceInAPage", FaultKind::kDuplicateListing, "listing_id", 20},
                    Nonsense{"EmptyId", FaultKind::kEmptyId, "listing_id", 20},
                    Nonsense{"PageTooLarge", FaultKind::kPageTooLarge, "listings", 20},
                    Nonsense{"TokenTooLong", FaultKind::kTokenTooLong, "resume_token", 20},
                    Nonsense{"CountBelowWhatWasSent", FaultKind::kCountTooLow, "listing_count", 20},
                    Nonsense{"CountBelowZero", FaultKind::kCountNegative, "listing_count", 20},
                    Nonsense{"StreamThatEndsEarly", FaultKind::kEarlyEnd, "resume_token", 20}),
    [](const auto& test) { return std::string(test.param.name); });

// ------------------------------------------------------------------ one listing that makes no sense

struct Spoilt {
  const char* name;
  FaultKind kind;
  const char* field;
};

class ScanSpoiltListingTest : public ScanFaultsTest, public testing::WithParamInterface<Spoilt> {};

TEST_P(ScanSpoiltListingTest, IsRefusedAloneAndKeepsWhatWasKnown) {
  Scan();
  shop().AddFault(At(4, GetParam().kind, 1));

  const v1::Job job = Scan();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().refused(), 1);
  EXPECT_EQ(job.progress().unchanged(), 39);
  EXPECT_EQ(Listings(), ListingIds(1, 40));
  ASSERT_EQ(Items(job).size(), 1u);
  EXPECT_EQ(Items(job)[0].listing_id(), ListingId(31));
  EXPECT_EQ(Items(job)[0].field(), GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(Scan, ScanSpoiltListingTest,
                         testing::Values(Spoilt{"SkuTooLong", FaultKind::kSkuTooLong, "seller_sku"},
                                         Spoilt{"NulInSku", FaultKind::kSkuNul, "seller_sku"}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace skulink
