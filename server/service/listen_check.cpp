#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/service/server.h"

namespace skulink {
namespace {

bool IsPort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

absl::Status CannotListen(const std::string& listen, const char* why) {
  return Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_FORMAT_INVALID,
               absl::StrCat("cannot listen on ", listen, ": ", why));
}

}  // namespace

absl::Status CheckListen(const std::string& listen) {
  if (listen.starts_with("unix:")) return absl::OkStatus();
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0 || !IsPort(std::string_view(listen).substr(colon + 1))) {
    return InvalidField("--listen", v1::ERROR_REASON_FORMAT_INVALID,
                        absl::StrCat("must be HOST:PORT, not ", listen));
  }
  std::string host = listen.substr(0, colon);
  const std::string port = listen.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return CannotListen(listen, gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, &freeaddrinfo);
  const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return CannotListen(listen, std::strerror(errno));
  // As gRPC does: a port that connections of a server before this one still linger on is free.
  const int reuse = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
  const int error =
      bind(socket, found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket, 1) != 0 ? errno : 0;
  close(socket);
  return error == 0 ? absl::OkStatus() : CannotListen(listen, std::strerror(error));
}

}  // namespace skulink
