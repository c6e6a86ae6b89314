#include <map>

#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "services/conversations/validate.h"
#include "tests/services/conversations/stores.h"
#include "tests/support/service_harness.h"

// Update, delete and BatchGet of conversations.
namespace alma::conversations {
namespace {

using Fields = std::vector<std::string>;

template <typename T>
std::string Reason(const absl::StatusOr<T>& result) {
  return std::string(status::Reason(result.status()));
}

Fields FieldsOf(const absl::Status& refused) {
  return testing::FieldsOf(status::ToGrpcStatus(refused));
}

// Conversation `n` with an agent, two external participants and data.
v1::Conversation Create(Stores& stores, int n) {
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(n));
  conversation.set_external_id(absl::StrCat("chat-", n));
  conversation.add_agents(NthUuid(7));
  conversation.add_external_participants("+49 30 1");
  conversation.add_external_participants("+49 30 2");
  (*conversation.mutable_meta_data()->mutable_fields())["stage"].set_string_value("new");
  return Ok(stores.conversations.Create(Us(), conversation));
}

v1::UpdateConversationRequest UpdateOf(int n, const std::vector<std::string>& mask,
                                       int64_t revision = 0) {
  v1::UpdateConversationRequest request;
  request.mutable_conversation()->set_uuid(NthUuid(n));
  request.mutable_conversation()->set_revision(revision);
  for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
  return request;
}

absl::StatusOr<v1::BatchGetConversationsResponse> BatchGet(
    Stores& stores, const rpc::Call& call, const v1::BatchGetConversationsRequest& request) {
  return stores.conversations.BatchGet(call, request.uuids(),
                                       &v1::BatchGetConversationsResponse::mutable_conversations);
}

absl::StatusOr<v1::Conversation> Update(Stores& stores, v1::UpdateConversationRequest request) {
  const absl::Status valid = Validate(request);
  if (!valid.ok()) return valid;
  return stores.conversations.Update(Us(), request);
}

TEST_CASE("an update of a conversation writes what its mask names and nothing else") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Conversation created = Create(stores, 1);
  v1::UpdateConversationRequest request = UpdateOf(1, {"external_participants"}, 1);
  request.mutable_conversation()->add_external_participants("+49 30 3");
  request.mutable_conversation()->add_external_participants("+49 30 1");
  request.mutable_conversation()->add_agents(NthUuid(8));
  const v1::Conversation updated = Ok(Update(stores, request));
  v1::Conversation expected = created;
  *expected.mutable_external_participants() = request.conversation().external_participants();
  expected.set_revision(2);
  *expected.mutable_updated_at() = updated.updated_at();
  CHECK(updated.DebugString() == expected.DebugString());
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).DebugString() == expected.DebugString());

  const std::string who = "select count(*) from conversation_participants where participant = ";
  CHECK(stores.Count(who + "'+49 30 1' and left_at is null and joined_revision = 1") == 1);
  CHECK(stores.Count(who + "'+49 30 2' and left_at is not null") == 1);
  CHECK(stores.Count(who + "'+49 30 3' and left_at is null and joined_revision = 2") == 1);
  CHECK(stores.Count("select count(*) from conversation_participants") == 4);
}

TEST_CASE("an update of a conversation without a mask writes the populated fields and a star all") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Conversation created = Create(stores, 1);
  v1::UpdateConversationRequest request = UpdateOf(1, {});
  (*request.mutable_conversation()->mutable_meta_data()->mutable_fields())["stage"]
      .set_string_value("won");
  const v1::Conversation populated = Ok(Update(stores, request));
  CHECK(populated.meta_data().fields().at("stage").string_value() == "won");
  CHECK(populated.agents_size() == 1);

  const v1::Conversation same = Ok(Update(stores, request));
  CHECK(same.revision() == populated.revision());
  CHECK(stores.Count("select revision from revisions") == 2);

  const v1::Conversation replaced = Ok(Update(stores, UpdateOf(1, {"*"})));
  CHECK(replaced.agents().empty());
  CHECK(replaced.external_participants().empty());
  CHECK_FALSE(replaced.has_meta_data());
  CHECK(replaced.origin() == created.origin());
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).DebugString() == replaced.DebugString());
  CHECK(stores.Count("select count(*) from conversation_participants where left_at is null") == 0);
}

