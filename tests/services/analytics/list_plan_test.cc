#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "tests/services/analytics/resources.h"
#include "tests/support/bulk.h"
#include "tests/support/list_plan.h"

// How the lists of 100,000 rows are read.
namespace alma::analytics {
namespace {

constexpr int kRows = 100'000;
constexpr int kLimit = 51;

// A busy conversation and a busy agent have half of the rows, the others have some hundred each.
constexpr char kSomeone[] =
    "case when i % 2 = 0 then cast('0190f5fe-1111-7000-8000-000000000001' as {uuid}) else "
    "cast('0190f5fe-1111-7000-8000-0000000' || substr(cast(100000 + i % 500 as text), 2) as "
    "{uuid}) "
    "end";

// What bounds the range beside the organization, as the engines print it.
struct Filter {
  std::string name;
  std::string sqlite;
  std::string postgresql;
};

struct Bounds {
  bool from;
  bool to;
  bool behind;
};

const Bounds kBounds[] = {
    {false, false, false}, {false, false, true}, {true, false, false}, {true, false, true},
    {false, true, false},  {false, true, true},  {true, true, false},  {true, true, true},
};

// A list by schedule has at least one of them.
const absl::Span<const Bounds> kScheduleBounds = absl::MakeConstSpan(kBounds).subspan(2);

// As SQLite prints the range of `column` in a list with this order.
std::string SqliteRange(const Filter& filter, const std::string& column, const std::string& key,
                        bool descending, const Bounds& bounds) {
  const std::string position = absl::StrCat("(", column, ",", key, ")");
  const bool lower = descending ? bounds.from : bounds.from && !bounds.behind;
  // Rows without the time are left out by an upper bound.
  const bool upper =
      descending ? bounds.to && !bounds.behind : bounds.to || column == "scheduled_to";
  std::string range = absl::StrCat("(alma_internal_organization=?", filter.sqlite);
  if (!descending && bounds.behind) {
    absl::StrAppend(&range, " AND ", position, ">(?,?)");
  } else if (lower) {
    absl::StrAppend(&range, " AND ", column, ">?");
  }
  if (descending && bounds.behind) {
    absl::StrAppend(&range, " AND ", position, "<(?,?)");
  } else if (upper) {
    absl::StrAppend(&range, " AND ", column, "<?");
  }
  return range + ")";
}

// The cases of one filter under one order: each way to bound the range.
template <typename Request>
void AddCases(const Filter& filter, const std::string& index, const std::string& column,
              const std::string& key, bool descending, const Request& request,
              const std::function<void(Request&, const Bounds&)>& bind,
              const std::function<tenant::ListQuery(const db::Position&, const Request&)>& query,
              std::vector<testing::PlanCase>* cases, absl::Span<const Bounds> all = kBounds) {
  for (const Bounds& bounds : all) {
    for (const bool show_deleted : {false, true}) {
      Request bound = request;
      bind(bound, bounds);
      bound.set_show_deleted(show_deleted);
      const db::Position after = bounds.behind
                                     ? db::Position{testing::NthTime(kRows / 2), NthUuid(kRows / 2)}
                                     : db::Position();
      cases->push_back(
          {.what =
               absl::StrCat(index, " ", bound.ShortDebugString(), bounds.behind ? " behind" : ""),
           .query = query(after, bound),
           .index = index,
           .sqlite_index = "",
           .sqlite_range = SqliteRange(filter, column, key, descending, bounds),
           .postgresql_range =
               bounds.behind ? absl::StrCat("ROW(", column, ", ", key, ")") : filter.postgresql});
    }
  }
}

const Filter kNone = {"", "", "alma_internal_organization"};
const Filter kConversation = {"conversation", " AND conversation_uuid=?", "conversation_uuid = "};
const Filter kAgent = {"agent", " AND agent_uuid=?", "agent_uuid = "};

void Check(testing::TestDatabase& database, const char* table,
           const std::vector<testing::PlanCase>& cases) {
  REQUIRE(testing::SelectInt64(*database, absl::StrCat("select count(*) from ", table)) == kRows);
  if (database->location().engine == db::Engine::kSqlite) testing::CheckPlans(*database, cases);
  testing::Analyze(*database, table);
  testing::CheckPlans(*database, cases);
}

TEST_CASE("every list of 100000 analyses reads one range of one index in its order", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, AnalyticsSchema());
  testing::InsertRows(
      *database,
      absl::StrCat("insert into analytics (alma_internal_organization, uuid, conversation_uuid, "
                   "analysis_type, result, origin, created_at, revision) select $ORGANIZATION, "
                   "$UUID, ",
                   kSomeone,
                   ", case when i % 2 = 0 then 'BUSY' else 'TYPE_' || (i % 50) end, "
                   "cast('{}' as {json}), 'analyzer', $TIME, i + 1 from numbers"),
      kRows);
  using Request = v1::ListAnalysesRequest;
  const std::function bind = [](Request& request, const Bounds& bounds) {
    if (bounds.from) *request.mutable_created_from() = testing::NthTimestamp(kRows / 10);
    if (bounds.to) *request.mutable_created_to() = testing::NthTimestamp(kRows / 10 * 9);
  };
  const std::function query = [](const db::Position& after, const Request& request) {
    return AnalysesBehind(after, kOurs, request, kLimit);
  };
  std::vector<testing::PlanCase> cases;
  const auto add = [&](const Filter& filter, const char* index, const char* sent) {
    AddCases<Request>(filter, index, "created_at", "uuid", /*descending=*/true,
                      FromJson<Request>(sent), bind, query, &cases);
  };
  const Filter type = {"type", " AND analysis_type=?", "analysis_type = "};
  add(kNone, "analytics_by_creation", "{}");
  add(kConversation, "analytics_by_conversation",
      R"({"conversationUuid": "0190f5fe-1111-7000-8000-000000000001"})");
  add(kConversation, "analytics_by_conversation",
      R"({"conversationUuid": "0190f5fe-1111-7000-8000-000000000077"})");
  add(type, "analytics_by_type", R"({"analysisType": "BUSY"})");
  add(type, "analytics_by_type", R"({"analysisType": "TYPE_7"})");
  Check(database, "analytics", cases);
}

void FillEvents(db::Database& database) {
  testing::InsertRows(
      database,
      absl::StrCat("insert into events (alma_internal_organization, uuid, conversation_uuid, "
                   "agent_uuid, created_at, scheduled_to, event_type, event_subtype, json, "
                   "revision) select $ORGANIZATION, $UUID, ",
                   kSomeone, ", ", kSomeone,
                   ", $TIME, case when i % 5 < 2 then $TIME end, "
                   "case when i % 2 = 0 then 'BUSY' else 'TYPE_' || (i % 50) end, "
                   "case when i % 3 = 0 then 'SUBTYPE_' || (i % 12) end, "
                   "cast('{}' as {json}), i + 1 from numbers"),
      kRows);
}

void BindCreated(v1::ListEventsRequest& request, const Bounds& bounds) {
  if (bounds.from) *request.mutable_created_from() = testing::NthTimestamp(kRows / 10);
  if (bounds.to) *request.mutable_created_to() = testing::NthTimestamp(kRows / 10 * 9);
}

void BindScheduled(v1::ListEventsRequest& request, const Bounds& bounds) {
  if (bounds.from) *request.mutable_scheduled_from() = testing::NthTimestamp(kRows / 10);
  if (bounds.to) *request.mutable_scheduled_to() = testing::NthTimestamp(kRows / 10 * 9);
}

TEST_CASE("every list of 100000 events reads one range of one index in its order", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, EventsSchema());
  FillEvents(*database);
  using Request = v1::ListEventsRequest;
  const std::function query = [](const db::Position& after, const Request& request) {
    return EventsBehind(after, kOurs, request, kLimit);
  };
  std::vector<testing::PlanCase> cases;
  const auto add = [&](const Filter& filter, const std::string& index,
                       const std::string& by_schedule, const char* sent) {
    AddCases<Request>(filter, index, "created_at", "uuid", /*descending=*/true,
                      FromJson<Request>(sent), BindCreated, query, &cases);
    AddCases<Request>(filter, by_schedule, "scheduled_to", "uuid", /*descending=*/false,
                      FromJson<Request>(sent), BindScheduled, query, &cases, kScheduleBounds);
  };
  const Filter type = {"type", " AND event_type=?", "event_type = "};
  const Filter subtype = {"subtype", " AND event_type=? AND event_subtype=?", "event_subtype = "};
  add(kNone, "events_by_creation", "events_by_schedule", "{}");
  for (const char* whose :
       {"0190f5fe-1111-7000-8000-000000000001", "0190f5fe-1111-7000-8000-000000000077"}) {
    add(kConversation, "events_by_conversation", "events_by_conversation_schedule",
        absl::StrCat(R"({"conversationUuid": ")", whose, "\"}").c_str());
    add(kAgent, "events_by_agent", "events_by_agent_schedule",
        absl::StrCat(R"({"agentUuid": ")", whose, "\"}").c_str());
  }
  for (const std::string what : {"BUSY", "TYPE_7"}) {
    add(type, "events_by_type", "events_by_type_schedule",
        absl::StrCat(R"({"eventType": ")", what, "\"}").c_str());
    add(subtype, "events_by_subtype", "events_by_subtype_schedule",
        absl::StrCat(R"({"eventType": ")", what, R"(", "eventSubtype": "SUBTYPE_9"})").c_str());
  }
  Check(database, "events", cases);
}

