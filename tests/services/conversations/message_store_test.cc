#include "services/conversations/message_store.h"

#include "common/status/status.h"
#include "common/text/json.h"
#include "tests/services/conversations/stores.h"

namespace alma::conversations {
namespace {

constexpr int64_t kNoon = 1'700'000'000 / 60 * 60;

std::string Reason(const absl::StatusOr<v1::Message>& result) {
  return std::string(status::Reason(result.status()));
}

// A conversation with this uuid, two agents and an external participant.
void CreateConversation(Stores& stores, int n) {
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(n));
  conversation.add_agents(kSender);
  conversation.add_agents(NthUuid(99));
  conversation.add_external_participants("+49 30 1");
  Ok(stores.conversations.Create(Us(), conversation));
}

v1::Message FullMessage() {
  v1::Message message = NewMessage(NthUuid(1));
  message.set_uuid(NthUuid(10));
  message.set_external_id("m-1");
  message.set_link("https://example.com/a.png");
  message.set_subchannel("group");
  message.mutable_created_at()->set_seconds(kNoon);
  message.mutable_created_at()->set_nanos(123'456'000);
  auto& fields = *message.mutable_meta_data()->mutable_fields();
  fields["n"].set_number_value(0.1);
  fields["s"].set_string_value("'\"\\é𝄞");
  return message;
}

TEST_CASE("a message is answered as it is read later") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  const v1::Message full = Ok(stores.messages.Create(Us(), FullMessage()));
  const v1::Message plain = Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1))));
  CHECK(full.index() == 0);
  CHECK(plain.index() == 1);
  CHECK(full.revision() == 2);
  CHECK(plain.revision() == 3);
  CHECK(full.created_at().nanos() == 123'456'000);
  CHECK(plain.created_at().nanos() == plain.updated_at().nanos());
  for (const v1::Message& created : {full, plain}) {
    const v1::Message read = Ok(stores.messages.Get(Us(), created.uuid()));
    CHECK(text::StructEquals(read.meta_data(), created.meta_data()));
    CHECK(read.has_meta_data() == created.has_meta_data());
    v1::Message without_data = created;
    *without_data.mutable_meta_data() = read.meta_data();
    if (!read.has_meta_data()) without_data.clear_meta_data();
    CHECK(read.DebugString() == without_data.DebugString());
  }
}

TEST_CASE("the conversation counts its messages and keeps its revision") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  v1::Message message = NewMessage(NthUuid(1));
  for (const int64_t seconds : {kNoon, kNoon - 100, kNoon + 30}) {
    message.mutable_created_at()->set_seconds(seconds);
    Ok(stores.messages.Create(Us(), message));
  }
  const v1::Conversation conversation = Ok(stores.conversations.Get(Us(), NthUuid(1)));
  CHECK(conversation.message_count() == 3);
  CHECK(conversation.last_message_index() == 2);
  CHECK(conversation.last_message_at().seconds() == kNoon + 30);
  CHECK(conversation.revision() == 1);
}

TEST_CASE("activity is the minute of the latest message and never goes back behind it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  stores.Execute(
      "update conversation_participants set left_at = joined_at where kind = 'EXTERNAL'");
  struct Step {
    int64_t created_at;
    const char* minute;
  };
  // kNoon is 2023-11-14 22:13.
  const Step steps[] = {{kNoon + 59, "2023-11-14 22:13:00.000000+00"},
                        {kNoon - 600, "2023-11-14 22:13:00.000000+00"},
                        {kNoon + 60, "2023-11-14 22:14:00.000000+00"},
                        {-1, "2023-11-14 22:14:00.000000+00"}};
  for (const Step& step : steps) {
    v1::Message message = NewMessage(NthUuid(1));
    message.mutable_created_at()->set_seconds(step.created_at);
    Ok(stores.messages.Create(Us(), message));
    const std::string of_minute = std::string(" where activity_minute = '") + step.minute + "'";
    CHECK(stores.Count("select count(*) from conversations" + of_minute) == 1);
    CHECK(stores.Count("select count(*) from conversation_participants" + of_minute) == 2);
  }
}

TEST_CASE("the minute of a time before 1970 begins before it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  v1::Message message = NewMessage(NthUuid(1));
  message.mutable_created_at()->set_seconds(-1);
  Ok(stores.messages.Create(Us(), message));
  CHECK(stores.Count("select count(*) from conversations "
                     "where activity_minute = '1969-12-31 23:59:00.000000+00'") == 1);
}

TEST_CASE("messages of one minute leave the rows of the participants alone") {
  Stores stores(db::Engine::kPostgresql);
  CreateConversation(stores, 1);
  v1::Message message = NewMessage(NthUuid(1));
  message.mutable_created_at()->set_seconds(kNoon);
  Ok(stores.messages.Create(Us(), message));
  constexpr char kWriter[] =
      "select max(cast(cast(xmin as text) as bigint)) from conversation_participants";
  const int64_t writer = stores.Count(kWriter);
  message.mutable_created_at()->set_seconds(kNoon + 59);
  Ok(stores.messages.Create(Us(), message));
  CHECK(stores.Count(kWriter) == writer);
  message.mutable_created_at()->set_seconds(kNoon + 60);
  Ok(stores.messages.Create(Us(), message));
  CHECK(stores.Count(kWriter) > writer);
}

