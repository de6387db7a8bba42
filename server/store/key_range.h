#pragma once

#include <string>
#include <string_view>

#include "common/text.h"

namespace skulink::store {

// The end of the range of keys that begin with `prefix`, in byte order; without a prefix, of all keys. UTF-8
// never has the byte 0xFF, so the last byte can be counted up; the result need not be UTF-8: statements take
// it as a Blob.
inline std::string EndOfPrefix(std::string_view prefix) {
  if (prefix.empty()) return "\xff";
  std::string end(prefix);
  ++end.back();
  return end;
}

// What the name key begins with of every name that begins with `name_prefix`, whatever the case. A key is cut
// off, so when the folded prefix is longer than this the names must be looked at as well.
inline std::string NameKeyPrefix(std::string_view name_prefix) {
  const std::string folded = FoldCase(name_prefix);
  return std::string(FirstCodePoints(folded, kNameKeyLength));
}

}  // namespace skulink::store
