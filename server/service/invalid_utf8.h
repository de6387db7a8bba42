#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/descriptor.h"

namespace skulink {

// The path, such as `rows[2].product.variants[0].sku`, of the first text that is not UTF-8 in the bytes of a
// message that would not parse. Nullopt when there is none, or the bytes are no message before it.
std::optional<std::string> FindInvalidUtf8(const google::protobuf::Descriptor& descriptor,
                                           std::string_view bytes);

}  // namespace skulink
