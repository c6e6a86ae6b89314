#include "services/gateway/key_changes.h"

#include <array>

#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "common/rpc/parse.h"
#include "common/status/uncertain.h"

namespace alma::gateway {

using organizations::v1::ApiKey;
using organizations::v1::Organization;
using organizations::v1::RotateApiKeyResponse;

namespace {

const std::string& OrganizationOf(const ApiKey& key) { return key.organization_uuid(); }
const std::string& OrganizationOf(const RotateApiKeyResponse& rotated) {
  return rotated.api_key().organization_uuid();
}
const std::string& OrganizationOf(const Organization& organization) { return organization.uuid(); }

template <typename Answer>
std::string Named(const grpc::ByteBuffer& bytes) {
  Answer answer;
  return rpc::Parse(bytes, &answer).ok() ? OrganizationOf(answer) : std::string();
}

struct Change {
  std::string_view path;
  std::string (*organization)(const grpc::ByteBuffer& answer);
};

// A key that is created was not in force before, and nobody can have asked for it.
constexpr std::array kChanges = {
    Change{"/alma.organizations.v1.ApiKeysService/UpdateApiKey", Named<ApiKey>},
    Change{"/alma.organizations.v1.ApiKeysService/RevokeApiKey", Named<ApiKey>},
    Change{"/alma.organizations.v1.ApiKeysService/RotateApiKey", Named<RotateApiKeyResponse>},
    Change{"/alma.organizations.v1.OrganizationsService/UpdateOrganization", Named<Organization>},
    Change{"/alma.organizations.v1.OrganizationsService/DeleteOrganization", Named<Organization>},
};

}  // namespace

std::optional<std::string> ChangedOrganization(std::string_view path, const grpc::Status& status,
                                               const grpc::ByteBuffer& answer,
                                               const auth::v1::Principal& caller) {
  for (const Change& change : kChanges) {
    if (change.path != path) continue;
    if (status.ok()) return change.organization(answer);
    // Where an administrator of the platform changed another's, the key store's own word comes
    // soon.
    if (!status::IsUncertain(static_cast<absl::StatusCode>(status.error_code()))) {
      return std::nullopt;
    }
    return caller.organization_uuid();
  }
  return std::nullopt;
}

}  // namespace alma::gateway
