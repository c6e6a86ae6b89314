#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "common/text/json.h"
#include "services/conversations/validate.h"
#include "tests/services/conversations/stores.h"
#include "tests/support/service_harness.h"

// Update and delete of messages.
namespace alma::conversations {
namespace {

using Fields = std::vector<std::string>;

std::string Reason(const absl::StatusOr<v1::Message>& result) {
  return std::string(status::Reason(result.status()));
}

Fields FieldsOf(const absl::Status& refused) {
  return testing::FieldsOf(status::ToGrpcStatus(refused));
}

// Conversation 1 with this message, all of whose fields are set, as the second of three.
v1::Message SecondOfThree(Stores& stores) {
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(1));
  Ok(stores.conversations.Create(Us(), conversation));
  Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1), "first")));
  v1::Message message = NewMessage(NthUuid(1), "secret words");
  message.set_uuid(NthUuid(10));
  message.set_external_id("m-1");
  message.set_link("https://example.com/secret.png");
  message.set_subchannel("group");
  (*message.mutable_meta_data()->mutable_fields())["n"].set_string_value("secret data");
  const v1::Message created = Ok(stores.messages.Create(Us(), message));
  Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1), "third")));
  return created;
}

v1::UpdateMessageRequest UpdateOf(const v1::Message& message, const std::vector<std::string>& mask,
                                  int64_t revision = 0) {
  v1::UpdateMessageRequest request;
  request.mutable_message()->set_uuid(message.uuid());
  request.mutable_message()->set_revision(revision);
  for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
  return request;
}

absl::StatusOr<v1::Message> Update(Stores& stores, v1::UpdateMessageRequest request) {
  const absl::Status valid = Validate(request);
  if (!valid.ok()) return valid;
  return stores.messages.Update(Us(), request.message(), request.update_mask());
}

TEST_CASE("an update of a message writes what its mask names and nothing else") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Message created = SecondOfThree(stores);
  v1::UpdateMessageRequest request = UpdateOf(created, {"content"}, created.revision());
  request.mutable_message()->set_content("corrected");
  request.mutable_message()->set_subchannel("not named");
  const v1::Message updated = Ok(Update(stores, request));
  v1::Message expected = created;
  expected.set_content("corrected");
  expected.set_revision(5);
  *expected.mutable_updated_at() = updated.updated_at();
  CHECK(updated.DebugString() == expected.DebugString());
  CHECK(Ok(stores.messages.Get(Us(), created.uuid())).DebugString() == expected.DebugString());
  CHECK(stores.Count("select revision from revisions") == 5);
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).revision() == 1);
}

TEST_CASE("an update of a message without a mask writes the populated fields and a star all") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Message created = SecondOfThree(stores);
  v1::UpdateMessageRequest request = UpdateOf(created, {});
  request.mutable_message()->set_link("https://example.com/b.png");
  // What cannot change is ignored in a body.
  request.mutable_message()->set_type("image");
  const v1::Message populated = Ok(Update(stores, request));
  CHECK(populated.link() == "https://example.com/b.png");
  CHECK(populated.content() == created.content());
  CHECK(populated.type() == created.type());

  request = UpdateOf(created, {"*"});
  request.mutable_message()->set_content("all there is");
  const v1::Message replaced = Ok(Update(stores, request));
  CHECK(replaced.content() == "all there is");
  CHECK(replaced.link().empty());
  CHECK(replaced.subchannel().empty());
  CHECK_FALSE(replaced.has_meta_data());
  CHECK(replaced.external_id() == "m-1");
  CHECK(Ok(stores.messages.Get(Us(), created.uuid())).DebugString() == replaced.DebugString());

  const v1::Message unchanged = Ok(Update(stores, UpdateOf(created, {})));
  CHECK(unchanged.DebugString() == replaced.DebugString());
  CHECK(stores.Count("select revision from revisions") == replaced.revision());
}

