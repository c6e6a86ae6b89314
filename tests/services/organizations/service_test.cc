#include "services/organizations/service.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "alma/organizations/v1/organizations.grpc.pb.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "common/auth/scopes.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/organizations/schema.h"
#include "tests/support/database.h"
#include "tests/support/service_harness.h"
#include "tests/support/string_fields.h"

namespace alma::organizations {
namespace {

using google::protobuf::util::MessageDifferencer;
using grpc::StatusCode;
using testing::Call;
using testing::Caller;
using testing::FieldsOf;
using testing::ReasonOf;
using Organizations = v1::OrganizationsService::Stub;
using ApiKeys = v1::ApiKeysService::Stub;

const std::string kOrganizationA = "0190f3a2-7c1e-7b4d-8f00-00000000000a";
const std::string kOrganizationB = "0190f3a2-7c1e-7b4d-8f00-00000000000b";
const std::string kAbsent = "0190f3a2-7c1e-7b4d-8f00-0000000000ff";
const auth::v1::Principal kPlatform = Caller(kOrganizationA, {auth::kPlatformAdmin});
const auth::v1::Principal kAdminB =
    Caller(kOrganizationB, {auth::kOrganizationAdmin, auth::kOrganizationRead});
const auth::v1::Principal kGateway = Caller("", {auth::kInternal});

// Both services over a fresh database with organizations A and B.
struct Fixture {
  explicit Fixture(db::Engine engine = db::Engine::kSqlite)
      : database(engine, Schema()),
        store(*database),
        key_uses(*database),
        api_key_store(*database, key_uses),
        change_feed(*database) {
    for (const std::string& uuid : {kOrganizationA, kOrganizationB}) {
      REQUIRE(
          Call(*organizations, &Organizations::CreateOrganization, kPlatform, Named("name", uuid))
              .status.ok());
    }
    Changed();
  }

  // Of which organizations changes have been told since the last call of this.
  std::vector<std::string> Changed() {
    absl::MutexLock lock(&mutex);
    return std::exchange(changed, {});
  }

  static v1::CreateOrganizationRequest Named(const std::string& name, const std::string& uuid) {
    v1::CreateOrganizationRequest request;
    request.mutable_organization()->set_name(name);
    request.mutable_organization()->set_uuid(uuid);
    return request;
  }

  v1::CreateApiKeyResponse CreateKey(const auth::v1::Principal& caller) {
    v1::CreateApiKeyRequest request;
    request.mutable_api_key()->set_api_key_name("crm");
    const auto created = Call(*api_keys, &ApiKeys::CreateApiKey, caller, request);
    INFO(created.status.error_message());
    REQUIRE(created.status.ok());
    return created.response;
  }

  absl::Mutex mutex;
  std::vector<std::string> changed;
  const OnChange on_change = [this](const std::string& organization_uuid) {
    absl::MutexLock lock(&mutex);
    changed.push_back(organization_uuid);
  };
  testing::TestDatabase database;
  Store store;
  KeyUses key_uses;
  ApiKeyStore api_key_store;
  ChangeFeed change_feed;
  const db::PageTokens page_tokens{auth::Secrets{{std::string(32, 's')}}};
  testing::TestRuntime runtime;
  OrganizationsService organizations_service{*runtime, store, page_tokens, on_change};
  ApiKeysService api_keys_service{*runtime, api_key_store, change_feed, page_tokens, on_change};
  testing::InProcessServer server{{&organizations_service, &api_keys_service}};
  const std::unique_ptr<Organizations> organizations =
      v1::OrganizationsService::NewStub(server.channel());
  const std::unique_ptr<ApiKeys> api_keys = v1::ApiKeysService::NewStub(server.channel());
};

// The request that `uuid` alone makes.
template <typename Request>
Request WithUuid(const std::string& uuid) {
  Request request;
  request.set_uuid(uuid);
  return request;
}

TEST_CASE("an organization goes through its life by way of the stub") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  auto& stub = *fixture.organizations;
  const auto created =
      Call(stub, &Organizations::CreateOrganization, kPlatform, Fixture::Named("Acme", ""));
  INFO(created.status.error_message());
  REQUIRE(created.status.ok());
  const std::string uuid = created.response.uuid();
  const auto get = WithUuid<v1::GetOrganizationRequest>(uuid);
  CHECK(MessageDifferencer::Equals(
      Call(stub, &Organizations::GetOrganization, kPlatform, get).response, created.response));

