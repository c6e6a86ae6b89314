#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/worker_pool.h"
#include "tests/support/deployed.h"
#include "tests/support/limits.h"
#include "tests/system/conversations.h"
#include "tests/system/health.h"
#include "tests/system/held_lock.h"
#include "tests/system/keys.h"

namespace alma::testing {
namespace {

// The flags go to the program that clients call, which checks the keys.
Deployed WithFlagsInFront(const AlmaStorage& storage, Deployment deployment,
                          const std::vector<std::string>& flags) {
  const bool gateway = deployment == Deployment::kSplit;
  return Deployed(storage, deployment, gateway ? std::vector<std::string>() : flags,
                  gateway ? flags : std::vector<std::string>());
}

// Keeps everybody else from messages.
constexpr char kLockMessages[] = "lock table messages in access exclusive mode";

TEST_CASE("a key begins as many calls as its burst and another key and health are not concerned") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const auto first = Bootstrap(storage);
  const Deployed server =
      WithFlagsInFront(storage, deployment, {"--key_rate=0.001", "--key_burst=5"});
  const Client client(server.channel(), first.secret);
  const Client other(server.channel(), CreateKey(client, first.organization_uuid).secret());
  REQUIRE(HealthBecomes(server.channel(), "SERVING", absl::Seconds(10)));
  const std::string conversation = CreateConversations(client, 1)[0];
  for (int i = 0; i < 3; ++i) CHECK(Create(client, NewMessage(conversation)).status.ok());
  const grpc::Status refused = Create(client, NewMessage(conversation)).status;
  CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(ReasonOf(refused) == "RATE_LIMITED");
  CHECK(RetryInfoOf(refused) > absl::ZeroDuration());
  // A thousandth of a call in a second.
  CHECK(RetryInfoOf(refused) <= absl::Seconds(1000));
  CHECK(Create(other, NewMessage(conversation)).status.ok());
  for (int i = 0; i < 20; ++i) CHECK(Health(server.channel()) == "SERVING");
}

TEST_CASE("an organization has as many calls at a time as it may and another one its own") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const auto first = Bootstrap(storage);
  const Deployed server = WithFlagsInFront(storage, deployment, {"--organization_concurrency=1"});
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

// Two organizations on few workers.
struct Neighbours {
  explicit Neighbours(Deployment deployment)
      : storage(EngineOf(deployment)),
        first(Bootstrap(storage)),
        server(storage, deployment, {"--workers=4"}),
        ours(server.channel(), first.secret),
        // With a key that nobody has seen yet.
        theirs(server.channel(),
               CreateKey(ours, CreateOrganization(ours, "another").uuid()).secret()) {}

