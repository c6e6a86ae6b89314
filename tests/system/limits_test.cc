#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"
#include "tests/system/health.h"
#include "tests/system/keys.h"

namespace alma::testing {
namespace {

// The flags of the limits go to whoever checks the keys.
Deployed WithLimits(const AlmaStorage& storage, Deployment deployment,
                    const std::vector<std::string>& limits) {
  const bool gateway = deployment == Deployment::kSplit;
  return Deployed(storage, deployment, gateway ? std::vector<std::string>() : limits,
                  gateway ? limits : std::vector<std::string>());
}

TEST_CASE("a key begins as many calls as its burst and another key and health are not concerned") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const auto first = Bootstrap(storage);
  const Deployed server = WithLimits(storage, deployment, {"--key_rate=0.001", "--key_burst=5"});
  const Client client(server.channel(), first.secret);
  const Client other(server.channel(), CreateKey(client, first.organization_uuid).secret());
  REQUIRE(HealthBecomes(server.channel(), "SERVING", absl::Seconds(10)));
  const std::string conversation = CreateConversations(client, 1)[0];
  for (int i = 0; i < 3; ++i) CHECK(Create(client, NewMessage(conversation)).status.ok());
  const grpc::Status refused = Create(client, NewMessage(conversation)).status;
  CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(ReasonOf(refused) == "RATE_LIMITED");
  CHECK(Create(other, NewMessage(conversation)).status.ok());
  for (int i = 0; i < 20; ++i) CHECK(Health(server.channel()) == "SERVING");
}

TEST_CASE("an organization has as many calls at a time as it may and another one its own") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const auto first = Bootstrap(storage);
  const Deployed server = WithLimits(storage, deployment, {"--organization_concurrency=1"});
  const Client client(server.channel(), first.secret);
  const auto second = CreateOrganization(client, "another");
  const Client other(server.channel(), CreateKey(client, second.uuid()).secret());
  const auto context = client.NewContext(absl::Minutes(1));
  const auto stub = conversations::v1::MessagesService::NewStub(server.channel());
  const auto stream = stub->ImportMessages(context.get());
  conversations::v1::ImportMessagesRequest item;
  conversations::v1::ImportMessagesResponse answer;
  REQUIRE(stream->Write(item));
  REQUIRE(stream->Read(&answer));
  conversations::v1::ListConversationsRequest list;
  const auto call = &conversations::v1::ConversationsService::Stub::ListConversations;
  CHECK(ReasonOf(client.Call(call, list).status) == "RATE_LIMITED");
  CHECK(other.Call(call, list).status.ok());
  stream->WritesDone();
  CHECK(stream->Finish().ok());
  CHECK(client.Call(call, list).status.ok());
}

TEST_CASE("values of the limits' flags that are out of range are wrong usage") {
  const std::string flag = GENERATE("--key_rate=-1", "--key_rate=1e7", "--key_rate=nan",
                                    "--key_burst=0.5", "--organization_concurrency=-1");
  CAPTURE(flag);
  const AlmaStorage storage(db::Engine::kSqlite);
  CHECK(RunAlma({"serve", storage.location_flag(), "--listen=127.0.0.1:0", flag}).exit_code == 2);
}

// Keeps everybody else from changing messages until `go_on`.
void HoldMessages(const AlmaStorage& storage, db::Engine engine, absl::Notification& held,
                  absl::Notification& go_on) {
  const auto database = storage.Open("conversations");
  const auto hold = [&](db::Session& session) -> absl::Status {
    absl::Status locked;
    if (engine == db::Engine::kPostgresql) {
      locked = session.Execute("lock table messages in access exclusive mode");
    }
    held.Notify();
    go_on.WaitForNotification();
    return locked;
  };
  database->Write(absl::Now() + absl::Minutes(1), hold).IgnoreError();
}

TEST_CASE("health answers while 64 calls wait for the database") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  const Deployed server(storage, deployment);
  const Client client(server.channel(), key);
  const std::string conversation = CreateConversations(client, 1)[0];
  const auto created = Create(client, NewMessage(conversation));
  REQUIRE(created.status.ok());
  // Not creates: those wait in lanes, updates for workers.
  conversations::v1::UpdateMessageRequest update;
  update.mutable_message()->set_uuid(created.response.uuid());
  update.mutable_message()->set_content("another content");
  const auto call = &conversations::v1::MessagesService::Stub::UpdateMessage;
  absl::Notification held;
  absl::Notification go_on;
  std::thread holder([&] { HoldMessages(storage, EngineOf(deployment), held, go_on); });
  held.WaitForNotification();
  constexpr int kCallers = 64;
  std::atomic<int> failed = 0;
  std::atomic<int> ended = 0;
  std::thread callers([&] {
    InParallel(kCallers, [&](int) {
      if (!client.Call(call, update).status.ok()) ++failed;
      ++ended;
    });
  });
  absl::SleepFor(absl::Milliseconds(300));
  absl::Duration longest;
  int serving = 0;
  constexpr int kChecks = 50;
  for (int i = 0; i < kChecks; ++i) {
    const absl::Time asked = absl::Now();
    if (Health(server.channel()) == "SERVING") ++serving;
    longest = std::max(longest, absl::Now() - asked);
  }
  const int ended_meanwhile = ended;
  go_on.Notify();
  holder.join();
  callers.join();
  CHECK(ended_meanwhile == 0);
  CHECK(serving == kChecks);
  // Milliseconds, but this machine may be busy with other things.
  CHECK(longest < absl::Seconds(1));
  CHECK(failed == 0);
}

}  // namespace
}  // namespace alma::testing
