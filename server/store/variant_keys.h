#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/sku_key.h"
#include "common/sku_likeness.h"

namespace skulink::store {

// What is kept of a variant to find it by. An empty text and no number are NULL in the table.
struct VariantKeys {
  std::string sku_key;
  std::string loose_key;
  std::optional<std::int64_t> gtin_key;

  friend bool operator==(const VariantKeys&, const VariantKeys&) = default;
};

inline VariantKeys KeysOf(std::string_view sku, std::string_view barcode, SkuCase sku_case) {
  return {SkuKey(sku, sku_case), LooseSkuKey(sku), GtinKey(barcode)};
}

inline std::optional<std::string_view> NullWhenEmpty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace skulink::store