  const AlmaStorage storage;
  const Bootstrapped first;
  const Deployed server;
  const Client ours;
  const Client theirs;
};

TEST_CASE("an organization that waits for its own lock leaves workers to the others") {
  const Deployment deployment =
      GENERATE(filter([](Deployment one) { return EngineOf(one) == db::Engine::kPostgresql; },
                      from_range(kDeployments)));
  CAPTURE(deployment);
  const Neighbours both(deployment);
  const auto update_of = [](const Client& client) {
    conversations::v1::UpdateMessageRequest update;
    const auto created = Create(client, NewMessage(CreateConversations(client, 1)[0]));
    update.mutable_message()->set_uuid(created.response.uuid());
    update.mutable_message()->set_content("another content");
    return update;
  };
  const auto ours_update = update_of(both.ours);
  const auto theirs_update = update_of(both.theirs);
  const auto call = &conversations::v1::MessagesService::Stub::UpdateMessage;
  HeldLock lock(both.storage, "conversations",
                absl::StrCat("select revision from revisions where alma_internal_organization = '",
                             both.first.organization_uuid, "' for update"));
  constexpr int kCallers = 16;
  std::atomic<int> failed = 0;
  std::atomic<int> ended = 0;
  std::thread callers([&] {
    InParallel(kCallers, [&](int) {
      if (!both.ours.Call(call, ours_update).status.ok()) ++failed;
      ++ended;
    });
  });
  CHECK(lock.AwaitSessions(rpc::WorkerPool::kMaxOfGroup, /*on_sqlite=*/absl::ZeroDuration()));
  const absl::Time asked = absl::Now();
  CHECK(both.theirs.Call(call, theirs_update).status.ok());
  CHECK(absl::Now() - asked < absl::Seconds(5));
  const int ended_meanwhile = ended;
  lock.Release();
  callers.join();
  CHECK(ended_meanwhile == 0);
  CHECK(failed == 0);
}

TEST_CASE(
    "an organization that changes its keys all at once leaves workers to look up others' keys") {
  const Deployment deployment =
      GENERATE(filter([](Deployment one) { return EngineOf(one) == db::Engine::kPostgresql; },
                      from_range(kDeployments)));
  CAPTURE(deployment);
  const Neighbours both(deployment);
  organizations::v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_uuid(both.first.organization_uuid);
  update.mutable_organization()->set_name("another name");
  HeldLock lock(both.storage, "organizations", "select change_seq from change_sequence for update");
  std::atomic<int> failed = 0;
  std::thread callers([&] {
    InParallel(16, [&](int) {
      const auto call = &organizations::v1::OrganizationsService::Stub::UpdateOrganization;
      if (!both.ours.Call(call, update).status.ok()) ++failed;
    });
  });
  CHECK(lock.AwaitSessions(rpc::WorkerPool::kMaxOfGroup, /*on_sqlite=*/absl::ZeroDuration()));
  absl::SleepFor(absl::Milliseconds(500));
  const absl::Time asked = absl::Now();
  const auto list = &conversations::v1::ConversationsService::Stub::ListConversations;
  CHECK(both.theirs.Call(list, conversations::v1::ListConversationsRequest()).status.ok());
  CHECK(absl::Now() - asked < absl::Seconds(5));
  lock.Release();
  callers.join();
  CHECK(failed == 0);
}

TEST_CASE("values of the limits' flags that are out of range are wrong usage") {
  const std::string flag = GENERATE("--key_rate=-1", "--key_rate=1e7", "--key_rate=nan",
                                    "--key_burst=0.5", "--organization_concurrency=-1");
  CAPTURE(flag);
  const AlmaStorage storage(db::Engine::kSqlite);
  CHECK(RunAlma({"serve", storage.location_flag(), "--listen=127.0.0.1:0", flag}).exit_code == 2);
}

TEST_CASE("a call without a deadline ends at the one that the server gives it") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  const Deployed server = WithFlagsInFront(storage, deployment, {"--default_deadline=300ms"});
  const Client client(server.channel(), key);
  const auto request = NewMessage(CreateConversations(client, 1)[0]);
  const auto context = client.NewContext(absl::InfiniteDuration());
  const auto stub = conversations::v1::MessagesService::NewStub(server.channel());
  conversations::v1::Message created;
  HeldLock lock(storage, "conversations", kLockMessages);
  const absl::Time asked = absl::Now();
  const grpc::Status ended = stub->CreateMessage(context.get(), request, &created);
  const absl::Duration took = absl::Now() - asked;
  lock.Release();
  CHECK(ended.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  // A write that would be tried again behind its deadline gives up before.
  CHECK(took > absl::Milliseconds(200));
  CHECK(took < absl::Seconds(5));
  CHECK(Create(client, request).status.ok());
}

constexpr int kChecks = 50;

// What came of so many checks of health, one after another.
struct Checks {
  int serving = 0;
  // Under 50 ms. Not each of them has to be: this machine may be busy with other things.
  int quick = 0;
  absl::Duration longest;
};

Checks CheckHealth(const std::shared_ptr<grpc::Channel>& channel) {
  Checks checks;
  for (int i = 0; i < kChecks; ++i) {
    const absl::Time asked = absl::Now();
    if (Health(channel) == "SERVING") ++checks.serving;
    const absl::Duration took = absl::Now() - asked;
    if (took < absl::Milliseconds(50)) ++checks.quick;
    checks.longest = std::max(checks.longest, took);
  }
  return checks;
}

TEST_CASE("health answers while 64 calls wait for the database") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  constexpr int kCallers = 64;
  // So that each of them is in the database.
  const Deployed server(storage, deployment, {absl::StrCat("--workers=", kCallers)});
  const Client client(server.channel(), key);
  const std::string conversation = CreateConversations(client, 1)[0];
  const auto created = Create(client, NewMessage(conversation));
  REQUIRE(created.status.ok());
  // Lists wait for the lock on PostgreSQL alone. Not creates: those wait in lanes, these on
  // workers.
  conversations::v1::ListMessagesRequest list;
  list.set_conversation_uuid(conversation);
  conversations::v1::UpdateMessageRequest update;
  update.mutable_message()->set_uuid(created.response.uuid());
  update.mutable_message()->set_content("another content");
  using Stub = conversations::v1::MessagesService::Stub;
  const auto call = [&] {
    return EngineOf(deployment) == db::Engine::kPostgresql
               ? client.Call(&Stub::ListMessages, list).status
               : client.Call(&Stub::UpdateMessage, update).status;
  };
  HeldLock lock(storage, "conversations", kLockMessages);
  std::atomic<int> failed = 0;
  std::atomic<int> ended = 0;
  std::thread callers([&] {
    InParallel(kCallers, [&](int) {
      if (!call().ok()) ++failed;
      ++ended;
    });
  });
  CHECK(lock.AwaitSessions(kCallers, /*on_sqlite=*/absl::Milliseconds(300)));
  const Checks checks = CheckHealth(server.channel());
  const int ended_meanwhile = ended;
  lock.Release();
  callers.join();
  CHECK(ended_meanwhile == 0);
  CHECK(checks.serving == kChecks);
  CHECK(checks.quick > kChecks / 2);
  CHECK(checks.longest < absl::Seconds(1));
  CHECK(failed == 0);
}

}  // namespace
}  // namespace alma::testing
