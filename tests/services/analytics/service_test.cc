#include "services/analytics/service.h"

#include <algorithm>

#include "tests/services/analytics/resources.h"
#include "tests/support/list.h"
#include "tests/support/unstorable_text.h"

// The services through real stubs.
namespace alma::analytics {
namespace {

using grpc::StatusCode;

template <typename Served, typename Method, typename Request>
auto Answer(Served& served, Method method, const Request& request) {
  const auto answered = served.Call(method, CallerOf(kOurs), request);
  INFO(answered.status.error_message());
  REQUIRE(answered.status.ok());
  return answered.response;
}

TEST_CASE("analyses are created and listed and changed and deleted through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedAnalyses served(engine);
  using Stub = v1::AnalyticsService::Stub;
  v1::BatchCreateAnalysesRequest create;
  for (int i = 0; i < 3; ++i) {
    *create.add_analyses() =
        FromJson<v1::Analysis>(R"({"sentimentAnalysis": {"score": 5}})", BareAnalysis());
  }
  const auto created = Answer(served, &Stub::BatchCreateAnalyses, create);
  REQUIRE(created.analyses_size() == 3);
  v1::ListAnalysesRequest list;
  list.set_page_size(2);
  list.set_analysis_type("SENTIMENT_ANALYSIS");
  const auto page = Answer(served, &Stub::ListAnalyses, list);
  CHECK(page.analyses_size() == 2);
  list.set_page_token(page.next_page_token());
  CHECK(Answer(served, &Stub::ListAnalyses, list).analyses_size() == 1);
  list.set_analysis_type("INTENT");
  CHECK(testing::ReasonOf(served.Call(&Stub::ListAnalyses, CallerOf(kOurs), list).status) ==
        "PAGE_TOKEN_INVALID");

  v1::UpdateAnalysisRequest update;
  *update.mutable_analysis() = created.analyses(1);
  update.mutable_analysis()->mutable_sentiment_analysis()->set_score(-5);
  const auto updated = Answer(served, &Stub::UpdateAnalysis, update);
  CHECK(updated.sentiment_analysis().score() == -5);
  CHECK(updated.created_at().seconds() == created.analyses(1).created_at().seconds());
  v1::DeleteAnalysisRequest remove;
  remove.set_uuid(updated.uuid());
  remove.set_revision(updated.revision());
  CHECK(Answer(served, &Stub::DeleteAnalysis, remove).has_deleted_at());
}

TEST_CASE("events are created and listed and changed and deleted through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedEvents served(engine);
  using Stub = v1::EventsService::Stub;
  v1::BatchCreateEventsRequest create;
  for (int i = 0; i < 3; ++i) {
    *create.add_events() = FromJson<v1::Event>(
        R"({"meetingScheduled": {"LINK": "x"}, "scheduledTo": "2026-03-01T10:00:00Z"})",
        BareEvent());
  }
  const auto created = Answer(served, &Stub::BatchCreateEvents, create);
  REQUIRE(created.events_size() == 3);
  v1::ListEventsRequest list;
  list.set_page_size(2);
  list.mutable_scheduled_to()->set_seconds(1'900'000'000);
  const auto page = Answer(served, &Stub::ListEvents, list);
  CHECK(page.events_size() == 2);
  list.set_page_token(page.next_page_token());
  CHECK(Answer(served, &Stub::ListEvents, list).events_size() == 1);

  v1::UpdateEventRequest update;
  *update.mutable_event() = created.events(2);
  update.mutable_event()->mutable_scheduled_to()->set_seconds(1'950'000'000);
  CHECK(Answer(served, &Stub::UpdateEvent, update).scheduled_to().seconds() == 1'950'000'000);
  v1::DeleteEventRequest remove;
  remove.set_uuid(created.events(2).uuid());
  CHECK(Answer(served, &Stub::DeleteEvent, remove).has_deleted_at());
}

TEST_CASE("follow-ups are created and listed and changed and deleted through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedFollowUps served(engine);
  using Stub = v1::FollowUpsService::Stub;
  v1::BatchCreateFollowUpsRequest create;
  for (int i = 0; i < 3; ++i) *create.add_follow_ups() = NewFollowUp(i);
  const auto created = Answer(served, &Stub::BatchCreateFollowUps, create);
  REQUIRE(created.follow_ups_size() == 3);
  v1::CreateFollowUpRequest second;
  *second.mutable_follow_up() = NewFollowUp(1);
  CHECK(Equal(Answer(served, &Stub::CreateFollowUp, second), created.follow_ups(1)));
  second.mutable_follow_up()->set_score(9);
  const auto refused = served.Call(&Stub::CreateFollowUp, CallerOf(kOurs), second);
  CHECK(refused.status.error_code() == StatusCode::ALREADY_EXISTS);

  v1::ListFollowUpsRequest list;
  list.set_page_size(2);
  list.set_agent_uuid(NthUuid(2));
  const auto page = Answer(served, &Stub::ListFollowUps, list);
  CHECK(page.follow_ups_size() == 2);
  list.set_page_token(page.next_page_token());
  CHECK(Answer(served, &Stub::ListFollowUps, list).follow_ups_size() == 1);

  v1::UpdateFollowUpRequest update;
  *update.mutable_follow_up() = created.follow_ups(0);
  update.mutable_follow_up()->set_score(-3);
  CHECK(Answer(served, &Stub::UpdateFollowUp, update).score() == -3);
  v1::DeleteFollowUpRequest remove;
  remove.set_event_uuid(NthUuid(0));
  CHECK(Answer(served, &Stub::DeleteFollowUp, remove).has_deleted_at());
  v1::GetFollowUpRequest get;
  get.set_event_uuid(NthUuid(0));
  CHECK(Answer(served, &Stub::GetFollowUp, get).has_deleted_at());
}

TEST_CASE("analyses are listed as they are got") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedAnalyses served(engine);
  using Stub = v1::AnalyticsService::Stub;
  v1::BatchCreateAnalysesRequest create;
  for (const char* json :
       {R"({"analysisType": "FREE", "custom": {"a": 5}, "contextStartIndex": 1,
            "contextEndIndex": 2})",
        R"({"sentimentAnalysis": {"score": 5}})",
        R"({"topicsDetected": {"topics": [{"name": "price", "confidence": 0.5}]}})",
        R"({"sentimentAnalysis": {"score": 0}})", R"({"topicsDetected": {}})"}) {
    *create.add_analyses() = FromJson<v1::Analysis>(json, BareAnalysis());
  }
  Answer(served, &Stub::BatchCreateAnalyses, create);
  testing::CheckListed(Answer(served, &Stub::ListAnalyses, v1::ListAnalysesRequest()),
                       &v1::ListAnalysesResponse::mutable_analyses, 5,
                       [&](const v1::Analysis& analysis) {
                         v1::GetAnalysisRequest get;
                         get.set_uuid(analysis.uuid());
                         return Answer(served, &Stub::GetAnalysis, get);
                       });
}

TEST_CASE("events are listed as they are got") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedEvents served(engine);
  using Stub = v1::EventsService::Stub;
  v1::BatchCreateEventsRequest create;
  for (const char* json :
       {R"({"meetingScheduled": {"LINK": "x"}, "scheduledTo": "2026-03-01T10:00:00Z",
            "origin": "crm", "externalId": "e-1"})",
        R"({"eventType": "FREE", "eventSubtype": "SUB"})",
        R"({"eventType": "FREE", "custom": {"a": 5}})", R"({"eventType": "FREE"})",
        R"({"meetingDone": {}})"}) {
    *create.add_events() = FromJson<v1::Event>(json, BareEvent());
  }
  Answer(served, &Stub::BatchCreateEvents, create);
  testing::CheckListed(Answer(served, &Stub::ListEvents, v1::ListEventsRequest()),
                       &v1::ListEventsResponse::mutable_events, 5, [&](const v1::Event& event) {
                         v1::GetEventRequest get;
                         get.set_uuid(event.uuid());
                         return Answer(served, &Stub::GetEvent, get);
                       });
}

