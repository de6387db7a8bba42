// Whose turn it is when a shop takes few requests a second: stock goes before whatever jobs ask for.
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/names.h"
#include "tests/integration/eventually.h"
#include "tests/integration/sending_fixture.h"

namespace skulink {
namespace {

// Between two turns there is time to say who wants the next one, also on a machine that is busy.
constexpr double kRequestsPerSecond = 10;
// Calls that stock needs, while a job that is under way needs at least as many.
constexpr int kStockCalls = 20;

class SendingPriorityTest : public SendingTest {
 protected:
  using Count = std::int64_t (*)(const simulator::ShopBooks&);

  template <typename Request>
  v1::Job StartTransfer(v1::JobKind kind, const Request& request) {
    return engine()
        .StartJob({.channel = {"default", "shop"}, .kind = kind, .request = request.SerializeAsString()})
        .value();
  }
  void SetStocks() {
    std::vector<std::pair<int, std::int64_t>> quantities;
    for (int number = 1; number <= kStockCalls; ++number) quantities.emplace_back(number, 5);
    SetStock(quantities, database());
    engine().WakePushes();
  }

  // What the job asks for reaches the shop before the first of the stock calls, which `begin` causes, and
  // after the last, but not between them. A job that had every other turn would get in 20 times, one that had
  // every third 10 times. Looking late makes it fewer, never more.
  template <typename Begin>
  void ExpectStockFirst(const Shop& shop, const v1::Job& job, Count count, std::int64_t count_before,
                        const Begin& begin) {
    ASSERT_TRUE(Eventually([&] { return count(shop.books()) > count_before; }));
    const int stock_calls_before = shop.books().update_stock_calls;
    begin();
    std::optional<std::int64_t> at_first;
    std::int64_t at_last = 0;
    EXPECT_TRUE(Eventually([&] {
      const simulator::ShopBooks books = shop.books();
      const int stock_calls = books.update_stock_calls - stock_calls_before;
      if (stock_calls > 0 && stock_calls < kStockCalls) {
        at_last = count(books);
        at_first = at_first.value_or(at_last);
      }
      return stock_calls >= kStockCalls;
    }));
    EXPECT_LE(at_last - at_first.value_or(0), kStockCalls / 5) << "the job had turns that were stock's";
    EXPECT_EQ(AwaitEnd(job).state(), v1::JOB_STATE_SUCCEEDED);
    EXPECT_GE(count(shop.books()) - at_last, kStockCalls / 2) << "the job had enough left to ask for";
    ExpectInStep();
    EXPECT_EQ(shop.books().refused_by_rate, 0);
  }
};

TEST_F(SendingPriorityTest, StockGoesBeforePagesOfScans) {
  Shop& shop =
      OpenShop("shop", 5 * kStockCalls,
               {.max_page_size = 5, .max_stock_updates = 5, .max_requests_per_second = kRequestsPerSecond});
  SwitchOn("shop");
  const std::int64_t pages = shop.books().pages_sent;
  const v1::Job job = Start("shop", engine());

  ExpectStockFirst(
      shop, job, [](const simulator::ShopBooks& books) { return books.pages_sent; }, pages,
      [this] {
        AddVariants(5 * kStockCalls);
        engine().WakePushes();
      });
}

TEST_F(SendingPriorityTest, StockGoesBeforeItemsOfDownloads) {
  AddVariants(kStockCalls);
  // Two listings make an item.
  Shop& shop = OpenShop(
      "shop", 3 * kStockCalls + 8,
      {.max_items_per_get = 1, .max_stock_updates = 1, .max_requests_per_second = kRequestsPerSecond});
  SwitchOn("shop");
  ExpectInStep();
  const int asked = shop.books().get_items_calls;
  v1::StartDownloadRequest request;
  request.set_all(true);
  request.set_with_stock(true);
  const v1::Job job = StartTransfer(v1::JOB_KIND_DOWNLOAD, request);

  ExpectStockFirst(
      shop, job, [](const simulator::ShopBooks& books) { return std::int64_t{books.get_items_calls}; }, asked,
      [this] { SetStocks(); });
}

TEST_F(SendingPriorityTest, StockGoesBeforeItemsOfUploads) {
  AddVariants(2 * kStockCalls + 4);
  Shop& shop = OpenShop(
      "shop", kStockCalls,
      {.max_items_per_create = 1, .max_stock_updates = 1, .max_requests_per_second = kRequestsPerSecond});
  SwitchOn("shop");
  ExpectInStep();
  v1::StartUploadRequest request;
  for (int number = kStockCalls + 1; number <= 2 * kStockCalls + 4; ++number) {
    request.add_products(ToString(ProductName{"default", "product-" + std::to_string(number)}));
  }
  const v1::Job job = StartTransfer(v1::JOB_KIND_UPLOAD, request);

  ExpectStockFirst(
      shop, job, [](const simulator::ShopBooks& books) { return std::int64_t{books.create_items_calls}; }, 0,
      [this] { SetStocks(); });
}

}  // namespace
}  // namespace skulink
