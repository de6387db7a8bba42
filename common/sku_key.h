#pragma once

#include <string>
#include <string_view>

namespace skulink {

// Limits of design rule 2, in code points.
inline constexpr int kMaxSkuLength = 255;

// How letter case counts when SKUs are compared (merchant setting `sku_case`).
enum class SkuCase { kSensitive, kIgnore };

// What is compared when a listing and a variant are matched: `raw` without Unicode White_Space at both ends
// and, with kIgnore, with full Unicode case folding. Empty when there is no SKU. `raw` must be UTF-8.
std::string SkuKey(std::string_view raw, SkuCase sku_case);

// The beginning of a SKU key, for prefix searches: white space is removed at the start only.
std::string SkuKeyPrefix(std::string_view raw, SkuCase sku_case);

}  // namespace skulink
