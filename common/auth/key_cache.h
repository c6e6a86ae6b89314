#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/auth/newest.h"

namespace alma::auth {

// SHA-256 of a whole key.
using KeyHash = std::array<std::uint8_t, 32>;

// A key in force, as the key store told of it.
struct KnownKey {
  v1::Principal principal;
  absl::Time expires = absl::InfiniteFuture();
  // Newest change of the store when this was read.
  int64_t change_seq = 0;
  // When it was asked for.
  absl::Time proven;
  // Since the cache last looked for one to give up.
  mutable std::atomic<bool> used = true;
  // When it is to be asked for again while it is used, in nanoseconds since 1970.
  mutable std::atomic<int64_t> renew_at = 0;
};

// What is remembered of keys, by the protocol of ListKeyChangesResponse. Bounded: when it is full,
// a key that has not been used lately makes room, and keys that do not exist have a place of their
// own, so that asking for many of them costs the others nothing. Thread-safe; a look-up takes a
// reader's lock and allocates nothing.
class KeyCache {
 public:
  // Keys that do not exist, remembered at most; each may displace another one.
  static constexpr size_t kUnknownKeys = 4096;
  // How long such a key is remembered at most.
  static constexpr absl::Duration kRememberUnknown = absl::Seconds(1);

  // Keys in force, remembered at most; at least 1.
  explicit KeyCache(size_t capacity) : capacity_(capacity), unknown_(kUnknownKeys) {}

  struct Found {
    // Null where none is remembered.
    std::shared_ptr<const KnownKey> key;
    // The key is known not to be in force.
    bool unknown = false;
  };
  Found Find(const KeyHash& hash, absl::Time now) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Grows with everything that overtakes answers on their way. Read it before asking.
  int64_t epoch() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Remembers an answer to a question that was asked in `epoch`. False where a change of the key or
  // of its organization may have overtaken it: then it must not be used, but asked for again.
  [[nodiscard]] bool Keep(const KeyHash& hash, std::shared_ptr<const KnownKey> key, int64_t epoch)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The same of a key that is not in force, asked for at `asked`, which anything forgotten may have
  // overtaken: nobody knows whose it is.
  [[nodiscard]] bool KeepUnknown(const KeyHash& hash, absl::Time asked, int64_t epoch)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets everything, or the keys of one organization, and all keys that did not exist; what is
  // on its way of them is overtaken.
  void Forget() ABSL_LOCKS_EXCLUDED(mutex_);
  void Forget(const std::string& organization_uuid) ABSL_LOCKS_EXCLUDED(mutex_);

  // The next response of ListKeyChanges, asked for after change_seq(). True where a key was
  // forgotten.
  bool Apply(const organizations::v1::ListKeyChangesResponse& change, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Newest change_seq applied; -1 before the first.
  int64_t change_seq() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Keys in force that are remembered.
  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Slot {
    KeyHash hash;
    std::shared_ptr<const KnownKey> key;
  };
  struct Unknown {
    KeyHash hash{};
    absl::Time until = absl::InfinitePast();
    int64_t epoch = 0;
  };
  static size_t PlaceOf(const KeyHash& hash);
  bool Overtaken(const KeyHash& hash, const KnownKey& key, int64_t epoch) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Notes whom the change behind `before` has changed: anybody, where it does not say.
  void Note(const organizations::v1::ListKeyChangesResponse& change, int64_t before)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remember(const KeyHash& hash, absl::Time until) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetUnknown() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { ++unknown_epoch_; }
  void Clear() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes out the key in this slot, where the last one moves to.
  void Erase(size_t slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EvictOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes out the organization's keys that were read before `change_seq`; what they were.
  std::vector<KeyHash> EraseOf(const std::string& organization_uuid, int64_t change_seq)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool EraseBefore(int64_t change_seq) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t capacity_;
  mutable absl::Mutex mutex_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<KeyHash, size_t> index_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, absl::flat_hash_set<KeyHash>> by_organization_
      ABSL_GUARDED_BY(mutex_);
  // Where the search for a key to give up goes on.
  size_t hand_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those of `unknown_epoch_` count.
  std::vector<Unknown> unknown_ ABSL_GUARDED_BY(mutex_);
  int64_t unknown_epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  // The epoch in which the keys of an organization were forgotten.
  Newest<std::string> forgotten_ ABSL_GUARDED_BY(mutex_);
  int64_t change_seq_ ABSL_GUARDED_BY(mutex_) = -1;
  // The change_seq of the newest change of a key, and of an organization.
  Newest<KeyHash> changed_keys_ ABSL_GUARDED_BY(mutex_);
  Newest<std::string> changed_organizations_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alma::auth
