#include "tests/services/gateway/wire.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"

namespace alma::gateway {
namespace {

sockaddr_un NameOf(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof(name.sun_path));
  path.copy(name.sun_path, path.size());
  return name;
}

int Socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

int Listen(const std::string& path) {
  const int listener = Socket();
  const sockaddr_un name = NameOf(path);
  REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0);
  REQUIRE(listen(listener, 16) == 0);
  return listener;
}

}  // namespace

Wire::Wire(std::string path, std::string to)
    : path_(std::move(path)), to_(std::move(to)), listener_(Listen(path_)) {
  accepting_ = std::thread([this] { Accept(); });
}

Wire::~Wire() {
  frozen_ = false;
  unlink(path_.c_str());
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  close(listener_);
  absl::MutexLock lock(&mutex_);
  for (const int file : sockets_) shutdown(file, SHUT_RDWR);
  for (std::thread& carrier : carriers_) carrier.join();
  for (const int file : sockets_) close(file);
}

void Wire::Accept() {
  while (true) {
    const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (near < 0) return;
    const int far = Socket();
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    to_.copy(name.sun_path, sizeof(name.sun_path) - 1);
    if (connect(far, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
      close(near);
      close(far);
      continue;
    }
    absl::MutexLock lock(&mutex_);
    sockets_.insert(sockets_.end(), {near, far});
    carriers_.emplace_back([this, near, far] { Carry(near, far); });
    carriers_.emplace_back([this, near, far] { Carry(far, near); });
  }
}

void Wire::Carry(int from, int to) {
  std::array<char, 65536> bytes;
  ssize_t size = 0;
  while ((size = read(from, bytes.data(), bytes.size())) > 0) {
    while (frozen_) absl::SleepFor(absl::Milliseconds(1));
    for (ssize_t sent = 0; sent < size;) {
      const ssize_t written = send(to, bytes.data() + sent, size - sent, MSG_NOSIGNAL);
      if (written <= 0) break;
      sent += written;
    }
  }
  shutdown(to, SHUT_RDWR);
  shutdown(from, SHUT_RDWR);
}

}  // namespace alma::gateway