TEST_CASE("follow-ups are listed as they are got") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedFollowUps served(engine);
  using Stub = v1::FollowUpsService::Stub;
  v1::BatchCreateFollowUpsRequest create;
  for (int i = 0; i < 5; ++i) {
    *create.add_follow_ups() = NewFollowUp(i);
    create.mutable_follow_ups(i)->set_score(2 - i);
  }
  Answer(served, &Stub::BatchCreateFollowUps, create);
  v1::DeleteFollowUpRequest remove;
  remove.set_event_uuid(NthUuid(1));
  Answer(served, &Stub::DeleteFollowUp, remove);
  v1::ListFollowUpsRequest list;
  list.set_show_deleted(true);
  testing::CheckListed(Answer(served, &Stub::ListFollowUps, list),
                       &v1::ListFollowUpsResponse::mutable_follow_ups, 5,
                       [&](const v1::FollowUp& follow_up) {
                         v1::GetFollowUpRequest get;
                         get.set_event_uuid(follow_up.event_uuid());
                         return Answer(served, &Stub::GetFollowUp, get);
                       });
}

TEST_CASE("who may only read analytics writes none of it") {
  const auto reader = testing::Caller(kOurs, {auth::kAnalyticsRead});
  const auto other = testing::Caller(kOurs, {auth::kAgentsRead, auth::kAgentsWrite});
  ServedAnalyses analyses(db::Engine::kSqlite);
  ServedEvents events(db::Engine::kSqlite);
  ServedFollowUps follow_ups(db::Engine::kSqlite);
  const auto check = [&](auto& served) {
    const google::protobuf::ServiceDescriptor& service = served.service.descriptor();
    for (int i = 0; i < service.method_count(); ++i) {
      const auto& method = *service.method(i);
      INFO(method.full_name());
      const std::unique_ptr<google::protobuf::Message> request(
          google::protobuf::MessageFactory::generated_factory()
              ->GetPrototype(method.input_type())
              ->New());
      const auto code = [&](const auth::v1::Principal& caller) {
        return testing::CallMethod(served.server, method, caller, *request).error_code();
      };
      CHECK(code(other) == StatusCode::PERMISSION_DENIED);
      const bool reads = method.name().starts_with("Get") || method.name().starts_with("List");
      CHECK((code(reader) == StatusCode::PERMISSION_DENIED) == !reads);
    }
  };
  check(analyses);
  check(events);
  check(follow_ups);
}

