#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace skulink {

// Where a Seller Center answers.
struct Endpoint {
  std::string host_and_port;  // IPv6 addresses in brackets
  bool tls = false;
  bool loopback = false;  // on this machine
};

// `grpc://host:port` or `grpcs://host:port`. INVALID_ARGUMENT naming `endpoint` when it is something else.
absl::StatusOr<Endpoint> ParseEndpoint(const std::string& endpoint);

}  // namespace skulink
