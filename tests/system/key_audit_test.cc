#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/deployed.h"
#include "tests/system/keys.h"

// The trail that changes of keys and organizations leave behind, made through the API.
namespace alma::testing {
namespace {

namespace v1 = organizations::v1;

// The rows of this organization, as "ACTION key fields active [scopes] by key", with - for null.
std::vector<std::string> Trail(const AlmaStorage& storage, const std::string& organization) {
  std::vector<std::string> trail;
  const auto database = storage.Open("organizations");
  const auto read = database->Read(absl::Now() + absl::Seconds(10), [&](db::Session& session) {
    return session.Query(
        "select action, api_key_uuid, fields, active, scopes, by_api_key_uuid from key_audit "
        "where organization_uuid = :organization order by change_seq",
        {{"organization", organization}}, [&](db::Row& row) {
          std::string line(row.Text());
          for (int i = 0; i < 3; ++i) {
            absl::StrAppend(&line, " ", std::string(row.OptionalText().value_or("-")));
          }
          absl::StrAppend(&line, " [", std::string(row.OptionalText().value_or("-")), "] by ");
          trail.push_back(line + std::string(row.OptionalText().value_or("-")));
        });
  });
  REQUIRE(read.ok());
  return trail;
}

void UpdateScopes(const Client& admin, const std::string& uuid) {
  v1::UpdateApiKeyRequest request;
  request.mutable_api_key()->set_uuid(uuid);
  request.mutable_api_key()->add_scopes("agents.read");
  request.mutable_update_mask()->add_paths("scopes");
  REQUIRE(admin.Call(&v1::ApiKeysService::Stub::UpdateApiKey, request).status.ok());
}

void Rename(const Client& admin, const std::string& organization) {
  v1::UpdateOrganizationRequest request;
  request.mutable_organization()->set_uuid(organization);
  request.mutable_organization()->set_name("Escola Nova");
  request.mutable_update_mask()->add_paths("name");
  REQUIRE(admin.Call(&v1::OrganizationsService::Stub::UpdateOrganization, request).status.ok());
}

void Delete(const Client& admin, const std::string& organization) {
  v1::DeleteOrganizationRequest request;
  request.set_uuid(organization);
  REQUIRE(admin.Call(&v1::OrganizationsService::Stub::DeleteOrganization, request).status.ok());
}

TEST_CASE("the trail names the key that a change was made with") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Bootstrapped first = Bootstrap(storage);
  Deployed server(storage, deployment);
  std::string organization;
  std::string key;
  std::string admin_key;
  {
    const Client root(server.channel(), first.secret);
    const auto made = CreateKey(root, first.organization_uuid, {"platform.admin"});
    admin_key = made.api_key().uuid();
    const Client admin(server.channel(), made.secret());
    organization = CreateOrganization(admin, "Escola").uuid();
    key = CreateKey(admin, organization, {"agents.read", "agents.write"}).api_key().uuid();
    UpdateScopes(admin, key);
    RevokeKey(admin, key);
    Rename(admin, organization);
    Delete(admin, organization);
  }
  const std::string by = absl::StrCat(" by ", admin_key);
  CHECK(Trail(storage, organization) ==
        std::vector<std::string>{
            absl::StrCat("ORGANIZATION_CREATED - - ACTIVE [-]", by),
            absl::StrCat("KEY_CREATED ", key, " - - [agents.read agents.write]", by),
            absl::StrCat("KEY_UPDATED ", key, " scopes - [agents.read]", by),
            absl::StrCat("KEY_REVOKED ", key, " - - [agents.read]", by),
            absl::StrCat("ORGANIZATION_UPDATED - name ACTIVE [-]", by),
            absl::StrCat("ORGANIZATION_DELETED - - INACTIVE [-]", by),
        });
  const std::string log = server.Stop(SIGTERM).err;
  const std::string updated = absl::StrCat(
      R"("action":"KEY_UPDATED","organization":")", organization, R"(","api_key_uuid":")", key,
      R"(","successor_uuid":"","grace":"","fields":"scopes","active":"","scopes":"agents.read",)",
      R"("expires_at":"","by_organization":")", first.organization_uuid, R"(","by_api_key_uuid":")",
      admin_key, R"("})");
  CHECK(log.find(updated) != std::string::npos);
}

}  // namespace
}  // namespace alma::testing
