#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/connect_string.h"
#include "server/store/database.h"

namespace skulink::store {
namespace {

// Errors do not repeat the URL: it holds a password.
absl::Status Wrong(const std::string& description) {
  return InvalidField(
      "--mysql", v1::ERROR_REASON_FORMAT_INVALID,
      description + "; the form is mysql://user:password@host:3306/database?tls=verify&ca=FILE");
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    if (text[0] != '%') {
      decoded += text[0];
      text.remove_prefix(1);
      continue;
    }
    unsigned char byte = 0;
    auto [end, error] =
        std::from_chars(text.data() + 1, text.data() + std::min<std::size_t>(text.size(), 3), byte, 16);
    if (error != std::errc() || end != text.data() + 3 || byte == 0) return std::nullopt;
    decoded += static_cast<char>(byte);
    text.remove_prefix(3);
  }
  return decoded;
}

// What is before and after the first `separator`; all of it and nothing when there is none.
std::pair<std::string_view, std::string_view> Cut(std::string_view text, char separator) {
  std::size_t at = text.find(separator);
  if (at == text.npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

// One `key='value' ` of SOCI's connect string.
std::string Option(const std::string& key, const std::string& value) {
  std::string option = key + "='";
  for (char c : value) {
    if (c == '\'' || c == '\\') option += '\\';
    option += c;
  }
  return option + "' ";
}

// What a name or an address of a machine is made of; nothing of it means anything in a connect string.
bool IsHost(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

// SOCI 4.0.3 knows no way to have the server's name verified, and would go on in plain text with a server
// that has no TLS. The connector has options for that, which it also takes from a text in place of the host's
// name.
DatabaseAddress MakeAddress(const Endpoint& endpoint) {
  std::string options =
      Option("user", endpoint.user) + Option("password", endpoint.password) + Option("db", endpoint.database);
  if (!endpoint.socket.empty()) {
    options += Option("unix_socket", endpoint.socket);
  } else {
    std::string host =
        absl::StrCat("host=", endpoint.host, ";port=", endpoint.port, ";protocol=1");  // 1: TCP
    if (endpoint.tls) host += ";ssl-verify-server-cert=1";
    options += Option("host", host);
    if (!endpoint.ca_file.empty()) options += Option("sslca", endpoint.ca_file);
  }
  options += "charset='utf8mb4' connect_timeout='5' read_timeout='120' write_timeout='120' local_infile='1'";
  return {.soci_connect_string = options, .tls = endpoint.tls};
}

absl::StatusOr<DatabaseAddress> ParseDatabaseUrl(const std::string& url) {
  std::string_view rest = url;
  constexpr std::string_view kScheme = "mysql://";
  if (!rest.starts_with(kScheme)) return Wrong("does not begin with mysql://");
  rest.remove_prefix(kScheme.size());
  auto [location, query] = Cut(rest, '?');
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    auto [parameter, others] = Cut(query, '&');
    query = others;
    auto [key, encoded] = Cut(parameter, '=');
    std::string name(key);
    std::optional<std::string> value = PercentDecode(encoded);
    if (!value) return Wrong("has a % that begins no percent-encoded byte");
    if (name != "tls" && name != "ca" && name != "socket") return Wrong("has an unknown parameter " + name);
    if (!parameters.emplace(name, *value).second) return Wrong("has the parameter " + name + " twice");
  }
  auto [authority, database_name] = Cut(location, '/');
  std::size_t at = authority.rfind('@');
  auto [encoded_user, encoded_password] = Cut(at == authority.npos ? "" : authority.substr(0, at), ':');
  std::string_view host_and_port = at == authority.npos ? authority : authority.substr(at + 1);

  Endpoint endpoint;
  std::optional<std::string> database = PercentDecode(database_name);
  std::optional<std::string> user = PercentDecode(encoded_user);
  std::optional<std::string> password = PercentDecode(encoded_password);
  if (!database || !user || !password) return Wrong("has a % that begins no percent-encoded byte");
  if (database->empty()) return Wrong("names no database");
  if (user->empty()) return Wrong("names no user");
  endpoint.database = *database;
  endpoint.user = *user;
  endpoint.password = *password;

  std::string_view host = host_and_port, port;
  if (host_and_port.starts_with('[')) {
    std::size_t end = host_and_port.find(']');
    if (end == host_and_port.npos) return Wrong("has a [ without ] in its host");
    host = host_and_port.substr(1, end - 1);
    port = host_and_port.substr(end + 1);
  } else if (std::size_t colon = host_and_port.find(':'); colon != host_and_port.npos) {
    host = host_and_port.substr(0, colon);
    port = host_and_port.substr(colon);
  }
  if (!port.empty()) {
    auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), endpoint.port);
    if (port[0] != ':' || error != std::errc() || end != port.data() + port.size() || endpoint.port < 1 ||
        endpoint.port > 65535) {
      return Wrong("has a port that is not 1 to 65535");
    }
  }
  endpoint.host = host;
  endpoint.socket = parameters["socket"];
  if (endpoint.socket.empty() == endpoint.host.empty()) return Wrong("must name either a host or a socket");
  if (endpoint.socket.empty() && !IsHost(endpoint.host)) return Wrong("has a host that is none");

  std::string tls = parameters["tls"];
  if (!tls.empty() && tls != "verify" && tls != "off")
    return Wrong("has a tls that is neither verify nor off");
  endpoint.tls = tls == "verify";
  if (endpoint.tls && !endpoint.socket.empty()) return Wrong("asks for TLS on a socket");
  if (!endpoint.tls && !parameters["ca"].empty()) return Wrong("has a ca without tls=verify");
  endpoint.ca_file = parameters["ca"];
  if (!endpoint.ca_file.empty() && access(endpoint.ca_file.c_str(), R_OK) != 0) {
    return Wrong("has a ca that cannot be read, " + endpoint.ca_file);
  }
  // A password must not go over a network in the clear because somebody forgot a parameter.
  if (tls.empty() && !endpoint.host.empty() && !IsLoopback(endpoint.host)) {
    return Wrong("names another machine: say tls=verify, or tls=off on a network you trust");
  }
  return MakeAddress(endpoint);
}

}  // namespace skulink::store
