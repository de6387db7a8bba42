#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"

namespace skulink::simulator {

// What a Seller Center does wrong. Where it is not said, it happens instead of page N.
enum class FaultKind {
  // The call ends with a status.
  kThrottled,
  kThrottledWithDelay,  // says when to call again
  kInternal,
  kUnavailable,
  kExpiredToken,
  // Never answers.
  kHang,
  // A writing call is done, and then ends with UNAVAILABLE, or never answers.
  kAnswerLost,
  kAnswerNeverComes,
  // The connection is cut while page N is sent.
  kConnectionCut,
  // The stream ends with OK before page N.
  kEarlyEnd,
  // Page N says that it is the last.
  kEarlyComplete,
  // Page N is sent again and again, always with the same token.
  kRepeatedToken,
  // Before page N, the last listing moves to the front: who has read the front misses it.
  kMovedListing,
  // Before page N, the first listing moves to the end: who has read the front reads it twice.
  kListingOnTwoPages,
  // Page N holds...
  kMalformed,         // bytes that are no message
  kNotUtf8,           // a title that is not UTF-8
  kDuplicateListing,  // its first listing twice
  kEmptyId,           // a listing without id
  kSkuTooLong,        // a listing with a SKU of 256 characters
  kSkuNul,            // a listing with a NUL in its SKU
  kPageTooLarge,      // more listings than were asked for
  kTokenTooLong,      // a resume token of 4,097 bytes
  kCountTooLow,       // a listing count below what was sent
  kCountNegative,     // a listing count below zero
  kEmptyShop,         // nothing, and says that it is the last
};

// Which call a fault happens in.
enum class FaultyCall { kListListings, kDescribeShop, kGetItems, kCreateItems, kUpdateStock, kUpdatePrice };

struct Fault {
  FaultKind kind;
  int page = 1;                             // of the whole listing, also when that was resumed
  std::optional<int> times = std::nullopt;  // every time, if not said
  FaultyCall call = FaultyCall::kListListings;
  int after = 0;  // so many that go well first
};

// `KIND[:PAGE[:TIMES]]`, where PAGE is a number or the call: `describe`, `get`, `create`, `stock` or `price`.
// nullopt when it is something else.
std::optional<Fault> ParseFault(std::string_view text);

// Whether it happens after a writing call is done.
bool IsAfterWrite(FaultKind kind);

// The kinds there are, for a usage text.
std::string FaultKinds();

inline constexpr std::chrono::milliseconds kThrottleDelay(50);

// What a call ends with; OK when the fault is of another sort.
grpc::Status StatusOf(FaultKind kind, std::chrono::milliseconds throttle_delay = kThrottleDelay);

// RESOURCE_EXHAUSTED with RetryInfo.
grpc::Status TooManyCalls(std::chrono::nanoseconds retry_after);

// Spoils what a page holds. Returns its bytes.
grpc::ByteBuffer Spoil(FaultKind kind, sellercenter::v1::ListListingsResponse page, int page_size);

}  // namespace skulink::simulator
