#include "common/auth/authenticator.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "common/auth/api_key.h"
#include "common/auth/scopes.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/timestamp.h"

namespace alma::auth {

using organizations::v1::ListKeyChangesResponse;
using organizations::v1::VerifyApiKeyResponse;

namespace {

// How often an answer may be overtaken by changes before the question is given up.
constexpr int kMaxOvertaken = 10;
// Keys that wait to be asked for although nothing has changed; more have to wait for their next
// call.
constexpr size_t kMaxRenewals = 10'000;
// How long a look-up that no call waits for may take.
constexpr absl::Duration kCheckTimeout = absl::Seconds(5);

// A clock that is set back proves nothing.
bool Within(absl::Duration duration, absl::Time since, absl::Time now) {
  return now < since + duration && now > since - duration;
}

std::shared_ptr<const KnownKey> ToKnownKey(const VerifyApiKeyResponse& verified, absl::Time asked) {
  auto key = std::make_shared<KnownKey>();
  key->principal.set_organization_uuid(verified.organization_uuid());
  key->principal.set_api_key_uuid(verified.api_key_uuid());
  *key->principal.mutable_scopes() = verified.scopes();
  if (verified.has_expires_at()) key->expires = text::ToTime(verified.expires_at());
  key->change_seq = verified.change_seq();
  key->proven = asked;
  key->renew_at = absl::ToUnixNanos(asked + Authenticator::kRenewEvery);
  return key;
}

SharedPrincipal PrincipalOf(std::shared_ptr<const KnownKey> key) {
  const v1::Principal* principal = &key->principal;
  return {std::move(key), principal};
}

}  // namespace

Authenticator::Authenticator(Verify verify, std::function<absl::Time()> now, size_t capacity)
    : verify_(std::move(verify)),
      now_(std::move(now)),
      cache_(capacity),
      watches_(
          [this](const KeyHash& hash, std::string_view scope) {
            const auto found = Find(hash);
            return found.has_value() && found->ok() && HasScope((**found)->principal, scope);
          },
          [this] { CheckSoon(); }),
      checker_([this] { CheckAgainAndAgain(); }),
      asker_([this] { AskForOthers(); }) {}

Authenticator::~Authenticator() {
  {
    absl::MutexLock lock(&work_mutex_);
    stopping_ = true;
  }
  checker_.join();
  asker_.join();
}

absl::StatusOr<SharedPrincipal> Authenticator::Authenticate(std::string_view api_key,
                                                            absl::Time deadline) {
  if (!IsWellFormedApiKey(api_key)) return status::ApiKeyInvalid();
  ASSIGN_OR_RETURN(Known key, Resolve(Sha256(api_key), deadline));
  return PrincipalOf(std::move(key));
}

std::optional<absl::StatusOr<SharedPrincipal>> Authenticator::Remembered(std::string_view api_key) {
  if (!IsWellFormedApiKey(api_key)) return status::ApiKeyInvalid();
  auto found = Find(Sha256(api_key));
  if (!found.has_value()) return std::nullopt;
  if (!found->ok()) return found->status();
  return PrincipalOf(**std::move(found));
}

std::unique_ptr<KeyWatch> Authenticator::Watch(std::string_view api_key, std::string_view scope,
                                               KeyWatches::OnChecked on_checked) {
  return watches_.Add(Sha256(api_key), scope, std::move(on_checked));
}

void Authenticator::Forget() {
  cache_.Forget();
  CheckSoon();
}

void Authenticator::Forget(const std::string& organization_uuid) {
  cache_.Forget(organization_uuid);
  CheckSoon();
}

void Authenticator::Apply(const ListKeyChangesResponse& change, bool up_to_date) {
  const absl::Time now = now_();
  const int64_t followed_at = followed_at_;
  // A store that was restored meanwhile may have counted past what was seen before.
  if (followed_at != 0 && !Within(kWithoutStore, absl::FromUnixNanos(followed_at), now)) Forget();
  const bool dropped = cache_.Apply(change, now);
  if (up_to_date) followed_at_ = absl::ToUnixNanos(now);
  if (dropped) CheckSoon();
}

std::optional<absl::StatusOr<Authenticator::Known>> Authenticator::Find(const KeyHash& hash) {
  const absl::Time now = now_();
  KeyCache::Found found = cache_.Find(hash, now);
  if (found.unknown) return status::ApiKeyInvalid();
  if (found.key == nullptr) return std::nullopt;
  const absl::Time followed = absl::FromUnixNanos(followed_at_);
  if (!Within(kRemember, found.key->proven, now) && !Within(kSilence, followed, now)) {
    const bool unanswered = Within(kAskAgain, absl::FromUnixNanos(unanswered_at_), now);
    const absl::Time proven = std::max(found.key->proven, followed);
    if (!unanswered || !Within(kWithoutStore, proven, now)) return std::nullopt;
  }
  if (now >= found.key->expires) return status::ApiKeyInvalid();
  RenewLater(hash, *found.key, now);
  return std::move(found.key);
}

absl::StatusOr<Authenticator::Known> Authenticator::Resolve(const KeyHash& hash,
                                                            absl::Time deadline) {
  if (auto found = Find(hash); found.has_value()) return *std::move(found);
  absl::StatusOr<Known> answer = AskOnce(hash, deadline);
  if (!absl::IsUnavailable(answer.status())) return answer;
  auto found = Find(hash);
  return found.has_value() ? *std::move(found) : answer;
}

absl::StatusOr<Authenticator::Known> Authenticator::AskOnce(const KeyHash& hash,
                                                            absl::Time deadline) {
  std::shared_ptr<Flight> flight;
  while (true) {
    {
      absl::MutexLock lock(&flights_mutex_);
      const auto [at, first] = flights_.try_emplace(hash, std::make_shared<Flight>());
      flight = at->second;
      if (first) break;
      const auto answered = [](Flight* f) { return f->answer.has_value(); };
      if (!flights_mutex_.AwaitWithDeadline(absl::Condition(+answered, flight.get()), deadline)) {
        return status::DeadlineExceeded();
      }
    }
    const absl::StatusOr<Known>& answer = *flight->answer;
    // A change may have overtaken it since, which this call began after; and whoever asked may have
    // had less time.
    if (answer.ok() ? cache_.Find(hash, now_()).key == *answer
                    : !absl::IsDeadlineExceeded(answer.status())) {
      return answer;
    }
    if (absl::Now() >= deadline) return status::DeadlineExceeded();
  }
  const absl::Cleanup land = [&] {
    absl::MutexLock lock(&flights_mutex_);
    if (!flight->answer.has_value()) flight->answer = status::Internal();
    flights_.erase(hash);
  };
  absl::StatusOr<Known> answer = Ask(hash, deadline);
  absl::MutexLock lock(&flights_mutex_);
  flight->answer = answer;
  return answer;
}

absl::StatusOr<Authenticator::Known> Authenticator::Ask(const KeyHash& hash, absl::Time deadline) {
  const std::string sha256(hash.begin(), hash.end());
  for (int i = 0; i < kMaxOvertaken; ++i) {
    const int64_t epoch = cache_.epoch();
    const absl::Time asked = now_();
    const absl::StatusOr<VerifyApiKeyResponse> verified = verify_(sha256, deadline);
    const bool unanswered = absl::IsUnavailable(verified.status());
    // No answer in time says nothing of whether others get one.
    if (!absl::IsDeadlineExceeded(verified.status())) {
      unanswered_at_ = absl::ToUnixNanos(unanswered ? now_() : absl::UnixEpoch());
    }
    if (absl::IsNotFound(verified.status())) {
      if (cache_.KeepUnknown(hash, asked, epoch)) return status::ApiKeyInvalid();
      continue;
    }
    RETURN_IF_ERROR(verified.status());
    Known key = ToKnownKey(*verified, asked);
    if (!cache_.Keep(hash, key, epoch)) continue;
    if (now_() >= key->expires) return status::ApiKeyInvalid();
    return key;
  }
  return status::DatabaseUnavailable();
}

void Authenticator::RenewLater(const KeyHash& hash, const KnownKey& key, absl::Time now) {
  int64_t due = key.renew_at.load(std::memory_order_relaxed);
  if (absl::ToUnixNanos(now) < due) return;
  if (!key.renew_at.compare_exchange_strong(due, absl::ToUnixNanos(now + kRenewEvery))) return;
  absl::MutexLock lock(&work_mutex_);
  if (renewals_.size() < kMaxRenewals) renewals_.push_back(hash);
}

void Authenticator::CheckSoon() {
  absl::MutexLock lock(&work_mutex_);
  check_now_ = true;
}

void Authenticator::CheckWatches() {
  for (const KeyHash& hash : watches_.Keys()) {
    if (auto found = Find(hash); found.has_value()) {
      watches_.Tell(hash, *std::move(found));
    } else {
      absl::MutexLock lock(&work_mutex_);
      if (asked_for_.insert(hash).second) questions_.push_back(hash);
    }
  }
}

void Authenticator::CheckAgainAndAgain() {
  while (true) {
    {
      absl::MutexLock lock(&work_mutex_);
      const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_) {
        return stopping_ || check_now_;
      };
      work_mutex_.AwaitWithTimeout(absl::Condition(&wanted), kCheckEvery);
      if (stopping_) return;
      check_now_ = false;
    }
    CheckWatches();
  }
}

void Authenticator::AskForOthers() {
  while (true) {
    KeyHash hash;
    bool for_watches = false;
    {
      absl::MutexLock lock(&work_mutex_);
      work_mutex_.Await(absl::Condition(this, &Authenticator::HasQuestion));
      if (stopping_) return;
      for_watches = !questions_.empty();
      std::deque<KeyHash>& next = for_watches ? questions_ : renewals_;
      hash = next.front();
      next.pop_front();
    }
    const absl::Time deadline = absl::Now() + kCheckTimeout;
    if (!for_watches) {
      AskOnce(hash, deadline).IgnoreError();
      continue;
    }
    const absl::StatusOr<Known> answer = Resolve(hash, deadline);
    {
      // Before it is told: what changes in between is asked for again.
      absl::MutexLock lock(&work_mutex_);
      asked_for_.erase(hash);
    }
    watches_.Tell(hash, answer);
  }
}

}  // namespace alma::auth
