#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "services/conversations/validate.h"
#include "tests/services/conversations/stores.h"
#include "tests/support/service_harness.h"

// AddParticipants and RemoveParticipants, and who was on a conversation when.
namespace alma::conversations {
namespace {

using Fields = std::vector<std::string>;
using Texts = std::vector<std::string>;

std::string Reason(const absl::StatusOr<v1::Conversation>& result) {
  return std::string(status::Reason(result.status()));
}

Fields FieldsOf(const absl::Status& refused) {
  return testing::FieldsOf(status::ToGrpcStatus(refused));
}

void Create(Stores& stores) {
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(1));
  conversation.add_agents(NthUuid(7));
  conversation.add_external_participants("+49 30 1");
  Ok(stores.conversations.Create(Us(), conversation));
}

template <typename Request>
Request Named(const Texts& agents, const Texts& externals, int64_t revision) {
  Request request;
  request.set_uuid(NthUuid(1));
  for (const std::string& agent : agents) request.add_agents(agent);
  for (const std::string& external : externals) request.add_external_participants(external);
  request.set_revision(revision);
  return request;
}

v1::AddParticipantsRequest Add(const Texts& agents, const Texts& externals, int64_t revision = 0) {
  return Named<v1::AddParticipantsRequest>(agents, externals, revision);
}

v1::RemoveParticipantsRequest Remove(const Texts& agents, const Texts& externals,
                                     int64_t revision = 0) {
  return Named<v1::RemoveParticipantsRequest>(agents, externals, revision);
}

Texts AgentsOf(const v1::Conversation& conversation) {
  return {conversation.agents().begin(), conversation.agents().end()};
}

Texts ExternalsOf(const v1::Conversation& conversation) {
  return {conversation.external_participants().begin(), conversation.external_participants().end()};
}

Texts ListOfAgent(Stores& stores, const std::string& agent) {
  v1::ListConversationsRequest request = PageOfConversations(10);
  request.set_agent_uuid(agent);
  return ReadAll(stores, request);
}

// How many times this thread has waited for something.
int64_t Waits() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

TEST_CASE("the participants of many conversations take few round trips") {
  Stores stores(db::Engine::kPostgresql);
  constexpr int kConversations = 30;
  constexpr int kParticipants = 100;
  v1::Conversation conversation = NewConversation();
  for (int i = 0; i < kParticipants; ++i) {
    conversation.add_external_participants(absl::StrCat("+49 ", i));
  }
  const std::vector<v1::Conversation> wanted(kConversations, conversation);
  const int64_t before = Waits();
  const auto created = Ok(stores.conversations.CreateEach(Us(), wanted));
  CHECK(Waits() - before < kConversations * kParticipants / 4);
  CHECK(created.size() == kConversations);
  CHECK(stores.Count("select count(*) from conversation_participants") ==
        kConversations * kParticipants);
  CHECK(stores.Count("select count(distinct joined_revision) from conversation_participants") ==
        kConversations);
}

TEST_CASE("participants are appended and those that are there stay where they are") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores);
  CHECK(ListOfAgent(stores, NthUuid(8)).empty());
  const v1::Conversation added = Ok(stores.conversations.AddParticipants(
      Us(), Add({NthUuid(8), NthUuid(7)}, {"+49 30 2", "+49 30 1"}, 1)));
  CHECK(AgentsOf(added) == Texts{NthUuid(7), NthUuid(8)});
  CHECK(ExternalsOf(added) == Texts{"+49 30 1", "+49 30 2"});
  CHECK(added.revision() == 2);
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).DebugString() == added.DebugString());
  CHECK(ListOfAgent(stores, NthUuid(8)) == Texts{NthUuid(1)});

  const v1::Conversation again =
      Ok(stores.conversations.AddParticipants(Us(), Add({NthUuid(8)}, {"+49 30 1"}, 2)));
  CHECK(again.DebugString() == added.DebugString());
  CHECK(stores.Count("select revision from revisions") == 2);
  CHECK(stores.Count("select count(*) from conversation_participants") == 4);
}