  v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_uuid(uuid);
  update.mutable_organization()->set_name("Acme & Co");
  const auto updated = Call(stub, &Organizations::UpdateOrganization, kPlatform, update);
  REQUIRE(updated.status.ok());
  CHECK(updated.response.name() == "Acme & Co");
  CHECK(updated.response.active() == "ACTIVE");
  update.mutable_organization()->set_revision(1);
  const auto stale = Call(stub, &Organizations::UpdateOrganization, kPlatform, update);
  CHECK(stale.status.error_code() == StatusCode::ABORTED);
  CHECK(ReasonOf(stale.status) == "REVISION_STALE");

  const auto remove = WithUuid<v1::DeleteOrganizationRequest>(uuid);
  const auto deleted = Call(stub, &Organizations::DeleteOrganization, kPlatform, remove);
  REQUIRE(deleted.status.ok());
  CHECK(deleted.response.has_deleted_at());
  const auto late = Call(stub, &Organizations::UpdateOrganization, kPlatform, update);
  CHECK(late.status.error_code() == StatusCode::FAILED_PRECONDITION);
  CHECK(ReasonOf(late.status) == "DELETED");
}

TEST_CASE("an API key goes through its life by way of the stub") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  auto& stub = *fixture.api_keys;
  const auto created = fixture.CreateKey(kAdminB);
  const std::string uuid = created.api_key().uuid();
  CHECK(created.api_key().organization_uuid() == kOrganizationB);

  const auto hash = auth::Sha256(created.secret());
  v1::VerifyApiKeyRequest verify;
  verify.set_secret_sha256(std::string(hash.begin(), hash.end()));
  const auto verified = Call(stub, &ApiKeys::VerifyApiKey, kGateway, verify);
  REQUIRE(verified.status.ok());
  CHECK(verified.response.api_key_uuid() == uuid);
  CHECK(verified.response.organization_uuid() == kOrganizationB);

  v1::UpdateApiKeyRequest update;
  update.mutable_api_key()->set_uuid(uuid);
  update.mutable_api_key()->add_scopes("agents.write");
  update.mutable_api_key()->add_scopes("agents.read");
  const auto updated = Call(stub, &ApiKeys::UpdateApiKey, kAdminB, update);
  REQUIRE(updated.status.ok());
  REQUIRE(updated.response.scopes_size() == 2);
  CHECK(updated.response.scopes(0) == "agents.read");
  CHECK(updated.response.api_key_name() == "crm");

  const auto rotated =
      Call(stub, &ApiKeys::RotateApiKey, kAdminB, WithUuid<v1::RotateApiKeyRequest>(uuid));
  REQUIRE(rotated.status.ok());
  CHECK(auth::IsWellFormedApiKey(rotated.response.secret()));
  CHECK(Call(stub, &ApiKeys::VerifyApiKey, kGateway, verify).response.has_expires_at());
  CHECK(Call(stub, &ApiKeys::RevokeApiKey, kAdminB, WithUuid<v1::RevokeApiKeyRequest>(uuid))
            .status.ok());
  const auto refused = Call(stub, &ApiKeys::VerifyApiKey, kGateway, verify);
  CHECK(refused.status.error_code() == StatusCode::NOT_FOUND);
  CHECK(Call(stub, &ApiKeys::GetApiKey, kAdminB, WithUuid<v1::GetApiKeyRequest>(uuid))
            .response.has_revoked_at());
}

using Names = std::vector<std::string>;

