#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include <prometheus/gauge.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/auth/authenticator.h"
#include "services/gateway/key_store.h"

namespace alma::gateway {

// Follows the changes of keys at one organizations process after another (ListKeyChanges) and gives
// them to an authenticator. Thread-safe.
class KeyFeed {
 public:
  // A process that says nothing for so long is given up.
  static constexpr absl::Duration kSilence = auth::Authenticator::kSilence;
  // Between two attempts; doubled with each one in vain.
  static constexpr absl::Duration kMinPause = absl::Milliseconds(100);
  static constexpr absl::Duration kMaxPause = absl::Milliseconds(500);
  static constexpr absl::Duration kRetryWithin = absl::Milliseconds(300);

  // All of them outlive this object. In the gauge alma_key_changes_followed it says whether it is
  // up to date.
  KeyFeed(KeyStore& store, auth::Authenticator& authenticator, metrics::Calls& metrics);
  ~KeyFeed();

  // Tries at once to reach the processes, where none is followed, and waits for that, kRetryWithin
  // at most.
  void RetryNow() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Stream;
  enum class Outcome {
    kUnreachable,  // or has stopped answering
    kRefused,      // is there, but does not tell of changes
    kEnded,        // told of changes, but does not go on
  };

  // On a thread of its own.
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Until the stream ends or is silent.
  Outcome Follow(size_t process) ABSL_LOCKS_EXCLUDED(mutex_);

  KeyStore& store_;
  auth::Authenticator& authenticator_;
  prometheus::Gauge& followed_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool retry_ ABSL_GUARDED_BY(mutex_) = false;
  bool following_ ABSL_GUARDED_BY(mutex_) = false;
  // A warning has been written.
  bool told_refused_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alma::gateway