TEST_CASE("a repeated create of a message answers the stored row and leaves no gap") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  const v1::Message created = Ok(stores.messages.Create(Us(), FullMessage()));

  v1::Message by_uuid = NewMessage(NthUuid(1));
  by_uuid.set_uuid(created.uuid());
  v1::Message by_external_id = NewMessage(NthUuid(1));
  by_external_id.set_external_id("m-1");
  for (const v1::Message& repeat : {FullMessage(), by_uuid, by_external_id}) {
    const v1::Message answered = Ok(stores.messages.Create(Us(), repeat));
    CHECK(answered.uuid() == created.uuid());
    CHECK(answered.index() == 0);
    CHECK(answered.revision() == created.revision());
  }
  const v1::Message next = Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1))));
  CHECK(next.index() == 1);
  CHECK(next.revision() == created.revision() + 1);
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(1))).message_count() == 2);
}

TEST_CASE("a create of a known message with other content is refused and leaves no gap") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  CreateConversation(stores, 2);
  Ok(stores.messages.Create(Us(), FullMessage()));
  v1::Message second = NewMessage(NthUuid(1));
  second.set_external_id("m-2");
  const int64_t revision = Ok(stores.messages.Create(Us(), second)).revision();

  const auto refused = [&](auto change) {
    v1::Message message = FullMessage();
    change(message);
    return Reason(stores.messages.Create(Us(), message)) == "ALREADY_EXISTS";
  };
  CHECK(refused([](v1::Message& m) { m.set_content("other"); }));
  CHECK(refused([](v1::Message& m) { m.set_type("image"); }));
  CHECK(refused([](v1::Message& m) { m.set_origin("crm"); }));
  CHECK(refused([](v1::Message& m) { m.set_sender_uuid(NthUuid(77)); }));
  CHECK(refused([](v1::Message& m) { m.mutable_created_at()->set_nanos(123'457'000); }));
  CHECK(refused([](v1::Message& m) {
    (*m.mutable_meta_data()->mutable_fields())["n"].set_number_value(0.2);
  }));
  CHECK(refused([](v1::Message& m) { m.mutable_meta_data()->clear_fields(); }));
  CHECK(refused([](v1::Message& m) { m.set_conversation_uuid(NthUuid(2)); }));
  CHECK(refused([](v1::Message& m) { m.set_uuid(NthUuid(11)); }));
  CHECK(refused([](v1::Message& m) { m.set_external_id("m-2"); }));
  CHECK(refused([](v1::Message& m) { m.set_external_id("m-3"); }));

  const v1::Message next = Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1))));
  CHECK(next.index() == 2);
  CHECK(next.revision() == revision + 1);
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(2))).message_count() == 0);
}

TEST_CASE("a repeat is compared with the row as it is now") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  Ok(stores.messages.Create(Us(), FullMessage()));
  stores.Execute("update messages set content = 'corrected'");
  CHECK(Reason(stores.messages.Create(Us(), FullMessage())) == "ALREADY_EXISTS");
  v1::Message corrected = FullMessage();
  corrected.set_content("corrected");
  CHECK(Ok(stores.messages.Create(Us(), corrected)).index() == 0);
}

TEST_CASE("the ids of a deleted message cannot be used again") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  Ok(stores.messages.Create(Us(), FullMessage()));
  stores.Execute(
      "update messages set deleted_at = created_at, content = '', link = null, meta_data = null");
  CHECK(Ok(stores.messages.Get(Us(), NthUuid(10))).has_deleted_at());
  CHECK(Reason(stores.messages.Create(Us(), FullMessage())) == "DELETED");
  v1::Message by_external_id = NewMessage(NthUuid(1));
  by_external_id.set_external_id("m-1");
  CHECK(Reason(stores.messages.Create(Us(), by_external_id)) == "DELETED");
}

TEST_CASE(
    "no message is added to a conversation that is absent or deleted or another organization's") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  const absl::Status absent = stores.messages.Create(Us(), NewMessage(NthUuid(5))).status();
  CHECK(absent.code() == absl::StatusCode::kNotFound);
  CHECK(stores.messages.Create(Them(), NewMessage(NthUuid(1))).status() == absent);

  Ok(stores.messages.Create(Us(), FullMessage()));
  stores.Execute("update conversations set deleted_at = created_at");
  CHECK(stores.messages.Create(Us(), NewMessage(NthUuid(1))).status() == absent);
  CHECK(stores.Count("select count(*) from messages") == 1);
  CHECK(stores.Count("select message_count from conversations") == 1);
  CHECK(stores.Count("select max(revision) from revisions") == 2);
}

TEST_CASE("an index is not given again after the last message is deleted") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1))));
  stores.Execute("update conversations set message_count = 0");
  CHECK(Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1)))).index() == 1);
}

TEST_CASE("the greatest and the least time and text are stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 1);
  v1::Message message = NewMessage(NthUuid(1), std::string(256 * 1024, 'x'));
  for (const int64_t seconds : {int64_t{-62135596800}, int64_t{253402300799}}) {
    message.mutable_created_at()->set_seconds(seconds);
    const v1::Message created = Ok(stores.messages.Create(Us(), message));
    const v1::Message read = Ok(stores.messages.Get(Us(), created.uuid()));
    CHECK(read.created_at().seconds() == seconds);
    CHECK(read.content() == message.content());
  }
  CHECK(ReadAll(stores, PageOfConversations(10)) == std::vector<std::string>{NthUuid(1)});
}

}  // namespace
}  // namespace alma::conversations