TEST_CASE("whoever remembers keys is told whose have changed before it is answered") {
  Fixture fixture;
  auto& keys = *fixture.api_keys;
  const std::string uuid = fixture.CreateKey(kAdminB).api_key().uuid();
  CHECK(fixture.Changed() == Names{kOrganizationB});
  v1::UpdateApiKeyRequest update;
  update.mutable_api_key()->set_uuid(uuid);
  update.mutable_api_key()->add_scopes("agents.read");
  Call(keys, &ApiKeys::UpdateApiKey, kAdminB, update);
  CHECK(fixture.Changed() == Names{kOrganizationB});
  Call(keys, &ApiKeys::RotateApiKey, kAdminB, WithUuid<v1::RotateApiKeyRequest>(uuid));
  CHECK(fixture.Changed() == Names{kOrganizationB});
  Call(keys, &ApiKeys::RevokeApiKey, kAdminB, WithUuid<v1::RevokeApiKeyRequest>(uuid));
  CHECK(fixture.Changed() == Names{kOrganizationB});

  auto& organizations = *fixture.organizations;
  Call(organizations, &Organizations::CreateOrganization, kPlatform,
       Fixture::Named("new", kAbsent));
  CHECK(fixture.Changed() == Names{kAbsent});
  v1::UpdateOrganizationRequest inactive;
  inactive.mutable_organization()->set_uuid(kAbsent);
  inactive.mutable_organization()->set_active("INACTIVE");
  Call(organizations, &Organizations::UpdateOrganization, kPlatform, inactive);
  CHECK(fixture.Changed() == Names{kAbsent});
  Call(organizations, &Organizations::DeleteOrganization, kPlatform,
       WithUuid<v1::DeleteOrganizationRequest>(kAbsent));
  CHECK(fixture.Changed() == Names{kAbsent});
}

TEST_CASE("what is read or refused makes nobody forget a key") {
  Fixture fixture;
  auto& keys = *fixture.api_keys;
  const std::string uuid = fixture.CreateKey(kAdminB).api_key().uuid();
  fixture.Changed();
  Call(keys, &ApiKeys::GetApiKey, kAdminB, WithUuid<v1::GetApiKeyRequest>(uuid));
  Call(keys, &ApiKeys::RevokeApiKey, kAdminB, WithUuid<v1::RevokeApiKeyRequest>(kAbsent));
  Call(keys, &ApiKeys::RotateApiKey, kAdminB, WithUuid<v1::RotateApiKeyRequest>("no uuid"));
  v1::UpdateApiKeyRequest stale;
  stale.mutable_api_key()->set_uuid(uuid);
  stale.mutable_api_key()->set_revision(99);
  stale.mutable_api_key()->set_api_key_name("other");
  Call(keys, &ApiKeys::UpdateApiKey, kAdminB, stale);
  CHECK(fixture.Changed().empty());
}

TEST_CASE("a change that may have happened makes the keys of its caller forgotten") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const std::string uuid = fixture.CreateKey(kAdminB).api_key().uuid();
  fixture.Changed();
  REQUIRE(fixture.database
              ->Write(absl::Now() + absl::Seconds(10),
                      [](db::Session& session) {
                        return session.Execute("drop table \"authorization\"");
                      })
              .ok());
  const auto lost = Call(*fixture.api_keys, &ApiKeys::RevokeApiKey, kAdminB,
                         WithUuid<v1::RevokeApiKeyRequest>(uuid));
  CHECK(lost.status.error_code() == StatusCode::UNAVAILABLE);
  CHECK(fixture.Changed() == Names{kOrganizationB});
}

// The types of the requests of both services, each as valid as it can be for a row that does not
// exist.
std::unique_ptr<google::protobuf::Message> ValidRequest(
    const google::protobuf::MethodDescriptor& method) {
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  std::unique_ptr<google::protobuf::Message> request(
      factory->GetPrototype(method.input_type())->New());
  if (auto* create = dynamic_cast<v1::CreateOrganizationRequest*>(request.get())) {
    create->mutable_organization()->set_name("name");
  } else if (auto* create_key = dynamic_cast<v1::CreateApiKeyRequest*>(request.get())) {
    create_key->mutable_api_key()->set_api_key_name("name");
  } else if (auto* update = dynamic_cast<v1::UpdateOrganizationRequest*>(request.get())) {
    update->mutable_organization()->set_uuid(kAbsent);
  } else if (auto* update_key = dynamic_cast<v1::UpdateApiKeyRequest*>(request.get())) {
    update_key->mutable_api_key()->set_uuid(kAbsent);
  } else if (const auto* uuid = method.input_type()->FindFieldByName("uuid")) {
    request->GetReflection()->SetString(request.get(), uuid, kAbsent);
  }
  return request;
}