TEST_CASE("an update of a message that cannot be carried out changes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Message created = SecondOfThree(stores);
  const auto refused = [&](const std::vector<std::string>& mask) {
    return FieldsOf(Update(stores, UpdateOf(created, mask)).status());
  };
  CHECK(refused({"content", "index"}) == Fields{"update_mask"});
  CHECK(refused({"revision"}) == Fields{"update_mask"});
  CHECK(refused({"no_such_field"}) == Fields{"update_mask"});
  CHECK(refused({"*", "content"}) == Fields{"update_mask"});
  CHECK(refused({"content", "link"}) == Fields{"message.content"});
  CHECK(refused({"*"}) == Fields{"message.content"});
  v1::UpdateMessageRequest empty;
  CHECK(FieldsOf(Update(stores, empty).status()) == Fields{"message"});

  const auto stale = Update(stores, UpdateOf(created, {"link"}, created.revision() - 1));
  CHECK(stale.status().code() == absl::StatusCode::kAborted);
  CHECK(Reason(stale) == "REVISION_STALE");
  v1::Message absent;
  absent.set_uuid(NthUuid(77));
  CHECK(Reason(Update(stores, UpdateOf(absent, {"link"}))) == "NOT_FOUND");
  auto theirs = UpdateOf(created, {"link"});
  CHECK(stores.messages.Update(Them(), theirs.message(), theirs.update_mask()).status() ==
        Update(stores, UpdateOf(absent, {"link"})).status());
  CHECK(Ok(stores.messages.Get(Us(), created.uuid())).DebugString() == created.DebugString());
  CHECK(stores.Count("select max(revision) from revisions") == 4);
}

TEST_CASE("a content can go where a link stays") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Message created = SecondOfThree(stores);
  CHECK(Ok(Update(stores, UpdateOf(created, {"content"}))).content().empty());
  CHECK(FieldsOf(Update(stores, UpdateOf(created, {"link"})).status()) ==
        Fields{"message.content"});
}

TEST_CASE("a deleted message keeps its place and loses its content") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Message created = SecondOfThree(stores);
  CHECK(Reason(stores.messages.Delete(Us(), created.uuid(), 99)) == "REVISION_STALE");
  CHECK(Reason(stores.messages.Delete(Us(), NthUuid(77), 0)) == "NOT_FOUND");
  CHECK(Reason(stores.messages.Delete(Them(), created.uuid(), 0)) == "NOT_FOUND");

  const v1::Message deleted = Ok(stores.messages.Delete(Us(), created.uuid(), created.revision()));
  CHECK(deleted.has_deleted_at());
  CHECK(deleted.index() == 1);
  CHECK(deleted.revision() == 5);
  CHECK(deleted.content().empty());
  CHECK(deleted.link().empty());
  CHECK_FALSE(deleted.has_meta_data());
  CHECK(Ok(stores.messages.Get(Us(), created.uuid())).DebugString() == deleted.DebugString());
  CHECK(stores.Count("select count(*) from messages where content = '' and link is null "
                     "and meta_data is null and deleted_at is not null") == 1);

  const v1::Conversation conversation = Ok(stores.conversations.Get(Us(), NthUuid(1)));
  CHECK(conversation.message_count() == 2);
  CHECK(conversation.last_message_index() == 2);
  CHECK(ReadAll(stores, PageOfMessages(NthUuid(1), 10)) == std::vector<int64_t>{0, 2});
  CHECK(Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1)))).index() == 3);
}

TEST_CASE("a deleted message is deleted again as it is and not changed or created any more") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const v1::Message created = SecondOfThree(stores);
  const v1::Message deleted = Ok(stores.messages.Delete(Us(), created.uuid(), 0));
  CHECK(Ok(stores.messages.Delete(Us(), created.uuid(), 1)).DebugString() == deleted.DebugString());
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).message_count() == 2);

  v1::UpdateMessageRequest update = UpdateOf(created, {"content"}, deleted.revision());
  update.mutable_message()->set_content("back again");
  const auto refused = Update(stores, update);
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(Reason(refused) == "DELETED");

  v1::Message again = NewMessage(NthUuid(1));
  again.set_uuid(created.uuid());
  CHECK(stores.messages.Create(Us(), again).status().code() == absl::StatusCode::kAlreadyExists);
  CHECK(Reason(stores.messages.Create(Us(), again)) == "DELETED");
  again.clear_uuid();
  again.set_external_id("m-1");
  CHECK(Reason(stores.messages.Create(Us(), again)) == "DELETED");
  CHECK(stores.Count("select revision from revisions") == deleted.revision());
}

}  // namespace
}  // namespace alma::conversations
