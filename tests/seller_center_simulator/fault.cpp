#include "tests/seller_center_simulator/fault.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace skulink::simulator {
namespace {

namespace proto = sellercenter::v1;

struct Named {
  std::string_view name;
  FaultKind kind;
};
constexpr Named kNames[] = {
    {"throttled", FaultKind::kThrottled},
    {"throttled-with-delay", FaultKind::kThrottledWithDelay},
    {"internal", FaultKind::kInternal},
    {"unavailable", FaultKind::kUnavailable},
    {"expired-token", FaultKind::kExpiredToken},
    {"hang", FaultKind::kHang},
    {"answer-lost", FaultKind::kAnswerLost},
    {"answer-never-comes", FaultKind::kAnswerNeverComes},
    {"connection-cut", FaultKind::kConnectionCut},
    {"early-end", FaultKind::kEarlyEnd},
    {"early-complete", FaultKind::kEarlyComplete},
    {"repeated-token", FaultKind::kRepeatedToken},
    {"moved-listing", FaultKind::kMovedListing},
    {"listing-on-two-pages", FaultKind::kListingOnTwoPages},
    {"malformed", FaultKind::kMalformed},
    {"not-utf8", FaultKind::kNotUtf8},
    {"duplicate-listing", FaultKind::kDuplicateListing},
    {"empty-id", FaultKind::kEmptyId},
    {"sku-too-long", FaultKind::kSkuTooLong},
    {"sku-nul", FaultKind::kSkuNul},
    {"page-too-large", FaultKind::kPageTooLarge},
    {"token-too-long", FaultKind::kTokenTooLong},
    {"count-too-low", FaultKind::kCountTooLow},
    {"count-negative", FaultKind::kCountNegative},
    {"empty-shop", FaultKind::kEmptyShop},
};

constexpr std::pair<std::string_view, FaultyCall> kCalls[] = {{"describe", FaultyCall::kDescribeShop},
                                                              {"get", FaultyCall::kGetItems},
                                                              {"create", FaultyCall::kCreateItems},
                                                              {"stock", FaultyCall::kUpdateStock},
                                                              {"price", FaultyCall::kUpdatePrice}};

constexpr std::size_t kLongToken = 4097;
constexpr std::size_t kLongSku = 256;
constexpr std::string_view kReplaced = "this text is replaced";

std::optional<int> Positive(std::string_view text) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t colon; (colon = text.find(':')) != std::string_view::npos; text.remove_prefix(colon + 1)) {
    parts.push_back(text.substr(0, colon));
  }
  parts.push_back(text);
  return parts;
}

grpc::ByteBuffer Bytes(const std::string& text) {
  grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

// The page's first listing; a new one when it has none.
proto::Listing& First(proto::ListListingsResponse& page) {
  return page.listings_size() > 0 ? *page.mutable_listings(0) : *page.add_listings();
}

// Pages can be spoiled; other calls only fail, and writing ones also after they are done.
bool CanHappenIn(FaultyCall call, FaultKind kind) {
  if (call == FaultyCall::kListListings) return !IsAfterWrite(kind);
  if (IsAfterWrite(kind)) return call != FaultyCall::kDescribeShop && call != FaultyCall::kGetItems;
  return kind == FaultKind::kHang || !StatusOf(kind).ok();
}

}  // namespace

std::optional<Fault> ParseFault(std::string_view text) {
  std::vector<std::string_view> parts = Split(text);
  const auto* named = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const Named& one) { return one.name == parts[0]; });
  if (named == std::end(kNames) || parts.size() > 3) return std::nullopt;
  Fault fault{.kind = named->kind};
  if (parts.size() > 1) {
    const auto* call = std::find_if(std::begin(kCalls), std::end(kCalls),
                                    [&](const auto& one) { return one.first == parts[1]; });
    if (call != std::end(kCalls)) {
      fault.call = call->second;
    } else if (std::optional<int> page = Positive(parts[1])) {
      fault.page = *page;
    } else {
      return std::nullopt;
    }
  }
  if (!CanHappenIn(fault.call, fault.kind)) return std::nullopt;
  if (parts.size() > 2 && !(fault.times = Positive(parts[2]))) return std::nullopt;
  return fault;
}

std::string FaultKinds() {
  std::string kinds;
  for (const Named& one : kNames) kinds.append(kinds.empty() ? "" : ", ").append(one.name);
  return kinds;
}

bool IsAfterWrite(FaultKind kind) {
  return kind == FaultKind::kAnswerLost || kind == FaultKind::kAnswerNeverComes;
}

grpc::Status StatusOf(FaultKind kind, std::chrono::milliseconds throttle_delay) {
  switch (kind) {
    case FaultKind::kThrottled:
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls"};
    case FaultKind::kThrottledWithDelay:
      return TooManyCalls(throttle_delay);
    case FaultKind::kInternal:
      return {grpc::StatusCode::INTERNAL, "something broke"};
    case FaultKind::kAnswerLost:
      return {grpc::StatusCode::UNAVAILABLE, "the connection was lost"};
    case FaultKind::kUnavailable:
      return {grpc::StatusCode::UNAVAILABLE, "down for maintenance"};
    case FaultKind::kExpiredToken:
      return {grpc::StatusCode::UNAUTHENTICATED, "the access token has expired"};
    default:
      return grpc::Status::OK;
  }
}

grpc::Status TooManyCalls(std::chrono::nanoseconds retry_after) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(retry_after.count() / 1'000'000'000);
  info.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(retry_after.count() % 1'000'000'000));
  google::rpc::Status status;
  status.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  status.set_message("too many calls");
  status.add_details()->PackFrom(info);
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, status.message(), status.SerializeAsString()};
}

grpc::ByteBuffer Spoil(FaultKind kind, proto::ListListingsResponse page, int page_size) {
  switch (kind) {
    case FaultKind::kMalformed:
      return Bytes("\xff\xff\xff\xff");
    case FaultKind::kNotUtf8: {
      First(page).set_title(std::string(kReplaced));
      std::string bytes = page.SerializeAsString();
      return Bytes(bytes.replace(bytes.find(kReplaced), 2, "\xc3\x28"));
    }
    case FaultKind::kDuplicateListing:
      if (page.listings_size() > 1) page.mutable_listings()->RemoveLast();
      *page.add_listings() = proto::Listing(First(page));
      break;
    case FaultKind::kEmptyId:
      First(page).clear_listing_id();
      break;
    case FaultKind::kSkuTooLong:
      First(page).set_seller_sku(std::string(kLongSku, 'S'));
      break;
    case FaultKind::kSkuNul:
      First(page).set_seller_sku(std::string("SKU\0", 4));
      break;
    case FaultKind::kPageTooLarge:
      while (page.listings_size() <= page_size) {
        page.add_listings()->set_listing_id("one-too-many-" + std::to_string(page.listings_size()));
      }
      break;
    case FaultKind::kTokenTooLong:
      page.set_resume_token(std::string(kLongToken, 't'));
      break;
    case FaultKind::kCountTooLow:
      page.set_listing_count(page.listings_size() - 1);
      break;
    case FaultKind::kCountNegative:
      page.set_listing_count(-1);
      break;
    case FaultKind::kEarlyComplete:
      page.clear_resume_token();
      break;
    case FaultKind::kEmptyShop:
      page.Clear();
      page.set_listing_count(0);
      break;
    default:
      break;
  }
  return Bytes(page.SerializeAsString());
}

}  // namespace skulink::simulator
