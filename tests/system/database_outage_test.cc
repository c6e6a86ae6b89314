#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/auth/api_key.h"
#include "tests/support/deployed.h"
#include "tests/support/postgres_cluster.h"
#include "tests/system/conversations.h"
#include "tests/system/health.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;

// What health may take to follow the database.
constexpr absl::Duration kFollows = absl::Seconds(1);
// What a database may take to answer again.
constexpr absl::Duration kBack = absl::Seconds(10);

Answered<v1::Message> Get(const Client& client, const std::string& uuid) {
  v1::GetMessageRequest request;
  request.set_uuid(uuid);
  return client.Call(&v1::MessagesService::Stub::GetMessage, request);
}

void CheckUnavailable(const grpc::Status& status) {
  INFO(AllOf(status));
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(ReasonOf(status) == "DATABASE_UNAVAILABLE");
}

// Fails the test case unless a stored message can be read, and another be written, soon after
// health says SERVING.
void CheckServes(Deployed& server, const Client& client, const v1::Message& stored) {
  CHECK(HealthBecomes(server.channel(), "SERVING", kBack));
  // Callers are refused for a moment after the last connection that failed.
  const absl::Time deadline = absl::Now() + kFollows;
  const v1::CreateMessageRequest request = NewMessage(stored.conversation_uuid());
  auto created = Create(client, request);
  while (!created.status.ok() && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(10));
    created = Create(client, request);
  }
  INFO(AllOf(created.status));
  CHECK(created.status.ok());
  CHECK(Get(client, stored.uuid()).response.content() == stored.content());
  CHECK(server.Running());
}

// What a migration of another version leaves behind.
void ApplyStep(const AlmaStorage& storage, int id, int oldest_binary) {
  const auto database = storage.Open("conversations");
  const absl::Status done =
      database->Write(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
        return session.Execute(
            "insert into schema_migrations (id, name, applied_at, oldest_binary) "
            "values (:id, 'a step of tomorrow', '2030-01-01 00:00:00.000000+00', :oldest_binary)",
            {{"id", id}, {"oldest_binary", oldest_binary}});
      });
  INFO(done);
  REQUIRE(done.ok());
}

TEST_CASE("while PostgreSQL is gone calls are UNAVAILABLE and when it is back they work again") {
  const Deployment deployment = GENERATE(from_range(kDeploymentsOnPostgresql));
  CAPTURE(deployment);
  PostgresCluster cluster;
  const AlmaStorage storage(cluster.url());
  const std::string key = Bootstrap(storage).secret;
  Deployed server(storage, deployment);
  const Client client(server.channel(), key);
  const std::string conversation = CreateConversations(client, 1)[0];
  const v1::Message stored = Create(client, NewMessage(conversation)).response;

  for (int round = 0; round < 2; ++round) {
    CheckServes(server, client, stored);
    cluster.Crash();
    CHECK(HealthBecomes(server.channel(), "NOT_SERVING", kFollows));
    CHECK(HealthBecomes(server.channel(), "NOT_SERVING", kFollows,
                        "alma.conversations.v1.MessagesService"));
    CheckUnavailable(Get(client, stored.uuid()).status);
    CheckUnavailable(Create(client, NewMessage(conversation)).status);
    cluster.Restart();
  }
  CheckServes(server, client, stored);
}

TEST_CASE("a PostgreSQL that only reads answers reads and refuses writes as UNAVAILABLE") {
  const Deployment deployment = GENERATE(from_range(kDeploymentsOnPostgresql));
  CAPTURE(deployment);
  PostgresCluster cluster;
  const AlmaStorage storage(cluster.url());
  const std::string key = Bootstrap(storage).secret;
  Deployed server(storage, deployment);
  const Client client(server.channel(), key);
  const std::string conversation = CreateConversations(client, 1)[0];
  const v1::Message stored = Create(client, NewMessage(conversation)).response;

  cluster.Crash();
  cluster.RestartAsStandby();
  CHECK(HealthBecomes(server.channel(), "SERVING", kBack));
  CHECK(Get(client, stored.uuid()).response.content() == stored.content());
  CheckUnavailable(Create(client, NewMessage(conversation)).status);
  cluster.Promote();
  CheckServes(server, client, stored);
}

TEST_CASE(
    "while the file of SQLite is elsewhere calls are UNAVAILABLE and nothing stored is lost") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string key = Bootstrap(storage).secret;
  Deployed server(storage, Deployment::kSqlite);
  const Client client(server.channel(), key);
  const std::string conversation = CreateConversations(client, 1)[0];
  const v1::Message stored = Create(client, NewMessage(conversation)).response;
  const std::string file = storage.data_dir() + "/conversations.db";

  for (int round = 0; round < 2; ++round) {
    CheckServes(server, client, stored);
    std::filesystem::rename(file, file + ".elsewhere");
    CHECK(HealthBecomes(server.channel(), "NOT_SERVING", kFollows));
    CheckUnavailable(Get(client, stored.uuid()).status);
    CheckUnavailable(Create(client, NewMessage(conversation)).status);
    std::filesystem::rename(file + ".elsewhere", file);
  }
  CheckServes(server, client, stored);
  CHECK(ListAll(client, conversation).size() == 4);
}

TEST_CASE("a database that is behind is not served until it is migrated") {
  const Deployment deployment = GENERATE(from_range(kDeploymentsOnPostgresql));
  CAPTURE(deployment);
  const AlmaStorage storage(db::Engine::kPostgresql);
  Deployed server(storage, deployment, {"--migrate=never"});
  CHECK(Health(server.channel()) == "NOT_SERVING");
  // Who it is cannot be found out either.
  CheckUnavailable(Get(Client(server.channel(), auth::NewApiKey()), "").status);
  const Client client(server.channel(), Bootstrap(storage).secret);
  CHECK(HealthBecomes(server.channel(), "SERVING", kBack));
  CHECK(CreateConversations(client, 1).size() == 1);
}

TEST_CASE("a database that is ahead is served only while it still suits this binary") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  Deployed server(storage, deployment);
  const Client client(server.channel(), key);
  const v1::Message stored = Create(client, NewMessage(CreateConversations(client, 1)[0])).response;

  REQUIRE(HealthBecomes(server.channel(), "SERVING", kBack));
  ApplyStep(storage, 1000, /*oldest_binary=*/1);
  CHECK_FALSE(HealthBecomes(server.channel(), "NOT_SERVING", kFollows));
  CheckServes(server, client, stored);
  ApplyStep(storage, 1001, /*oldest_binary=*/1001);
  CHECK(HealthBecomes(server.channel(), "NOT_SERVING", kFollows));
  CheckUnavailable(Get(client, stored.uuid()).status);
  CheckUnavailable(Create(client, NewMessage(stored.conversation_uuid())).status);
  CHECK(server.Running());
}

}  // namespace
}  // namespace alma::testing
