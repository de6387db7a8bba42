#include "server/service/answers.h"

#include <utility>

#include "common/names.h"
#include "server/service/request_fields.h"

namespace skulink {
namespace {

template <typename Stored, typename Proto>
void SetVersionAndTimes(const Stored& stored, Proto& proto) {
  proto.set_etag(MakeEtag(stored.version));
  *proto.mutable_create_time() = ToTimestamp(stored.create_time);
  *proto.mutable_update_time() = ToTimestamp(stored.update_time);
}

}  // namespace

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const std::int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<std::int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

v1::Merchant ToProto(const store::Merchant& merchant) {
  v1::Merchant proto;
  proto.set_name(ToString(MerchantName{merchant.id}));
  proto.set_display_name(merchant.display_name);
  proto.set_currency_code(merchant.currency);
  proto.set_sku_case(merchant.sku_case == SkuCase::kIgnore ? v1::SKU_CASE_IGNORE_CASE
                                                           : v1::SKU_CASE_SENSITIVE);
  proto.set_allow_negative_stock(merchant.allow_negative_stock);
  SetVersionAndTimes(merchant, proto);
  return proto;
}

v1::Channel ToProto(const store::Channel& channel, const std::string& merchant_id) {
  v1::Channel proto;
  proto.set_name(ToString(ChannelName{merchant_id, channel.id}));
  proto.set_display_name(channel.display_name);
  proto.set_platform(channel.platform);
  proto.set_endpoint(channel.endpoint);
  if (const store::StockSync& rule = channel.stock_sync; rule != store::StockSync()) {
    v1::StockSync& stock_sync = *proto.mutable_stock_sync();
    stock_sync.set_enabled(rule.enabled);
    stock_sync.set_percentage(rule.percentage);
    stock_sync.set_buffer(rule.buffer);
    if (rule.maximum) stock_sync.set_maximum(*rule.maximum);
  }
  if (channel.price_sync) proto.mutable_price_sync()->set_enabled(true);
  SetVersionAndTimes(channel, proto);
  return proto;
}

v1::Product ToProto(const store::Product& product, const std::string& merchant_id) {
  v1::Product proto;
  proto.set_name(ToString(ProductName{merchant_id, product.id}));
  proto.set_product_id(product.id);
  proto.set_display_name(product.name);
  for (const store::Variant& variant : product.variants) {
    v1::Variant& row = *proto.add_variants();
    row.set_name(ToString(VariantName{merchant_id, product.id, variant.id}));
    row.set_variant_id(variant.id);
    row.set_sku(variant.sku);
    row.set_barcode(variant.barcode);
    if (variant.price) *row.mutable_price() = ToProto(*variant.price);
    if (variant.stock) row.set_stock(*variant.stock);
    row.set_option(variant.option);
  }
  proto.mutable_image_uris()->Assign(product.image_uris.begin(), product.image_uris.end());
  SetVersionAndTimes(product, proto);
  return proto;
}

void SetListing(Listing listing, const std::string& merchant_id, const std::string& channel_id,
                v1::Listing& proto) {
  proto.set_name(ToString(ListingName{merchant_id, channel_id, listing.listing_id}));
  proto.set_listing_id(std::move(listing.listing_id));
  proto.set_item_id(std::move(listing.item_id));
  proto.set_display_name(std::move(listing.name));
  proto.set_seller_sku(std::move(listing.seller_sku));
  // Both count the states alike.
  proto.set_state(static_cast<v1::ListingState>(listing.state));
  if (listing.price) *proto.mutable_price() = ToProto(*listing.price);
  if (listing.stock) proto.set_stock(*listing.stock);
  proto.set_gtin(std::move(listing.gtin));
}

}  // namespace skulink
