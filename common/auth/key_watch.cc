#include "common/auth/key_watch.h"

#include "common/auth/scopes.h"
#include "common/status/status.h"

namespace alma::auth {

bool KeyWatches::Watch::Holds() {
  if (watches_.holds_(call_->hash, call_->scope)) return true;
  // In this order: a look-up that begins now sees that somebody waits.
  call_->waits = true;
  watches_.check_soon_();
  return false;
}

std::unique_ptr<KeyWatch> KeyWatches::Add(const KeyHash& hash, std::string_view scope,
                                          OnChecked on_checked) {
  auto call = std::make_shared<Call>(hash, scope, std::move(on_checked));
  {
    absl::MutexLock lock(&mutex_);
    calls_[hash].insert(call);
  }
  // What has happened to the key since it was let in was told to the others only.
  if (!holds_(hash, scope)) check_soon_();
  return std::make_unique<Watch>(*this, std::move(call));
}

void KeyWatches::Remove(const std::shared_ptr<Call>& call) {
  {
    absl::MutexLock lock(&mutex_);
    const auto of_key = calls_.find(call->hash);
    of_key->second.erase(call);
    if (of_key->second.empty()) calls_.erase(of_key);
  }
  absl::MutexLock lock(&call->mutex);
  call->on_checked = nullptr;
}

std::vector<KeyHash> KeyWatches::Keys() const {
  absl::MutexLock lock(&mutex_);
  std::vector<KeyHash> keys;
  keys.reserve(calls_.size());
  for (const auto& [hash, calls] : calls_) keys.push_back(hash);
  return keys;
}

void KeyWatches::Tell(const KeyHash& hash,
                      const absl::StatusOr<std::shared_ptr<const KnownKey>>& key) {
  std::vector<std::shared_ptr<Call>> calls;
  {
    absl::MutexLock lock(&mutex_);
    const auto of_key = calls_.find(hash);
    if (of_key == calls_.end()) return;
    calls.assign(of_key->second.begin(), of_key->second.end());
  }
  for (const std::shared_ptr<Call>& call : calls) {
    absl::Status status = key.status();
    if (key.ok() && !HasScope((*key)->principal, call->scope)) {
      status = status::ScopeMissing(call->scope);
    }
    absl::MutexLock lock(&call->mutex);
    if (call->on_checked == nullptr) continue;
    if (!status.ok() || call->waits.exchange(false)) call->on_checked(status);
  }
}

}  // namespace alma::auth
