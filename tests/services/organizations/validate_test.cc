#include "services/organizations/validate.h"

#include <string>
#include <vector>

#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "common/text/timestamp.h"
#include "google/protobuf/text_format.h"
#include "tests/support/service_harness.h"

namespace alma::organizations {
namespace {

using google::protobuf::Timestamp;
using Fields = std::vector<std::string>;

const std::string kUuid = "0190F3A2-7C1E-7B4D-8F00-0123456789AB";

Timestamp At(int64_t seconds) {
  Timestamp time;
  time.set_seconds(seconds);
  return time;
}

template <typename Request>
Request Parse(std::string text) {
  Request request;
  const size_t at = text.find("UUID");
  if (at != std::string::npos) text.replace(at, 4, "'" + kUuid + "'");
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

// The fields that the request `text` violates.
template <typename Request>
Fields Violated(const std::string& text) {
  Request request = Parse<Request>(text);
  absl::Status status;
  if constexpr (requires { Validate(request, At(1000)); }) {
    status = Validate(request, At(1000));
  } else {
    status = Validate(request);
  }
  return testing::FieldsOf(status::ToGrpcStatus(status));
}

struct Row {
  std::string request;
  Fields violated;
};

template <typename Request>
void Table(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.request);
    CHECK(Violated<Request>(row.request) == row.violated);
  }
}

const std::string kLongName(257, 'x');

TEST_CASE("an organization to create needs a name") {
  Table<v1::CreateOrganizationRequest>({
      {"organization { name: 'a' }", {}},
      {"organization { name: 'a' uuid: UUID active: 'INACTIVE' meta_data {} }", {}},
      {"organization { name: 'a' revision: -1 created_at { seconds: -99999999999999 } }", {}},
      {"", {"organization"}},
      {"organization {}", {"organization.name"}},
      {"organization { name: ' \\t\\302\\240' }", {"organization.name"}},
      {"organization { name: '" + kLongName + "' }", {"organization.name"}},
      {"organization { name: 'a\\000b' }", {"organization.name"}},
      {"organization { name: 'a' active: 'active' }", {"organization.active"}},
      {"organization { name: 'a' uuid: '00000000-0000-0000-0000-000000000000' }",
       {"organization.uuid"}},
      {"organization { name: 'a' meta_data { fields { key: 'k' value { number_value: nan } } } }",
       {"organization.meta_data.k"}},
      {"organization { uuid: 'x' active: 'x' meta_data { fields { key: 'k' value {} } } }",
       {"organization.uuid", "organization.name", "organization.active",
        "organization.meta_data.k"}},
  });
}

TEST_CASE("an update of an organization checks what it writes") {
  Table<v1::UpdateOrganizationRequest>({
      {"organization { uuid: UUID }", {}},
      {"organization { uuid: UUID } update_mask { paths: 'meta_data' }", {}},
      {"", {"organization"}},
      {"organization { name: 'a' }", {"organization.uuid"}},
      {"organization { uuid: UUID } update_mask { paths: 'name' paths: 'active' }",
       {"organization.name", "organization.active"}},
      {"organization { uuid: UUID } update_mask { paths: '*' }",
       {"organization.name", "organization.active"}},
      {"organization { uuid: UUID active: 'DELETED' }", {"organization.active"}},
      {"organization { uuid: UUID } update_mask { paths: 'created_at' }", {"update_mask"}},
      {"organization { uuid: 'x' name: ' ' } update_mask { paths: 'nome' }",
       {"organization.uuid", "update_mask", "organization.name"}},
  });
}

TEST_CASE("a uuid is required wherever a row is named") {
  const std::vector<Row> rows = {
      {"uuid: UUID", {}}, {"", {"uuid"}}, {"uuid: 'x'", {"uuid"}}, {"uuid: 'a\\000'", {"uuid"}}};
  Table<v1::GetOrganizationRequest>(rows);
  Table<v1::DeleteOrganizationRequest>(rows);
  Table<v1::GetApiKeyRequest>(rows);
  Table<v1::RevokeApiKeyRequest>(rows);
  Table<v1::RotateApiKeyRequest>(rows);
}

TEST_CASE("a negative page size is refused") {
  Table<v1::ListOrganizationsRequest>(
      {{"", {}}, {"page_size: 2000000", {}}, {"page_size: -1", {"page_size"}}});
  Table<v1::ListApiKeysRequest>(
      {{"organization_uuid: UUID", {}},
       {"page_size: -1 organization_uuid: 'x'", {"organization_uuid", "page_size"}}});
}

TEST_CASE("an API key to create needs a name and scopes that there are") {
  Table<v1::CreateApiKeyRequest>({
      {"api_key { api_key_name: 'a' }", {}},
      {"api_key { api_key_name: 'a' scopes: 'platform.admin' scopes: 'agents.read' expires_at { "
       "seconds: 1001 } }",
       {}},
      {"", {"api_key"}},
      {"api_key { uuid: 'x' organization_uuid: 'y' }",
       {"api_key.uuid", "api_key.organization_uuid", "api_key.api_key_name"}},
      {"api_key { api_key_name: 'a' scopes: 'agents.read' scopes: 'internal' scopes: '' scopes: "
       "'a\\000' }",
       {"api_key.scopes[1]", "api_key.scopes[2]", "api_key.scopes[3]"}},
      {"api_key { api_key_name: 'a' scopes: 'agents.read' scopes: 'agents.read' }",
       {"api_key.scopes[1]"}},
      {"api_key { api_key_name: 'a' expires_at { seconds: 1000 } }", {"api_key.expires_at"}},
      {"api_key { api_key_name: 'a' expires_at { seconds: 999999999999999 } }",
       {"api_key.expires_at"}},
      {"api_key { api_key_name: 'a' expires_at { seconds: 2000 nanos: -1 } }",
       {"api_key.expires_at"}},
  });
}

TEST_CASE("an update of an API key checks what it writes") {
  Table<v1::UpdateApiKeyRequest>({
      {"api_key { uuid: UUID }", {}},
      {"api_key { uuid: UUID expires_at { seconds: 1 } } update_mask { paths: 'scopes' }", {}},
      {"api_key { uuid: UUID } update_mask { paths: 'expires_at' }", {}},
      {"", {"api_key"}},
      {"api_key { uuid: UUID } update_mask { paths: '*' }", {"api_key.api_key_name"}},
      {"api_key { uuid: UUID expires_at { seconds: 1 } }", {"api_key.expires_at"}},
      {"api_key { uuid: UUID } update_mask { paths: 'organization_uuid' }", {"update_mask"}},
      {"api_key { scopes: 'x' } update_mask { paths: 'uuid' }",
       {"api_key.uuid", "update_mask", "api_key.scopes[0]"}},
  });
}

TEST_CASE("grace is at most seven days") {
  Table<v1::RotateApiKeyRequest>({
      {"uuid: UUID grace {}", {}},
      {"uuid: UUID grace { seconds: 604800 }", {}},
      {"uuid: UUID grace { seconds: 604800 nanos: 1 }", {"grace"}},
      {"uuid: UUID grace { seconds: -1 }", {"grace"}},
      {"uuid: UUID grace { nanos: -1 }", {"grace"}},
      {"uuid: UUID grace { nanos: 1000000000 }", {"grace"}},
      {"grace { seconds: 9223372036854775807 }", {"uuid", "grace"}},
  });
}

TEST_CASE("a hash has 32 bytes") {
  const std::string hash(32, 'h');
  Table<v1::VerifyApiKeyRequest>({{"secret_sha256: '" + hash + "'", {}},
                                  {"", {"secret_sha256"}},
                                  {"secret_sha256: '" + hash + "h'", {"secret_sha256"}}});
}

TEST_CASE("a valid request is brought into the form that is stored") {
  auto create = Parse<v1::CreateApiKeyRequest>(
      "api_key { uuid: UUID api_key_name: 'a' scopes: 'conversations.read' scopes: 'agents.read' "
      "expires_at { seconds: 2000 nanos: 1999 } }");
  REQUIRE(Validate(create, At(1000)).ok());
  CHECK(create.api_key().uuid() == "0190f3a2-7c1e-7b4d-8f00-0123456789ab");
  CHECK(create.api_key().scopes(0) == "agents.read");
  CHECK(create.api_key().expires_at().nanos() == 1000);

  auto rotate = Parse<v1::RotateApiKeyRequest>("uuid: UUID");
  REQUIRE(Validate(rotate).ok());
  CHECK(rotate.grace().seconds() == 24 * 60 * 60);
  rotate.mutable_grace()->set_seconds(0);
  REQUIRE(Validate(rotate).ok());
  CHECK(rotate.grace().seconds() == 0);

  auto update = Parse<v1::UpdateOrganizationRequest>("organization { uuid: UUID name: 'a' }");
  REQUIRE(Validate(update).ok());
  REQUIRE(update.update_mask().paths_size() == 1);
  CHECK(update.update_mask().paths(0) == "name");

  v1::ListOrganizationsRequest list;
  REQUIRE(Validate(list).ok());
  CHECK(list.page_size() == 50);
  list.set_page_size(5000);
  REQUIRE(Validate(list).ok());
  CHECK(list.page_size() == 1000);
}

}  // namespace
}  // namespace alma::organizations
