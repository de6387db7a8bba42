#include "common/sku_key.h"

#include "common/text.h"

namespace skulink {
namespace {

std::string Key(std::string_view trimmed, SkuCase sku_case) {
  return sku_case == SkuCase::kIgnore ? FoldCase(trimmed) : std::string(trimmed);
}

}  // namespace

std::string SkuKey(std::string_view raw, SkuCase sku_case) { return Key(Trim(raw), sku_case); }

std::string SkuKeyPrefix(std::string_view raw, SkuCase sku_case) { return Key(TrimStart(raw), sku_case); }

}  // namespace skulink
