#pragma once

#include <string>

#include "server/store/database.h"

namespace skulink::store {

// What a connection needs; `socket` or `host` and `port`.
struct Endpoint {
  std::string socket;
  std::string host;
  int port = 3306;
  std::string user;
  std::string password;
  std::string database;
  bool tls = false;
  std::string ca_file;  // empty: the system's certificate authorities
};

DatabaseAddress MakeAddress(const Endpoint& endpoint);

}  // namespace skulink::store
