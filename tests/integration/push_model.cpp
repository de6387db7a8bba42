// What the model of the menu says is to be sent.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/names.h"
#include "server/store/merchants.h"
#include "server/store/push_list.h"
#include "tests/integration/menu_model.h"
#include "tests/integration/push_fixture.h"

namespace skulink {
namespace {

std::string Text(const v1::Push& push) {
  const auto listing = ParseListingName(push.listing(), "listing");
  const auto variant = ParseVariantName(push.variant(), "variant");
  if (!listing.ok() || !variant.ok()) return push.ShortDebugString();
  const std::string value = push.kind() == v1::PUSH_KIND_STOCK
                                ? absl::StrCat("stock ", push.quantity())
                                : absl::StrCat("price ", ToString(*FromProto(push.price(), "", "price")));
  return absl::StrCat(listing->channel, "|", listing->listing, "|", value, "|", variant->product, "/",
                      variant->variant, "|", push.sku());
}

}  // namespace

// Small numbers, so that it can be written as the rule is said.
std::int64_t Offered(std::int64_t stock, const store::StockSync& rule) {
  std::int64_t quantity = stock * rule.percentage;
  quantity = (quantity - (quantity % 100 + 100) % 100) / 100 - rule.buffer;
  return std::max<std::int64_t>(0, std::min(quantity, rule.maximum.value_or(quantity)));
}

std::vector<std::string> MenuModel::Pushes() const {
  std::map<std::string, std::pair<const store::Product*, const store::Variant*>> owners;
  for (const store::Product& product : products) {
    for (const store::Variant& variant : product.variants) owners[Key(variant.sku)] = {&product, &variant};
  }
  owners.erase("");
  std::map<int, std::vector<std::string>> by_number;
  for (const auto& [id, shop] : channels) {
    for (const auto& [listing_id, listing] : shop.listings) {
      const auto owner = owners.find(Key(listing.seller_sku));
      if (owner == owners.end() || listing.state != ListingState::kLive) continue;
      const auto& [product, variant] = owner->second;
      const auto add = [&](const std::string& value) {
        by_number[shop.number].push_back(absl::StrCat(id, "|", listing_id, "|", value, "|", product->id, "/",
                                                      variant->id, "|", variant->sku));
      };
      if (shop.stock_sync.enabled && variant->stock) {
        add(absl::StrCat("stock ", Offered(*variant->stock, shop.stock_sync)));
      }
      if (shop.price_sync && variant->price) add(absl::StrCat("price ", ToString(*variant->price)));
    }
  }
  std::vector<std::string> texts;
  for (const auto& [number, rows] : by_number) texts.insert(texts.end(), rows.begin(), rows.end());
  return texts;
}

void ExpectPushes(store::Database& database, const MenuModel& model, const std::string& merchant) {
  for (const auto& [id, shop] : model.channels) {
    if (!shop.stock_sync.enabled && !shop.price_sync) continue;
    PlanAll(database, OwnTraffic(database, shop.number, merchant));
  }
  ExpectPlannedPushes(database, model, merchant);
}

void ExpectPlannedPushes(store::Database& database, const MenuModel& model, const std::string& merchant) {
  std::map<int, std::pair<std::string, const MenuModel::Shop*>> by_number;
  for (const auto& [id, shop] : model.channels) by_number[shop.number] = {id, &shop};
  std::vector<std::string> texts;
  for (const auto& [number, channel] : by_number) {
    const auto& [id, shop] = channel;
    if (!shop->stock_sync.enabled && !shop->price_sync) continue;
    store::PushQuery query{.channel_id = id, .limit = 3};
    do {
      const auto page = store::ListPushes(database, merchant, query);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const v1::Push& push : page->pushes) {
        // One of a kind that was switched off stays as it was.
        const bool kept = push.kind() == v1::PUSH_KIND_STOCK ? shop->stock_sync.enabled : shop->price_sync;
        if (kept) texts.push_back(Text(push));
      }
      query.after = page->next;
    } while (!query.after.empty());
  }
  EXPECT_EQ(texts, model.Pushes());
}

}  // namespace skulink
