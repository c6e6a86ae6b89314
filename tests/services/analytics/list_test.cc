#include "absl/strings/str_cat.h"
#include "services/analytics/validate.h"
#include "tests/services/analytics/resources.h"
#include "tests/support/bulk.h"
#include "tests/support/list_churn.h"

// What the lists hold and in which order.
namespace alma::analytics {
namespace {

using testing::KeysOf;

// The last two digits of the keys that a list answers, page by page.
template <typename Request, typename List, typename Response, typename Rows>
std::string Listed(const std::string& json, List list, const Rows& (Response::*rows)() const) {
  auto request = FromJson<Request>(json);
  request.set_page_size(2);
  INFO(json);
  REQUIRE(Validate(request).ok());
  std::string digits;
  const auto read = [&](const db::Position& at) { return list(request, at); };
  for (const std::string& key : KeysOf(testing::ReadAll(read, rows))) {
    absl::StrAppend(&digits, digits.empty() ? "" : " ", key.substr(key.size() - 2));
  }
  return digits;
}

// Row n: conversation and agent n % 3, type n % 2; created and scheduled (odd ones only) at second
// n / 2 of a minute, so that two rows share each time.
constexpr char kWho[] =
    "cast('0190f5fe-1111-7000-8000-00000000000' || cast(i % 3 as text) as {uuid})";
constexpr char kWhen[] =
    "cast('2026-01-01 00:00:' || substr(cast(100 + i / 2 as text), 2) || '.000000+00' as "
    "{timestamp})";
constexpr int kRows = 12;

struct EventList {
  explicit EventList(db::Engine engine) : database(engine, EventsSchema()), store(*database) {
    testing::InsertRows(
        *database,
        absl::StrCat("insert into events (alma_internal_organization, uuid, conversation_uuid, "
                     "agent_uuid, created_at, scheduled_to, event_type, event_subtype, revision, "
                     "deleted_at) select $ORGANIZATION, $UUID, ",
                     kWho, ", ", kWho, ", ", kWhen, ", case when i % 2 = 1 then ", kWhen,
                     " end, 'TYPE_' || (i % 2), case when i % 4 = 1 then 'SUB' end, i + 1, "
                     "case when i = 11 then $TIME end from numbers"),
        kRows);
  }

  std::string operator()(const std::string& json) {
    return Listed<v1::ListEventsRequest>(
        json,
        [&](const v1::ListEventsRequest& request, const db::Position& at) {
          return store.List(Us(), request, at);
        },
        &v1::ListEventsResponse::events);
  }

  testing::TestDatabase database;
  EventStore store;
};

constexpr char kFirst[] = "0190F5FE-1111-7000-8000-000000000001";

TEST_CASE("events are listed by what they are filtered by and newest first") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventList listed(engine);
  CHECK(listed("{}") == "10 09 08 07 06 05 04 03 02 01 00");
  CHECK(listed(R"({"showDeleted": true})") == "11 10 09 08 07 06 05 04 03 02 01 00");
  CHECK(listed(absl::StrCat(R"({"conversationUuid": ")", kFirst, "\"}")) == "10 07 04 01");
  CHECK(listed(absl::StrCat(R"({"agentUuid": ")", kFirst, "\"}")) == "10 07 04 01");
  CHECK(listed(R"({"eventType": "TYPE_1"})") == "09 07 05 03 01");
  CHECK(listed(R"({"eventType": "TYPE_1", "eventSubtype": "SUB"})") == "09 05 01");
  CHECK(listed(R"({"eventType": "TYPE_0", "eventSubtype": "SUB"})").empty());
  CHECK(listed(R"({"eventType": "type_1"})").empty());
  CHECK(listed(R"({"createdFrom": "2026-01-01T00:00:02Z", "createdTo": "2026-01-01T00:00:04Z"})") ==
        "07 06 05 04");
  CHECK(listed(R"({"createdFrom": "2026-01-01T00:00:02.000000001Z"})") == "10 09 08 07 06");
  CHECK(listed(R"({"createdTo": "2026-01-01T00:00:02.000000001Z"})") == "05 04 03 02 01 00");
}

