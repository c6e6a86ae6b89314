#include "tests/system/keys.h"

#include <google/protobuf/util/time_util.h>

#include "catch2/catch.hpp"

namespace alma::testing {

namespace v1 = organizations::v1;

v1::Organization CreateOrganization(const Client& admin, const std::string& name) {
  v1::CreateOrganizationRequest request;
  request.mutable_organization()->set_name(name);
  const auto answered = admin.Call(&v1::OrganizationsService::Stub::CreateOrganization, request);
  INFO(AllOf(answered.status));
  REQUIRE(answered.status.ok());
  return answered.response;
}

v1::CreateApiKeyResponse CreateKey(const Client& admin, const std::string& organization_uuid,
                                   const std::vector<std::string>& scopes, absl::Time expires) {
  v1::CreateApiKeyRequest request;
  v1::ApiKey& key = *request.mutable_api_key();
  key.set_organization_uuid(organization_uuid);
  key.set_api_key_name("system test");
  for (const std::string& scope : scopes) key.add_scopes(scope);
  if (expires != absl::InfiniteFuture()) {
    *key.mutable_expires_at() =
        google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(expires));
  }
  const auto answered = admin.Call(&v1::ApiKeysService::Stub::CreateApiKey, request);
  INFO(AllOf(answered.status));
  REQUIRE(answered.status.ok());
  return answered.response;
}

void RevokeKey(const Client& admin, const std::string& uuid) {
  v1::RevokeApiKeyRequest request;
  request.set_uuid(uuid);
  const auto answered = admin.Call(&v1::ApiKeysService::Stub::RevokeApiKey, request);
  INFO(AllOf(answered.status));
  REQUIRE(answered.status.ok());
}

}  // namespace alma::testing