TEST_CASE("participants who are taken off stay in the history and may come again") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores);
  Ok(stores.conversations.AddParticipants(Us(), Add({NthUuid(8)}, {"+49 30 2"})));
  const v1::Conversation removed =
      Ok(stores.conversations.RemoveParticipants(Us(), Remove({NthUuid(7)}, {"+49 30 2"}, 2)));
  CHECK(AgentsOf(removed) == Texts{NthUuid(8)});
  CHECK(ExternalsOf(removed) == Texts{"+49 30 1"});
  CHECK(removed.revision() == 3);
  CHECK(ListOfAgent(stores, NthUuid(7)).empty());
  const std::string agent = absl::StrCat(
      "select count(*) from conversation_participants where kind = 'AGENT' and participant = '",
      NthUuid(7), "'");
  CHECK(stores.Count(agent + " and left_at > joined_at") == 1);

  const v1::Conversation back =
      Ok(stores.conversations.AddParticipants(Us(), Add({NthUuid(7)}, {})));
  CHECK(AgentsOf(back) == Texts{NthUuid(8), NthUuid(7)});
  CHECK(ListOfAgent(stores, NthUuid(7)) == Texts{NthUuid(1)});
  CHECK(stores.Count(agent) == 2);
  CHECK(stores.Count(agent + " and left_at is null and joined_revision = 4") == 1);
  CHECK(stores.Count(agent + " and left_at is not null and joined_revision = 1") == 1);
  CHECK(stores.Count("select count(*) from conversation_participants a "
                     "join conversation_participants b on b.participant = a.participant "
                     "where a.joined_revision = 1 and b.joined_revision = 4 "
                     "and a.left_at <= b.joined_at") == 1);
}

TEST_CASE("one participant may be on both lists and leave one of them") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores);
  Ok(stores.conversations.AddParticipants(Us(), Add({}, {NthUuid(7)})));
  const v1::Conversation removed =
      Ok(stores.conversations.RemoveParticipants(Us(), Remove({}, {NthUuid(7)})));
  CHECK(AgentsOf(removed) == Texts{NthUuid(7)});
  CHECK(ListOfAgent(stores, NthUuid(7)) == Texts{NthUuid(1)});
}

TEST_CASE("a participant who is not there cannot be taken off and nobody else is then") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores);
  const absl::Status refused =
      stores.conversations
          .RemoveParticipants(Us(), Remove({NthUuid(7), NthUuid(9)}, {"+49 30 1", "+49 30 3"}))
          .status();
  CHECK(refused.code() == absl::StatusCode::kInvalidArgument);
  CHECK(FieldsOf(refused) == Fields{"agents[1]", "external_participants[1]"});
  const v1::Conversation stored = Ok(stores.conversations.Get(Us(), NthUuid(1)));
  CHECK(stored.revision() == 1);
  CHECK(AgentsOf(stored) == Texts{NthUuid(7)});
  CHECK(stores.Count("select revision from revisions") == 1);
  CHECK(stores.Count("select count(*) from conversation_participants where left_at is null") == 2);
}

TEST_CASE("a conversation has at most 100 participants") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores);
  Texts externals;
  for (int i = 0; i < 98; ++i) externals.push_back(absl::StrCat("+", i));
  CHECK(Ok(stores.conversations.AddParticipants(Us(), Add({}, externals)))
            .external_participants_size() == 99);
  const absl::Status refused =
      stores.conversations.AddParticipants(Us(), Add({NthUuid(8)}, {})).status();
  CHECK(refused.code() == absl::StatusCode::kInvalidArgument);
  CHECK(FieldsOf(refused) == Fields{"external_participants"});
  CHECK(stores.Count("select revision from revisions") == 2);

  v1::AddParticipantsRequest many = Add({}, {});
  for (int i = 0; i < 101; ++i) many.add_external_participants(absl::StrCat("+", i));
  CHECK(FieldsOf(Validate(many)) == Fields{"external_participants"});
}

TEST_CASE("participants are changed only where the conversation is and is as expected") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores);
  CHECK(Reason(stores.conversations.AddParticipants(Us(), Add({NthUuid(8)}, {}, 7))) ==
        "REVISION_STALE");
  CHECK(Reason(stores.conversations.RemoveParticipants(Us(), Remove({NthUuid(7)}, {}, 7))) ==
        "REVISION_STALE");
  CHECK(Reason(stores.conversations.AddParticipants(Them(), Add({NthUuid(8)}, {}))) == "NOT_FOUND");
  v1::DeleteConversationRequest remove;
  remove.set_uuid(NthUuid(1));
  Ok(stores.conversations.Delete(Us(), remove.uuid(), remove.revision()));
  CHECK(Reason(stores.conversations.AddParticipants(Us(), Add({NthUuid(8)}, {}))) == "DELETED");
  CHECK(Reason(stores.conversations.RemoveParticipants(Us(), Remove({NthUuid(7)}, {}))) ==
        "DELETED");
}

}  // namespace
}  // namespace alma::conversations
