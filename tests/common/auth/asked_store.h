#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/auth/authenticator.h"
#include "tests/common/auth/known_keys.h"

namespace alma::auth {

// A key store that gives one answer for every key, an authenticator before it, and a clock that
// both go by. Thread-safe.
class AskedStore {
 public:
  absl::StatusOr<SharedPrincipal> Authenticate(std::string_view key) {
    return authenticator.Authenticate(key, absl::InfiniteFuture());
  }

  void Answer(absl::StatusOr<VerifyApiKeyResponse> answer) {
    absl::MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }
  // Runs between the reading of an answer and its arrival.
  void Meanwhile(std::function<void()> meanwhile) {
    absl::MutexLock lock(&mutex_);
    meanwhile_ = std::move(meanwhile);
  }

  absl::Time now() const {
    absl::MutexLock lock(&mutex_);
    return now_;
  }
  void Advance(absl::Duration by) {
    absl::MutexLock lock(&mutex_);
    now_ += by;
  }

  // How often it was asked, and what for.
  int asked() const {
    absl::MutexLock lock(&mutex_);
    return asked_;
  }
  std::string last_sha256() const {
    absl::MutexLock lock(&mutex_);
    return sha256_;
  }
  absl::Time last_deadline() const {
    absl::MutexLock lock(&mutex_);
    return deadline_;
  }

 private:
  absl::StatusOr<VerifyApiKeyResponse> Verify(const std::string& sha256, absl::Time deadline) {
    absl::StatusOr<VerifyApiKeyResponse> read;
    std::function<void()> meanwhile;
    {
      absl::MutexLock lock(&mutex_);
      ++asked_;
      sha256_ = sha256;
      deadline_ = deadline;
      read = answer_;
      meanwhile = meanwhile_;
    }
    meanwhile();
    return read;
  }

  mutable absl::Mutex mutex_;
  absl::StatusOr<VerifyApiKeyResponse> answer_ ABSL_GUARDED_BY(mutex_) = Response();
  std::function<void()> meanwhile_ ABSL_GUARDED_BY(mutex_) = [] {};
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'800'000'000);
  int asked_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string sha256_ ABSL_GUARDED_BY(mutex_);
  absl::Time deadline_ ABSL_GUARDED_BY(mutex_);

 public:
  Authenticator authenticator{
      [this](const std::string& sha256, absl::Time deadline) { return Verify(sha256, deadline); },
      [this] { return now(); }};
};

}  // namespace alma::auth
