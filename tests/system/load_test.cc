#include <atomic>
#include <future>

#include <google/protobuf/util/message_differencer.h>

#include "absl/strings/str_cat.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"

namespace alma::testing {
namespace {

using conversations::v1::CreateMessageRequest;
using conversations::v1::Message;
using google::protobuf::util::MessageDifferencer;

constexpr int kCallers = 64;
constexpr int kMessages = 10'000;
constexpr int kConversations = 50;

TEST_CASE("64 callers append 10000 messages to 50 conversations without a gap", "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  const Deployed server(storage, deployment);
  const Client client(server.channel(), key);
  const std::vector<std::string> conversations = CreateConversations(client, kConversations);

  std::vector<Message> acknowledged(kMessages);
  std::atomic<int> next = 0;
  std::atomic<int> failed = 0;
  InParallel(kCallers, [&](int) {
    for (int i = next++; i < kMessages; i = next++) {
      const auto answered = Create(client, NewMessage(conversations[i % kConversations]));
      if (!answered.status.ok()) ++failed;
      acknowledged[i] = answered.response;
    }
  });
  CHECK(failed == 0);
  CheckStored(client, conversations, acknowledged);
}

TEST_CASE(
    "two deployments on one PostgreSQL append without a gap and store what both are sent once",
    "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeploymentsOnPostgresql));
  CAPTURE(deployment);
  const AlmaStorage storage(db::Engine::kPostgresql);
  const AlmaStorage second_storage(storage.url());
  const std::string key = Bootstrap(storage).secret;
  const Deployed first(storage, deployment);
  const Deployed second(second_storage, deployment);
  const Client clients[] = {{first.channel(), key}, {second.channel(), key}};
  const std::vector<std::string> conversations = CreateConversations(clients[0], kConversations);

  std::vector<Message> acknowledged(kMessages);
  std::atomic<int> next = 0;
  std::atomic<int> failed = 0;
  std::atomic<int> unequal = 0;
  InParallel(kCallers, [&](int caller) {
    const Client& own = clients[caller % 2];
    const Client& other = clients[1 - caller % 2];
    for (int i = next++; i < kMessages; i = next++) {
      const CreateMessageRequest request = NewMessage(conversations[i % kConversations]);
      std::future<Answered<Message>> twin;
      if (i % 10 == 0) {
        twin = std::async(std::launch::async, [&] { return Create(other, request); });
      }
      const auto answered = Create(own, request);
      if (!answered.status.ok()) ++failed;
      acknowledged[i] = answered.response;
      if (twin.valid() && !MessageDifferencer::Equals(twin.get().response, answered.response)) {
        ++unequal;
      }
    }
  });
  CHECK(failed == 0);
  CHECK(unequal == 0);
  CheckStored(clients[1], conversations, acknowledged);
}

TEST_CASE("one external id from 32 callers of two deployments is stored once and answered alike") {
  const Deployment deployment = GENERATE(from_range(kDeploymentsOnPostgresql));
  CAPTURE(deployment);
  const AlmaStorage storage(db::Engine::kPostgresql);
  const AlmaStorage second_storage(storage.url());
  const std::string key = Bootstrap(storage).secret;
  const Deployed first(storage, deployment);
  const Deployed second(second_storage, deployment);
  const Client clients[] = {{first.channel(), key}, {second.channel(), key}};
  const std::vector<std::string> conversations = CreateConversations(clients[0], 1);
  constexpr int kRounds = 20;
  std::vector<Message> stored;
  for (int round = 0; round < kRounds; ++round) {
    CreateMessageRequest request = NewMessage(conversations[0]);
    request.mutable_message()->clear_uuid();
    request.mutable_message()->set_external_id(absl::StrCat("m-", round));
    std::vector<Answered<Message>> answers(kCallers / 2);
    InParallel(kCallers / 2,
               [&](int caller) { answers[caller] = Create(clients[caller % 2], request); });
    for (const auto& answered : answers) {
      CHECK(answered.status.ok());
      CHECK(MessageDifferencer::Equals(answered.response, answers[0].response));
    }
    stored.push_back(answers[0].response);
  }
  CheckStored(clients[1], conversations, stored);
}

}  // namespace
}  // namespace alma::testing