TEST_CASE("events are listed by when they are due and soonest first") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventList listed(engine);
  CHECK(listed(R"({"scheduledFrom": "0001-01-01T00:00:00Z"})") == "01 03 05 07 09");
  CHECK(listed(R"({"scheduledTo": "2026-01-01T00:00:03Z", "showDeleted": true})") == "01 03 05");
  CHECK(listed(R"({"scheduledFrom": "2026-01-01T00:00:02Z", "showDeleted": true})") ==
        "05 07 09 11");
  CHECK(listed(absl::StrCat(R"({"scheduledTo": "2027-01-01T00:00:00Z", "agentUuid": ")", kFirst,
                            "\"}")) == "01 07");
  CHECK(listed(R"({"scheduledTo": "2027-01-01T00:00:00Z", "eventType": "TYPE_1",
                   "eventSubtype": "SUB"})") == "01 05 09");
}

TEST_CASE("analyses are listed by what they are filtered by and newest first") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, AnalyticsSchema());
  testing::InsertRows(
      *database,
      absl::StrCat("insert into analytics (alma_internal_organization, uuid, conversation_uuid, "
                   "analysis_type, result, origin, created_at, revision, deleted_at) select "
                   "$ORGANIZATION, $UUID, ",
                   kWho, ", 'TYPE_' || (i % 2), cast('{}' as {json}), 'analyzer', ", kWhen,
                   ", i + 1, case when i = 11 then $TIME end from numbers"),
      kRows);
  AnalysisStore store(*database);
  const auto listed = [&](const std::string& json) {
    return Listed<v1::ListAnalysesRequest>(
        json,
        [&](const v1::ListAnalysesRequest& request, const db::Position& at) {
          return store.List(Us(), request, at);
        },
        &v1::ListAnalysesResponse::analyses);
  };
  CHECK(listed("{}") == "10 09 08 07 06 05 04 03 02 01 00");
  CHECK(listed(R"({"showDeleted": true, "analysisType": "TYPE_1"})") == "11 09 07 05 03 01");
  CHECK(listed(R"({"conversationUuid": "0190f5fe-1111-7000-8000-000000000002"})") == "08 05 02");
  CHECK(listed(R"({"createdFrom": "2026-01-01T00:00:02Z", "createdTo": "2026-01-01T00:00:04Z",
                   "analysisType": "TYPE_0"})") == "06 04");
}

TEST_CASE("follow-ups are listed by what they are filtered by and soonest first") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, FollowUpSchema());
  testing::InsertRows(
      *database,
      absl::StrCat("insert into follow_up (alma_internal_organization, event_uuid, "
                   "conversation_uuid, agent_uuid, score, follow_up_date, revision, deleted_at) "
                   "select $ORGANIZATION, $UUID, ",
                   kWho, ", ", kWho, ", i, ", kWhen,
                   ", i + 1, case when i = 11 then $TIME end from numbers"),
      kRows);
  FollowUpStore store(*database);
  const auto listed = [&](const std::string& json) {
    return Listed<v1::ListFollowUpsRequest>(
        json,
        [&](const v1::ListFollowUpsRequest& request, const db::Position& at) {
          return store.List(Us(), request, at);
        },
        &v1::ListFollowUpsResponse::follow_ups);
  };
  const std::string second = "0190f5fe-1111-7000-8000-000000000002";
  CHECK(listed("{}") == "00 01 02 03 04 05 06 07 08 09 10");
  CHECK(listed(R"({"showDeleted": true, "agentUuid": ")" + second + "\"}") == "02 05 08 11");
  CHECK(listed(R"({"conversationUuid": ")" + second + "\"}") == "02 05 08");
  CHECK(listed(R"({"dueFrom": "2026-01-01T00:00:02Z", "dueTo": "2026-01-01T00:00:04Z"})") ==
        "04 05 06 07");
  CHECK(listed(R"({"dueTo": "2026-01-01T00:00:01Z"})") == "00 01");
}

}  // namespace
}  // namespace alma::analytics
