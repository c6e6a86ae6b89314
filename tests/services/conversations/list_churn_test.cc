#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/db/revision.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/message_rows.h"
#include "tests/services/conversations/stores.h"

// Every list, page by page, while its rows are inserted, updated and deleted.
namespace alma::conversations {
namespace {

constexpr int kRows = 1000;
constexpr int kPageSize = 7;
// 2023-11-14 22:13, the minute of every row.
constexpr int64_t kMinute = 1'699'999'980;

v1::Conversation ConversationOfAll() {
  v1::Conversation conversation = NewConversation();
  conversation.add_agents(NthUuid(7));
  conversation.add_external_participants("+49 7");
  return conversation;
}

// kRows conversations with uuids from 1000 on, and as many messages to one beside them, with uuids
// from 5000 on; all of one time.
absl::Status Fill(db::Session& session) {
  auto revision = db::TakeRevisions(session, kOurs, 2 * kRows + 1);
  absl::Status done = revision.status();
  for (int i = 0; i < kRows && done.ok(); ++i) {
    v1::Conversation conversation = ConversationOfAll();
    conversation.set_uuid(NthUuid(1000 + i));
    conversation.set_alma_internal_organization(kOurs);
    conversation.mutable_created_at()->set_seconds(kMinute);
    *conversation.mutable_updated_at() = conversation.created_at();
    conversation.set_revision((*revision)++);
    v1::Conversation* const made = &conversation;
    done = ConversationTable().definition().on_create(session, absl::MakeConstSpan(&made, 1));
    const v1::Conversation* const row = &conversation;
    if (done.ok()) done = ConversationTable().Insert(session, absl::MakeConstSpan(&row, 1));
  }
  for (int i = 0; i < kRows && done.ok(); ++i) {
    tenant::Candidate<v1::Message> candidate{NewMessage(NthUuid(1000)), absl::OkStatus()};
    v1::Message& message = candidate.row;
    message.set_uuid(NthUuid(5000 + i));
    message.set_alma_internal_organization(kOurs);
    message.mutable_created_at()->set_seconds(kMinute);
    *message.mutable_updated_at() = message.created_at();
    message.set_revision((*revision)++);
    done = MessageTable().definition().admit(session, kOurs, absl::MakeSpan(&candidate, 1));
    const v1::Message* const row = &message;
    if (done.ok()) done = MessageTable().Insert(session, absl::MakeConstSpan(&row, 1));
  }
  return done;
}

struct Filled : Stores {
  explicit Filled(db::Engine engine) : Stores(engine) {
    const absl::Status filled = database->Write(absl::Now() + absl::Seconds(50), Fill);
    INFO(filled);
    REQUIRE(filled.ok());
  }
};

// Of ten rows the last three change while the list is read: one is written, one moves, one goes.
bool Stands(int row) { return row % 10 < 7; }

// A new conversation comes, one is updated, one becomes active and one is deleted.
void ChangeConversations(Stores& stores, int page) {
  const int ten = 1000 + page % 100 * 10;
  Ok(stores.conversations.Create(Us(), ConversationOfAll()));
  v1::UpdateConversationRequest update;
  update.mutable_conversation()->set_uuid(NthUuid(ten + 7));
  (*update.mutable_conversation()->mutable_meta_data()->mutable_fields())["n"].set_number_value(
      page);
  update.mutable_update_mask()->add_paths("meta_data");
  Ok(stores.conversations.Update(Us(), update));
  Ok(stores.messages.Create(Us(), NewMessage(NthUuid(ten + 8))));
  v1::DeleteConversationRequest remove;
  remove.set_uuid(NthUuid(ten + 9));
  Ok(stores.conversations.Delete(Us(), remove.uuid(), remove.revision()));
}

TEST_CASE("no list of conversations misses or doubles one that stands while others change",
          "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const std::string filter = GENERATE("", "agent", "external participant", "origin");
  CAPTURE(filter);
  Filled stores(engine);
  v1::ListConversationsRequest request = PageOfConversations(kPageSize);
  if (filter == "agent") request.set_agent_uuid(NthUuid(7));
  if (filter == "external participant") request.set_external_participant("+49 7");
  if (filter == "origin") request.set_origin("connector");
  int page = 0;
  const std::vector<std::string> read =
      ReadAll(stores, request, [&] { ChangeConversations(stores, page++); });
  CHECK(page > 100);
  const std::multiset<std::string> times(read.begin(), read.end());
  int wrong = 0;
  for (int i = 0; i < kRows; ++i) {
    if (Stands(i) && times.count(NthUuid(1000 + i)) != 1) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("no list of messages misses or doubles one that stands while others change", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const bool descending = GENERATE(false, true);
  CAPTURE(descending);
  Filled stores(engine);
  v1::ListMessagesRequest request = PageOfMessages(NthUuid(1000), kPageSize);
  request.set_descending(descending);
  int page = 0;
  const std::vector<int64_t> read = ReadAll(stores, request, [&] {
    const int ten = 5000 + page % 100 * 10;
    // Else the list would never come to an end.
    if (page++ < 150) Ok(stores.messages.Create(Us(), NewMessage(NthUuid(1000))));
    v1::UpdateMessageRequest update;
    update.mutable_message()->set_uuid(NthUuid(ten + 7));
    update.mutable_message()->set_content(absl::StrCat("changed ", page));
    update.mutable_update_mask()->add_paths("content");
    Ok(stores.messages.Update(Us(), update.message(), update.update_mask()));
    v1::DeleteMessageRequest remove;
    remove.set_uuid(NthUuid(ten + 9));
    Ok(stores.messages.Delete(Us(), remove.uuid(), remove.revision()));
  });
  CHECK(page > 100);
  const std::multiset<int64_t> times(read.begin(), read.end());
  int wrong = 0;
  for (int i = 0; i < kRows; ++i) {
    if (i % 10 < 9 && times.count(i) != 1) ++wrong;
    if (times.count(i) > 1) ++wrong;
  }
  CHECK(wrong == 0);
}

}  // namespace
}  // namespace alma::conversations
