#include <atomic>
#include <csignal>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/deployed.h"
#include "tests/support/eventually.h"
#include "tests/support/key_writes.h"
#include "tests/system/conversations.h"
#include "tests/system/held_lock.h"
#include "tests/system/keys.h"

// When a key was last used is written now and then, behind the calls that use it.
namespace alma::testing {
namespace {

using conversations::v1::Conversation;
using conversations::v1::ConversationsService;
using conversations::v1::GetConversationRequest;

GetConversationRequest ToGet(const std::string& conversation) {
  GetConversationRequest request;
  request.set_uuid(conversation);
  return request;
}

bool HasLastUsed(const Client& admin, const std::string& api_key_uuid) {
  organizations::v1::GetApiKeyRequest request;
  request.set_uuid(api_key_uuid);
  const auto stored = admin.Call(&organizations::v1::ApiKeysService::Stub::GetApiKey, request);
  INFO(AllOf(stored.status));
  REQUIRE(stored.status.ok());
  return stored.response.has_last_used();
}

// How many of so many calls fail, made 16 at a time.
int GetAgainAndAgain(const Client& client, const std::string& conversation, int calls) {
  const GetConversationRequest request = ToGet(conversation);
  std::atomic<int> next = 0;
  std::atomic<int> failed = 0;
  InParallel(16, [&](int) {
    while (next++ < calls) {
      const auto got = client.Call(&ConversationsService::Stub::GetConversation, request);
      if (!got.status.ok()) ++failed;
    }
  });
  return failed;
}

TEST_CASE("10000 calls with one key write its last_used at most twice", "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Bootstrapped first = Bootstrap(storage);
  const auto database = storage.Open("organizations");
  CountKeyWrites(*database);
  Deployed server(storage, deployment);
  std::string uuid;
  {
    const Client admin(server.channel(), first.secret);
    const auto key = CreateKey(admin, first.organization_uuid);
    uuid = key.api_key().uuid();
    CHECK_FALSE(HasLastUsed(admin, uuid));
    const Client client(server.channel(), key.secret());
    CHECK(GetAgainAndAgain(client, CreateConversations(admin, 1)[0], 10'000) == 0);
    CHECK(Eventually([&] { return HasLastUsed(admin, uuid); }));
  }
  // What is still to be written is written by its end.
  CHECK(server.Stop(SIGTERM).exit_code == 0);
  const int64_t written = KeyWrites(*database, uuid);
  CHECK(written >= 1);
  CHECK(written <= 2);
}

// One call that has 500 ms.
grpc::Status GetSoon(const Client& client, const std::string& conversation) {
  const auto context = client.NewContext(absl::Milliseconds(500));
  Conversation got;
  return ConversationsService::NewStub(client.channel())
      ->GetConversation(context.get(), ToGet(conversation), &got);
}

TEST_CASE("no call waits while the last_used of its key cannot be written") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Bootstrapped first = Bootstrap(storage);
  const Deployed server(storage, deployment);
  const Client admin(server.channel(), first.secret);
  const std::string conversation = CreateConversations(admin, 1)[0];
  const auto key = CreateKey(admin, first.organization_uuid);
  const std::string& uuid = key.api_key().uuid();
  const Client client(server.channel(), key.secret());

  HeldLock lock(
      storage, "organizations",
      absl::StrCat("select uuid from \"authorization\" where uuid = '", uuid, "' for update"));
  CHECK(GetSoon(client, conversation).ok());
  // Uses are gathered for a second before they are written.
  CHECK(lock.AwaitSessions(1, /*on_sqlite=*/absl::Milliseconds(1500)));
  for (int i = 0; i < 50; ++i) {
    const grpc::Status status = GetSoon(client, conversation);
    INFO(AllOf(status));
    REQUIRE(status.ok());
  }
  CHECK_FALSE(HasLastUsed(admin, uuid));
  lock.Release();
}

}  // namespace
}  // namespace alma::testing
