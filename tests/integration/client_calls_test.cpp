#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "absl/time/clock.h"
#include "tests/integration/client_fake_server.h"

namespace skulink {
namespace {

v1::Merchant MerchantNamed(const std::string& name) {
  v1::Merchant merchant;
  merchant.set_name(name);
  return merchant;
}

TEST(ClientCalls, ReadIsTriedAgainWhenTheServerIsGone) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.merchants.get = [&]() -> absl::StatusOr<v1::Merchant> {
    if (++calls < 3) return ServerIsGone();
    return MerchantNamed("merchants/toko");
  };
  server.Start();

  const absl::StatusOr<v1::Merchant> merchant = server.Connect().GetMerchant("merchants/toko");

  ASSERT_TRUE(merchant.ok()) << merchant.status();
  EXPECT_EQ(merchant->name(), "merchants/toko");
  EXPECT_EQ(calls, 3);
}

TEST(ClientCalls, ReadThatGetsNoAnswerEnds) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.merchants.get = [&] {
    ++calls;
    return ServerIsGone();
  };
  server.Start();

  const absl::StatusOr<v1::Merchant> merchant = server.Connect().GetMerchant("merchants/toko");

  EXPECT_EQ(merchant.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls, 5);
}

TEST(ClientCalls, CreationIsNotTriedAgain) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.merchants.create = [&] {
    ++calls;
    return ServerIsGone();
  };
  server.Start();

  const absl::StatusOr<v1::Merchant> merchant = server.Connect().CreateMerchant("toko");

  EXPECT_EQ(merchant.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);
}

TEST(ClientCalls, UpdateIsTriedAgainOnlyWithItsEtag) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.merchants.update = [&]() -> absl::StatusOr<v1::Merchant> {
    if (++calls == 1) return ServerIsGone();
    return MerchantNamed("merchants/toko");
  };
  server.Start();
  Client client = server.Connect();
  v1::Merchant merchant = MerchantNamed("merchants/toko");

  const absl::Status without = client.UpdateMerchant(merchant).status();
  EXPECT_EQ(without.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(calls, 1);

  calls = 0;
  merchant.set_etag("1");
  EXPECT_TRUE(client.UpdateMerchant(merchant).ok());
  EXPECT_EQ(calls, 2);
}

TEST(ClientCalls, WaitsAsLongAsTheServerAsksForBeyondTheUsualTries) {
  FakeServer server;
  std::vector<absl::Time> calls;
  server.merchants.get = [&]() -> absl::StatusOr<v1::Merchant> {
    calls.push_back(absl::Now());
    if (calls.size() < 8) return Unavailable(v1::ERROR_REASON_REKEYING, "rekeying", absl::Milliseconds(60));
    return MerchantNamed("merchants/toko");
  };
  server.Start();

  EXPECT_TRUE(server.Connect().GetMerchant("merchants/toko").ok());

  server.Stop();
  ASSERT_EQ(calls.size(), 8u);
  for (std::size_t i = 1; i < calls.size(); ++i) EXPECT_GE(calls[i] - calls[i - 1], absl::Milliseconds(60));
}

TEST(ClientCalls, TimeoutBoundsAllTriesTogether) {
  FakeServer server;
  server.merchants.get = [] {
    return Unavailable(v1::ERROR_REASON_REKEYING, "rekeying", absl::Milliseconds(50));
  };
  server.Start();
  const absl::Time start = absl::Now();

  const absl::Status status =
      server.Connect({.timeout = absl::Milliseconds(400)}).GetMerchant("merchants/toko").status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_REKEYING);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST(ClientCalls, SellerCenterThatIsDownIsNotTriedAgain) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.channels.check = [&] {
    ++calls;
    return Unavailable(v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE, "refused", absl::Seconds(1));
  };
  server.Start();

  const absl::Status status = server.Connect().CheckChannel("merchants/toko/channels/shopee").status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE);
  EXPECT_EQ(calls, 1);
}

TEST(ClientCalls, ErrorsKeepReasonFieldAndMessage) {
  FakeServer server;
  server.merchants.create = [] {
    return InvalidField("merchant.currency_code", v1::ERROR_REASON_CURRENCY_UNKNOWN, "is not a currency");
  };
  server.Start();

  const absl::Status status = server.Connect().CreateMerchant("toko").status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "merchant.currency_code is not a currency");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CURRENCY_UNKNOWN);
  EXPECT_EQ(FieldOf(status), "merchant.currency_code");
}

TEST(ClientCalls, PagesAreOneRangeAlsoWhenOneIsEmpty) {
  FakeServer server;
  std::vector<std::string> tokens;
  server.merchants.list = [&](const v1::ListMerchantsRequest& request) {
    tokens.push_back(request.page_token());
    v1::ListMerchantsResponse page;
    if (request.page_token().empty()) {
      *page.add_merchants() = MerchantNamed("merchants/a");
      *page.add_merchants() = MerchantNamed("merchants/b");
      page.set_next_page_token("second");
    } else if (request.page_token() == "second") {
      page.set_next_page_token("third");
    } else {
      *page.add_merchants() = MerchantNamed("merchants/c");
    }
    return page;
  };
  server.Start();
  Client client = server.Connect();

  Pages<v1::Merchant> merchants = client.ListMerchants();
  std::vector<std::string> names;
  for (const v1::Merchant& merchant : merchants) names.push_back(merchant.name());

  EXPECT_TRUE(merchants.status().ok()) << merchants.status();
  EXPECT_EQ(names, (std::vector<std::string>{"merchants/a", "merchants/b", "merchants/c"}));
  server.Stop();
  EXPECT_EQ(tokens, (std::vector<std::string>{"", "second", "third"}));
}

TEST(ClientCalls, RangeEndsWithTheErrorOfAPage) {
  FakeServer server;
  server.merchants.list =
      [](const v1::ListMerchantsRequest& request) -> absl::StatusOr<v1::ListMerchantsResponse> {
    if (!request.page_token().empty()) return absl::InternalError("broken");
    v1::ListMerchantsResponse page;
    *page.add_merchants() = MerchantNamed("merchants/a");
    page.set_next_page_token("second");
    return page;
  };
  server.Start();
  Client client = server.Connect();

  Pages<v1::Merchant> merchants = client.ListMerchants();
  int rows = 0;
  for ([[maybe_unused]] const v1::Merchant& merchant : merchants) ++rows;

  EXPECT_EQ(rows, 1);
  EXPECT_EQ(merchants.status().code(), absl::StatusCode::kInternal);
}

TEST(ClientCalls, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(FieldOf(Client::Connect({.server = ""}).status()), "server");
  EXPECT_EQ(FieldOf(Client::Connect({.server = "http://localhost:1"}).status()), "server");
  EXPECT_EQ(FieldOf(Client::Connect({.timeout = absl::ZeroDuration()}).status()), "timeout");
}

}  // namespace
}  // namespace skulink
