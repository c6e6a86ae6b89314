#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/auth/principal.h"
#include "common/auth/secret_file.h"

namespace alma::auth {

// Verifies signed principals and remembers by all of their bytes those that were good: a gateway
// sends what it signed for a key once with all calls of the next minute. What nobody of ours has
// signed is never remembered. Bounded; when a part is full, what has expired makes room, or else
// all of that part. Thread-safe.
class VerifiedPrincipals {
 public:
  // Remembered at most, and what they take with their bytes.
  static constexpr size_t kCapacity = 16'384;
  static constexpr size_t kMaxBytes = 16 * 1024 * 1024;

  // `secrets` must not be empty; they are those of this object for as long as it lives.
  explicit VerifiedPrincipals(const Secrets& secrets, size_t capacity = kCapacity,
                              size_t max_bytes = kMaxBytes);

  // As PrincipalSigner::Verify, the times included each time.
  absl::StatusOr<SharedPrincipal> Verify(std::string_view signed_principal, absl::Time now);

  // How many are remembered.
  size_t size() const;

 private:
  static constexpr size_t kShards = 16;

  struct Entry {
    std::string signed_principal;
    SharedPrincipal principal;
    // What both take.
    size_t bytes = 0;
  };
  struct alignas(64) Shard {
    mutable absl::Mutex mutex;
    // By the hash of the signed principal; of two that share one, the newer.
    absl::flat_hash_map<size_t, Entry> entries ABSL_GUARDED_BY(mutex);
    size_t bytes ABSL_GUARDED_BY(mutex) = 0;
  };

  // Null where it is not remembered.
  static SharedPrincipal Find(const Shard& shard, size_t hash, std::string_view signed_principal)
      ABSL_LOCKS_EXCLUDED(shard.mutex);
  void Remember(Shard& shard, size_t hash, Entry entry, absl::Time now) const
      ABSL_LOCKS_EXCLUDED(shard.mutex);
  bool HasRoom(const Shard& shard, size_t entries, size_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex) {
    return shard.entries.size() + entries <= shard_capacity_ &&
           shard.bytes + bytes <= shard_max_bytes_;
  }

  const PrincipalSigner signer_;
  const size_t shard_capacity_;
  const size_t shard_max_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace alma::auth
