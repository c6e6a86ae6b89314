#include "services/conversations/conversation_store.h"

#include "common/status/status.h"
#include "common/text/json.h"
#include "tests/services/conversations/stores.h"

namespace alma::conversations {
namespace {

std::string Reason(const absl::StatusOr<v1::Conversation>& result) {
  return std::string(status::Reason(result.status()));
}

v1::Conversation FullConversation() {
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(1));
  conversation.set_external_id("chat-1");
  conversation.add_agents(NthUuid(8));
  conversation.add_agents(NthUuid(7));
  conversation.add_external_participants("+49 30 \"1\"");
  conversation.add_external_participants(NthUuid(8));
  (*conversation.mutable_meta_data()->mutable_fields())["stage"].set_string_value("é");
  return conversation;
}

TEST_CASE("a conversation is answered as it is read later") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Conversation created = Ok(stores.conversations.Create(Us(), FullConversation()));
  CHECK(created.alma_internal_organization() == kOurs);
  CHECK(created.revision() == 1);
  CHECK(created.has_created_at());
  CHECK(created.updated_at().seconds() == created.created_at().seconds());
  CHECK(created.message_count() == 0);
  CHECK_FALSE(created.has_last_message_at());
  CHECK_FALSE(created.has_last_message_index());

  const v1::Conversation read = Ok(stores.conversations.Get(Us(), created.uuid()));
  CHECK(text::StructEquals(read.meta_data(), created.meta_data()));
  CHECK(read.DebugString() == created.DebugString());
}

TEST_CASE(
    "a conversation of nothing but its origin has no participants and a uuid from the server") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Conversation created = Ok(stores.conversations.Create(Us(), NewConversation()));
  CHECK(created.uuid().size() == 36);
  CHECK(Ok(stores.conversations.Get(Us(), created.uuid())).DebugString() == created.DebugString());
  CHECK(stores.Count(
            "select count(*) from conversations where agents is null and external_id is null") ==
        1);
  CHECK(stores.Count("select count(*) from conversations where external_participants is null") ==
        0);
}

TEST_CASE("participants are written beside the conversation") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Ok(stores.conversations.Create(Us(), FullConversation()));
  CHECK(stores.Count("select count(*) from conversation_participants where kind = 'AGENT'") == 2);
  CHECK(stores.Count("select count(*) from conversation_participants where kind = 'EXTERNAL'") ==
        2);
  CHECK(stores.Count("select count(*) from conversation_participants p join conversations c "
                     "on c.uuid = p.conversation_uuid and c.created_at = p.joined_at "
                     "and c.activity_minute = p.activity_minute and c.revision = p.joined_revision "
                     "where p.left_at is null") == 4);
}

TEST_CASE("a repeated create of a conversation answers the stored row and writes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Conversation created = Ok(stores.conversations.Create(Us(), FullConversation()));

  v1::Conversation by_external_id = NewConversation();
  by_external_id.set_external_id("chat-1");
  v1::Conversation by_uuid = NewConversation();
  by_uuid.set_uuid(created.uuid());
  for (const v1::Conversation& repeat : {FullConversation(), by_external_id, by_uuid}) {
    CHECK(Ok(stores.conversations.Create(Us(), repeat)).DebugString() == created.DebugString());
  }
  CHECK(stores.Count("select count(*) from conversations") == 1);
  CHECK(stores.Count("select count(*) from conversation_participants") == 4);
  CHECK(Ok(stores.conversations.Create(Us(), NewConversation())).revision() == 2);
}

TEST_CASE("a create of a known conversation with other content is refused") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Ok(stores.conversations.Create(Us(), FullConversation()));
  v1::Conversation second = NewConversation();
  second.set_uuid(NthUuid(2));
  second.set_external_id("chat-2");
  Ok(stores.conversations.Create(Us(), second));

  v1::Conversation other_agents = FullConversation();
  other_agents.mutable_agents()->SwapElements(0, 1);
  CHECK(Reason(stores.conversations.Create(Us(), other_agents)) == "ALREADY_EXISTS");
  v1::Conversation other_data = FullConversation();
  (*other_data.mutable_meta_data()->mutable_fields())["stage"].set_string_value("e");
  CHECK(Reason(stores.conversations.Create(Us(), other_data)) == "ALREADY_EXISTS");
  v1::Conversation other_uuid = FullConversation();
  other_uuid.set_uuid(NthUuid(3));
  CHECK(Reason(stores.conversations.Create(Us(), other_uuid)) == "ALREADY_EXISTS");
  v1::Conversation two_rows = FullConversation();
  two_rows.set_external_id("chat-2");
  CHECK(Reason(stores.conversations.Create(Us(), two_rows)) == "ALREADY_EXISTS");
  v1::Conversation other_origin = FullConversation();
  other_origin.set_origin("crm");
  CHECK(Reason(stores.conversations.Create(Us(), other_origin)) == "ALREADY_EXISTS");
  CHECK(Ok(stores.conversations.Create(Us(), NewConversation())).revision() == 3);
}

TEST_CASE("an external id is one of its origin") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  v1::Conversation conversation = NewConversation();
  conversation.set_external_id("1");
  const std::string first = Ok(stores.conversations.Create(Us(), conversation)).uuid();
  conversation.set_origin("crm");
  CHECK(Ok(stores.conversations.Create(Us(), conversation)).uuid() != first);
}

TEST_CASE("the ids of a deleted conversation cannot be used again") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Ok(stores.conversations.Create(Us(), FullConversation()));
  stores.Execute(
      "update conversations set deleted_at = created_at, agents = null, external_participants = "
      "'[]'");
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).has_deleted_at());
  CHECK(Reason(stores.conversations.Create(Us(), FullConversation())) == "DELETED");
  v1::Conversation by_external_id = NewConversation();
  by_external_id.set_external_id("chat-1");
  CHECK(Reason(stores.conversations.Create(Us(), by_external_id)) == "DELETED");
}

TEST_CASE("organizations have ids and revisions of their own") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Ok(stores.conversations.Create(Us(), FullConversation()));
  CHECK(Reason(stores.conversations.Get(Them(), NthUuid(1))) == "NOT_FOUND");
  v1::Conversation theirs = FullConversation();
  theirs.clear_agents();
  CHECK(Ok(stores.conversations.Create(Them(), theirs)).revision() == 1);
  CHECK(Ok(stores.conversations.Get(Them(), NthUuid(1))).agents().empty());
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).agents_size() == 2);
}

TEST_CASE("a conversation that is not there is not found") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CHECK(Reason(stores.conversations.Get(Us(), NthUuid(1))) == "NOT_FOUND");
}

}  // namespace
}  // namespace alma::conversations
