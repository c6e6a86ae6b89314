#include "tests/support/list_plan.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/conversations/list_query.h"
#include "tests/services/conversations/bulk.h"

// How the engines read the lists: by one range of one index, in its order.
namespace alma::conversations {
namespace {

constexpr int kConversations = 100'000;
constexpr int kMessages = 100'000;
constexpr int kLimit = 64;

using testing::PlanCase;

template <typename Request>
Request With(Request request, void (*change)(Request&)) {
  change(request);
  return request;
}

// Each list of conversations behind `at`.
std::vector<PlanCase> OfConversations(const db::Position& at) {
  std::vector<PlanCase> cases;
  const auto add = [&](const char* what, const char* index, const std::string& uuid,
                       void (*change)(v1::ListConversationsRequest&)) {
    cases.push_back({absl::StrCat(what, " behind ", absl::StrJoin(at, " ")),
                     ConversationsBehind(at, kOurs, With(PageOfConversations(50), change), kLimit),
                     index, /*sqlite_index=*/"", absl::StrCat("(activity_minute,", uuid, ")<(?,?)"),
                     absl::StrCat("ROW(activity_minute, ", uuid, ") <")});
  };
  const char* by_activity = "conversations_by_activity";
  const char* by_origin = "conversations_by_origin";
  const char* by_participant = "conversation_participants_by_activity";
  add("all", by_activity, "uuid", [](auto&) {});
  add("deleted ones too", by_activity, "uuid", [](auto& r) { r.set_show_deleted(true); });
  add("of a busy origin", by_origin, "uuid", [](auto& r) { r.set_origin(kBusyOrigin); });
  add("of a rare origin", by_origin, "uuid", [](auto& r) { r.set_origin(kRareOrigin); });
  const std::string uuid = "conversation_uuid";
  add("of a busy agent", by_participant, uuid, [](auto& r) { r.set_agent_uuid(kBusyAgent); });
  add("of a rare agent", by_participant, uuid, [](auto& r) { r.set_agent_uuid(kRareAgent); });
  add("of a busy external participant", by_participant, uuid,
      [](auto& r) { r.set_external_participant(kBusyExternal); });
  add("of a rare external participant", by_participant, uuid,
      [](auto& r) { r.set_external_participant(kRareExternal); });
  return cases;
}

// Each list of a conversation's messages behind `at`.
std::vector<PlanCase> OfMessages(const std::string& conversation, const db::Position& at) {
  std::vector<PlanCase> cases;
  const auto add = [&](const char* what, void (*change)(v1::ListMessagesRequest&)) {
    const v1::ListMessagesRequest request = With(PageOfMessages(conversation, 50), change);
    const bool down = request.descending();
    cases.push_back({absl::StrCat(what, " of ", conversation, " behind ", absl::StrJoin(at, " ")),
                     MessagesBehind(at, kOurs, request, kLimit), "messages_by_conversation",
                     /*sqlite_index=*/"", down ? "message_index<?" : "message_index>?",
                     down ? "message_index <=" : "message_index >="});
  };
  add("messages", [](auto&) {});
  add("messages from the end", [](auto& r) { r.set_descending(true); });
  add("deleted messages too", [](auto& r) { r.set_show_deleted(true); });
  return cases;
}

std::vector<PlanCase> Cases() {
  std::vector<PlanCase> cases;
  const auto append = [&](std::vector<PlanCase> more) {
    cases.insert(cases.end(), more.begin(), more.end());
  };
  append(OfConversations({}));
  for (const int n : {kConversations - 200, kConversations / 2, 100}) {
    append(OfConversations({NthMinute(n), NthUuid(n)}));
  }
  for (const std::string& conversation : {NthUuid(0), NthUuid(7)}) {
    append(OfMessages(conversation, {}));
    append(OfMessages(conversation, {"500"}));
    append(OfMessages(conversation, {"980"}));
  }
  for (const int64_t after : {0, kConversations + kMessages / 2, kConversations + kMessages - 10}) {
    v1::ExportMessagesRequest request;
    cases.push_back({absl::StrCat("export after ", after),
                     MessagesAfterRevision(after, kOurs, request, kLimit), "messages_by_revision",
                     /*sqlite_index=*/"", "revision>?", "revision >"});
    request.set_conversation_uuid(NthUuid(7));
    cases.push_back({absl::StrCat("export of a conversation after ", after),
                     MessagesAfterRevision(after, kOurs, request, kLimit),
                     "messages_by_conversation_revision", /*sqlite_index=*/"", "revision>?",
                     "revision >"});
  }
  return cases;
}

TEST_CASE("every list of 100000 rows reads one range of one index in its order", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  FillInBulk(stores, kConversations, kMessages);
  REQUIRE(stores.Count("select count(*) from conversations") == kConversations);
  REQUIRE(stores.Count("select count(*) from messages") == kMessages);
  testing::CheckPlans(*stores.database, Cases());
}

}  // namespace
}  // namespace alma::conversations
