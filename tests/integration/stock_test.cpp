// Stocks that are set and adjusted, and what callers may repeat.
#include "server/store/stock.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/product_rules.h"
#include "server/store/push_list.h"
#include "tests/integration/push_fixture.h"

namespace skulink {
namespace {

using store::StockRequest;
using store::VariantChoice;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kMost = kMaxStock;

VariantChoice BySku(const std::string& sku) { return {.sku = sku}; }
VariantChoice ByName(const std::string& product) { return {.product_id = product, .variant_id = "v"}; }

class Stock : public PushFixture {
 protected:
  absl::StatusOr<v1::SetStockResponse> Change(StockRequest::Kind kind,
                                              const std::vector<store::StockChange>& changes,
                                              const std::string& request_id = "",
                                              const std::string& merchant = "shop") {
    std::string content;
    for (const store::StockChange& change : changes) {
      absl::StrAppend(&content, change.variant.sku.value_or(change.variant.product_id), change.quantity, ";");
    }
    return store::ChangeStock(
        *database_, merchant,
        {.kind = kind, .changes = changes, .request_id = request_id, .request = content});
  }
  auto Set(const std::vector<store::StockChange>& changes, const std::string& request_id = "") {
    return Change(StockRequest::Kind::kSet, changes, request_id);
  }
  auto Adjust(const std::vector<store::StockChange>& changes, const std::string& request_id = "") {
    return Change(StockRequest::Kind::kAdjust, changes, request_id);
  }
  std::optional<std::int64_t> StockOf(const std::string& product) {
    const auto read = store::GetProduct(*database_, "shop", product);
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? read->variants.at(0).stock : std::nullopt;
  }
  static std::vector<std::int64_t> Stocks(const absl::StatusOr<v1::SetStockResponse>& response) {
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::int64_t> stocks;
    if (!response.ok()) return stocks;
    for (const v1::VariantStock& stock : response->stocks()) stocks.push_back(stock.stock());
    return stocks;
  }
};

TEST_F(Stock, IsSetByNameAndBySkuAndSent) {
  const int web = Channel("web");
  Put("p", "S", std::nullopt);
  Put("q", "T", 1);
  Put("r", "", 1);
  Scan(web, {.created = {Live("a", "S"), Live("b", "S"), Live("c", "T")}});
  const std::int64_t version = store::GetProduct(*database_, "shop", "p")->version;

  EXPECT_THAT(Stocks(Set({{BySku(" S "), 5}, {ByName("q"), 7}, {ByName("r"), 9}})), ElementsAre(5, 7, 9));
  EXPECT_THAT(Send(web), ElementsAre("a 5", "b 5", "c 7"));
  EXPECT_EQ(StockOf("r"), 9);
  EXPECT_EQ(store::GetProduct(*database_, "shop", "p")->version, version + 1) << "read before, it is old now";
  EXPECT_THAT(Stocks(Set({{BySku("S"), 5}})), ElementsAre(5));
  EXPECT_THAT(Due(web), IsEmpty());
  EXPECT_EQ(store::GetProduct(*database_, "shop", "p")->version, version + 1) << "nothing was changed";
  ExpectVerified(*database_);
}

TEST_F(Stock, IsAdjustedInOrder) {
  Put("p", "S", 5);
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), -5}, {ByName("p"), 3}})), ElementsAre(3, 3));
  const auto refused = Adjust({{ByName("p"), 1}, {BySku("S"), -5}, {BySku("S"), 10}});
  EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_STOCK_BELOW_ZERO);
  EXPECT_EQ(FieldOf(refused.status()), "adjustments[1].delta");
  EXPECT_EQ(MetadataOf(refused.status(), "variant"), "merchants/shop/products/p/variants/v");
  EXPECT_EQ(StockOf("p"), 3);
}

TEST_F(Stock, FallsBelowZeroWhereTheMerchantAllowsIt) {
  const int web = Channel("web");
  Put("p", "S", 5);
  Scan(web, {.created = {Live("a", "S")}});
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.allow_negative_stock = true}).ok());
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), -8}})), ElementsAre(-3));
  EXPECT_THAT(Send(web), ElementsAre("a 0"));
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.allow_negative_stock = false}).ok());
  EXPECT_EQ(ReasonOf(Adjust({{BySku("S"), -1}}).status()), v1::ERROR_REASON_STOCK_BELOW_ZERO);
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 1}})), ElementsAre(-2)) << "the right way";
  ExpectVerified(*database_);
}

