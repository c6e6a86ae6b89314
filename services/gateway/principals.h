#pragma once

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"
#include "common/auth/principal.h"

namespace alma::gateway {

// Says to the services who calls: values of the metadata entry `alma-principal-bin`, each signed
// once and used for all calls of that caller in the minute that follows. Thread-safe.
class Principals {
 public:
  static constexpr absl::Duration kUse = absl::Minutes(1);
  // From signing to expiry: a call that is sent at the end of kUse may wait for as long again.
  static constexpr absl::Duration kLifetime = absl::Minutes(2);
  // Callers remembered at most; all are dropped when one more comes.
  static constexpr size_t kCapacity = 100'000;

  // `secrets` must not be empty; the first one signs.
  explicit Principals(const auth::Secrets& secrets) : signer_(secrets) {}

  // For a call of `caller` that is sent at `now`. Its times do not count.
  std::string For(const auth::v1::Principal& caller, absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  // For a call of the gateway itself.
  std::string ForGateway(absl::Time now);

 private:
  struct Entry {
    auth::v1::Principal caller;
    std::string value;
    absl::Time renew;
  };

  const auth::PrincipalSigner signer_;
  absl::Mutex mutex_;
  // By API key; the gateway itself has none.
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alma::gateway
