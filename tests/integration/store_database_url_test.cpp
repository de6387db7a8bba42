#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "server/store/child_process.h"
#include "server/store/session.h"
#include "tests/integration/eventually.h"
#include "tests/integration/test_database.h"

namespace skulink::store {
namespace {

using testing::HasSubstr;

TEST(StoreDatabaseUrl, WrongOnesAreRefusedNamingWhatIsWrong) {
  struct Case {
    std::string url, message;
  };
  const Case cases[] = {
      {"", "mysql://"},
      {"postgres://u:secret@h/d", "mysql://"},
      {"mysql://u:secret@localhost", "no database"},
      {"mysql://u:secret@localhost/", "no database"},
      {"mysql://localhost/d", "no user"},
      {"mysql://u:secret@/d", "host or a socket"},
      {"mysql://u:secret@localhost/d?socket=/s", "host or a socket"},
      {"mysql://u:secret@localhost:0/d", "port"},
      {"mysql://u:secret@localhost:65536/d", "port"},
      {"mysql://u:secret@localhost:12x/d", "port"},
      {"mysql://u:secret@localhost:/d", "port"},
      {"mysql://u:secret@[::1/d", "["},
      {"mysql://u:secret%4@localhost/d", "%"},
      {"mysql://u:secret%zz@localhost/d", "%"},
      {"mysql://u:secret%00@localhost/d", "%"},
      {"mysql://u:secret@localhost/d?tls=yes", "tls"},
      {"mysql://u:secret@localhost/d?tls=verify&tls=off", "twice"},
      {"mysql://u:secret@localhost/d?ca=/f", "ca without"},
      {"mysql://u:secret@localhost/d?tls=verify&ca=/nonexistent.pem", "cannot be read, /nonexistent.pem"},
      {"mysql://u:secret@localhost/d?colour=red", "colour"},
      {"mysql://u:secret@/d?socket=/s&tls=verify", "socket"},
      {"mysql://u:secret@db.example/d", "another machine"},
      {"mysql://u:secret@a;host=b/d?tls=verify", "host that is none"},
  };
  for (const Case& one : cases) {
    absl::Status status = ParseDatabaseUrl(one.url).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << one.url;
    EXPECT_EQ(FieldOf(status), "--mysql") << one.url;
    EXPECT_THAT(status.message(), HasSubstr(one.message)) << one.url;
    EXPECT_EQ(status.message().find("secret"), std::string::npos) << one.url;
  }
}

TEST(StoreDatabaseUrl, RightOnesAreTaken) {
  for (std::string url :
       {"mysql://u@localhost/d", "mysql://u:p@127.0.0.1:3307/d", "mysql://u:p@[::1]:3307/d",
        "mysql://u:p@db.example/d?tls=verify", "mysql://u:p@db.example/d?tls=verify&ca=%2Fdev%2Fnull",
        "mysql://u:p@db.example/d?tls=off", "mysql://u@/d?socket=%2Frun%2Fs"}) {
    auto address = ParseDatabaseUrl(url);
    EXPECT_TRUE(address.ok()) << url << ": " << address.status();
    if (!address.ok()) continue;
    EXPECT_EQ(address->tls, url.find("tls=verify") != std::string::npos) << url;
  }
}

std::string PercentEncode(const std::string& text) {
  std::string encoded;
  char byte[4];
  for (unsigned char c : text) {
    snprintf(byte, sizeof byte, "%%%02x", c);
    encoded += byte;
  }
  return encoded;
}

int FreePort() {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  close(listener);
  return ntohs(address.sin_port);
}

const std::string kPassword = "p;a}}s{s'w\"o\\rd%@:/?#&= \xC3\xA9";

// A MariaDB on the network, with a user `net` who has a password, and certificates for several names.
class StoreNetwork : public testing::Test {
 protected:
  StoreNetwork() {
    auto mariadb =
        EmbeddedMariadb::Start({.data_dir = folder.path(), .buffer_pool_megabytes = 64, .durable = false});
    EXPECT_TRUE(mariadb.ok()) << mariadb.status();
    Session session((*mariadb)->Address().soci_connect_string);
    session.Execute("CREATE USER net IDENTIFIED BY ?", {kPassword});
    session.Execute("GRANT ALL ON skulink.* TO net");
    Shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca");
    Shell(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other");
    MakeCertificate("address", "IP:127.0.0.1");
    MakeCertificate("name", "DNS:localhost");
    MakeCertificate("wrong", "DNS:wrong.example");
  }
  ~StoreNetwork() override {
    if (server == 0) return;
    kill(server, SIGTERM);
    waitpid(server, nullptr, 0);
  }

  void Shell(const std::string& command) {
    ASSERT_EQ(std::system(("cd " + folder.path().string() + " && " + command + " 2>>openssl.log").c_str()), 0)
        << command;
  }
  void MakeCertificate(const std::string& file, const std::string& name) {
    std::ofstream(folder.path() / (file + ".ext")) << "subjectAltName=" << name << "\n";
    Shell("openssl req -newkey rsa:2048 -nodes -keyout " + file + ".key -out " + file +
          ".csr -subj /CN=skulink");
    Shell("openssl x509 -req -in " + file +
          ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile " + file + ".ext -out " + file +
          ".pem");
  }

  // `certificate`: one of those made, or empty for a server without TLS.
  void StartServer(const std::string& certificate) {
    port = FreePort();
    std::string data_dir = (folder.path() / "mariadb").string();
    std::vector<std::string> arguments = {
        FindProgram("mariadbd"),
        "--no-defaults",
        "--datadir=" + data_dir,
        "--socket=" + data_dir + "/network.sock",
        "--user=" + std::string(getenv("USER") != nullptr && geteuid() != 0 ? getenv("USER") : "root"),
        "--bind-address=127.0.0.1",
        "--port=" + std::to_string(port),
        "--pid-file=" + data_dir + "/network.pid",
        "--innodb-buffer-pool-size=32M",
        "--skip-name-resolve"};
    if (!certificate.empty()) {
      arguments.push_back("--ssl-ca=" + File("ca.pem"));
      arguments.push_back("--ssl-cert=" + File(certificate + ".pem"));
      arguments.push_back("--ssl-key=" + File(certificate + ".key"));
    }
    auto started = StartChild(arguments, folder.path() / "network.log");
    ASSERT_TRUE(started.ok()) << started.status();
    server = *started;
    ASSERT_TRUE(Eventually([this] { return Connect("127.0.0.1", "?tls=off").ok(); }));
  }
  std::string File(const std::string& name) { return (folder.path() / name).string(); }

  absl::StatusOr<std::unique_ptr<Database>> Connect(const std::string& host, const std::string& query) {
    auto address = ParseDatabaseUrl("mysql://net:" + PercentEncode(kPassword) + "@" + host + ":" +
                                    std::to_string(port) + "/skulink" + query);
    if (!address.ok()) return address.status();
    return Database::Open(*address, 1);
  }
  std::string VerifyBy(const std::string& ca) { return "?tls=verify&ca=" + PercentEncode(File(ca)); }

  void ExpectRefused(const std::string& host, const std::string& query, const std::string& message) {
    absl::Status status = Connect(host, query).status();
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << host << query;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE) << host << query;
  }

