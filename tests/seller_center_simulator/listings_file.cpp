#include "tests/seller_center_simulator/listings_file.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <string_view>

namespace skulink::simulator {
namespace {

namespace proto = sellercenter::v1;
using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kMaxIdLength = 128;

// What is wrong with a field; its line is known where it is caught.
struct BadField {
  std::string field, problem;
};

void Check(bool good, std::string_view field, std::string_view problem) {
  if (!good) throw BadField{std::string(field), std::string(problem)};
}

std::string_view TextOf(element value, std::string_view field) {
  Check(value.type() == element_type::STRING, field, "must be a text");
  return value.get_string().value_unsafe();
}

std::string_view IdOf(element value, std::string_view field) {
  std::string_view id = TextOf(value, field);
  Check(!id.empty(), field, "is empty");
  auto code_points = std::count_if(id.begin(), id.end(), [](char c) { return (c & 0xc0) != 0x80; });
  Check(static_cast<std::size_t>(code_points) <= kMaxIdLength, field, "is longer than 128 characters");
  bool control = std::any_of(id.begin(), id.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  Check(!control, field, "holds a control character");
  return id;
}

void ReadPrice(element value, google::type::Money& money) {
  Check(value.is_number(), "price", "must be a number");
  double price = value.get_double().value_unsafe();
  Check(price >= 0, "price", "is below zero");
  Check(price <= 1e12, "price", "is above 1,000,000,000,000");
  double ten_thousandths = std::round(price * 1e4);
  Check(std::abs(price * 1e4 - ten_thousandths) < 1e-3, "price", "has more than four decimals");
  auto amount = static_cast<std::int64_t>(ten_thousandths);
  money.set_units(amount / 10'000);
  money.set_nanos(static_cast<std::int32_t>(amount % 10'000 * 100'000));
}

std::int64_t StockOf(element value) {
  Check(value.type() == element_type::INT64, "stock", "must be a whole number");
  std::int64_t stock = value.get_int64().value_unsafe();
  Check(stock >= 0, "stock", "is below zero");
  return stock;
}

proto::ListingState StateOf(element value) {
  constexpr std::pair<std::string_view, proto::ListingState> kStates[] = {
      {"active", proto::LISTING_STATE_LIVE},       {"inactive", proto::LISTING_STATE_INACTIVE},
      {"archived", proto::LISTING_STATE_INACTIVE}, {"deleted", proto::LISTING_STATE_DELETED},
      {"pending", proto::LISTING_STATE_PENDING},   {"suspended", proto::LISTING_STATE_SUSPENDED},
      {"unknown", proto::LISTING_STATE_UNKNOWN}};
  std::string_view status = TextOf(value, "status");
  for (auto [name, state] : kStates) {
    if (status == name) return state;
  }
  throw BadField{"status", "must be one of active, inactive, archived, deleted, pending, suspended, unknown"};
}

class LineReader {
 public:
  explicit LineReader(const std::string& currency) : currency_(currency) {}

  // Good until the next call. Throws BadField.
  const proto::Listing& Read(const std::string& line) {
    element document;
    if (simdjson::error_code error = parser_.parse(line).get(document)) {
      throw BadField{"line", error == simdjson::UTF8_ERROR
                                 ? "is not UTF-8"
                                 : std::string("is not JSON: ") + simdjson::error_message(error)};
    }
    simdjson::dom::object fields;
    Check(document.get(fields) == simdjson::SUCCESS, "line", "must be a JSON object");
    listing_.Clear();
    listing_.set_state(proto::LISTING_STATE_LIVE);
    given_.fill(false);
    for (auto [name, value] : fields) ReadField(name, value);
    Check(!listing_.listing_id().empty(), "listing_id", "is missing");
    return listing_;
  }

 private:
  static constexpr std::array<std::string_view, 8> kFields = {"listing_id", "item_id", "name",   "seller_sku",
                                                              "price",      "stock",   "status", "gtin"};

  void ReadField(std::string_view name, element value) {
    auto index = std::find(kFields.begin(), kFields.end(), name) - kFields.begin();
    Check(index < static_cast<std::ptrdiff_t>(kFields.size()), name, "is not a field of a listing");
    Check(!std::exchange(given_[index], true), name, "is given twice");
    if (value.is_null() && index != 0) return;
    switch (index) {
      case 0:
        return Set(listing_.mutable_listing_id(), IdOf(value, name));
      case 1:
        return Set(listing_.mutable_item_id(), IdOf(value, name));
      case 2:
        return Set(listing_.mutable_title(), TextOf(value, name));
      case 3:
        return Set(listing_.mutable_seller_sku(), TextOf(value, name));
      case 4:
        ReadPrice(value, *listing_.mutable_price());
        return listing_.mutable_price()->set_currency_code(currency_);
      case 5:
        return listing_.set_stock(StockOf(value));
      case 6:
        return listing_.set_state(StateOf(value));
      default:
        return Set(listing_.mutable_gtin(), TextOf(value, name));
    }
  }

  static void Set(std::string* field, std::string_view text) { field->assign(text); }

  const std::string& currency_;
  simdjson::dom::parser parser_;
  proto::Listing listing_;
  std::array<bool, kFields.size()> given_{};
};

}  // namespace

ListingBook ReadListingsFile(const std::string& path, const std::string& currency) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw BrokenListingsFile(path + ": cannot be read");
  ListingBook book;
  LineReader reader(currency);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    try {
      Check(book.Add(reader.Read(line)), "listing_id", "was given on an earlier line");
    } catch (const BadField& bad) {
      throw BrokenListingsFile(path + ":" + std::to_string(number) + ": " + bad.field + ": " + bad.problem);
    }
  }
  if (file.bad()) throw BrokenListingsFile(path + ": cannot be read");
  return book;
}

}  // namespace skulink::simulator
