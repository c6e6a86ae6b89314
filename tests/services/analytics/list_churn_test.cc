#include "tests/support/list_churn.h"
#include "absl/strings/str_cat.h"
#include "tests/services/analytics/resources.h"
#include "tests/support/bulk.h"

// The lists while their rows change.
namespace alma::analytics {
namespace {

// Of every row on the lists below.
constexpr char kOne[] = "cast('0190f5fe-1111-7000-8000-000000000001' as {uuid})";
constexpr char kOnce[] = "cast('2026-01-01 00:00:00.000000+00' as {timestamp})";

void FillEvents(db::Database& database) {
  testing::InsertRows(
      database,
      absl::StrCat("insert into events (alma_internal_organization, uuid, "
                   "conversation_uuid, agent_uuid, created_at, scheduled_to, "
                   "event_type, revision) select $ORGANIZATION, $UUID, ",
                   kOne, ", ", kOne, ", ", kOnce, ", ", kOnce, ", 'SALE_MADE', i + 1 from numbers"),
      testing::kChurnRows);
}

TEST_CASE("no list of events misses or doubles one that stands while others change", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const std::string filter =
      GENERATE("{}", R"({"conversationUuid": "0190f5fe-1111-7000-8000-000000000001"})",
               R"({"eventType": "SALE_MADE"})", R"({"scheduledFrom": "2025-01-01T00:00:00Z"})",
               R"({"scheduledFrom": "2025-01-01T00:00:00Z",
          "agentUuid": "0190f5fe-1111-7000-8000-000000000001"})");
  CAPTURE(filter);
  testing::TestDatabase database(engine, EventsSchema());
  FillEvents(*database);
  EventStore store(*database);
  auto request = FromJson<v1::ListEventsRequest>(filter);
  request.set_page_size(testing::kChurnPageSize);
  int64_t second = 1'800'000'000;
  const testing::Churn churn = {
      .insert =
          [&] {
            v1::Event event = BareEvent();
            event.set_agent_uuid(NthUuid(1));
            event.set_event_type("SALE_MADE");
            event.mutable_sale_made();
            event.mutable_scheduled_to()->set_seconds(++second);
            Ok(store.Create(Us(), event));
          },
      .update =
          [&](const std::string& key) {
            Ok(store.Change(Us(), key, 0, [&](v1::Event& event) {
              event.mutable_scheduled_to()->set_seconds(++second);
              return absl::OkStatus();
            }));
          },
      .remove = [&](const std::string& key) { Ok(store.Delete(Us(), key, 0)); },
  };
  testing::CheckUnderChurn([&](const db::Position& at) { return store.List(Us(), request, at); },
                           &v1::ListEventsResponse::events, churn);
}

TEST_CASE("no list of analyses misses or doubles one that stands while others change", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const std::string filter =
      GENERATE("{}", R"({"conversationUuid": "0190f5fe-1111-7000-8000-000000000001"})",
               R"({"analysisType": "INTENT"})");
  CAPTURE(filter);
  testing::TestDatabase database(engine, AnalyticsSchema());
  testing::InsertRows(
      *database,
      absl::StrCat("insert into analytics (alma_internal_organization, uuid, conversation_uuid, "
                   "analysis_type, result, origin, created_at, revision) select $ORGANIZATION, "
                   "$UUID, ",
                   kOne, ", 'INTENT', cast('{}' as {json}), 'analyzer', ", kOnce,
                   ", i + 1 from numbers"),
      testing::kChurnRows);
  AnalysisStore store(*database);
  auto request = FromJson<v1::ListAnalysesRequest>(filter);
  request.set_page_size(testing::kChurnPageSize);
  int64_t index = 0;
  const testing::Churn churn = {
      .insert =
          [&] {
            Ok(store.Create(Us(),
                            FromJson<v1::Analysis>(R"({"analysisType": "INTENT", "custom": {}})",
                                                   BareAnalysis())));
          },
      .update =
          [&](const std::string& key) {
            Ok(store.Change(Us(), key, 0, [&](v1::Analysis& analysis) {
              analysis.set_context_end_index(++index);
              return absl::OkStatus();
            }));
          },
      .remove = [&](const std::string& key) { Ok(store.Delete(Us(), key, 0)); },
  };
  testing::CheckUnderChurn([&](const db::Position& at) { return store.List(Us(), request, at); },
                           &v1::ListAnalysesResponse::analyses, churn);
}

TEST_CASE("no list of follow-ups misses or doubles one that stands while others change", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const std::string filter =
      GENERATE("{}", R"({"agentUuid": "0190f5fe-1111-7000-8000-000000000001"})",
               R"({"conversationUuid": "0190f5fe-1111-7000-8000-000000000001",
                   "dueFrom": "2025-01-01T00:00:00Z"})");
  CAPTURE(filter);
  testing::TestDatabase database(engine, FollowUpSchema());
  testing::InsertRows(*database,
                      absl::StrCat("insert into follow_up (alma_internal_organization, "
                                   "event_uuid, conversation_uuid, agent_uuid, score, "
                                   "follow_up_date, revision) select $ORGANIZATION, $UUID, ",
                                   kOne, ", ", kOne, ", 1, ", kOnce, ", i + 1 from numbers"),
                      testing::kChurnRows);
  FollowUpStore store(*database);
  auto request = FromJson<v1::ListFollowUpsRequest>(filter);
  request.set_page_size(testing::kChurnPageSize);
  int n = testing::kChurnRows;
  int64_t second = 1'800'000'000;
  const testing::Churn churn = {
      .insert =
          [&] {
            v1::FollowUp follow_up = NewFollowUp(++n);
            follow_up.set_agent_uuid(NthUuid(1));
            follow_up.mutable_follow_up_date()->set_seconds(++second);
            Ok(store.Create(Us(), follow_up));
          },
      .update =
          [&](const std::string& key) {
            Ok(store.Change(Us(), key, 0, [&](v1::FollowUp& follow_up) {
              follow_up.mutable_follow_up_date()->set_seconds(++second);
              return absl::OkStatus();
            }));
          },
      .remove = [&](const std::string& key) { Ok(store.Delete(Us(), key, 0)); },
  };
  testing::CheckUnderChurn([&](const db::Position& at) { return store.List(Us(), request, at); },
                           &v1::ListFollowUpsResponse::follow_ups, churn);
}

}  // namespace
}  // namespace alma::analytics
