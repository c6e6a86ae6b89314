#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/alma_server.h"
#include "tests/support/client.h"
#include "tests/system/conversations.h"

namespace alma::testing {
namespace {

// An open connection that says nothing; -1 where there is none to be had.
int Connect(const std::string& address) {
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) return -1;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<uint16_t>(port));
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(file, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) return file;
  close(file);
  return -1;
}

TEST_CASE("more silent connections than the soft limit of files keep nobody out") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string secret = Bootstrap(storage).secret;
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  // The server inherits it.
  const rlimit low{.rlim_cur = 128, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &low);
  AlmaServer server(storage);
  setrlimit(RLIMIT_NOFILE, &before);
  std::vector<int> silent;
  for (int i = 0; i < 300; ++i) silent.push_back(Connect(server.address()));
  for (const int file : silent) close(file);
  CHECK(CreateConversations(Client(server.channel(), secret), 1).size() == 1);
}

TEST_CASE("work that hangs in a database is cut off soon after the drain") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string secret = Bootstrap(storage).secret;
  AlmaServer server(storage, {"--drain_timeout=200ms"});
  const Client client(server.channel(), secret);
  const auto message = NewMessage(CreateConversations(client, 1).front());
  const auto other = storage.Open("conversations");
  const absl::Time begun = absl::Now();
  absl::Duration took;
  const absl::Status held = other->Write(begun + absl::Seconds(60), [&](db::Session& session) {
    session.Discard();
    std::thread caller([&] { Create(client, message); });
    absl::SleepFor(absl::Milliseconds(300));
    server.process().Signal(SIGTERM);
    CHECK(server.process().Wait(absl::Seconds(20)).exit_code == 1);
    took = absl::Now() - begun;
    caller.join();
    return absl::OkStatus();
  });
  CHECK(held.ok());
  CHECK(took < absl::Seconds(15));
}

}  // namespace
}  // namespace alma::testing
