#include "services/gateway/key_changes.h"

#include <optional>
#include <string>

#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "catch2/catch.hpp"
#include "common/rpc/parse.h"

namespace alma::gateway {
namespace {

namespace v1 = organizations::v1;

constexpr char kCallers[] = "callers";
constexpr char kNamed[] = "named";

std::optional<std::string> Changed(const std::string& method, const grpc::Status& status,
                                   const google::protobuf::Message& answer) {
  auth::v1::Principal caller;
  caller.set_organization_uuid(kCallers);
  grpc::ByteBuffer bytes;
  REQUIRE(rpc::Serialize(answer, &bytes).ok());
  return ChangedOrganization("/alma.organizations.v1." + method, status, bytes, caller);
}

TEST_CASE("a change concerns the organization that its answer names") {
  v1::ApiKey key;
  key.set_organization_uuid(kNamed);
  v1::RotateApiKeyResponse rotated;
  *rotated.mutable_api_key() = key;
  v1::Organization organization;
  organization.set_uuid(kNamed);
  CHECK(Changed("ApiKeysService/UpdateApiKey", grpc::Status::OK, key) == kNamed);
  CHECK(Changed("ApiKeysService/RevokeApiKey", grpc::Status::OK, key) == kNamed);
  CHECK(Changed("ApiKeysService/RotateApiKey", grpc::Status::OK, rotated) == kNamed);
  for (const char* method :
       {"OrganizationsService/UpdateOrganization", "OrganizationsService/DeleteOrganization"}) {
    CHECK(Changed(method, grpc::Status::OK, organization) == kNamed);
  }
}

TEST_CASE("what was refused and what only reads changes nothing") {
  const v1::ApiKey key;
  for (const grpc::StatusCode code :
       {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::NOT_FOUND,
        grpc::StatusCode::PERMISSION_DENIED, grpc::StatusCode::FAILED_PRECONDITION,
        grpc::StatusCode::ABORTED, grpc::StatusCode::UNAUTHENTICATED,
        grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::UNIMPLEMENTED}) {
    CHECK_FALSE(Changed("ApiKeysService/RevokeApiKey", grpc::Status(code, ""), key).has_value());
  }
  for (const char* method :
       {"ApiKeysService/GetApiKey", "ApiKeysService/ListApiKeys", "ApiKeysService/CreateApiKey",
        "OrganizationsService/CreateOrganization", "OrganizationsService/ListOrganizations"}) {
    CHECK_FALSE(Changed(method, grpc::Status::OK, key).has_value());
  }
}

TEST_CASE("what may have happened concerns the organization of its caller") {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED,
        grpc::StatusCode::CANCELLED, grpc::StatusCode::UNKNOWN, grpc::StatusCode::INTERNAL}) {
    CHECK(Changed("ApiKeysService/RevokeApiKey", grpc::Status(code, ""), v1::ApiKey()) == kCallers);
  }
}

}  // namespace
}  // namespace alma::gateway
