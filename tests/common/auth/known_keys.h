#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/auth/api_key.h"
#include "common/auth/key_cache.h"

// Keys, and what a key store says of them.
namespace alma::auth {

inline constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
inline constexpr char kOtherOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ff";

using organizations::v1::ListKeyChangesResponse;
using organizations::v1::VerifyApiKeyResponse;

inline VerifyApiKeyResponse Response(int64_t change_seq = 0,
                                     const std::string& organization = kOrganization) {
  VerifyApiKeyResponse response;
  response.set_organization_uuid(organization);
  response.set_api_key_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ac");
  response.add_scopes("agents.read");
  response.add_scopes("agents.write");
  response.set_change_seq(change_seq);
  return response;
}

inline void SetExpiry(absl::Time expires, VerifyApiKeyResponse* response) {
  auto& timestamp = *response->mutable_expires_at();
  timestamp.set_seconds(absl::ToUnixSeconds(expires));
  timestamp.set_nanos(static_cast<int>(
      absl::ToInt64Nanoseconds(expires - absl::FromUnixSeconds(timestamp.seconds()))));
}

inline KeyHash HashOf(int n) { return Sha256(absl::StrCat("key ", n)); }

inline std::shared_ptr<const KnownKey> Key(int64_t change_seq,
                                           const std::string& organization = kOrganization) {
  auto key = std::make_shared<KnownKey>();
  key->principal.set_organization_uuid(organization);
  key->change_seq = change_seq;
  return key;
}

inline ListKeyChangesResponse Heartbeat(int64_t change_seq) {
  ListKeyChangesResponse response;
  response.set_change_seq(change_seq);
  return response;
}

inline ListKeyChangesResponse KeyChange(int64_t change_seq, const KeyHash& hash, bool revoked) {
  ListKeyChangesResponse response = Heartbeat(change_seq);
  response.mutable_key()->set_secret_sha256(std::string(hash.begin(), hash.end()));
  response.mutable_key()->set_state(revoked ? organizations::v1::KEY_STATE_REVOKED
                                            : organizations::v1::KEY_STATE_ACTIVE);
  return response;
}

inline ListKeyChangesResponse OrganizationChange(int64_t change_seq,
                                                 const std::string& organization, bool active) {
  ListKeyChangesResponse response = Heartbeat(change_seq);
  response.mutable_organization()->set_organization_uuid(organization);
  response.mutable_organization()->set_active(active);
  return response;
}

}  // namespace alma::auth
