#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/db/revision.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"
#include "services/conversations/message_rows.h"
#include "tests/services/conversations/stores.h"

namespace alma::conversations {
namespace {

constexpr int kConversations = 2000;
constexpr int kMessages = 4000;
constexpr int kOneOf = 40;

absl::Status Fill(db::Session& session) {
  auto revision = db::TakeRevisions(session, kOurs, kConversations + kMessages);
  absl::Status done = revision.status();
  for (int i = 0; i < kConversations && done.ok(); ++i) {
    v1::Conversation conversation = NewConversation();
    conversation.set_uuid(NthUuid(i));
    conversation.set_alma_internal_organization(kOurs);
    conversation.set_origin(absl::StrCat("origin ", i % kOneOf));
    conversation.add_agents(NthUuid(3));
    conversation.add_external_participants("+49 3");
    conversation.mutable_created_at()->set_seconds(1'700'000'000 + i * 7);
    *conversation.mutable_updated_at() = conversation.created_at();
    conversation.set_revision((*revision)++);
    done = ConversationTable().definition().on_create(session, conversation);
    if (done.ok()) done = ConversationTable().Insert(session, conversation);
  }
  for (int i = 0; i < kMessages && done.ok(); ++i) {
    v1::Message message = NewMessage(NthUuid(i % kOneOf));
    message.set_uuid(NthUuid(100'000 + i));
    message.set_alma_internal_organization(kOurs);
    message.mutable_created_at()->set_seconds(1'700'000'000 + i);
    *message.mutable_updated_at() = message.created_at();
    message.set_index(i / kOneOf);
    message.set_revision((*revision)++);
    done = MessageTable().Insert(session, message);
  }
  return done;
}

// The plan of `query`, a step a line.
std::string Explain(Stores& stores, db::Engine engine, const ListQuery& query) {
  std::string plan;
  const bool sqlite = engine == db::Engine::kSqlite;
  const auto rows =
      stores.database->Read(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
        return session.Query((sqlite ? "explain query plan " : "explain ") + query.sql,
                             query.params, [&](db::Row& row) {
                               // Of SQLite's columns the first three number the steps.
                               for (int i = 0; sqlite && i < 3; ++i) row.Int64();
                               absl::StrAppend(&plan, std::string(row.Text()), "\n");
                             });
      });
  Ok(rows);
  return plan;
}

struct PlanCase {
  const char* what;
  ListQuery query;
  // The index that is read in order, and the condition that begins the page, as each engine prints
  // it.
  std::string index;
  std::string sqlite_range;
  std::string postgresql_range;
};

template <typename Request>
Request With(Request request, void (*change)(Request&)) {
  change(request);
  return request;
}

std::vector<PlanCase> Cases() {
  const db::Position minute = {"2023-11-15 00:00:00.000000+00", NthUuid(500)};
  const std::string by_minute = "(activity_minute,uuid)<(?,?)";
  const std::string by_participation = "(activity_minute,conversation_uuid)<(?,?)";
  const auto conversations = [&](const db::Position& at,
                                 void (*change)(v1::ListConversationsRequest&)) {
    return ConversationsBehind(at, kOurs, With(PageOfConversations(50), change), 51);
  };
  const auto messages = [&](const db::Position& at, void (*change)(v1::ListMessagesRequest&)) {
    return MessagesBehind(at, kOurs, With(PageOfMessages(NthUuid(3), 50), change), 51);
  };
  std::vector<PlanCase> cases;
  for (const db::Position& at : {db::Position(), minute}) {
    cases.push_back({"all conversations", conversations(at, [](auto&) {}),
                     "conversations_by_activity", by_minute, "ROW(activity_minute, uuid) <"});
    cases.push_back({"deleted ones too",
                     conversations(at, [](auto& r) { r.set_show_deleted(true); }),
                     "conversations_by_activity", by_minute, "ROW(activity_minute, uuid) <"});
    cases.push_back({"of an origin", conversations(at, [](auto& r) { r.set_origin("origin 3"); }),
                     "conversations_by_origin", by_minute, "ROW(activity_minute, uuid) <"});
    cases.push_back({"of an agent",
                     conversations(at, [](auto& r) { r.set_agent_uuid(NthUuid(3)); }),
                     "conversation_participants_by_activity", by_participation,
                     "ROW(activity_minute, conversation_uuid) <"});
    cases.push_back({"of an external participant",
                     conversations(at, [](auto& r) { r.set_external_participant("+49 3"); }),
                     "conversation_participants_by_activity", by_participation,
                     "ROW(activity_minute, conversation_uuid) <"});
  }
  for (const db::Position& at : {db::Position(), db::Position{"20"}}) {
    cases.push_back({"messages", messages(at, [](auto&) {}), "messages_by_conversation",
                     "message_index>?", "message_index >="});
    cases.push_back({"messages from the end", messages(at, [](auto& r) { r.set_descending(true); }),
                     "messages_by_conversation", "message_index<?", "message_index <="});
    cases.push_back({"deleted messages too",
                     messages(at, [](auto& r) { r.set_show_deleted(true); }),
                     "messages_by_conversation", "message_index>?", "message_index >="});
  }
  return cases;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("every list reads one range of one index in its order") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const absl::Status filled = stores.database->Write(absl::Now() + absl::Seconds(50), Fill);
  INFO(filled);
  REQUIRE(filled.ok());
  for (const char* table : {"conversations", "conversation_participants", "messages"}) {
    stores.Execute(absl::StrCat("analyze ", table));
  }
  for (const PlanCase& row : Cases()) {
    const std::string plan = Explain(stores, engine, row.query);
    INFO(row.what << "\n" << plan);
    CHECK(Contains(plan, row.index));
    if (engine == db::Engine::kSqlite) {
      CHECK(Contains(plan, row.sqlite_range));
      CHECK_FALSE(Contains(plan, "TEMP B-TREE"));
      CHECK_FALSE(Contains(plan, "SCAN"));
    } else {
      CHECK(Contains(plan, row.postgresql_range));
      for (const char* costly : {"Sort", "Seq Scan", "Bitmap", "Hash", "Materialize"}) {
        CHECK_FALSE(Contains(plan, costly));
      }
    }
  }
}

}  // namespace
}  // namespace alma::conversations
