#include <gmock/gmock.h>

#include <random>
#include <thread>

#include "absl/time/clock.h"
#include "tests/integration/eventually.h"
#include "tests/integration/sending_fixture.h"

// How stocks and prices reach shops that do what they are asked.
namespace skulink {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(SendingTest, SwitchingOnSendsAllOnce) {
  AddVariants(70);
  Shop& shop = OpenShop("shop", 70, {.max_stock_updates = 7});
  EXPECT_EQ(shop.books().update_stock_calls, 0);

  SwitchOn("shop");

  ExpectInStep();
  EXPECT_EQ(shop.books().update_stock_calls, 10) << "batches are as large as the shop takes";
  for (int number = 1; number <= 70; ++number) EXPECT_EQ(TimesSent(shop, number), 1);
  EXPECT_EQ(shop.books().update_price_calls, 0);
  const SendingTest::Push push = PushOf("shop", 1);
  EXPECT_EQ(push.outcome, "APPLIED");
  EXPECT_EQ(push.attempts, 1);
  EXPECT_FALSE(push.due);
}

TEST_F(SendingTest, OneChangeIsSentAtOnce) {
  AddVariants(3);
  Shop& shop = OpenShop("shop", 3);
  SwitchOn("shop");
  ExpectInStep();
  const absl::Time start = absl::Now();

  SetStock(2, 77);

  EXPECT_TRUE(Eventually([&] { return shop.listing_books(ListingId(2)).listing().stock() == 77; }));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  ExpectInStep();
  EXPECT_EQ(TimesSent(shop, 1), 1);
  EXPECT_EQ(TimesSent(shop, 2), 2);
}

TEST_F(SendingTest, NewestValueWins) {
  AddVariants(12);
  OpenShop("slow", 12, {.max_stock_updates = 3, .write_latency = 7ms});
  OpenShop("quick", 12, {.max_stock_updates = 5, .write_latency = 1ms});
  SwitchOn("slow");
  SwitchOn("quick");

  std::vector<std::thread> callers;
  for (unsigned seed = 0; seed < 3; ++seed) {
    callers.emplace_back([this, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 80; ++i) {
        SetStock(1 + static_cast<int>(random() % 12), static_cast<std::int64_t>(random() % 1000));
        absl::SleepFor(absl::Milliseconds(random() % 20));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();

  ExpectInStep();
}

TEST_F(SendingTest, StockGoesBeforePrices) {
  AddVariants(60);
  Shop& shop = OpenShop("shop", 60, {.max_stock_updates = 5, .max_price_updates = 30, .write_latency = 20ms});

  SwitchOn("shop", /*stock=*/true, /*prices=*/true);

  EXPECT_TRUE(Eventually([&] { return shop.books().update_price_calls > 0; }));
  // What is left is under way.
  EXPECT_GE(shop.books().update_stock_calls, 12);
  ExpectInStep();
}

TEST_F(SendingTest, ShopThatTakesNoPricesIsNotAskedTo) {
  AddVariants(4);
  Shop& shop = OpenShop("shop", 4, {.max_price_updates = 0});

  SwitchOn("shop", /*stock=*/true, /*prices=*/true);

  ASSERT_TRUE(Eventually([&] { return PushOf("shop", 4, v1::PUSH_KIND_PRICE).outcome == "REFUSED"; }));
  EXPECT_THAT(PushOf("shop", 4, v1::PUSH_KIND_PRICE).description, HasSubstr("takes no prices"));
  EXPECT_TRUE(PushOf("shop", 4, v1::PUSH_KIND_PRICE).due);
  EXPECT_TRUE(Eventually([&] { return PushOf("shop", 4).outcome == "APPLIED"; }));
  EXPECT_EQ(shop.books().update_price_calls, 0);
}

TEST_F(SendingTest, ScanRepairsDrift) {
  AddVariants(20);
  Shop& shop = OpenShop("shop", 20);
  SwitchOn("shop");
  ExpectInStep();
  auto drifted = shop.listing_books(ListingId(7)).listing();
  drifted.set_stock(3);
  shop.Upsert(drifted);

  EXPECT_EQ(Scan("shop").state(), v1::JOB_STATE_SUCCEEDED);

  ExpectInStep();
  EXPECT_EQ(TimesSent(shop, 7), 2);
  EXPECT_EQ(TimesSent(shop, 8), 1);
}

TEST_F(SendingTest, ListingThatComesToMatchGetsItsStock) {
  AddVariants(6);
  Shop& shop = OpenShop("shop", 5);
  SwitchOn("shop");
  ExpectInStep();
  shop.Upsert(MakeListing(6));

  Scan("shop");

  ExpectInStep();
  EXPECT_EQ(TimesSent(shop, 6), 1);
}

TEST_F(SendingTest, ListingThatIsLiveAgainIsSentItsStockThoughTheShopNeverTellsOne) {
  AddVariants(1);
  Shop& shop = OpenShop("shop", 1);
  sellercenter::v1::Listing listing = MakeListing(1);
  listing.clear_stock();
  shop.Upsert(listing);
  Scan("shop");
  listing.set_state(sellercenter::v1::LISTING_STATE_INACTIVE);
  shop.Upsert(listing);
  SwitchOn("shop");
  ASSERT_TRUE(Eventually([&] { return PushOf("shop", 1).outcome == "NOT_LIVE"; }));
  listing.set_state(sellercenter::v1::LISTING_STATE_LIVE);
  shop.Upsert(listing);

  Scan("shop");

  ExpectInStep();
}

TEST_F(SendingTest, ChecksOfAChannelKeepToTheLimit) {
  AddVariants(2);
  Shop& shop = OpenShop("shop", 2, {.max_requests_per_second = 40});
  SyncOptions options = Quick();
  options.push.linger = absl::Minutes(1);
  StartEngine(options);
  SwitchOn("shop");
  ExpectInStep();

  for (int i = 0; i < 100; ++i) {
    const auto checked = engine().CheckChannel({"default", "shop"}, absl::Seconds(30));
    EXPECT_TRUE(checked.ok()) << checked.status();
  }

  EXPECT_EQ(shop.books().refused_by_rate, 0);
}

TEST_F(SendingTest, CheckOfAChannelSaysThatTheShopAskedForAPause) {
  Shop& shop = OpenShopThatAsksForAPause();
  SwitchOn("shop");
  ASSERT_TRUE(Eventually([&] { return PushOf("shop", 1).outcome == "RETRYING"; }));
  const int described = shop.books().describe_shop_calls;

  const absl::Status status = engine().CheckChannel({"default", "shop"}, absl::Seconds(30)).status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_THROTTLED) << status;
  EXPECT_GT(RetryAfter(status), absl::Minutes(9));
  EXPECT_EQ(shop.books().describe_shop_calls, described);
}

TEST_F(SendingTest, FourChannelsStayInStepWhileStocksChange) {
  constexpr int kVariants = 1500;
  AddVariants(kVariants);
  for (const char* channel : {"a", "b", "c", "d"}) {
    OpenShop(channel, kVariants);
    SwitchOn(channel);
  }
  std::mt19937 random(1);
  const absl::Time end = absl::Now() + absl::Seconds(3);
  for (int round = 0; absl::Now() < end; ++round) {
    std::map<int, std::int64_t> changes;
    for (int i = 0; i < 50; ++i) changes[1 + static_cast<int>(random() % kVariants)] = round;
    SetStock({changes.begin(), changes.end()}, database());
    engine().WakePushes();
  }
  ExpectInStep();
}

TEST_F(SendingTest, ChannelIsGivenBackWhenNothingIsLeft) {
  AddVariants(2);
  OpenShop("shop", 2);
  SwitchOn("shop");
  ExpectInStep();
  constexpr char kOwned[] = "SELECT COUNT(*) FROM channel_traffic WHERE owner <> ''";

  EXPECT_TRUE(Eventually([&] { return Number(kOwned) == 0; }));

  SetStock(1, 4);
  ExpectInStep();
  StopEngine();
  EXPECT_EQ(Number(kOwned), 0);
}

TEST_F(SendingTest, NothingIsSentOnceSwitchedOff) {
  AddVariants(2);
  Shop& shop = OpenShop("shop", 2);
  SwitchOn("shop");
  ExpectInStep();
  SwitchOn("shop", /*stock=*/false);

  SetStock(1, 4);

  EXPECT_EQ(Scan("shop").state(), v1::JOB_STATE_SUCCEEDED);  // something that takes a while
  EXPECT_EQ(TimesSent(shop, 1), 1);
}

TEST_F(SendingTest, LittleIsSentOnceSwitchedOffWhileMuchWaits) {
  AddVariants(200);
  Shop& shop = OpenShop("shop", 200, {.max_stock_updates = 1, .write_latency = 40ms});
  SwitchOn("shop");
  EXPECT_TRUE(Eventually([&] { return shop.books().update_stock_calls >= 10; }));

  SwitchOn("shop", /*stock=*/false);

  const int before = shop.books().update_stock_calls;
  EXPECT_TRUE(
      Eventually([&] { return Number("SELECT COUNT(*) FROM channel_traffic WHERE owner <> ''") == 0; }));
  EXPECT_LT(shop.books().update_stock_calls, before + 100);
}

TEST_F(SendingTest, ShopThatMovedIsFollowed) {
  AddVariants(2);
  OpenShop("shop", 2);
  SwitchOn("shop");
  ExpectInStep();
  Shop moved;
  moved.SetListings(MakeListings(2));

  Execute("UPDATE channel SET endpoint = '" + moved.address() + "'");
  EXPECT_TRUE(Eventually([&] {
    SetStock(1, 5);
    SetStock(1, 6);
    return moved.books().update_stock_calls > 0;
  }));
  // The shop that it left is not asked any more.
  Execute("UPDATE channel SET stock_sync = 0, price_sync = 0");
}

}  // namespace
}  // namespace skulink
