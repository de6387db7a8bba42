#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What makes two SKUs, or two GTINs, look like the same one written in another way (design rule 9). It only
// ever suggests: what matches is decided by SKU keys alone.
namespace skulink {

// A way in which alike SKUs differ. The numbers are those of v1::NotInPosReason.
enum class SkuDifference : std::uint8_t {
  kCase = 2,
  kInnerSpace = 3,
  kInvisibleCharacter = 4,
  kDashOrUnderscore = 5,
  kLeadingZero = 6,
  kLookalike = 7,
};

// Equal for SKUs that are alike: case folded, in compatibility form (full width, ligatures, combined
// letters); without white space, characters that are not seen, dashes and underscores; with one character for
// those that look alike; without the zeros before a number or at the start. Cut off after kLooseKeyLength
// code points. Empty when nothing is left. The key of a SKU and of its SKU keys are the same.
//
// Not all that is alike to the eye can have one key, or `100`, `1-00` and `10` would have. So zeros behind
// another digit, separated or not, belong to a number (`1-02` and `1-2` are not alike); and I, l, O only
// where they follow a digit (`XL-02` and `XL-2` are alike, `X1-02` and `XL-02` are not).
std::string LooseSkuKey(std::string_view sku);
inline constexpr std::size_t kLooseKeyLength = 255;

// The ways in which two alike SKUs differ, in the order of the enum. White space at both ends does not count.
// None when they do not differ, and when they are not alike: loose keys may be equal by chance, as those of
// `CO7` and `C7`, since a letter O is a zero only where it stands for one. Of SKU keys that are case folded,
// kCase is never one.
std::vector<SkuDifference> SkuDifferences(std::string_view sku, std::string_view other);

// The number of a GTIN; nothing when it is none: it must be 8 to 14 digits, which spaces and dashes may
// divide. The same for a UPC-12 and the EAN-13 with a zero before it.
std::optional<std::int64_t> GtinKey(std::string_view gtin);

}  // namespace skulink