  TempDir folder;
  pid_t server = 0;
  int port = 0;
};

TEST_F(StoreNetwork, AServerWhoseCertificateHasTheAddressIsTaken) {
  StartServer("address");
  auto database = Connect("127.0.0.1", VerifyBy("ca.pem"));
  ASSERT_TRUE(database.ok()) << database.status();
  auto encrypted = (*database)->Read([](Session& session) { return session.encrypted(); });
  EXPECT_TRUE(encrypted.value());
  ExpectRefused("localhost", VerifyBy("ca.pem"), "certificate");
  ExpectRefused("127.0.0.1", VerifyBy("other.pem"), "certificate");
  ExpectRefused("127.0.0.1", "?tls=verify", "certificate");
}

TEST_F(StoreNetwork, AServerWhoseCertificateHasTheNameIsTaken) {
  StartServer("name");
  EXPECT_TRUE(Connect("localhost", VerifyBy("ca.pem")).ok());
  ExpectRefused("127.0.0.1", VerifyBy("ca.pem"), "certificate");
}

TEST_F(StoreNetwork, AServerOfAnotherNameIsRefused) {
  StartServer("wrong");
  ExpectRefused("127.0.0.1", VerifyBy("ca.pem"), "certificate");
}

TEST_F(StoreNetwork, AServerWithoutTlsIsRefused) {
  StartServer("");
  ExpectRefused("127.0.0.1", VerifyBy("ca.pem"), "does not support");
  auto plain = Connect("127.0.0.1", "");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_FALSE((*plain)->Read([](Session& session) { return session.encrypted(); }).value());
}

TEST(StoreDatabaseUrl, ASocketIsTaken) {
  std::string socket = SharedMariadb().Address().soci_connect_string;
  std::size_t begin = socket.find("socket='") + 8;
  socket = socket.substr(begin, socket.find('\'', begin) - begin);
  std::string user = geteuid() == 0 ? "root" : getenv("USER");
  auto address = ParseDatabaseUrl("mysql://" + user + "@/skulink?socket=" + PercentEncode(socket));
  ASSERT_TRUE(address.ok()) << address.status();
  auto database = Database::Open(*address, 1);
  EXPECT_TRUE(database.ok()) << database.status();
}

}  // namespace
}  // namespace skulink::store
