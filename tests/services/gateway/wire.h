#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace alma::gateway {

// A wire to a server's unix socket that a test can cut: what is connected through it sees its peer
// die as a killed process does, without a farewell.
class Wire {
 public:
  // Listens at `path` and connects to `to`, both paths of sockets.
  Wire(std::string path, std::string to);
  // Cuts it; nobody listens at `path` any more.
  ~Wire();

  std::string address() const { return "unix:" + path_; }

  // Carries nothing from now on, or again what has come: who is connected through it sees a peer
  // that hangs.
  void Freeze(bool frozen) { frozen_ = frozen; }

 private:
  void Accept();
  // Moves bytes until either side ends.
  void Carry(int from, int to);

  const std::string path_;
  const std::string to_;
  const int listener_;
  std::atomic<bool> frozen_ = false;
  absl::Mutex mutex_;
  std::vector<int> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> carriers_ ABSL_GUARDED_BY(mutex_);
  std::thread accepting_;
};

}  // namespace alma::gateway
