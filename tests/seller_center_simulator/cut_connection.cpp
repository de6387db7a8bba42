#include "tests/seller_center_simulator/cut_connection.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>

namespace skulink::simulator {
namespace {

// 0 when the descriptor is not a connected TCP socket.
int PeerPort(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return 0;
}

}  // namespace

void CutConnection(const std::string& peer) {
  int port = std::atoi(peer.substr(peer.rfind(':') + 1).c_str());
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    int descriptor = std::atoi(entry.path().filename().c_str());
    if (PeerPort(descriptor) == port) shutdown(descriptor, SHUT_RDWR);
  }
}

}  // namespace skulink::simulator