std::vector<const google::protobuf::MethodDescriptor*> UnaryMethods(const Fixture& fixture) {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const auto* service :
       {&fixture.organizations_service.descriptor(), &fixture.api_keys_service.descriptor()}) {
    for (int i = 0; i < service->method_count(); ++i) {
      if (!service->method(i)->server_streaming()) methods.push_back(service->method(i));
    }
  }
  return methods;
}

TEST_CASE("text that no database holds is refused in every string field") {
  const auto text =
      GENERATE(std::string("a\0b", 3), std::string("a\xff"), std::string("\xed\xa0\x80"));
  // Output only, hence ignored as long as it can be parsed.
  const std::string ignored = "api_key.key_prefix";
  Fixture fixture;
  int fields = 0;
  for (const auto* method : UnaryMethods(fixture)) {
    const bool internal = auth::ScopeOf(*method) == auth::kInternal;
    testing::ForEachStringField(
        *ValidRequest(*method), text,
        [&](const std::string& path, const google::protobuf::Message& request) {
          if (path == ignored && text.find('\0') != std::string::npos) return;
          CAPTURE(method->full_name(), path, text.size());
          const grpc::Status status = testing::CallMethod(fixture.server, *method,
                                                          internal ? kGateway : kPlatform, request);
          CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
          const std::vector<std::string> violated = FieldsOf(status);
          REQUIRE(violated.size() == 1);
          CHECK((violated[0] == path || violated[0] == "update_mask"));
          ++fields;
        });
  }
  CHECK(fields >= 25);
}

