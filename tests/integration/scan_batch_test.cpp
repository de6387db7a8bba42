#include "server/sync/scan_batch.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace skulink {
namespace {

// Batches of one page each, of a channel that the store has nothing of.
class ScanBatchTest : public testing::Test {
 protected:
  absl::Status Take(ListingPage page) {
    ScanBatch batch(memory_);
    SKULINK_RETURN_IF_ERROR(batch.Check(page, 0));
    batch.Take(std::move(page));
    return absl::OkStatus();
  }

  ScanMemory memory_{[] { return nullptr; }};
};

TEST_F(ScanBatchTest, PagesWithoutNewsDoNotGoOnForEver) {
  const Listing listing{.listing_id = "l", .item_id = "i", .state = ListingState::kLive};
  int pages = 0;
  absl::Status status;
  for (; status.ok() && pages < 10'000; ++pages) {
    status = Take({.listings = {listing}, .resume_token = absl::StrCat("token", pages)});
  }
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID) << status;
  EXPECT_LT(pages, 2000);
}

TEST_F(ScanBatchTest, EmptyPagesBetweenOthersAreFine) {
  for (int page = 0; page < 3000; ++page) {
    ListingPage next{.resume_token = absl::StrCat("token", page)};
    if (page % 900 == 0) {
      const std::string id = absl::StrCat("l", page);
      next.listings.push_back({.listing_id = id, .item_id = id, .state = ListingState::kLive});
    }
    const absl::Status status = Take(std::move(next));
    ASSERT_TRUE(status.ok()) << status;
  }
}

// A later page, a look-up, or both its price and its option of one answer.
TEST_F(ScanBatchTest, IncompleteListingIsReportedOnce) {
  const Listing listing{.listing_id = "l", .item_id = "i", .state = ListingState::kLive};
  const IncompleteListing incomplete{
      .listing_id = "l", .item_id = "i", .status = absl::DataLossError("price")};
  v1::ScanProgress progress;
  std::size_t reported = 0;
  std::int64_t live_seen = 0;
  for (const char* token : {"1", "2"}) {
    ScanBatch batch(memory_);
    batch.Take({.listings = {listing}, .incomplete = {incomplete}, .resume_token = token});
    batch.TakeIncomplete(incomplete);
    batch.AddTo(progress, live_seen);
    reported += batch.items().size();
  }

  EXPECT_EQ(progress.incomplete(), 1);
  EXPECT_EQ(reported, 1u);
}

}  // namespace
}  // namespace skulink