TEST_CASE("every list of 100000 follow-ups reads one range of one index in its order", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, FollowUpSchema());
  testing::InsertRows(
      *database,
      absl::StrCat("insert into follow_up (alma_internal_organization, event_uuid, "
                   "conversation_uuid, agent_uuid, score, follow_up_date, revision) select "
                   "$ORGANIZATION, $UUID, ",
                   kSomeone, ", ", kSomeone, ", i, $TIME, i + 1 from numbers"),
      kRows);
  using Request = v1::ListFollowUpsRequest;
  const std::function bind = [](Request& request, const Bounds& bounds) {
    if (bounds.from) *request.mutable_due_from() = testing::NthTimestamp(kRows / 10);
    if (bounds.to) *request.mutable_due_to() = testing::NthTimestamp(kRows / 10 * 9);
  };
  const std::function query = [](const db::Position& after, const Request& request) {
    return FollowUpsBehind(after, kOurs, request, kLimit);
  };
  std::vector<testing::PlanCase> cases;
  const auto add = [&](const Filter& filter, const char* index, const std::string& sent) {
    AddCases<Request>(filter, index, "follow_up_date", "event_uuid", /*descending=*/false,
                      FromJson<Request>(sent), bind, query, &cases);
  };
  add(kNone, "follow_up_by_date", "{}");
  for (const char* whose :
       {"0190f5fe-1111-7000-8000-000000000001", "0190f5fe-1111-7000-8000-000000000077"}) {
    add(kConversation, "follow_up_by_conversation",
        absl::StrCat(R"({"conversationUuid": ")", whose, "\"}"));
    add(kAgent, "follow_up_by_agent", absl::StrCat(R"({"agentUuid": ")", whose, "\"}"));
  }
  Check(database, "follow_up", cases);
}

}  // namespace
}  // namespace alma::analytics
