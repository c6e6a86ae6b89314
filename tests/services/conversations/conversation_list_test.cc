#include <algorithm>
#include <set>

#include "tests/services/conversations/stores.h"
#include "tests/support/list.h"

namespace alma::conversations {
namespace {

using Uuids = std::vector<std::string>;

// The uuid of a new conversation.
std::string Create(Stores& stores, const v1::Conversation& conversation = NewConversation()) {
  return Ok(stores.conversations.Create(Us(), conversation)).uuid();
}

// Says something in it at `seconds` after 2023-11-14 22:13.
void Speak(Stores& stores, const std::string& conversation_uuid, int64_t seconds) {
  v1::Message message = NewMessage(conversation_uuid);
  message.mutable_created_at()->set_seconds(1'699'999'980 + seconds);
  Ok(stores.messages.Create(Us(), message));
}

TEST_CASE("conversations are listed by the minute of their latest activity and then by uuid") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Uuids uuids;
  for (int i = 0; i < 4; ++i) uuids.push_back(Create(stores));
  std::sort(uuids.begin(), uuids.end());
  Speak(stores, uuids[0], 60);
  Speak(stores, uuids[1], 59);
  Speak(stores, uuids[2], 0);
  Speak(stores, uuids[3], 3600);
  const Uuids expected = {uuids[3], uuids[0], uuids[2], uuids[1]};
  CHECK(ReadAll(stores, PageOfConversations(10)) == expected);
  CHECK(ReadAll(stores, PageOfConversations(1)) == expected);
  Speak(stores, uuids[1], 7200);
  CHECK(ReadAll(stores, PageOfConversations(3)).front() == uuids[1]);
}

TEST_CASE("conversations are listed by agent and external participant and origin") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  Uuids of_agent;
  Uuids of_external;
  Uuids of_origin;
  for (int i = 0; i < 12; ++i) {
    v1::Conversation conversation = NewConversation();
    if (i % 2 == 0) conversation.add_agents(NthUuid(7));
    // The agent as somebody's external participant is someone else.
    if (i % 2 == 1) conversation.add_external_participants(NthUuid(7));
    if (i % 3 == 0) conversation.set_origin("crm");
    const std::string uuid = Create(stores, conversation);
    (i % 2 == 0 ? of_agent : of_external).push_back(uuid);
    if (i % 3 == 0) of_origin.push_back(uuid);
    Speak(stores, uuid, i * 60);
  }
  for (Uuids* newest_first : {&of_agent, &of_external, &of_origin}) {
    std::reverse(newest_first->begin(), newest_first->end());
  }
  for (const int page_size : {1, 4, 100}) {
    v1::ListConversationsRequest request = PageOfConversations(page_size);
    request.set_agent_uuid(NthUuid(7));
    CHECK(ReadAll(stores, request) == of_agent);
    request.clear_agent_uuid();
    request.set_external_participant(NthUuid(7));
    CHECK(ReadAll(stores, request) == of_external);
    request.clear_external_participant();
    request.set_origin("crm");
    CHECK(ReadAll(stores, request) == of_origin);
    request.set_origin("CRM");
    CHECK(ReadAll(stores, request).empty());
  }
}

TEST_CASE("a participant who left is not on the conversation any more and may come again") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  v1::Conversation conversation = NewConversation();
  conversation.add_agents(NthUuid(7));
  const std::string uuid = Create(stores, conversation);
  v1::ListConversationsRequest request = PageOfConversations(10);
  request.set_agent_uuid(NthUuid(7));
  CHECK(ReadAll(stores, request) == Uuids{uuid});
  stores.Execute("update conversation_participants set left_at = joined_at");
  CHECK(ReadAll(stores, request).empty());
  stores.Execute(
      "insert into conversation_participants (alma_internal_organization, conversation_uuid, kind, "
      "participant, "
      "joined_revision, joined_at, activity_minute) select alma_internal_organization, "
      "conversation_uuid, kind, "
      "participant, joined_revision + 1, joined_at, activity_minute from "
      "conversation_participants");
  CHECK(ReadAll(stores, request) == Uuids{uuid});
}

TEST_CASE("deleted conversations are listed only when asked for") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string kept = Create(stores);
  const std::string deleted = Create(stores);
  stores.Execute("update conversations set deleted_at = created_at where uuid = '" + deleted + "'");
  v1::ListConversationsRequest request = PageOfConversations(10);
  for (const char* origin : {"", "connector"}) {
    request.set_origin(origin);
    request.set_show_deleted(false);
    CHECK(ReadAll(stores, request) == Uuids{kept});
    request.set_show_deleted(true);
    CHECK(ReadAll(stores, request).size() == 2);
  }
}

TEST_CASE("another organization's conversations are not listed") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  v1::Conversation conversation = NewConversation();
  conversation.add_agents(NthUuid(7));
  Ok(stores.conversations.Create(Them(), conversation));
  v1::ListConversationsRequest request = PageOfConversations(10);
  CHECK(ReadAll(stores, request).empty());
  request.set_agent_uuid(NthUuid(7));
  CHECK(ReadAll(stores, request).empty());
  request.clear_agent_uuid();
  request.set_origin("connector");
  CHECK(ReadAll(stores, request).empty());
}

TEST_CASE("paging neither misses nor doubles a conversation while others come and move and go") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  v1::Conversation conversation = NewConversation();
  conversation.add_agents(NthUuid(7));
  std::set<std::string> steady;
  Uuids moving;
  for (int i = 0; i < 100; ++i) {
    const std::string uuid = Create(stores, conversation);
    if (i % 4 == 0) moving.push_back(uuid);
    if (i % 4 != 0) steady.insert(uuid);
  }
  // All in one minute, so that only the uuid tells them apart.
  stores.Execute(
      "update conversations set activity_minute = '2023-11-14 22:13:00.000000+00', "
      "created_at = '2023-11-14 22:13:00.000000+00'");
  stores.Execute(
      "update conversation_participants set activity_minute = '2023-11-14 22:13:00.000000+00'");

  v1::ListConversationsRequest request = PageOfConversations(7);
  const bool by_agent = GENERATE(false, true);
  CAPTURE(by_agent);
  if (by_agent) request.set_agent_uuid(NthUuid(7));
  size_t step = 0;
  const Uuids read = ReadAll(stores, request, [&] {
    Create(stores, conversation);
    if (step < moving.size()) Speak(stores, moving[step++], 600);
    if (step < moving.size()) {
      stores.Execute("update conversations set deleted_at = created_at where uuid = '" +
                     moving[step++] + "'");
    }
  });
  const std::set<std::string> distinct(read.begin(), read.end());
  CHECK(distinct.size() == read.size());
  CHECK(std::includes(distinct.begin(), distinct.end(), steady.begin(), steady.end()));
}

TEST_CASE("a page of more conversations than are read at a time is whole") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  for (int i = 0; i < 150; ++i) Create(stores);
  const auto page = Ok(stores.conversations.List(Us(), PageOfConversations(140), {}));
  CHECK(testing::Decoded(page.response).conversations_size() == 140);
  CHECK(page.next.size() == 2);
  CHECK(ReadAll(stores, PageOfConversations(140)).size() == 150);
}

}  // namespace
}  // namespace alma::conversations
