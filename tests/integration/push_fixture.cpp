#include "tests/integration/push_fixture.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "server/store/merchants.h"
#include "server/store/products.h"

namespace skulink {
namespace {

std::string NameOf(std::int64_t outcome) {
  const std::string name = v1::PushOutcome_Name(static_cast<v1::PushOutcome>(outcome));
  return name.substr(std::string_view("PUSH_OUTCOME_").size());
}

}  // namespace

store::ChannelTraffic OwnTraffic(store::Database& database, int channel, const std::string& merchant) {
  store::ChannelTraffic traffic{
      .merchant_id = merchant, .channel_number = channel, .owner = "test", .fence = 1};
  const absl::Status owned = database.Transact([&](store::Session& session) {
    traffic.merchant_number = store::RequireMerchant(session, merchant).number;
    session.Execute(
        "INSERT INTO channel_traffic (merchant_no, channel_no, owner, fence, lease_until) VALUES (?, ?, "
        "'test', 1, ?) ON DUPLICATE KEY UPDATE owner = 'test', fence = 1, lease_until = VALUES(lease_until)",
        {traffic.merchant_number, channel, INT64_MAX});
  });
  EXPECT_TRUE(owned.ok()) << owned;
  return traffic;
}

int PlanAll(store::Database& database, const store::ChannelTraffic& traffic) {
  for (int steps = 1;; ++steps) {
    const auto done = store::PlanSomeOfAll(database, traffic);
    EXPECT_TRUE(done.ok()) << done.status();
    if (!done.ok() || *done) return steps;
  }
}

int PushFixture::Channel(const std::string& id, const store::StockSync& stock_sync, bool price_sync) {
  const auto created = store::CreateChannel(*database_, "shop",
                                            {.id = id,
                                             .display_name = id,
                                             .endpoint = "localhost:1",
                                             .stock_sync = stock_sync,
                                             .price_sync = price_sync});
  EXPECT_TRUE(created.ok()) << created.status();
  return created.ok() ? created->number : -1;
}

void PushFixture::Sync(const std::string& channel, const store::StockSync& stock_sync, bool price_sync) {
  const auto updated =
      store::UpdateChannel(*database_, "shop", channel, {.stock_sync = stock_sync, .price_sync = price_sync});
  EXPECT_TRUE(updated.ok()) << updated.status();
}

void PushFixture::Put(const std::string& product, const std::string& sku, std::optional<std::int64_t> stock,
                      std::optional<std::int64_t> price) {
  store::Variant variant{.id = "v", .sku = sku, .stock = stock};
  if (price) variant.price = Money{*price, "IDR"};
  const auto imported = store::ImportProducts(
      *database_, "shop", {{.line = 1, .product = {.id = product, .name = product, .variants = {variant}}}});
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_TRUE(imported->refused.empty());
}

Listing PushFixture::Live(const std::string& id, const std::string& sku, std::optional<std::int64_t> stock) {
  return {.listing_id = id,
          .item_id = "i" + id,
          .name = id,
          .seller_sku = sku,
          .state = ListingState::kLive,
          .stock = stock};
}

void PushFixture::Scan(int channel, const store::ListingChanges& changes) {
  const absl::Status changed = ChangeListings(*database_, channel, changes);
  ASSERT_TRUE(changed.ok()) << changed;
}

std::vector<std::string> PushFixture::Pushes(int channel) {
  std::vector<std::string> texts;
  const absl::Status read = database_->Read([&](store::Session& session) {
    texts.clear();
    session.Query(
        "SELECT listing_id, kind, quantity, outcome, due IS NOT NULL FROM push WHERE channel_no = ? "
        "ORDER BY listing_id, kind",
        {channel}, [&](const store::Row& row) {
          texts.push_back(absl::StrCat(row.String(0), row.Int(1) == 1 ? " stock " : " price ", row.Int(2),
                                       " ", NameOf(row.Int(3)), row.Int(4) != 0 ? " due" : ""));
        });
  });
  EXPECT_TRUE(read.ok()) << read;
  return texts;
}

std::vector<store::DuePush> PushFixture::Due(int channel, v1::PushKind kind) {
  const auto due = store::DuePushes(*database_, Own(channel), kind, 100'000);
  EXPECT_TRUE(due.ok()) << due.status();
  return due.ok() ? *due : std::vector<store::DuePush>();
}

void PushFixture::Answer(int channel, const std::vector<store::PushAnswer>& answers) {
  const absl::Status saved = store::SavePushAnswers(*database_, Own(channel), answers);
  EXPECT_TRUE(saved.ok()) << saved;
}

std::vector<std::string> PushFixture::Send(int channel, v1::PushKind kind) {
  std::vector<store::PushAnswer> answers;
  std::vector<std::string> sent;
  for (const store::DuePush& push : Due(channel, kind)) {
    sent.push_back(absl::StrCat(push.listing_id, " ", push.quantity));
    answers.push_back({.push = push, .outcome = v1::PUSH_OUTCOME_APPLIED});
  }
  Answer(channel, answers);
  std::sort(sent.begin(), sent.end());
  return sent;
}

std::optional<std::int64_t> PushFixture::ListedStock(int channel, const std::string& listing) {
  std::optional<std::int64_t> stock;
  const absl::Status read = database_->Read([&](store::Session& session) {
    session.Query("SELECT stock FROM listing WHERE channel_no = ? AND listing_id = ?", {channel, listing},
                  [&](const store::Row& row) { stock = row.OptionalInt(0); });
  });
  EXPECT_TRUE(read.ok()) << read;
  return stock;
}

}  // namespace skulink
