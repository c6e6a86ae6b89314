#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"
#include "alma/organizations/v1/api_keys.pb.h"

namespace alma::auth {

// Turns API keys into principals and remembers the answers. Thread-safe.
class Authenticator {
 public:
  // Asks the key store for the key with this raw SHA-256. NOT_FOUND when it lets nobody in;
  // UNAVAILABLE when it cannot be asked.
  using Verify = std::function<absl::StatusOr<organizations::v1::VerifyApiKeyResponse>(
      const std::string& secret_sha256, absl::Time deadline)>;

  // How long an answer is used without asking again. Changes made by other processes show after at
  // most this long; those of this process at once, through Forget.
  static constexpr absl::Duration kRemember = absl::Seconds(1);
  // Answers remembered at most.
  static constexpr size_t kCapacity = 100'000;

  explicit Authenticator(Verify verify) : verify_(std::move(verify)) {}

  // UNAUTHENTICATED for everything that is not a key in force: malformed keys are refused without
  // asking. UNAVAILABLE when the key store cannot be asked: never open. DEADLINE_EXCEEDED.
  absl::StatusOr<v1::Principal> Authenticate(std::string_view api_key, absl::Time deadline);

  // What Authenticate answers without asking; nullopt where it has to ask. Does not block.
  std::optional<absl::StatusOr<v1::Principal>> Remembered(std::string_view api_key)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Drops all answers, those that are being fetched included. Called after every change of keys or
  // organizations in this process.
  void Forget() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    absl::Time fetched;
    absl::Time expires;
    v1::Principal principal;
  };
  std::optional<absl::StatusOr<v1::Principal>> Find(const std::string& hash)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<v1::Principal> Fetch(const std::string& hash, absl::Time deadline);

  const Verify verify_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alma::auth
