#pragma once

#include <cstddef>
#include <cstdint>

#include "common/sku_key.h"
#include "common/text.h"

// What products and variants may be, whoever makes them: see catalog_service.proto.
namespace skulink {

inline constexpr TextRule kLabelRule = {.max_length = 200, .allowed = ControlCharacters::kTab};
inline constexpr TextRule kProductNameRule = {
    .max_length = 500, .allowed = ControlCharacters::kTab, .required = true};
inline constexpr TextRule kSkuRule = {.max_length = kMaxSkuLength, .allowed = ControlCharacters::kWhiteSpace};
inline constexpr TextRule kBarcodeRule = {.max_length = 64};
inline constexpr TextRule kImageUriRule = {.max_length = 1000, .required = true};
inline constexpr int kMaxImages = 9;
inline constexpr int kMaxVariants = 1000;
inline constexpr std::size_t kMaxIdLength = 128;
inline constexpr std::int64_t kMaxStock = 1'000'000'000'000;

}  // namespace skulink
