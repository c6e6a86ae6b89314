#include "common/auth/verified_principals.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::auth {
namespace {

// In constant time: how far a guess is right would otherwise tell the signature piece by piece.
bool Same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

size_t HashOf(std::string_view text) {
  return absl::Hash<absl::string_view>{}(absl::string_view(text.data(), text.size()));
}

}  // namespace

VerifiedPrincipals::VerifiedPrincipals(const Secrets& secrets, size_t capacity, size_t max_bytes)
    : signer_(secrets),
      shard_capacity_(std::max(capacity / kShards, size_t{1})),
      shard_max_bytes_(max_bytes / kShards) {}

absl::StatusOr<SharedPrincipal> VerifiedPrincipals::Verify(std::string_view signed_principal,
                                                           absl::Time now) {
  const size_t hash = HashOf(signed_principal);
  Shard& shard = shards_[hash % kShards];
  if (SharedPrincipal known = Find(shard, hash, signed_principal); known != nullptr) {
    if (!HoldsAt(*known, now)) return status::ApiKeyInvalid();
    return known;
  }
  ASSIGN_OR_RETURN(v1::Principal verified, signer_.Verify(signed_principal, now));
  auto principal = std::make_shared<const v1::Principal>(std::move(verified));
  const size_t bytes = sizeof(Entry) + signed_principal.size() + principal->SpaceUsedLong();
  Remember(shard, hash, {std::string(signed_principal), principal, bytes}, now);
  return principal;
}

SharedPrincipal VerifiedPrincipals::Find(const Shard& shard, size_t hash,
                                         std::string_view signed_principal) {
  absl::ReaderMutexLock lock(&shard.mutex);
  const auto found = shard.entries.find(hash);
  if (found == shard.entries.end()) return nullptr;
  return Same(found->second.signed_principal, signed_principal) ? found->second.principal : nullptr;
}

void VerifiedPrincipals::Remember(Shard& shard, size_t hash, Entry entry, absl::Time now) const {
  if (entry.bytes > shard_max_bytes_) return;
  absl::MutexLock lock(&shard.mutex);
  if (!HasRoom(shard, 1, entry.bytes)) {
    absl::erase_if(shard.entries,
                   [now](const auto& held) { return !HoldsAt(*held.second.principal, now); });
    shard.bytes = 0;
    for (const auto& [key, held] : shard.entries) shard.bytes += held.bytes;
    // Half of the room has to be free again, or sweeps would follow each other.
    if (!HasRoom(shard, shard_capacity_ / 2, shard_max_bytes_ / 2) ||
        !HasRoom(shard, 1, entry.bytes)) {
      shard.entries.clear();
      shard.bytes = 0;
    }
  }
  Entry& kept = shard.entries[hash];
  shard.bytes += entry.bytes - kept.bytes;
  kept = std::move(entry);
}

size_t VerifiedPrincipals::size() const {
  size_t count = 0;
  for (const Shard& shard : shards_) {
    absl::ReaderMutexLock lock(&shard.mutex);
    count += shard.entries.size();
  }
  return count;
}

}  // namespace alma::auth
