// Items with thousands of listings, and answers that are larger than what is taken at once.
#include "tests/integration/transfer_fixture.h"

namespace skulink {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class LargeAnswersTest : public TransferTest {
 protected:
  // One of `count` listings of an item, which all but the first have one SKU.
  static sellercenter::v1::Listing Of(int item, int number) {
    const std::string id = std::to_string(item) + "-" + std::to_string(number);
    sellercenter::v1::Listing listing = MakeListing(1);
    listing.set_listing_id(id);
    listing.set_item_id("item-" + std::to_string(item));
    listing.set_seller_sku(number == 0 ? "SKU-" + id : "COMMON");
    return listing;
  }
  v1::Job ScanItems(const std::vector<std::string>& ids) {
    v1::StartScanRequest request;
    request.mutable_item_ids()->Assign(ids.begin(), ids.end());
    return AwaitEnd(engine()
                        .StartJob({.channel = {"default", "shop"},
                                   .kind = v1::JOB_KIND_SCAN,
                                   .scan_mode = v1::SCAN_MODE_ITEM,
                                   .request_id = {},
                                   .request = request.SerializeAsString()})
                        .value());
  }
};

// ------------------------------------------------------------------ more than one transaction holds

TEST_F(LargeAnswersTest, ItemScanTakesAnItemOfThousandsInSteps) {
  std::vector<sellercenter::v1::Listing> listings;
  for (int number = 0; number < 12'000; ++number) listings.push_back(Of(1, number));
  shop().SetListings(listings);

  const v1::Job job = ScanItems({"item-1"});

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().created(), 12'000);
  EXPECT_GE(job.revision(), 12'000 * 2 / 10'000 + 4);
}

TEST_F(LargeAnswersTest, DownloadWritesWhatChangedOfOtherListingsInSteps) {
  AddVariants({"COMMON"});
  std::vector<sellercenter::v1::Listing> listings;
  for (int item = 0; item < 100; ++item) {
    for (int number = 0; number < 60; ++number) listings.push_back(Of(item, number));
  }
  shop().SetListings(listings);
  Scan();
  for (sellercenter::v1::Listing& listing : listings) listing.set_stock(7000);
  shop().SetListings(listings);

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().created(), 100);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE stock = 7000"), 6000);
  EXPECT_GE(job.revision(), 6000 * 4 / 10'000 + 5);
}

TEST_F(LargeAnswersTest, DownloadLeavesToTheNextOneWhatIsTooMuchAndNew) {
  std::vector<sellercenter::v1::Listing> listings;
  for (int item = 0; item < 40; ++item) listings.push_back(Of(item, 0));
  shop().SetListings(listings);
  Scan();
  for (int item = 0; item < 40; ++item) {
    for (int number = 1; number <= 100; ++number) {
      listings.push_back(Of(item, number));
      listings.back().set_seller_sku("NEW-" + listings.back().listing_id());
    }
  }
  shop().SetListings(listings);

  const v1::Job first = Download();
  EXPECT_EQ(first.state(), v1::JOB_STATE_SUCCEEDED) << first.ShortDebugString();
  EXPECT_GE(first.transfer().created(), 1000);
  EXPECT_LE(first.transfer().created(), 2000);
  const v1::Job second = Download();

  EXPECT_EQ(first.transfer().created() + second.transfer().created(), 4040);
  EXPECT_THAT(NotInPos(), IsEmpty());
}

// ------------------------------------------------------------------ more than one message holds

// A hundred items of 200 kB each; an answer with all of them is over the limit.
class LargeItemsTest : public LargeAnswersTest {
 protected:
  void SetUp() override {
    LargeAnswersTest::SetUp();
    for (int item = 0; item < 100; ++item) {
      listings_.push_back(Of(item, 0));
      listings_.back().set_title(std::string(200'000, 'x'));
      listings_.back().set_item_title("Baju");
      ids_.push_back(listings_.back().item_id());
    }
    shop().SetListings(listings_);
  }

  std::vector<sellercenter::v1::Listing> listings_;
  std::vector<std::string> ids_;
};

TEST_F(LargeItemsTest, DownloadAsksForFewerAtOnce) {
  Scan();

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().created(), 100);
}

TEST_F(LargeItemsTest, ItemScanAsksForFewerAtOnce) {
  const v1::Job job = ScanItems(ids_);

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().created(), 100);
}

TEST_F(LargeItemsTest, LookUpAsksForFewerAtOnce) {
  Scan();
  shop().AddFault(At(1, simulator::FaultKind::kEmptyShop, 1));
  const v1::Job doubtful = Scan();
  ASSERT_EQ(doubtful.state(), v1::JOB_STATE_NEEDS_CONFIRMATION);

  ASSERT_TRUE(engine().ConfirmJob(NameOf(doubtful)).ok());
  const v1::Job job = AwaitEnd(doubtful);

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.progress().removed(), 0);
  EXPECT_THAT(ScanTest::Listings(), SizeIs(100));
}

TEST_F(LargeItemsTest, OneItemThatIsTooLargeIsLeftOut) {
  listings_[5].set_title(std::string(17 << 20, 'x'));
  shop().Upsert(listings_[5]);

  const v1::Job job = ScanItems(ids_);

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  const std::vector<v1::JobItem> told = Items(job);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].item_id(), listings_[5].item_id());
  EXPECT_EQ(told[0].reason(), v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID);
  EXPECT_EQ(told[0].field(), "message");
  EXPECT_THAT(ScanTest::Listings(), SizeIs(listings_.size() - 1));
}

}  // namespace
}  // namespace skulink
