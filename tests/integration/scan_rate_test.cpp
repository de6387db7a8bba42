#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/integration/scan_fixture.h"
#include "tests/integration/seller_center_fixture.h"

namespace skulink {
namespace {

// Scans of a shop that counts requests.
class ScanRateTest : public ScanTest {
 protected:
  void SetUp() override {
    ScanTest::SetUp();
    limited_.SetListings(MakeListings(200));
    AddChannel("limited", limited_.address());
  }

  simulator::SimulatedSellerCenter limited_{{.max_page_size = 10, .max_requests_per_second = 100}};
};

TEST_F(ScanRateTest, KeepToTheRate) {
  const absl::Time start = absl::Now();
  EXPECT_EQ(Scan("limited").state(), v1::JOB_STATE_SUCCEEDED);

  // The first goes out at once, and ten after a pause.
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(10 * (1 + 20 - 11)));
  EXPECT_EQ(Listings("limited").size(), 200u);
  EXPECT_EQ(limited_.books().list_listings_calls, 20) << "one for each page, when its turn has come";
}

TEST_F(ScanRateTest, GoOnAfterARefusedPage) {
  limited_.AddFault({.kind = simulator::FaultKind::kThrottledWithDelay, .page = 3, .times = 2});
  EXPECT_EQ(Scan("limited").state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Listings("limited").size(), 200u);
}

}  // namespace
}  // namespace skulink
