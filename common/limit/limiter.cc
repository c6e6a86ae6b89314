#include "common/limit/limiter.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "common/limit/spread.h"

namespace alma::limit {
namespace {

constexpr double kNanosPerSecond = 1e9;

// By the bits that the hash tables do not use.
template <typename Shards>
auto& ShardOf(Shards& shards, const std::string& name) {
  return shards[(absl::Hash<std::string>{}(name) >> 60) % shards.size()];
}

}  // namespace

// The bucket as a virtual schedule (GCRA, ITU-T I.371): one number holds both how many tokens there
// are and when that was true.
Limiter::Limiter(const Limits& limits, Clock clock)
    : limits_(limits),
      nanos_per_token_(limits.key_rate > 0 ? static_cast<int64_t>(kNanosPerSecond / limits.key_rate)
                                           : 0),
      tolerance_nanos_(static_cast<int64_t>(std::max(0.0, limits.key_burst - 1) *
                                            static_cast<double>(nanos_per_token_))),
      clock_(std::move(clock)) {}

std::optional<Limiter::Refusal> Limiter::Admit(const std::string& key,
                                               const std::string& organization, Slot* slot) {
  Slot taken;
  if (limits_.organization_concurrency > 0 && !TakeSlot(organization, &taken)) {
    return Refusal{Refusal::Limit::kOrganizationConcurrency, Spread(kRetryConcurrency)};
  }
  if (limits_.key_rate > 0) {
    if (const auto wait = TakeToken(key); wait.has_value()) {
      return Refusal{Refusal::Limit::kKeyRate, *wait};
    }
  }
  *slot = std::move(taken);
  return std::nullopt;
}

std::optional<absl::Duration> Limiter::TakeToken(const std::string& key) {
  const int64_t now = absl::ToInt64Nanoseconds(clock_());
  Keys& shard = ShardOf(keys_, key);
  absl::MutexLock lock(&shard.mutex);
  auto bucket = shard.full_at.find(key);
  if (bucket == shard.full_at.end()) {
    if (shard.full_at.size() >= shard.sweep_at) {
      absl::erase_if(shard.full_at, [now](const auto& entry) { return entry.second <= now; });
      // Half of the room has to be free again, or sweeps would follow each other.
      if (shard.full_at.size() > kMaxKeys / kShards / 2) shard.full_at.clear();
      shard.sweep_at = std::max(2 * shard.full_at.size(), size_t{kMinSweep});
    }
    bucket = shard.full_at.emplace(key, now).first;
  }
  const int64_t full_at = std::max(bucket->second, now);
  if (full_at > now + tolerance_nanos_) {
    return absl::Nanoseconds(full_at - now - tolerance_nanos_);
  }
  bucket->second = full_at + nanos_per_token_;
  return std::nullopt;
}

bool Limiter::TakeSlot(const std::string& organization, Slot* slot) {
  Organizations& shard = ShardOf(organizations_, organization);
  absl::MutexLock lock(&shard.mutex);
  auto found = shard.running.find(organization);
  if (found == shard.running.end()) {
    if (shard.running.size() >= shard.sweep_at) {
      absl::erase_if(shard.running, [](const auto& entry) { return entry.second == 0; });
      shard.sweep_at = std::max(2 * shard.running.size(), size_t{kMinSweep});
    }
    found = shard.running.try_emplace(organization, 0).first;
  }
  if (found->second >= limits_.organization_concurrency) return false;
  ++found->second;
  *slot = Slot(&found->second);
  return true;
}

size_t Limiter::remembered() const {
  size_t count = 0;
  for (const Keys& shard : keys_) {
    absl::MutexLock lock(&shard.mutex);
    count += shard.full_at.size();
  }
  for (const Organizations& shard : organizations_) {
    absl::MutexLock lock(&shard.mutex);
    count += shard.running.size();
  }
  return count;
}

}  // namespace alma::limit