// What nothing looks at: output only, and in an update what never changes.
bool IsIgnored(const std::string& method, const std::string& path, const Fields& changing) {
  const std::string field = path.substr(path.find('.') + 1);
  if (field == "alma_internal_organization") return true;
  return method.starts_with("Update") &&
         std::none_of(changing.begin(), changing.end(),
                      [&](const std::string& name) { return field.starts_with(name); }) &&
         !path.starts_with("update_mask");
}

TEST_CASE("text that no database can hold is refused at its field") {
  // A mask is looked at only in a request with what it is for.
  const auto prepare = [](google::protobuf::Message& request) {
    const google::protobuf::FieldDescriptor* resource = request.GetDescriptor()->field(0);
    if (request.GetDescriptor()->name().starts_with("Update")) {
      request.GetReflection()->MutableMessage(&request, resource);
    }
  };
  ServedAnalyses analyses(db::Engine::kSqlite);
  CHECK(testing::CheckUnstorableText(
            analyses.server, analyses.service, CallerOf(kOurs), prepare,
            [](const std::string& method, const std::string& path) {
              return IsIgnored(method, path, {"uuid", "topics_detected", "custom"});
            }) > 40);
  ServedEvents events(db::Engine::kSqlite);
  CHECK(testing::CheckUnstorableText(events.server, events.service, CallerOf(kOurs), prepare,
                                     [](const std::string& method, const std::string& path) {
                                       return IsIgnored(method, path, {"uuid"});
                                     }) > 100);
  ServedFollowUps follow_ups(db::Engine::kSqlite);
  CHECK(testing::CheckUnstorableText(follow_ups.server, follow_ups.service, CallerOf(kOurs),
                                     prepare,
                                     [](const std::string& method, const std::string& path) {
                                       return IsIgnored(method, path, {"event_uuid", "agent_uuid"});
                                     }) > 20);
}

}  // namespace
}  // namespace alma::analytics
