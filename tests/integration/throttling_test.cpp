// Shops that say when they want to be called again: nobody calls them before.
#include <ostream>

#include "absl/time/clock.h"
#include "tests/integration/eventually.h"
#include "tests/integration/sending_fixture.h"
#include "tests/integration/upload_fixture.h"

namespace skulink {
namespace {

using namespace std::chrono_literals;

// Much longer than any pause of our own before a first try again.
constexpr std::chrono::milliseconds kAskedFor = 1500ms;
const absl::Duration kAsked = absl::FromChrono(kAskedFor);

struct ThrottledCall {
  const char* name;
  FaultyCall call;
};

void PrintTo(const ThrottledCall& call, std::ostream* out) { *out << call.name; }

// Of a job, each of which makes other calls.
class ThrottledJobTest : public UploadTest, public testing::WithParamInterface<ThrottledCall> {
 protected:
  v1::Job Run() {
    switch (GetParam().call) {
      case FaultyCall::kGetItems:
        return Download(All(), "other");
      case FaultyCall::kCreateItems:
        return Upload(Products({"p1"}), "other");
      default:
        return Scan("other");
    }
  }
  // That reached the shop, of the kind that is throttled.
  static int Calls(const simulator::SimulatedSellerCenter& shop) {
    const simulator::ShopBooks books = shop.books();
    switch (GetParam().call) {
      case FaultyCall::kDescribeShop:
        return books.describe_shop_calls;
      case FaultyCall::kGetItems:
        return books.get_items_calls;
      case FaultyCall::kCreateItems:
        return books.create_items_calls;
      default:
        return books.list_listings_calls;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(All, ThrottledJobTest,
                         testing::Values(ThrottledCall{"ListListings", FaultyCall::kListListings},
                                         ThrottledCall{"DescribeShop", FaultyCall::kDescribeShop},
                                         ThrottledCall{"GetItems", FaultyCall::kGetItems},
                                         ThrottledCall{"CreateItems", FaultyCall::kCreateItems}),
                         [](const auto& test) { return test.param.name; });

// The call that comes too early would be answered, and end the job too early.
TEST_P(ThrottledJobTest, CallsAgainWhenTheTimeIsOverAndNotBefore) {
  auto& other = AddShop({.throttle_delay = kAskedFor});
  other.SetListings(MakeListings(4));
  ASSERT_EQ(Scan("other").state(), v1::JOB_STATE_SUCCEEDED);
  Import(MakeProduct("p1", {"NEW"}));
  const int calls_before = Calls(other);
  other.AddFault(In(GetParam().call, FaultKind::kThrottledWithDelay, 1));
  const absl::Time start = absl::Now();

  const v1::Job job = Run();

  EXPECT_GE(absl::Now() - start, kAsked);
  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(Calls(other) - calls_before, 2);
}

TEST_F(UploadTest, ACreationThatIsPutOffWaitsForAsLongAsTheShopSays) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  simulator::Refusal refusal = Refusal(sellercenter::v1::WRITE_RESULT_RETRY, 1, "A-1");
  refusal.mutable_retry_after()->set_seconds(1);
  refusal.mutable_retry_after()->set_nanos(500'000'000);
  shop().Refuse(refusal);
  const absl::Time start = absl::Now();

  const v1::Job job = Upload(Products({"p1", "p2"}));

  EXPECT_GE(absl::Now() - start, kAsked);
  EXPECT_EQ(job.transfer().created(), 2) << job.ShortDebugString();
  EXPECT_EQ(shop().books().create_items_calls, 2);
  const simulator::Books books = shop().AllBooks();
  for (const simulator::CreationBooks& creation : books.creations()) {
    EXPECT_EQ(creation.received(), creation.listings(0).seller_sku() == "A-1" ? 2 : 1);
  }
}

TEST_F(SendingTest, StockWaitsForAsLongAsTheShopToldAScan) {
  AddVariants(2);
  Shop& shop = OpenShop("shop", 2, {.throttle_delay = kAskedFor});
  SwitchOn("shop");
  ExpectInStep();
  shop.AddFault({.kind = FaultKind::kThrottledWithDelay, .times = 1});
  const absl::Time start = absl::Now();
  const v1::Job job = Start("shop", engine());
  // The server knows of it.
  ASSERT_TRUE(Eventually([&] {
    return ReasonOf(engine().CheckChannel({"default", "shop"}, absl::Milliseconds(100)).status()) ==
           v1::ERROR_REASON_SELLER_CENTER_THROTTLED;
  }));

  SetStock(1, 77);

  EXPECT_TRUE(Eventually([&] { return TimesSent(shop, 1) == 2; }));
  EXPECT_GE(absl::Now() - start, kAsked);
  EXPECT_EQ(AwaitEnd(job).state(), v1::JOB_STATE_SUCCEEDED);
  ExpectInStep();
}

}  // namespace
}  // namespace skulink