TEST_F(Stock, FallsNoFurtherThanAStockCan) {
  const int web = Channel("web");
  Put("p", "S", 0);
  Put("q", "T", 5);
  Scan(web, {.created = {Live("a", "S"), Live("b", "T")}});
  ASSERT_TRUE(store::UpdateMerchant(*database_, "shop", {.allow_negative_stock = true}).ok());
  ASSERT_THAT(Stocks(Adjust({{BySku("S"), -kMost}})), ElementsAre(-kMost)) << "as far as it goes";
  Send(web);
  const std::int64_t version = store::GetProduct(*database_, "shop", "p")->version;

  for (const std::int64_t delta : {std::int64_t{-1}, -kMost}) {
    const auto refused = Adjust({{BySku("T"), -1}, {BySku("S"), delta}});
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument) << refused.status();
    EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_VALUE_OUT_OF_RANGE) << refused.status();
    EXPECT_EQ(FieldOf(refused.status()), "adjustments[1].delta") << refused.status();
  }

  EXPECT_EQ(StockOf("p"), -kMost);
  EXPECT_EQ(StockOf("q"), 5) << "all or nothing";
  EXPECT_EQ(store::GetProduct(*database_, "shop", "p")->version, version);
  EXPECT_THAT(Due(web), IsEmpty());
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 1}})), ElementsAre(1 - kMost)) << "the right way";
  ExpectVerified(*database_);
}

TEST_F(Stock, RefusalsNameTheFieldAndWriteNothing) {
  Put("p", "S", kMost - 1);
  Put("q", "T", std::nullopt);
  const auto expect = [&](const absl::StatusOr<v1::SetStockResponse>& answer, v1::ErrorReason reason,
                          const std::string& field) {
    EXPECT_EQ(ReasonOf(answer.status()), reason) << answer.status();
    EXPECT_EQ(FieldOf(answer.status()), field) << answer.status();
  };
  expect(Adjust({{BySku("S"), -1}, {BySku("T"), 1}}), v1::ERROR_REASON_STOCK_UNKNOWN, "adjustments[1].delta");
  expect(Adjust({{BySku("S"), 2}}), v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "adjustments[0].delta");
  expect(Adjust({{BySku("S"), kMost}}), v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "adjustments[0].delta");
  expect(Set({{BySku("S"), 1}, {BySku("none"), 1}}), v1::ERROR_REASON_NOT_FOUND, "settings[1].variant");
  expect(Set({{BySku("S"), 1}, {ByName("none"), 1}}), v1::ERROR_REASON_NOT_FOUND, "settings[1].variant");
  expect(Set({{BySku("S"), 1}, {ByName("p"), 1}}), v1::ERROR_REASON_FORMAT_INVALID, "settings[1].variant");
  EXPECT_EQ(StockOf("p"), kMost - 1);
}

TEST_F(Stock, OfAnotherMerchantIsNotFound) {
  CreateShop(*database_, "other");
  Put("p", "S", 5);
  EXPECT_EQ(ReasonOf(Change(StockRequest::Kind::kSet, {{BySku("S"), 1}}, "", "other").status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Change(StockRequest::Kind::kSet, {{ByName("p"), 1}}, "", "other").status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(StockOf("p"), 5);
  // Their request ids have nothing to do with each other either.
  const auto created = store::CreateProduct(
      *database_, "other", {.id = "p", .name = "p", .variants = {{.id = "v", .sku = "S", .stock = 1}}});
  ASSERT_TRUE(created.ok());
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 1}}, "id")), ElementsAre(6));
  EXPECT_THAT(Stocks(Change(StockRequest::Kind::kAdjust, {{BySku("S"), 1}}, "id", "other")), ElementsAre(2));
}

