#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/auth/api_key.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"
#include "tests/system/keys.h"

namespace alma::testing {
namespace {

namespace v1 = organizations::v1;

constexpr char kCreateMessage[] = "alma.conversations.v1.MessagesService/CreateMessage";
constexpr char kGetMessage[] = "alma.conversations.v1.MessagesService/GetMessage";
constexpr char kNoProtobuf[] = "\xff\xff\xff";

// Alma with a first organization.
struct Running {
  explicit Running(Deployment deployment)
      : storage(EngineOf(deployment)), first(Bootstrap(storage)), server(storage, deployment) {}

  Client As(const std::string& key) const { return Client(server.channel(), key); }
  Client With(Client::Metadata metadata) const {
    return Client(server.channel(), std::move(metadata));
  }

  const AlmaStorage storage;
  const Bootstrapped first;
  const Deployed server;
  const Client admin{server.channel(), first.secret};
};

grpc::Status ListConversations(const Client& client) {
  return client
      .Call(&conversations::v1::ConversationsService::Stub::ListConversations,
            conversations::v1::ListConversationsRequest())
      .status;
}

// Fails the test case unless `client` is told what one without a key is told, byte for byte.
void CheckNotLetIn(const Running& alma, const Client& client) {
  const grpc::Status without_key = ListConversations(Client(alma.server.channel()));
  REQUIRE(without_key.error_code() == grpc::StatusCode::UNAUTHENTICATED);
  REQUIRE(ReasonOf(without_key) == "API_KEY_INVALID");
  CHECK(AllOf(ListConversations(client)) == AllOf(without_key));
}

void SetActive(const Client& admin, const std::string& organization_uuid,
               const std::string& active) {
  v1::UpdateOrganizationRequest request;
  request.mutable_organization()->set_uuid(organization_uuid);
  request.mutable_organization()->set_active(active);
  const auto answered = admin.Call(&v1::OrganizationsService::Stub::UpdateOrganization, request);
  INFO(AllOf(answered.status));
  REQUIRE(answered.status.ok());
}

std::string WithWrongChecksum(std::string key) {
  key.back() = key.back() == '0' ? '1' : '0';
  return key;
}

TEST_CASE("every key that is none gets one identical answer") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Running alma(deployment);
  const std::string good = alma.first.secret;
  REQUIRE(ListConversations(alma.admin).ok());
  for (const std::string& key :
       {std::string(), std::string("alma_"), std::string("key"), good + "0", good.substr(1),
        WithWrongChecksum(good), auth::NewApiKey(), std::string(4000, 'a')}) {
    CAPTURE(key);
    CheckNotLetIn(alma, alma.As(key));
    CheckNotLetIn(alma, alma.With({{"x-api-key", key}}));
  }
  CheckNotLetIn(alma, alma.With({{"authorization", good}}));
  CheckNotLetIn(alma, alma.With({{"authorization", "Basic " + good}}));
  CheckNotLetIn(alma, alma.With({{"x-api-key", "Bearer " + good}}));
}

TEST_CASE("two keys at once are none even when both are good") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Running alma(deployment);
  const std::string bearer = "Bearer " + alma.first.secret;
  const std::string key = alma.first.secret;
  CHECK(ListConversations(alma.With({{"x-api-key", key}})).ok());
  CheckNotLetIn(alma, alma.With({{"authorization", bearer}, {"x-api-key", key}}));
  CheckNotLetIn(alma, alma.With({{"authorization", bearer}, {"authorization", bearer}}));
  CheckNotLetIn(alma, alma.With({{"x-api-key", key}, {"x-api-key", key}}));
}

TEST_CASE("a key is refused at once when it is revoked or expires") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Running alma(deployment);
  const std::string& organization = alma.first.organization_uuid;
  const auto revoked = CreateKey(alma.admin, organization);
  CHECK(ListConversations(alma.As(revoked.secret())).ok());
  RevokeKey(alma.admin, revoked.api_key().uuid());
  CheckNotLetIn(alma, alma.As(revoked.secret()));

  const absl::Time expires = absl::Now() + absl::Seconds(2);
  const auto expiring = CreateKey(alma.admin, organization, TenantScopes(), expires);
  CHECK(ListConversations(alma.As(expiring.secret())).ok());
  absl::SleepFor(expires - absl::Now());
  CheckNotLetIn(alma, alma.As(expiring.secret()));
  CHECK(ListConversations(alma.admin).ok());
}

TEST_CASE("the keys of an organization that is inactive or deleted are refused at once") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Running alma(deployment);
  const auto other = CreateOrganization(alma.admin, "Outra");
  const Client client = alma.As(CreateKey(alma.admin, other.uuid()).secret());
  CHECK(ListConversations(client).ok());
  SetActive(alma.admin, other.uuid(), "INACTIVE");
  CheckNotLetIn(alma, client);
  SetActive(alma.admin, other.uuid(), "ACTIVE");
  CHECK(ListConversations(client).ok());
  v1::DeleteOrganizationRequest request;
  request.set_uuid(other.uuid());
  REQUIRE(
      alma.admin.Call(&v1::OrganizationsService::Stub::DeleteOrganization, request).status.ok());
  CheckNotLetIn(alma, client);
}

TEST_CASE(
    "a call is checked for its method then the key then the scope then its bytes and then its "
    "fields") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Running alma(deployment);
  const Client stranger(alma.server.channel());
  const Client reader =
      alma.As(CreateKey(alma.admin, alma.first.organization_uuid, {"conversations.read"}).secret());

  for (const char* unknown : {"alma.conversations.v1.MessagesService/Shout", "alma.Nothing/Get",
                              "alma.organizations.v1.ApiKeysService/ListKeyChanges"}) {
    CAPTURE(unknown);
    CHECK(stranger.CallBytes(unknown, "").status.error_code() == grpc::StatusCode::UNIMPLEMENTED);
  }
  CHECK(ReasonOf(stranger.CallBytes(kCreateMessage, kNoProtobuf).status) == "API_KEY_INVALID");
  const grpc::Status refused = reader.CallBytes(kCreateMessage, kNoProtobuf).status;
  CHECK(refused.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CHECK(ReasonOf(refused) == "SCOPE_MISSING");
  CHECK(ReasonOf(reader.CallBytes(kGetMessage, kNoProtobuf).status) == "MALFORMED_REQUEST");
  CHECK(FieldsOf(reader.CallBytes(kGetMessage, "").status) == std::vector<std::string>{"uuid"});
  const std::string uuid = "01920000-0000-7000-8000-000000000009";
  CHECK(ReasonOf(reader.CallBytes(kGetMessage, absl::StrCat("\x0a\x24", uuid)).status) ==
        "NOT_FOUND");
}

TEST_CASE(
    "a key revoked by one deployment is refused by another on the same PostgreSQL within 2 "
    "seconds") {
  const Deployment deployment = GENERATE(from_range(kDeploymentsOnPostgresql));
  CAPTURE(deployment);
  const Running alma(deployment);
  const AlmaStorage second_storage(alma.storage.url());
  const Deployed second(second_storage, deployment);
  const auto key = CreateKey(alma.admin, alma.first.organization_uuid);
  const Client there(second.channel(), key.secret());
  REQUIRE(ListConversations(there).ok());
  RevokeKey(alma.admin, key.api_key().uuid());
  const absl::Time revoked = absl::Now();
  while (ListConversations(there).ok() && absl::Now() < revoked + absl::Seconds(3)) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  CHECK(absl::Now() - revoked < absl::Seconds(2));
  CheckNotLetIn(alma, there);
}

}  // namespace
}  // namespace alma::testing