TEST_CASE("an update of a conversation that cannot be carried out changes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Conversation created = Create(stores, 1);
  for (const char* path : {"message_count", "origin", "no_such_field", "meta_data.stage"}) {
    INFO(path);
    CHECK(FieldsOf(Update(stores, UpdateOf(1, {path})).status()) == Fields{"update_mask"});
  }
  const auto stale = Update(stores, UpdateOf(1, {"*"}, 9));
  CHECK(stale.status().code() == absl::StatusCode::kAborted);
  CHECK(Reason(stale) == "REVISION_STALE");
  const auto absent = Update(stores, UpdateOf(2, {"*"}));
  CHECK(Reason(absent) == "NOT_FOUND");
  CHECK(stores.conversations.Update(Them(), UpdateOf(1, {"*"})).status() == absent.status());

  v1::UpdateConversationRequest many = UpdateOf(1, {"agents"});
  for (int i = 0; i < 99; ++i) many.mutable_conversation()->add_agents(NthUuid(100 + i));
  CHECK(FieldsOf(Update(stores, many).status()) == Fields{"conversation.external_participants"});
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).DebugString() == created.DebugString());
  CHECK(stores.Count("select max(revision) from revisions") == 1);
}

TEST_CASE("a deleted conversation is a tombstone without participants or data") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores, 1);
  const v1::Conversation before = Ok(stores.conversations.Get(Us(), NthUuid(1)));
  CHECK(Reason(stores.conversations.Delete(Us(), NthUuid(1), 9)) == "REVISION_STALE");
  CHECK(Reason(stores.conversations.Delete(Us(), NthUuid(2), 0)) == "NOT_FOUND");
  CHECK(Reason(stores.conversations.Delete(Them(), NthUuid(1), 0)) == "NOT_FOUND");

  const v1::Conversation deleted = Ok(stores.conversations.Delete(Us(), NthUuid(1), 1));
  CHECK(deleted.has_deleted_at());
  CHECK(deleted.agents().empty());
  CHECK(deleted.external_participants().empty());
  CHECK_FALSE(deleted.has_meta_data());
  CHECK(deleted.revision() == 2);
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).DebugString() == deleted.DebugString());
  CHECK(stores.Count("select count(*) from conversation_participants") == 0);

  CHECK(Ok(stores.conversations.Delete(Us(), NthUuid(1), 7)).DebugString() ==
        deleted.DebugString());
  CHECK(stores.Count("select revision from revisions") == 2);
  const auto update = Update(stores, UpdateOf(1, {"agents"}));
  CHECK(update.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(Reason(update) == "DELETED");
  v1::Conversation again = NewConversation();
  again.set_uuid(NthUuid(1));
  CHECK(Reason(stores.conversations.Create(Us(), again)) == "DELETED");
  again.clear_uuid();
  again.set_external_id("chat-1");
  CHECK(stores.conversations.Create(Us(), again).status().code() ==
        absl::StatusCode::kAlreadyExists);
  CHECK(Reason(stores.conversations.Create(Us(), again)) == "DELETED");
}

TEST_CASE("the messages of a deleted conversation become tombstones with revisions of their own") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Create(stores, 1);
  Create(stores, 2);
  for (int i = 0; i < 5; ++i) {
    v1::Message message = NewMessage(NthUuid(1), "secret");
    message.set_uuid(NthUuid(10 + i));
    message.set_link("https://example.com/secret");
    (*message.mutable_meta_data()->mutable_fields())["n"].set_string_value("secret");
    Ok(stores.messages.Create(Us(), message));
    Ok(stores.messages.Create(Us(), NewMessage(NthUuid(2), "kept")));
  }
  v1::DeleteMessageRequest one;
  one.set_uuid(NthUuid(12));
  const v1::Message earlier = Ok(stores.messages.Delete(Us(), one.uuid(), one.revision()));
  CHECK(earlier.revision() == 13);

  const v1::Conversation deleted = Ok(stores.conversations.Delete(Us(), NthUuid(1), 0));
  CHECK(deleted.revision() == 14);
  CHECK(deleted.message_count() == 0);
  CHECK(deleted.last_message_index() == 4);
  // Message to revision: in the order of the indexes, the earlier tombstone untouched.
  const std::map<int, int64_t> revisions = {{10, 15}, {11, 16}, {12, 13}, {13, 17}, {14, 18}};
  for (const auto& [n, revision] : revisions) {
    const v1::Message message = Ok(stores.messages.Get(Us(), NthUuid(n)));
    CHECK(message.revision() == revision);
    CHECK(message.index() == n - 10);
    CHECK(message.has_deleted_at());
    CHECK(message.updated_at().nanos() == message.deleted_at().nanos());
  }
  CHECK(stores.Count("select revision from revisions") == 18);
  CHECK(stores.Count("select count(*) from messages where content = 'secret' "
                     "or link is not null or meta_data is not null") == 0);
  CHECK(stores.Count("select count(*) from messages where content = 'kept'") == 5);
  CHECK(ReadAll(stores, PageOfMessages(NthUuid(1), 10)).empty());

  const auto create = stores.messages.Create(Us(), NewMessage(NthUuid(1)));
  CHECK(Reason(create) == "NOT_FOUND");
  CHECK(Ok(stores.messages.Create(Us(), NewMessage(NthUuid(2)))).revision() == 19);
}

