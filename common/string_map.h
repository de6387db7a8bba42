#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

namespace skulink {

// Debian's Abseil looks up strings by its own string_view only; these take std::string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

template <typename ValueType>
using StringMap = absl::flat_hash_map<std::string, ValueType, TextHash, std::equal_to<>>;
using StringSet = absl::flat_hash_set<std::string, TextHash, std::equal_to<>>;

}  // namespace skulink
