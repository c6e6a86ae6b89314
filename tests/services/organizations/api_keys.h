#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "common/auth/scopes.h"
#include "common/status/status.h"
#include "services/organizations/api_key_store.h"
#include "services/organizations/schema.h"
#include "services/organizations/store.h"
#include "tests/support/database.h"
#include "tests/support/service_harness.h"

// What the tests of ApiKeyStore share.
namespace alma::organizations {

using testing::Caller;

inline const std::string kOrganizationA = "0190f3a2-7c1e-7b4d-8f00-00000000000a";
inline const std::string kOrganizationB = "0190f3a2-7c1e-7b4d-8f00-00000000000b";
inline const std::string kAbsent = "0190f3a2-7c1e-7b4d-8f00-0000000000ff";
inline const auth::v1::Principal kPlatform = Caller(kOrganizationB, {auth::kPlatformAdmin});
inline const auth::v1::Principal kAdminA =
    Caller(kOrganizationA, {auth::kOrganizationAdmin, auth::kOrganizationRead});
inline const auth::v1::Principal kAdminB =
    Caller(kOrganizationB, {auth::kOrganizationAdmin, auth::kOrganizationRead});

inline absl::Time Deadline() { return absl::Now() + absl::Seconds(20); }
inline rpc::Call As(const auth::v1::Principal& caller) { return {caller, Deadline()}; }

// A fresh database with organizations A and B.
struct Fixture {
  explicit Fixture(db::Engine engine)
      : database(engine, Schema()),
        organizations(*database),
        key_uses(*database),
        api_keys(*database, key_uses) {
    for (const std::string& uuid : {kOrganizationA, kOrganizationB}) {
      v1::Organization organization;
      organization.set_uuid(uuid);
      organization.set_name("organization");
      REQUIRE(organizations.Create(As(kPlatform), organization).ok());
    }
  }

  v1::CreateApiKeyResponse Create(const v1::ApiKey& api_key,
                                  const auth::v1::Principal& caller = kAdminA) {
    auto created = api_keys.Create(As(caller), api_key);
    INFO(created.status());
    REQUIRE(created.ok());
    return *std::move(created);
  }

  v1::ApiKey Stored(const std::string& uuid) {
    auto stored = api_keys.Get(As(kPlatform), uuid);
    INFO(stored.status());
    REQUIRE(stored.ok());
    return *std::move(stored);
  }

  absl::StatusOr<v1::VerifyApiKeyResponse> Verify(const std::string& secret) {
    const auto hash = auth::Sha256(secret);
    return api_keys.Verify(std::string(hash.begin(), hash.end()), Deadline());
  }

  testing::TestDatabase database;
  Store organizations;
  KeyUses key_uses;
  ApiKeyStore api_keys;
};

inline v1::ApiKey Key(const std::vector<std::string_view>& scopes = {auth::kAgentsRead}) {
  v1::ApiKey api_key;
  api_key.set_api_key_name("crm");
  for (const std::string_view scope : scopes) api_key.add_scopes(std::string(scope));
  return api_key;
}

inline v1::UpdateApiKeyRequest UpdateOf(const v1::ApiKey& api_key,
                                        const std::vector<std::string>& paths) {
  v1::UpdateApiKeyRequest request;
  *request.mutable_api_key() = api_key;
  for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
  return request;
}

inline v1::RotateApiKeyRequest RotateOf(const std::string& uuid, int64_t grace_seconds) {
  v1::RotateApiKeyRequest request;
  request.set_uuid(uuid);
  request.mutable_grace()->set_seconds(grace_seconds);
  return request;
}

inline const absl::Status kNoKey = status::NotFound("API key");

}  // namespace alma::organizations
