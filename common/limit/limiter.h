#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/limit/clock.h"

namespace alma::limit {

struct Limits {
  // Calls per second that a key may begin in the long run; 0 for any number, else at least 0.001.
  double key_rate = 0;
  // Calls that it may begin at once after a rest, at least 1.
  double key_burst = 1;
  // Calls of an organization at a time; 0 for any number.
  int organization_concurrency = 0;
};

// A token bucket per key and a count of running calls per organization, of this process alone.
// Remembers the keys whose bucket is not full and the organizations with calls, and few others. A
// call of a key that is known allocates nothing. Thread-safe.
class Limiter {
 public:
  // Keys remembered at most; beyond that a part of them starts with full buckets again.
  static constexpr size_t kMaxKeys = 131'072;
  // What is asked for where an organization has to wait for one of its own calls to end, and up to
  // half of it more (Spread): its calls are refused many at a time.
  static constexpr absl::Duration kRetryConcurrency = absl::Milliseconds(100);

  // One running call, until destruction or Release. The limiter outlives it.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : running_(std::exchange(other.running_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(running_, other.running_);
      return *this;
    }
    ~Slot() { Release(); }
    void Release() {
      if (running_ != nullptr) std::exchange(running_, nullptr)->fetch_sub(1);
    }

   private:
    friend class Limiter;
    explicit Slot(std::atomic<int>* running) : running_(running) {}
    std::atomic<int>* running_ = nullptr;
  };

  struct Refusal {
    enum class Limit { kKeyRate, kOrganizationConcurrency };
    Limit limit;
    // kKeyRate: exactly when the key has a token again, if nobody else takes it.
    absl::Duration retry_after;
  };

  explicit Limiter(const Limits& limits, Clock clock = MonotonicNow);

  // Takes a token of `key` and a slot of `organization`, which goes to `slot`; both or, where it
  // answers why not, neither.
  std::optional<Refusal> Admit(const std::string& key, const std::string& organization, Slot* slot);

  // Keys and organizations that are remembered.
  size_t remembered() const;

 private:
  static constexpr size_t kShards = 16;
  // A shard looks for what it may forget when it has grown to this, or to twice what was left.
  static constexpr size_t kMinSweep = 64;

  // Where each bucket stands: the moment when it will be full, in nanoseconds of the clock.
  struct alignas(64) Keys {
    mutable absl::Mutex mutex;
    absl::flat_hash_map<std::string, int64_t> full_at ABSL_GUARDED_BY(mutex);
    size_t sweep_at ABSL_GUARDED_BY(mutex) = kMinSweep;
  };
  // Counts go up under the mutex only, so that what is 0 there may go.
  struct alignas(64) Organizations {
    mutable absl::Mutex mutex;
    absl::node_hash_map<std::string, std::atomic<int>> running ABSL_GUARDED_BY(mutex);
    size_t sweep_at ABSL_GUARDED_BY(mutex) = kMinSweep;
  };

  // Nothing, or the time until there is a token.
  std::optional<absl::Duration> TakeToken(const std::string& key);
  bool TakeSlot(const std::string& organization, Slot* slot);

  const Limits limits_;
  const int64_t nanos_per_token_;
  // How far ahead of now a bucket may be full and still give a token.
  const int64_t tolerance_nanos_;
  const Clock clock_;
  std::array<Keys, kShards> keys_;
  std::array<Organizations, kShards> organizations_;
};

}  // namespace alma::limit
