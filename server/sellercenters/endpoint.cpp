#include "server/sellercenters/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "absl/strings/ascii.h"
#include "common/errors.h"
#include "server/sellercenters/seller_center.h"

namespace skulink {
namespace {

constexpr std::size_t kMaxHostLength = 253;

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool IsIpv6(std::string_view text) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

// A DNS name or an IPv4 address.
bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxHostLength && absl::ascii_isalnum(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

}  // namespace

absl::StatusOr<Endpoint> ParseEndpoint(const std::string& endpoint) {
  if (endpoint.empty()) return InvalidField("endpoint", v1::ERROR_REASON_FIELD_REQUIRED, "is required");
  constexpr std::string_view kPlain = "grpc://", kTls = "grpcs://";
  bool tls = endpoint.starts_with(kTls);
  std::string_view rest = endpoint;
  rest.remove_prefix(tls ? kTls.size() : endpoint.starts_with(kPlain) ? kPlain.size() : rest.size());
  if (std::size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    std::string_view host = rest.substr(0, colon), port = rest.substr(colon + 1);
    bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    bool host_is_good = in_brackets ? IsIpv6(host.substr(1, host.size() - 2)) : IsName(host);
    if (host_is_good && IsPort(port)) {
      return Endpoint{.host_and_port = std::string(rest), .tls = tls, .loopback = IsLoopback(host)};
    }
  }
  return InvalidField("endpoint", v1::ERROR_REASON_FORMAT_INVALID,
                      "must be `grpc://host:port`, or `grpcs://host:port` for TLS");
}

absl::Status CheckEndpoint(const std::string& endpoint) { return ParseEndpoint(endpoint).status(); }

}  // namespace skulink
