#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/auth/key_cache.h"
#include "common/auth/key_watch.h"
#include "common/auth/principal.h"

namespace alma::auth {

// Turns API keys into principals and remembers the answers. What a key store says of its changes is
// given to Apply; while that is up to date, an answer is used until it is contradicted, otherwise
// for kRemember. Where the key store cannot be asked, what has been proven within kWithoutStore
// still counts, and nothing else: never open. Thread-safe.
class Authenticator {
 public:
  // Asks the key store for the key with this raw SHA-256; may block. NOT_FOUND when it lets nobody
  // in; UNAVAILABLE when it cannot be asked.
  using Verify = std::function<absl::StatusOr<organizations::v1::VerifyApiKeyResponse>(
      const std::string& secret_sha256, absl::Time deadline)>;

  static constexpr absl::Duration kRemember = absl::Seconds(1);
  static constexpr absl::Duration kWithoutStore = absl::Seconds(30);
  // How long after the key store could not be asked it is tried again for a key that is remembered.
  static constexpr absl::Duration kAskAgain = absl::Milliseconds(500);
  // How long after Apply has been told that it is up to date that still counts.
  static constexpr int kSilenceMillis = 1200;
  static constexpr absl::Duration kSilence = absl::Milliseconds(kSilenceMillis);
  // How often a key in use is asked for although nothing has changed, off its calls' path: that is
  // how the key store learns when it was last used.
  static constexpr absl::Duration kRenewEvery = absl::Minutes(1);
  // How often the keys of open calls are looked at, beside each time that one is forgotten.
  static constexpr int kCheckEveryMillis = 200;
  static constexpr absl::Duration kCheckEvery = absl::Milliseconds(kCheckEveryMillis);
  // Within which a key that has ended is refused and its open calls end, whoever ended it.
  static constexpr int kEndedWithinMillis = 2000;
  static constexpr size_t kCapacity = 100'000;

  explicit Authenticator(Verify verify, std::function<absl::Time()> now = absl::Now,
                         size_t capacity = kCapacity);
  ~Authenticator();

  // UNAUTHENTICATED for everything that is not a key in force: malformed keys are refused without
  // asking. Many calls with one key ask once. UNAVAILABLE when the key store cannot be asked;
  // DEADLINE_EXCEEDED. What it answers is what is remembered of the key: its times are not set.
  absl::StatusOr<SharedPrincipal> Authenticate(std::string_view api_key, absl::Time deadline);

  // What Authenticate answers without asking; nullopt where it has to ask. Does not block.
  std::optional<absl::StatusOr<SharedPrincipal>> Remembered(std::string_view api_key);

  // Watches over an open call that this key was let in for. `on_checked` is told when it expires,
  // is revoked, loses the scope, or cannot be proven any more.
  std::unique_ptr<KeyWatch> Watch(std::string_view api_key, std::string_view scope,
                                  KeyWatches::OnChecked on_checked);

  // Forgets what may have changed: all keys, or those of one organization. Called after a change in
  // this process, before it is answered; no answer that was read before is used afterwards.
  void Forget();
  void Forget(const std::string& organization_uuid);

  // The next response of ListKeyChanges, asked for after change_seq(), and whether everything there
  // is has arrived with it.
  void Apply(const organizations::v1::ListKeyChangesResponse& change, bool up_to_date);
  int64_t change_seq() const { return cache_.change_seq(); }

 private:
  using Known = std::shared_ptr<const KnownKey>;
  // One question, and those who wait for its answer.
  struct Flight {
    std::optional<absl::StatusOr<Known>> answer;
  };

  // Without asking.
  std::optional<absl::StatusOr<Known>> Find(const KeyHash& hash);
  // Asks where Find does not know.
  absl::StatusOr<Known> Resolve(const KeyHash& hash, absl::Time deadline);
  absl::StatusOr<Known> AskOnce(const KeyHash& hash, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(flights_mutex_);
  absl::StatusOr<Known> Ask(const KeyHash& hash, absl::Time deadline);
  void RenewLater(const KeyHash& hash, const KnownKey& key, absl::Time now);
  void CheckSoon() ABSL_LOCKS_EXCLUDED(work_mutex_);
  // Tells open calls what is known of their keys, and has the others asked for.
  void CheckWatches() ABSL_LOCKS_EXCLUDED(work_mutex_);
  // Each on a thread of its own: no question keeps a call open whose key is known to have ended.
  void CheckAgainAndAgain() ABSL_LOCKS_EXCLUDED(work_mutex_);
  void AskForOthers() ABSL_LOCKS_EXCLUDED(work_mutex_);
  bool HasQuestion() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_) {
    return stopping_ || !questions_.empty() || !renewals_.empty();
  }

  const Verify verify_;
  const std::function<absl::Time()> now_;
  KeyCache cache_;
  KeyWatches watches_;
  // When Apply was up to date last, and when a question was left without an answer where none has
  // come since; in nanoseconds since 1970.
  std::atomic<int64_t> followed_at_ = 0;
  std::atomic<int64_t> unanswered_at_ = 0;
  absl::Mutex flights_mutex_;
  absl::flat_hash_map<KeyHash, std::shared_ptr<Flight>> flights_ ABSL_GUARDED_BY(flights_mutex_);
  absl::Mutex work_mutex_;
  bool stopping_ ABSL_GUARDED_BY(work_mutex_) = false;
  bool check_now_ ABSL_GUARDED_BY(work_mutex_) = false;
  // Keys of open calls that are to be asked for, and those with the one that is being asked for.
  std::deque<KeyHash> questions_ ABSL_GUARDED_BY(work_mutex_);
  absl::flat_hash_set<KeyHash> asked_for_ ABSL_GUARDED_BY(work_mutex_);
  std::deque<KeyHash> renewals_ ABSL_GUARDED_BY(work_mutex_);
  std::thread checker_;
  std::thread asker_;
};

}  // namespace alma::auth
