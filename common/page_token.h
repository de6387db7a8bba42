#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

// Opaque page tokens (AIP-158), bound to the request they belong to.
namespace skulink {

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;

// 0 means the default; below 0 or above the maximum is INVALID_ARGUMENT naming `page_size`.
absl::StatusOr<int> PageSize(std::int32_t requested);

// A position in a list: the sort key of the last row, column by column, as bytes.
using PagePosition = std::vector<std::string>;

// The token for going on after `position`. `request` is the list request; its page_size and page_token do not
// count.
std::string MakePageToken(const google::protobuf::Message& request, const PagePosition& position);

// The position in `request`'s page_token; empty when it has none. PAGE_TOKEN_INVALID (field `page_token`)
// when the token is damaged, or was made for another method or other fields, or has not `columns` columns.
absl::StatusOr<PagePosition> ReadPageToken(const google::protobuf::Message& request, std::size_t columns);

}  // namespace skulink
