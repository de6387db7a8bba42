// Listing what was updated since a time, and pages asked for one by one.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/eventually.h"
#include "tests/integration/seller_center_writes_fixture.h"

namespace skulink {
namespace {

using simulator::SimulatedSellerCenter;
using Ids = std::vector<std::string>;

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

// Six listings as of kStart.
class SellerCenterUpdates : public testing::Test {
 protected:
  SellerCenterUpdates() {
    shop_.SetClock(kStart);
    shop_.SetListings(MakeListings(6));
  }

  Listed Since(absl::Time time, int page_size = 100, const std::string& resume_token = "") {
    return List(*center_, {.resume_token = resume_token, .page_size = page_size, .updated_since = time});
  }
  // At that time the listing's stock becomes its number times ten.
  void UpdateAt(absl::Time time, int number) {
    shop_.SetClock(time);
    ASSERT_TRUE(center_->UpdateStock({MakeStockUpdate(number, 10 * number)}).ok());
  }

  SimulatedSellerCenter shop_;
  std::unique_ptr<SellerCenter> center_ = Connect(shop_.address());
};

TEST_F(SellerCenterUpdates, TheShopSaysItsTime) {
  shop_.SetClock(kStart + absl::Milliseconds(1500));
  EXPECT_EQ(center_->DescribeShop()->current_time, kStart + absl::Milliseconds(1500));
}

TEST_F(SellerCenterUpdates, AreThoseAtTheTimeOrLater) {
  UpdateAt(kStart + absl::Seconds(10), 4);
  UpdateAt(kStart + absl::Seconds(20), 2);

  EXPECT_EQ(Since(kStart).Ids().size(), 6u);
  EXPECT_EQ(Since(kStart + absl::Nanoseconds(1)).Ids(), (Ids{"listing-4", "listing-2"}));
  EXPECT_EQ(Since(kStart + absl::Seconds(20)).Ids(), Ids{"listing-2"});
  const Listed none = Since(kStart + absl::Seconds(21));
  EXPECT_TRUE(none.status.ok()) << none.status;
  EXPECT_TRUE(none.Ids().empty());
  EXPECT_EQ(Since(kStart + absl::Seconds(20)).pages.at(0).listings.at(0).stock, 20);
  EXPECT_EQ(Since(kStart + absl::Seconds(10)).pages.at(0).listing_count, 2);
}

TEST_F(SellerCenterUpdates, AtOneTimeAreAllListedPageByPage) {
  const absl::Time later = kStart + absl::Seconds(10);
  for (const int number : {5, 1, 3, 2, 6}) UpdateAt(later, number);

  const Listed first = List(*center_, {.page_size = 2, .updated_since = later, .max_pages = 1});
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.Ids(), (Ids{"listing-5", "listing-1"}));
  const Listed rest = Since(later, 2, first.Token());

  ASSERT_TRUE(rest.status.ok()) << rest.status;
  EXPECT_EQ(rest.Ids(), (Ids{"listing-3", "listing-2", "listing-6"}));
  EXPECT_EQ(rest.pages.back().listing_count, 5);
}

TEST_F(SellerCenterUpdates, InTheMiddleOfTheListingComeAgainAtItsEnd) {
  const Listed first = List(*center_, {.page_size = 4, .updated_since = kStart, .max_pages = 1});
  UpdateAt(kStart + absl::Seconds(1), 2);
  UpdateAt(kStart + absl::Seconds(1), 5);

  const Listed rest = Since(kStart, 4, first.Token());

  EXPECT_EQ(first.Ids(), (Ids{"listing-1", "listing-2", "listing-3", "listing-4"}));
  EXPECT_EQ(rest.Ids(), (Ids{"listing-6", "listing-2", "listing-5"}));
  EXPECT_EQ(rest.pages.back().listing_count, 7) << "never less than were sent";
}

TEST_F(SellerCenterUpdates, TellWhatIsGone) {
  shop_.SetClock(kStart + absl::Seconds(10));
  shop_.Remove("listing-3");

  const Listed gone = Since(kStart + absl::Seconds(10));

  ASSERT_EQ(gone.Ids(), Ids{"listing-3"});
  EXPECT_EQ(gone.pages[0].listings[0].state, ListingState::kDeleted);
  EXPECT_EQ(gone.pages[0].listings[0].seller_sku, "SKU-3");
  EXPECT_EQ(List(*center_, 100).Ids().size(), 5u) << "the whole listing does not have it";
  EXPECT_TRUE(center_->GetItems({"item-2"})->listings.size() == 1);
}

TEST_F(SellerCenterUpdates, WithATokenOfAnotherListingAreRefused) {
  const std::string of_all = List(*center_, 2).pages.at(0).resume_token;
  const std::string of_updates = Since(kStart, 2).pages.at(0).resume_token;

  for (const Listed& listed : {Since(kStart, 2, of_all), List(*center_, 2, of_updates),
                               Since(kStart + absl::Seconds(1), 2, of_updates)}) {
    EXPECT_EQ(listed.status.code(), absl::StatusCode::kFailedPrecondition) << listed.status;
  }
  EXPECT_EQ(shop_.violations().size(), 3u);
}

TEST(SellerCenterWithoutClock, SaysSoAndListsNoUpdates) {
  SimulatedSellerCenter shop({.tells_time = false});
  std::unique_ptr<SellerCenter> center = Connect(shop.address());
  EXPECT_EQ(center->DescribeShop()->current_time, std::nullopt);
  EXPECT_FALSE(List(*center, {.page_size = 2, .updated_since = kStart}).status.ok());
}

TEST_F(SellerCenterUpdates, PagesCanBeAskedForOneByOne) {
  Ids ids;
  std::string token;
  for (int page = 0; page < 3; ++page) {
    const Listed one = List(*center_, {.resume_token = token, .page_size = 2, .max_pages = 1});
    ASSERT_TRUE(one.status.ok()) << one.status;
    ASSERT_EQ(one.pages.size(), 1u);
    for (const std::string& id : one.Ids()) ids.push_back(id);
    token = one.Token();
  }
  EXPECT_EQ(token, "");
  EXPECT_EQ(ids.size(), 6u);
  // Counted once it is known to be sent, which a call for one page does not wait for.
  EXPECT_TRUE(Eventually([&] { return shop_.books().pages_sent == 3; }));
}

}  // namespace
}  // namespace skulink
