#pragma once

#include <string>

namespace skulink::simulator {

// Shuts this process's end of the TCP connection whose other end is `peer`, as gRPC names it:
// `ipv4:127.0.0.1:43210`.
void CutConnection(const std::string& peer);

}  // namespace skulink::simulator
