#include "tests/system/metrics.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "catch2/catch.hpp"

namespace alma::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<uint16_t>(port));
  return name;
}

int Socket() { return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

std::string FreeAddress() {
  const int file = Socket();
  sockaddr_in name = Loopback(0);
  socklen_t size = sizeof(name);
  REQUIRE(bind(file, reinterpret_cast<const sockaddr*>(&name), size) == 0);
  REQUIRE(getsockname(file, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  close(file);
  return absl::StrCat("127.0.0.1:", ntohs(name.sin_port));
}

std::string Metrics(const std::string& address) {
  int port = 0;
  REQUIRE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
  const int file = Socket();
  const sockaddr_in name = Loopback(port);
  REQUIRE(connect(file, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0);
  const std::string_view request =
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  REQUIRE(write(file, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> bytes;
  ssize_t count = 0;
  while ((count = read(file, bytes.data(), bytes.size())) > 0) answer.append(bytes.data(), count);
  close(file);
  REQUIRE(answer.find(" 200 ") != std::string::npos);
  return answer;
}

int64_t Sum(const std::string& metrics, const std::string& metric, const std::string& part) {
  int64_t sum = 0;
  for (const auto& text : absl::StrSplit(metrics, '\n')) {
    const std::string line(text);
    double value = 0;
    if (line.starts_with(metric + "{") && line.find(part) != std::string::npos &&
        absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) {
      sum += static_cast<int64_t>(value);
    }
  }
  return sum;
}

int64_t AnsweredCalls(const std::string& metrics, const std::string& method) {
  return Sum(metrics, "alma_calls_total", method);
}

}  // namespace alma::testing