TEST_CASE("conversations are got in the order asked for or not at all") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  for (const int n : {1, 2, 3}) Create(stores, n);
  Ok(stores.conversations.Delete(Us(), NthUuid(2), 0));
  v1::BatchGetConversationsRequest request;
  for (const int n : {3, 1, 2}) request.add_uuids(NthUuid(n));
  const auto got = Ok(BatchGet(stores, Us(), request));
  REQUIRE(got.conversations_size() == 3);
  for (const int i : {0, 1, 2}) CHECK(got.conversations(i).uuid() == request.uuids(i));
  CHECK(got.conversations(2).has_deleted_at());

  CHECK(Reason(BatchGet(stores, Them(), request)) == "NOT_FOUND");
  request.add_uuids(NthUuid(4));
  CHECK(Reason(BatchGet(stores, Us(), request)) == "NOT_FOUND");
}

TEST_CASE("at most 100 conversations are got at a time and each once") {
  v1::BatchGetConversationsRequest request;
  CHECK(FieldsOf(Validate(request)) == Fields{"uuids"});
  for (int n = 0; n < 100; ++n) request.add_uuids(NthUuid(n));
  CHECK(Validate(request).ok());
  request.add_uuids(NthUuid(100));
  CHECK(FieldsOf(Validate(request)) == Fields{"uuids"});

  request.Clear();
  request.add_uuids("ABCDEF00-0000-7000-8000-000000000000");
  request.add_uuids("x");
  request.add_uuids("abcdef00-0000-7000-8000-000000000000");
  CHECK(FieldsOf(Validate(request)) == Fields{"uuids[1]", "uuids[2]"});
}

TEST_CASE("a change needs a uuid and a revision that is none or can be") {
  v1::DeleteConversationRequest conversation;
  conversation.set_revision(-1);
  CHECK(FieldsOf(Validate(conversation)) == Fields{"uuid", "revision"});
  v1::DeleteMessageRequest message;
  message.set_revision(-1);
  CHECK(FieldsOf(Validate(message)) == Fields{"uuid", "revision"});
  v1::UpdateConversationRequest update = UpdateOf(1, {"agents"}, -1);
  update.mutable_conversation()->add_agents("x");
  CHECK(FieldsOf(Validate(update)) == Fields{"conversation.revision", "conversation.agents[0]"});
  v1::UpdateMessageRequest update_message;
  update_message.mutable_message()->set_revision(-1);
  update_message.mutable_message()->set_subchannel(std::string(65, 'x'));
  CHECK(FieldsOf(Validate(update_message)) ==
        Fields{"message.uuid", "message.revision", "message.subchannel"});
  v1::AddParticipantsRequest add;
  CHECK(FieldsOf(Validate(add)) == Fields{"uuid", "agents"});
  v1::RemoveParticipantsRequest remove;
  remove.set_uuid(NthUuid(1));
  remove.add_external_participants("+49");
  remove.add_external_participants("+49");
  CHECK(FieldsOf(Validate(remove)) == Fields{"external_participants[1]"});
}

TEST_CASE("conversations that are too large for one answer are refused before they are sent") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  v1::BatchGetConversationsRequest request;
  for (int n = 0; n < 60; ++n) {
    v1::Conversation conversation = NewConversation();
    conversation.set_uuid(NthUuid(n));
    (*conversation.mutable_meta_data()->mutable_fields())["text"].set_string_value(
        std::string(60 * 1024, 'x'));
    Ok(stores.conversations.Create(Us(), conversation));
    if (n < 50) request.add_uuids(NthUuid(n));
  }
  CHECK(Ok(BatchGet(stores, Us(), request)).conversations_size() == 50);
  for (int n = 50; n < 60; ++n) request.add_uuids(NthUuid(n));
  CHECK(Reason(BatchGet(stores, Us(), request)) == "FIELD_INVALID");
}

}  // namespace
}  // namespace alma::conversations
