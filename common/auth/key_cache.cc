#include "common/auth/key_cache.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace alma::auth {

using organizations::v1::ListKeyChangesResponse;

namespace {

constexpr int64_t kAnyChange = std::numeric_limits<int64_t>::max();

bool ToHash(const std::string& sha256, KeyHash* hash) {
  if (sha256.size() != hash->size()) return false;
  std::copy(sha256.begin(), sha256.end(), hash->begin());
  return true;
}

}  // namespace

KeyCache::Found KeyCache::Find(const KeyHash& hash, absl::Time now) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto at = index_.find(hash);
  if (at != index_.end()) {
    const std::shared_ptr<const KnownKey>& key = slots_[at->second].key;
    // Writing what is there already would take the line away from other cores.
    if (!key->used.load(std::memory_order_relaxed)) {
      key->used.store(true, std::memory_order_relaxed);
    }
    return {.key = key};
  }
  const Unknown& unknown = unknown_[PlaceOf(hash)];
  return {
      .key = nullptr,
      .unknown = now < unknown.until && unknown.epoch == unknown_epoch_ && unknown.hash == hash};
}

int64_t KeyCache::epoch() const {
  absl::ReaderMutexLock lock(&mutex_);
  return epoch_;
}

bool KeyCache::Overtaken(const KeyHash& hash, const KnownKey& key, int64_t epoch) const {
  const std::string& organization = key.principal.organization_uuid();
  return epoch < forgotten_.Of(organization) || key.change_seq < changed_keys_.Of(hash) ||
         key.change_seq < changed_organizations_.Of(organization);
}

bool KeyCache::Keep(const KeyHash& hash, std::shared_ptr<const KnownKey> key, int64_t epoch) {
  absl::MutexLock lock(&mutex_);
  if (Overtaken(hash, *key, epoch)) return false;
  unknown_[PlaceOf(hash)].until = absl::InfinitePast();
  if (const auto at = index_.find(hash); at != index_.end()) {
    // What was read last is also the newest: questions for a key come one after another.
    Erase(at->second);
  } else if (slots_.size() >= capacity_) {
    EvictOne();
  }
  by_organization_[key->principal.organization_uuid()].insert(hash);
  // Those that are used once make room for each other.
  key->used = false;
  index_[hash] = slots_.size();
  slots_.push_back({hash, std::move(key)});
  return true;
}

bool KeyCache::KeepUnknown(const KeyHash& hash, absl::Time asked, int64_t epoch) {
  absl::MutexLock lock(&mutex_);
  if (epoch != epoch_) return false;
  if (const auto at = index_.find(hash); at != index_.end()) Erase(at->second);
  Remember(hash, asked + kRememberUnknown);
  return true;
}

void KeyCache::Forget() {
  absl::MutexLock lock(&mutex_);
  Clear();
}

void KeyCache::Forget(const std::string& organization_uuid) {
  absl::MutexLock lock(&mutex_);
  forgotten_.Set(organization_uuid, ++epoch_);
  EraseOf(organization_uuid, kAnyChange);
  ForgetUnknown();
}

bool KeyCache::Apply(const ListKeyChangesResponse& change, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const int64_t before = std::exchange(change_seq_, change.change_seq());
  bool dropped = false;
  if (change_seq_ < before) {
    // The store was restored: what was read before is of another history.
    dropped = !slots_.empty();
    Clear();
  } else if (before < 0) {
    // The changes before the first one seen were not sent.
    dropped = EraseBefore(change_seq_);
  }
  Note(change, before);
  KeyHash hash;
  if (change.has_key() && ToHash(change.key().secret_sha256(), &hash)) {
    const auto at = index_.find(hash);
    if (at != index_.end() && slots_[at->second].key->change_seq < change_seq_) {
      Erase(at->second);
      dropped = true;
    }
    const bool revoked = change.key().state() == organizations::v1::KEY_STATE_REVOKED;
    if (revoked || unknown_[PlaceOf(hash)].hash == hash) {
      Remember(hash, revoked ? now + kRememberUnknown : absl::InfinitePast());
    }
  }
  if (change.has_organization()) {
    const bool active = change.organization().active();
    if (active) ForgetUnknown();
    for (const KeyHash& erased : EraseOf(change.organization().organization_uuid(), change_seq_)) {
      dropped = true;
      if (!active) Remember(erased, now + kRememberUnknown);
    }
  }
  return dropped;
}

void KeyCache::Note(const ListKeyChangesResponse& change, int64_t before) {
  KeyHash hash;
  const bool key = change.has_key() && ToHash(change.key().secret_sha256(), &hash);
  const bool unnamed = !key && !change.has_organization() && change.change_seq() > before;
  if (before < 0 || change.change_seq() < before || unnamed) {
    changed_keys_.SetAll(change.change_seq());
    changed_organizations_.SetAll(change.change_seq());
  }
  if (key) changed_keys_.Set(hash, change.change_seq());
  if (change.has_organization()) {
    changed_organizations_.Set(change.organization().organization_uuid(), change.change_seq());
  }
}

int64_t KeyCache::change_seq() const {
  absl::ReaderMutexLock lock(&mutex_);
  return change_seq_;
}

size_t KeyCache::size() const {
  absl::ReaderMutexLock lock(&mutex_);
  return slots_.size();
}

size_t KeyCache::PlaceOf(const KeyHash& hash) {
  uint64_t number = 0;
  std::memcpy(&number, hash.data(), sizeof number);
  return number % kUnknownKeys;
}

void KeyCache::Remember(const KeyHash& hash, absl::Time until) {
  unknown_[PlaceOf(hash)] = {hash, until, unknown_epoch_};
}

void KeyCache::Clear() {
  forgotten_.SetAll(++epoch_);
  slots_.clear();
  index_.clear();
  by_organization_.clear();
  ForgetUnknown();
}

void KeyCache::Erase(size_t slot) {
  const Slot erased = std::move(slots_[slot]);
  index_.erase(erased.hash);
  const auto of = by_organization_.find(erased.key->principal.organization_uuid());
  of->second.erase(erased.hash);
  if (of->second.empty()) by_organization_.erase(of);
  if (slot + 1 != slots_.size()) {
    slots_[slot] = std::move(slots_.back());
    index_[slots_[slot].hash] = slot;
  }
  slots_.pop_back();
}

void KeyCache::EvictOne() {
  while (true) {
    hand_ = (hand_ + 1) % slots_.size();
    if (!slots_[hand_].key->used.exchange(false, std::memory_order_relaxed)) return Erase(hand_);
  }
}

std::vector<KeyHash> KeyCache::EraseOf(const std::string& organization_uuid, int64_t change_seq) {
  std::vector<KeyHash> erased;
  const auto of = by_organization_.find(organization_uuid);
  if (of == by_organization_.end()) return erased;
  for (const KeyHash& hash : of->second) {
    if (slots_[index_[hash]].key->change_seq < change_seq) erased.push_back(hash);
  }
  for (const KeyHash& hash : erased) Erase(index_[hash]);
  return erased;
}

bool KeyCache::EraseBefore(int64_t change_seq) {
  const size_t before = slots_.size();
  for (size_t slot = before; slot-- > 0;) {
    if (slots_[slot].key->change_seq < change_seq) Erase(slot);
  }
  return slots_.size() < before;
}

}  // namespace alma::auth
