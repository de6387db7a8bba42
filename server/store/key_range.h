#pragma once

#include <string>
#include <string_view>

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

}  // namespace skulink::store