TEST_F(Stock, ARequestThatIsRepeatedIsAnsweredAgainAndNotDoneAgain) {
  Put("p", "S", 5);
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 1}}, "one")), ElementsAre(6));
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 1}}, "two")), ElementsAre(7));
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 1}}, "one")), ElementsAre(6)) << "as it was answered";
  EXPECT_EQ(StockOf("p"), 7);
  const auto other = Adjust({{BySku("S"), 2}}, "one");
  EXPECT_EQ(ReasonOf(other.status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(FieldOf(other.status()), "request_id");
  EXPECT_EQ(ReasonOf(Set({{BySku("S"), 1}}, "one").status()), v1::ERROR_REASON_REQUEST_ID_REUSED);
  EXPECT_EQ(ReasonOf(Adjust({{BySku("S"), -100}}, "three").status()), v1::ERROR_REASON_STOCK_BELOW_ZERO);
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), -1}}, "three")), ElementsAre(6)) << "a refusal is not kept";
}

TEST_F(Stock, AnswersAreForgottenAfterADay) {
  Put("p", "S", 5);
  Stocks(Adjust({{BySku("S"), 1}}, "old"));
  const auto count = [&] {
    std::int64_t rows = 0;
    EXPECT_TRUE(database_
                    ->Read([&](store::Session& session) {
                      session.Query("SELECT COUNT(*) FROM answered_request", {},
                                    [&](const store::Row& row) { rows = row.Int(0); });
                    })
                    .ok());
    return rows;
  };
  const absl::Status aged = database_->Transact([&](store::Session& session) {
    session.Execute("UPDATE answered_request SET create_time = create_time - 86400000000");
  });
  ASSERT_TRUE(aged.ok()) << aged;
  EXPECT_THAT(Stocks(Adjust({{BySku("S"), 2}}, "old")), ElementsAre(8)) << "it may be used again";
  EXPECT_EQ(count(), 1);
  ASSERT_TRUE(database_
                  ->Transact([&](store::Session& session) {
                    session.Execute("UPDATE answered_request SET create_time = create_time - 86400000000");
                  })
                  .ok());
  Stocks(Adjust({{BySku("S"), 1}}, "new"));
  EXPECT_EQ(count(), 1) << "the old one is removed in passing";
}

TEST_F(Stock, AThousandConcurrentAdjustmentsEndAtTheirSum) {
  const int web = Channel("web");
  Put("p", "S", 1000);
  Scan(web, {.created = {Live("a", "S"), Live("b", "S")}});
  constexpr int kThreads = 16, kEach = 63;
  std::atomic<std::int64_t> sum = 1000;
  std::atomic<int> done = 0;
  {
    std::vector<std::jthread> callers;
    for (int t = 0; t < kThreads; ++t) {
      callers.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::int64_t delta = (t * 7 + i * 3) % 11 - 5;
          const auto adjusted = Adjust({{BySku("S"), delta}}, absl::StrCat(t, "-", i));
          if (adjusted.ok()) sum += delta;
          EXPECT_TRUE(adjusted.ok()) << adjusted.status();
          ++done;
        }
      });
    }
    // A server that sends meanwhile.
    while (done < kThreads * kEach) Send(web);
  }
  EXPECT_EQ(StockOf("p"), sum.load());
  Send(web);
  EXPECT_EQ(ListedStock(web, "a"), sum.load());
  EXPECT_EQ(ListedStock(web, "b"), sum.load());
  ExpectVerified(*database_);
}

TEST_F(Stock, ALargeCallIsOneTransaction) {
  const int web = Channel("web");
  std::vector<store::ImportRow> rows;
  store::ListingChanges listings;
  std::vector<store::StockChange> changes;
  for (int i = 0; i < 1000; ++i) {
    const std::string sku = absl::StrCat("S", i);
    rows.push_back({.line = i, .product = {.id = sku, .name = sku, .variants = {{.id = "v", .sku = sku}}}});
    listings.created.push_back(Live(sku, sku));
    changes.push_back({i % 2 == 0 ? BySku(sku) : ByName(sku), i});
  }
  ASSERT_TRUE(store::ImportProducts(*database_, "shop", rows).ok());
  Scan(web, listings);
  EXPECT_EQ(Stocks(Set(changes)).at(999), 999);
  EXPECT_EQ(Due(web).size(), 1000);
  ExpectVerified(*database_);
}

