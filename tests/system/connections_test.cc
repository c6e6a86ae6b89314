#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/rpc/connection.h"
#include "tests/support/alma_server.h"
#include "tests/support/certificates.h"

// What servers tell of themselves to whoever connects, and how long they bear one who says nothing:
// read from sockets, as gRPC's clients see neither.
namespace alma::testing {
namespace {

// RFC 9113, 6.5.2.
constexpr int kMaxConcurrentStreams = 3;
constexpr int kMaxHeaderListSize = 6;

constexpr absl::Duration kHandshake = absl::Milliseconds(rpc::kHandshakeTimeoutMillis);
// What scheduling may add.
constexpr absl::Duration kSlack = absl::Seconds(3);

// A connection to "127.0.0.1:port" from which a read gives up after twice kHandshake.
class Socket {
 public:
  explicit Socket(const std::string& address)
      : file_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), begun_(absl::Now()) {
    int port = 0;
    REQUIRE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<uint16_t>(port));
    REQUIRE(connect(file_, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0);
    const timeval patience = absl::ToTimeval(2 * kHandshake);
    REQUIRE(setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
  }
  ~Socket() { close(file_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void Write(std::string_view bytes) {
    REQUIRE(write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }

  // The next `count` bytes.
  std::vector<uint8_t> Read(size_t count) {
    std::vector<uint8_t> bytes(count);
    REQUIRE(recv(file_, bytes.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count));
    return bytes;
  }

  // How long after its begin the other side had closed it; nothing where it has not in time.
  std::optional<absl::Duration> AwaitClosed() {
    std::array<char, 4096> bytes;
    ssize_t count = 0;
    while ((count = read(file_, bytes.data(), bytes.size())) > 0) {
    }
    if (count < 0 && errno != ECONNRESET) return std::nullopt;
    return absl::Now() - begun_;
  }

 private:
  const int file_;
  const absl::Time begun_;
};

uint32_t Number(const std::vector<uint8_t>& bytes, size_t at, size_t size) {
  uint32_t number = 0;
  for (size_t i = at; i < at + size; ++i) number = number << 8 | bytes[i];
  return number;
}

// The SETTINGS that a server sends first (RFC 9113, 3.4 and 6.5), by their identifiers.
std::map<int, uint32_t> FirstSettings(const std::string& address) {
  Socket socket(address);
  socket.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  // The client's own, none.
  socket.Write(std::string_view("\0\0\0\4\0\0\0\0\0", 9));
  const std::vector<uint8_t> head = socket.Read(9);
  REQUIRE(head[3] == 4);
  REQUIRE(head[4] == 0);
  const std::vector<uint8_t> entries = socket.Read(Number(head, 0, 3));
  REQUIRE(entries.size() % 6 == 0);
  std::map<int, uint32_t> settings;
  for (size_t at = 0; at < entries.size(); at += 6) {
    settings[static_cast<int>(Number(entries, at, 2))] = Number(entries, at + 2, 4);
  }
  return settings;
}

// A server of each kind, all with these flags.
class Kinds {
 public:
  explicit Kinds(const AlmaStorage& storage, std::vector<std::string> flags = {}) {
    Bootstrap(storage);
    flags.push_back("--principal_secret_file=" + storage.secret_file());
    std::vector<std::string> of_service = flags;
    of_service.push_back(storage.location_flag());
    Add("alma-organizations", of_service);
    servers_["alma"] = std::make_unique<AlmaServer>(ServeCommand(storage, flags));
    flags.push_back("--organizations=" + servers_["alma-organizations"]->address());
    Add("alma-gateway", flags);
  }

  // Of each program where it listens.
  std::map<std::string, std::string> Addresses() const {
    std::map<std::string, std::string> addresses;
    for (const auto& [program, server] : servers_) addresses[program] = server->address();
    return addresses;
  }

 private:
  void Add(const std::string& program, const std::vector<std::string>& flags) {
    servers_[program] = std::make_unique<AlmaServer>(ServerCommand(program, flags));
  }

  std::map<std::string, std::unique_ptr<AlmaServer>> servers_;
};

TEST_CASE("every server announces the same limits to whoever connects") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const Kinds kinds(storage);
  for (const auto& [program, address] : kinds.Addresses()) {
    CAPTURE(program);
    const std::map<int, uint32_t> settings = FirstSettings(address);
    REQUIRE(settings.contains(kMaxConcurrentStreams));
    CHECK(settings.at(kMaxConcurrentStreams) == rpc::kMaxStreamsPerConnection);
    REQUIRE(settings.contains(kMaxHeaderListSize));
    CHECK(settings.at(kMaxHeaderListSize) == rpc::kMaxMetadataBytes);
  }
}

TEST_CASE("who connects and says nothing is left alone no longer than a handshake may take",
          "[long]") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const CertificateAuthority authority("authority");
  const CertificateFiles files(storage.folder(), authority, authority.Issue());
  const bool tls = GENERATE(false, true);
  CAPTURE(tls);
  const Kinds kinds(storage, tls ? std::vector<std::string>{"--tls_cert=" + files.cert(),
                                                            "--tls_key=" + files.key()}
                                 : std::vector<std::string>());
  std::map<std::string, std::unique_ptr<Socket>> silent;
  for (const auto& [program, address] : kinds.Addresses()) {
    silent[program] = std::make_unique<Socket>(address);
  }
  for (const auto& [program, socket] : silent) {
    CAPTURE(program);
    const auto closed = socket->AwaitClosed();
    REQUIRE(closed.has_value());
    CHECK(*closed > kHandshake - absl::Seconds(1));
    CHECK(*closed < kHandshake + kSlack);
  }
}

}  // namespace
}  // namespace alma::testing
