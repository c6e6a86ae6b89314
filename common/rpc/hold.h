#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace alma::rpc {

// Keeps the unary calls that arrive while a server takes its leave: gRPC ends with CANCELLED what
// reaches a server after its shutdown and before the client has heard of that. Whoever waits for an
// answer makes no further call, and hears of the shutdown before the answer. Thread-safe.
class Hold {
 public:
  using Call = absl::AnyInvocable<void()>;

  // Runs `call`, at once unless it is held.
  template <typename Body>
  void Pass(Body call) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (!held()) return call();
    Keep(std::move(call));
  }

  // Whether Pass would keep a call.
  bool held() const { return held_.load(std::memory_order_relaxed); }

  void Begin() ABSL_LOCKS_EXCLUDED(mutex_);
  // Runs what was kept, on this thread.
  void End() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Keep(Call call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Written under the mutex.
  std::atomic<bool> held_ = false;
  absl::Mutex mutex_;
  std::vector<Call> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alma::rpc
