#include "services/gateway/principals.h"

#include <algorithm>
#include <utility>

#include "common/auth/scopes.h"

namespace alma::gateway {
namespace {

using auth::v1::Principal;

bool SameCaller(const Principal& a, const Principal& b) {
  return a.organization_uuid() == b.organization_uuid() &&
         std::equal(a.scopes().begin(), a.scopes().end(), b.scopes().begin(), b.scopes().end());
}

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
}

}  // namespace

std::string Principals::For(const Principal& caller, absl::Time now) {
  {
    absl::MutexLock lock(&mutex_);
    const auto entry = entries_.find(caller.api_key_uuid());
    // One from the future was signed before the clock was set back; services refuse it.
    if (entry != entries_.end() && now < entry->second.renew &&
        now + auth::kPrincipalClockSkew >= entry->second.renew - kUse &&
        SameCaller(entry->second.caller, caller)) {
      return entry->second.value;
    }
  }
  Entry entry{.caller = caller, .value = {}, .renew = now + kUse};
  SetTime(now, entry.caller.mutable_issued_at());
  SetTime(now + kLifetime, entry.caller.mutable_expires_at());
  entry.value = signer_.Sign(entry.caller);
  std::string value = entry.value;
  absl::MutexLock lock(&mutex_);
  if (entries_.size() >= kCapacity) entries_.clear();
  entries_[caller.api_key_uuid()] = std::move(entry);
  return value;
}

std::string Principals::ForGateway(absl::Time now) {
  Principal gateway;
  gateway.add_scopes(std::string(auth::kInternal));
  return For(gateway, now);
}

}  // namespace alma::gateway
