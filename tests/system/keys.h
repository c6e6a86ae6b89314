#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "alma/organizations/v1/organizations.grpc.pb.h"
#include "common/auth/scopes.h"
#include "tests/support/client.h"

// Organizations and keys, made through the API by `admin`, who holds platform.admin.
namespace alma::testing {

using auth::TenantScopes;

organizations::v1::Organization CreateOrganization(const Client& admin, const std::string& name);

organizations::v1::CreateApiKeyResponse CreateKey(
    const Client& admin, const std::string& organization_uuid,
    const std::vector<std::string>& scopes = TenantScopes(),
    absl::Time expires = absl::InfiniteFuture());

// Fails the test case unless it is revoked.
void RevokeKey(const Client& admin, const std::string& uuid);

}  // namespace alma::testing
