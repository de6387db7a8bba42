#pragma once

#include <string>

namespace skulink::internal {

// A random UUID.
std::string NewRequestId();

}  // namespace skulink::internal