class PushList : public Stock {
 protected:
  PushList() {
    for (const char* id : {"x", "w"}) {
      const int channel = Channel(id);
      Scan(channel, {.created = {Live("a", "S"), Live("b", "S"), Live("c", "T")}});
    }
    Put("p", "S", 5);
    Put("q", "T", 6);
  }
  std::vector<std::string> Pages(store::PushQuery query, int page_size) {
    std::vector<std::string> rows;
    query.limit = page_size;
    do {
      const auto page = store::ListPushes(*database_, "shop", query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->pushes.size(), static_cast<std::size_t>(page_size));
      for (const v1::Push& push : page->pushes) {
        rows.push_back(absl::StrCat(push.listing().substr(std::string("merchants/shop/channels/").size()),
                                    " ", push.sku(), " ", push.quantity()));
      }
      query.after = page->next;
    } while (!query.after.empty());
    return rows;
  }
};

TEST_F(PushList, GoesByChannelThenListing) {
  for (const int page_size : {1, 2, 3, 6, 7, 1000}) {
    EXPECT_THAT(Pages({}, page_size),
                ElementsAre("x/listings/a S 5", "x/listings/b S 5", "x/listings/c T 6", "w/listings/a S 5",
                            "w/listings/b S 5", "w/listings/c T 6"));
    EXPECT_THAT(Pages({.channel_id = "w"}, page_size),
                ElementsAre("w/listings/a S 5", "w/listings/b S 5", "w/listings/c T 6"));
    EXPECT_THAT(Pages({.variant = BySku("T")}, page_size),
                ElementsAre("x/listings/c T 6", "w/listings/c T 6"));
    EXPECT_THAT(Pages({.variant = ByName("p"), .channel_id = "w"}, page_size),
                ElementsAre("w/listings/a S 5", "w/listings/b S 5"));
  }
}

TEST_F(PushList, IsFilteredByOutcome) {
  Send(0);
  Put("p", "S", 8);
  const std::vector<v1::PushOutcome> applied = {v1::PUSH_OUTCOME_APPLIED};
  for (const int page_size : {1, 2, 1000}) {
    EXPECT_THAT(Pages({.channel_id = "x", .outcomes = applied}, page_size), ElementsAre("x/listings/c T 6"));
    EXPECT_THAT(Pages({.channel_id = "w", .outcomes = applied}, page_size), IsEmpty());
    EXPECT_THAT(Pages({.variant = BySku("T"), .outcomes = applied}, page_size),
                ElementsAre("x/listings/c T 6"));
  }
}

TEST_F(PushList, SaysWhatBecameOfEach) {
  Answer(0, {{.push = Due(0).at(0),
              .outcome = v1::PUSH_OUTCOME_REFUSED_RESERVED,
              .description = "3 are reserved",
              .again_after = absl::Minutes(5)}});
  const auto page = store::ListPushes(*database_, "shop", {.channel_id = "x", .limit = 1});
  ASSERT_TRUE(page.ok()) << page.status();
  const v1::Push& push = page->pushes.at(0);
  EXPECT_EQ(push.listing(), "merchants/shop/channels/x/listings/a");
  EXPECT_EQ(push.variant(), "merchants/shop/products/p/variants/v");
  EXPECT_EQ(push.kind(), v1::PUSH_KIND_STOCK);
  EXPECT_EQ(push.outcome(), v1::PUSH_OUTCOME_REFUSED_RESERVED);
  EXPECT_EQ(push.description(), "3 are reserved");
  EXPECT_EQ(push.attempts(), 1);
  EXPECT_TRUE(push.has_attempt_time());
  EXPECT_TRUE(push.has_change_time());
  EXPECT_GT(push.next_attempt_time().seconds(), push.attempt_time().seconds() + 200);
  EXPECT_FALSE(push.has_apply_time());
  EXPECT_GE(push.age().seconds() * 1'000'000'000 + push.age().nanos(), 0);
}

TEST_F(PushList, RefusesWhatIsNotThere) {
  CreateShop(*database_, "other");
  const auto reason = [&](const std::string& merchant, const store::PushQuery& query) {
    return ReasonOf(store::ListPushes(*database_, merchant, query).status());
  };
  EXPECT_EQ(reason("shop", {.channel_id = "none", .limit = 1}), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(reason("shop", {.variant = BySku("none"), .limit = 1}), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(reason("none", {.limit = 1}), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(reason("other", {.channel_id = "x", .limit = 1}), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(reason("other", {.variant = BySku("S"), .limit = 1}), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_TRUE(store::ListPushes(*database_, "other", {.limit = 1})->pushes.empty());
}

}  // namespace
}  // namespace skulink