TEST_CASE("several violations are reported at once") {
  Fixture fixture;
  v1::CreateOrganizationRequest create;
  create.mutable_organization()->set_uuid("no uuid");
  create.mutable_organization()->set_active("maybe");
  const auto created =
      Call(*fixture.organizations, &Organizations::CreateOrganization, kPlatform, create);
  CHECK(created.status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK(ReasonOf(created.status) == "FIELD_INVALID");
  CHECK(FieldsOf(created.status) ==
        std::vector<std::string>{"organization.uuid", "organization.name", "organization.active"});
}

TEST_CASE("a caller without the scope is refused before its request is looked at") {
  Fixture fixture;
  const auto nobody = Caller(kOrganizationB, {auth::kAgentsRead, auth::kConversationsWrite});
  for (const auto* method : UnaryMethods(fixture)) {
    CAPTURE(method->full_name());
    const std::unique_ptr<google::protobuf::Message> empty(ValidRequest(*method)->New());
    const grpc::Status status = testing::CallMethod(fixture.server, *method, nobody, *empty);
    CHECK(status.error_code() == StatusCode::PERMISSION_DENIED);
    CHECK(ReasonOf(status) == "SCOPE_MISSING");
  }
}

TEST_CASE("another tenant is answered byte for byte as one that does not exist") {
  Fixture fixture;
  const std::string key = fixture.CreateKey(kPlatform).api_key().uuid();
  int methods = 0;
  for (const auto* method : UnaryMethods(fixture)) {
    if (auth::ScopeOf(*method) == auth::kInternal ||
        auth::ScopeOf(*method) == auth::kPlatformAdmin) {
      continue;
    }
    const bool of_key = method->service() == &fixture.api_keys_service.descriptor();
    const auto answer = [&](const std::string& uuid, const std::string& organization_uuid) {
      auto request = ValidRequest(*method);
      if (auto* update = dynamic_cast<v1::UpdateApiKeyRequest*>(request.get())) {
        update->mutable_api_key()->set_uuid(uuid);
      } else if (auto* update_organization =
                     dynamic_cast<v1::UpdateOrganizationRequest*>(request.get())) {
        update_organization->mutable_organization()->set_uuid(uuid);
      } else if (auto* create = dynamic_cast<v1::CreateApiKeyRequest*>(request.get())) {
        create->mutable_api_key()->set_organization_uuid(organization_uuid);
      } else if (auto* list = dynamic_cast<v1::ListApiKeysRequest*>(request.get())) {
        list->set_organization_uuid(organization_uuid);
      } else if (const auto* field = method->input_type()->FindFieldByName("uuid")) {
        request->GetReflection()->SetString(request.get(), field, uuid);
      } else {
        return grpc::Status(StatusCode::NOT_FOUND, "", "names no row");
      }
      return testing::CallMethod(fixture.server, *method, kAdminB, *request);
    };
    CAPTURE(method->full_name());
    const grpc::Status foreign = answer(of_key ? key : kOrganizationA, kOrganizationA);
    const grpc::Status absent = answer(kAbsent, kAbsent);
    CHECK(foreign.error_code() == StatusCode::NOT_FOUND);
    CHECK(foreign.error_message() == absent.error_message());
    CHECK(foreign.error_details() == absent.error_details());
    CHECK_FALSE(foreign.error_details().empty());
    ++methods;
  }
  CHECK(methods == 10);
}

TEST_CASE("a page token is good for the list that gave it and for no other") {
  Fixture fixture;
  auto& stub = *fixture.organizations;
  v1::ListOrganizationsRequest request;
  request.set_page_size(1);
  const auto first = Call(stub, &Organizations::ListOrganizations, kPlatform, request);
  REQUIRE(first.status.ok());
  REQUIRE(first.response.organizations_size() == 1);
  REQUIRE_FALSE(first.response.next_page_token().empty());
  request.set_page_token(first.response.next_page_token());
  request.set_page_size(2);
  const auto second = Call(stub, &Organizations::ListOrganizations, kPlatform, request);
  REQUIRE(second.status.ok());
  REQUIRE(second.response.organizations_size() == 1);
  CHECK(second.response.organizations(0).uuid() == kOrganizationB);
  CHECK(second.response.next_page_token().empty());

  const auto check_refused = [](const grpc::Status& status) {
    CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
    CHECK(ReasonOf(status) == "PAGE_TOKEN_INVALID");
  };
  check_refused(Call(stub, &Organizations::ListOrganizations, kAdminB, request).status);
  v1::ListOrganizationsRequest filtered = request;
  filtered.set_show_deleted(true);
  check_refused(Call(stub, &Organizations::ListOrganizations, kPlatform, filtered).status);
  v1::ListApiKeysRequest other;
  other.set_page_token(request.page_token());
  check_refused(Call(*fixture.api_keys, &ApiKeys::ListApiKeys, kPlatform, other).status);
  for (const std::string& token :
       {std::string("x"), request.page_token() + "A", request.page_token().substr(1)}) {
    request.set_page_token(token);
    check_refused(Call(stub, &Organizations::ListOrganizations, kPlatform, request).status);
  }
}

TEST_CASE("pages of large organizations stay below what a client takes") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  auto& stub = *fixture.organizations;
  auto create = Fixture::Named("large", "");
  (*create.mutable_organization()->mutable_meta_data()->mutable_fields())["k"].set_string_value(
      std::string(60'000, 'x'));
  for (int i = 0; i < 70; ++i) {
    REQUIRE(Call(stub, &Organizations::CreateOrganization, kPlatform, create).status.ok());
  }
  v1::ListOrganizationsRequest request;
  request.set_page_size(1000);
  std::set<std::string> uuids;
  int pages = 0;
  do {
    const auto page = Call(stub, &Organizations::ListOrganizations, kPlatform, request);
    INFO(page.status.error_message());
    REQUIRE(page.status.ok());
    for (const auto& organization : page.response.organizations()) {
      uuids.insert(organization.uuid());
    }
    request.set_page_token(page.response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  CHECK(uuids.size() == 72);
  CHECK(pages == 2);
}

}  // namespace
}  // namespace alma::organizations
