#include "common/auth/authenticator.h"

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "common/auth/api_key.h"
#include "common/status/status.h"

namespace alma::auth {
namespace {

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string HashOf(std::string_view api_key) {
  const auto sha256 = Sha256(api_key);
  return {sha256.begin(), sha256.end()};
}

}  // namespace

absl::StatusOr<v1::Principal> Authenticator::Authenticate(std::string_view api_key,
                                                          absl::Time deadline) {
  if (!IsWellFormedApiKey(api_key)) return status::ApiKeyInvalid();
  const std::string hash = HashOf(api_key);
  if (auto remembered = Find(hash); remembered.has_value()) return *std::move(remembered);
  return Fetch(hash, deadline);
}

std::optional<absl::StatusOr<v1::Principal>> Authenticator::Remembered(std::string_view api_key) {
  if (!IsWellFormedApiKey(api_key)) return status::ApiKeyInvalid();
  return Find(HashOf(api_key));
}

std::optional<absl::StatusOr<v1::Principal>> Authenticator::Find(const std::string& hash) {
  absl::MutexLock lock(&mutex_);
  const auto entry = entries_.find(hash);
  const absl::Time now = absl::Now();
  if (entry == entries_.end() || now >= entry->second.fetched + kRemember) return std::nullopt;
  if (now >= entry->second.expires) return status::ApiKeyInvalid();
  return entry->second.principal;
}

absl::StatusOr<v1::Principal> Authenticator::Fetch(const std::string& hash, absl::Time deadline) {
  int64_t generation = 0;
  {
    absl::MutexLock lock(&mutex_);
    generation = generation_;
  }
  const absl::Time fetched = absl::Now();
  const auto verified = verify_(hash, deadline);
  if (absl::IsNotFound(verified.status())) return status::ApiKeyInvalid();
  if (!verified.ok()) return verified.status();
  Entry entry{.fetched = fetched, .expires = absl::InfiniteFuture(), .principal = {}};
  if (verified->has_expires_at()) entry.expires = ToTime(verified->expires_at());
  entry.principal.set_organization_uuid(verified->organization_uuid());
  entry.principal.set_api_key_uuid(verified->api_key_uuid());
  *entry.principal.mutable_scopes() = verified->scopes();
  if (absl::Now() >= entry.expires) return status::ApiKeyInvalid();
  absl::MutexLock lock(&mutex_);
  // An answer that was read before a change must not outlive it.
  if (generation == generation_) {
    if (entries_.size() >= kCapacity) entries_.clear();
    entries_[hash] = entry;
  }
  return entry.principal;
}

void Authenticator::Forget() {
  absl::MutexLock lock(&mutex_);
  ++generation_;
  entries_.clear();
}

}  // namespace alma::auth
