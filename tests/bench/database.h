#pragma once

#include <pwd.h>
#include <unistd.h>

#include <string>

#include "server/store/connect_string.h"

namespace skulink::bench {

// For a SOCI session on a database of the embedded MariaDB, where each user of the system is known by name.
inline std::string ConnectString(const std::string& socket, const std::string& database) {
  return store::MakeAddress({.socket = socket, .user = getpwuid(geteuid())->pw_name, .database = database})
      .soci_connect_string;
}

}  // namespace skulink::bench
