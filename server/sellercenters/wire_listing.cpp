#include "server/sellercenters/wire_listing.h"

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "google/type/money.pb.h"

namespace skulink {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using Money = google::type::Money;
using Listing = sellercenter::v1::Listing;
using Page = sellercenter::v1::ListListingsResponse;

constexpr std::uint32_t TextTag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}
constexpr std::uint32_t NumberTag(int field) {
  return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_VARINT);
}

bool ReadText(CodedInputStream& input, std::string_view& text) {
  std::uint32_t size = 0;
  if (!input.ReadVarint32(&size)) return false;
  const void* start = nullptr;
  int left = 0;
  input.GetDirectBufferPointerInline(&start, &left);
  if (size > static_cast<std::uint32_t>(left)) return false;
  text = {static_cast<const char*>(start), size};
  return input.Skip(static_cast<int>(size));
}

template <typename Number>
bool ReadNumber(CodedInputStream& input, Number& number) {
  std::uint64_t value = 0;
  if (!input.ReadVarint64(&value)) return false;
  number = static_cast<Number>(value);
  return true;
}

// Calls `read_field(input, tag)` for each field; false when that is, or the bytes are no message.
template <typename ReadField>
bool ReadMessage(std::string_view bytes, const ReadField& read_field) {
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  while (std::uint32_t tag = input.ReadTag()) {
    if (!read_field(input, tag)) return false;
  }
  return input.ConsumedEntireMessage();
}

bool ReadPrice(std::string_view bytes, WirePrice& price) {
  return ReadMessage(bytes, [&](CodedInputStream& input, std::uint32_t tag) {
    switch (tag) {
      case TextTag(Money::kCurrencyCodeFieldNumber):
        return ReadText(input, price.currency_code);
      case NumberTag(Money::kUnitsFieldNumber):
        return ReadNumber(input, price.units);
      case NumberTag(Money::kNanosFieldNumber):
        return ReadNumber(input, price.nanos);
      default:
        return WireFormatLite::SkipField(&input, tag);
    }
  });
}

bool ReadListing(std::string_view bytes, WireListing& listing) {
  return ReadMessage(bytes, [&](CodedInputStream& input, std::uint32_t tag) {
    std::string_view price;
    switch (tag) {
      case TextTag(Listing::kListingIdFieldNumber):
        return ReadText(input, listing.listing_id);
      case TextTag(Listing::kItemIdFieldNumber):
        return ReadText(input, listing.item_id);
      case TextTag(Listing::kTitleFieldNumber):
        return ReadText(input, listing.title);
      case TextTag(Listing::kSellerSkuFieldNumber):
        return ReadText(input, listing.seller_sku);
      case NumberTag(Listing::kStateFieldNumber):
        return ReadNumber(input, listing.state);
      case TextTag(Listing::kPriceFieldNumber):
        return ReadText(input, price) && ReadPrice(price, listing.price.emplace());
      case NumberTag(Listing::kStockFieldNumber):
        return ReadNumber(input, listing.stock.emplace());
      case TextTag(Listing::kGtinFieldNumber):
        return ReadText(input, listing.gtin);
      default:
        return WireFormatLite::SkipField(&input, tag);
    }
  });
}

}  // namespace

bool ReadWirePage(std::string_view bytes, WirePage& page) {
  page.listings.clear();
  page.resume_token = {};
  page.listing_count.reset();
  return ReadMessage(bytes, [&](CodedInputStream& input, std::uint32_t tag) {
    std::string_view listing;
    switch (tag) {
      case TextTag(Page::kListingsFieldNumber):
        return ReadText(input, listing) && ReadListing(listing, page.listings.emplace_back());
      case TextTag(Page::kResumeTokenFieldNumber):
        return ReadText(input, page.resume_token);
      case NumberTag(Page::kListingCountFieldNumber):
        return ReadNumber(input, page.listing_count.emplace());
      default:
        return WireFormatLite::SkipField(&input, tag);
    }
  });
}

WireListing ViewOf(const sellercenter::v1::Listing& listing) {
  WireListing view{.listing_id = listing.listing_id(),
                   .item_id = listing.item_id(),
                   .title = listing.title(),
                   .seller_sku = listing.seller_sku(),
                   .gtin = listing.gtin(),
                   .state = listing.state()};
  if (listing.has_price()) {
    view.price = {.currency_code = listing.price().currency_code(),
                  .units = listing.price().units(),
                  .nanos = listing.price().nanos()};
  }
  if (listing.has_stock()) view.stock = listing.stock();
  return view;
}

}  // namespace skulink
