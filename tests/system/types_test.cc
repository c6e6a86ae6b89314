#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alma/analytics/v1/analyses.grpc.pb.h"
#include "alma/analytics/v1/event_payloads.pb.h"
#include "alma/analytics/v1/events.grpc.pb.h"
#include "common/text/json.h"
#include "tests/support/client.h"
#include "tests/support/deployed.h"
#include "tests/support/json.h"
#include "tests/support/tenants.h"

// Every type of event and of analysis: what is sent, what the column holds, what is answered; to
// each program itself and through the gateway.
namespace alma::testing {
namespace {

namespace v1 = analytics::v1;

struct TypeCase {
  const char* sent;
  // Of the column; nullptr for null.
  const char* stored;
  // What of the answer stands for type and content; nullptr where that is what was sent.
  const char* answered = nullptr;
};

// The seed's documents, empty and filled, then what goes beyond them.
const TypeCase kEvents[] = {
    {R"({"salesStageChange": {"OLD_STAGE": "", "NEW_STAGE": ""}})",
     R"({"OLD_STAGE": "", "NEW_STAGE": ""})",
     R"({"eventType": "SALES_STAGE_CHANGE", "salesStageChange": {}})"},
    {R"({"followupDetection": {"FOLLOWUP_TRY": "", "FOLLOWUP_TIME": "", "FOLLOWUP_TYPE": ""}})",
     R"({"FOLLOWUP_TRY": "", "FOLLOWUP_TIME": "", "FOLLOWUP_TYPE": ""})",
     R"({"eventType": "FOLLOWUP_DETECTION", "followupDetection": {}})"},
    {R"({"objectionDetection": {"OBJECTION_TYPE": ""}})", R"({"OBJECTION_TYPE": ""})",
     R"({"eventType": "OBJECTION_DETECTION", "objectionDetection": {}})"},
    {R"({"saleMade": {"PRODUCT": "", "PRICE": "", "DISCOUNT": ""}})",
     R"({"PRODUCT": "", "PRICE": "", "DISCOUNT": ""})",
     R"({"eventType": "SALE_MADE", "saleMade": {}})"},
    {R"({"meetingScheduled": {"TIME_SCHEDULED": "", "MEETING_CHANNEL": "", "LINK": ""}})",
     R"({"TIME_SCHEDULED": "", "MEETING_CHANNEL": "", "LINK": ""})",
     R"({"eventType": "MEETING_SCHEDULED", "meetingScheduled": {}})"},
    {R"({"meetingDone": {"ATTENDED": "", "DURATION": "", "TRANSCRIPTION": "", "VIDEO": ""}})",
     R"({"ATTENDED": "", "DURATION": "", "TRANSCRIPTION": "", "VIDEO": ""})",
     R"({"eventType": "MEETING_DONE", "meetingDone": {}})"},
    {R"({"eventSubtype": "NAME", "customerInformationDetection": {}})", "{}",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "NAME",
         "customerInformationDetection": {}})"},

    {R"({"eventType": "SALES_STAGE_CHANGE",
         "salesStageChange": {"OLD_STAGE": "LEAD", "NEW_STAGE": "WON"}})",
     R"({"OLD_STAGE": "LEAD", "NEW_STAGE": "WON"})"},
    {R"({"eventType": "FOLLOWUP_DETECTION", "followupDetection":
         {"FOLLOWUP_TRY": "2", "FOLLOWUP_TIME": "tomorrow", "FOLLOWUP_TYPE": "call"}})",
     R"({"FOLLOWUP_TRY": "2", "FOLLOWUP_TIME": "tomorrow", "FOLLOWUP_TYPE": "call"})"},
    {R"({"eventType": "OBJECTION_DETECTION", "objectionDetection": {"OBJECTION_TYPE": "price"}})",
     R"({"OBJECTION_TYPE": "price"})"},
    {R"({"eventType": "SALE_MADE", "eventSubtype": "UPSELL",
         "saleMade": {"PRODUCT": "Curso ✓", "PRICE": "R$ 1.200", "DISCOUNT": "10%"}})",
     R"({"PRODUCT": "Curso ✓", "PRICE": "R$ 1.200", "DISCOUNT": "10%"})"},
    {R"({"eventType": "MEETING_SCHEDULED", "scheduledTo": "2026-03-01T10:00:00Z",
         "meetingScheduled": {"TIME_SCHEDULED": "10 h", "MEETING_CHANNEL": "Meet",
                              "LINK": "https://meet.example/x"}})",
     R"({"TIME_SCHEDULED": "10 h", "MEETING_CHANNEL": "Meet", "LINK": "https://meet.example/x"})"},
    {R"({"eventType": "MEETING_DONE", "meetingDone": {"ATTENDED": "yes", "DURATION": "31 min",
         "TRANSCRIPTION": "\"hi\"\n\u0001", "VIDEO": "https://v.example"}})",
     R"({"ATTENDED": "yes", "DURATION": "31 min", "TRANSCRIPTION": "\"hi\"\n\u0001",
         "VIDEO": "https://v.example"})"},
    {R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "EXAM_YEAR",
         "customerInformationDetection":
             {"VALUE": "2027", "DETAILS": {"sure": true, "n": [1, null, 2.5]}}})",
     R"({"VALUE": "2027", "DETAILS": {"sure": true, "n": [1, null, 2.5]}})"},
    {R"({"eventSubtype": "HOBBY", "customerInformationDetection": {"VALUE": "", "DETAILS": {}}})",
     "{}",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "HOBBY",
         "customerInformationDetection": {}})"},

    // Types that have a message, sent as `custom` or without a payload.
    {R"({"eventType": "SALE_MADE", "custom": {"PRICE": "12"}})",
     R"({"PRODUCT": "", "PRICE": "12", "DISCOUNT": ""})",
     R"({"eventType": "SALE_MADE", "saleMade": {"PRICE": "12"}})"},
    {R"({"eventType": "OBJECTION_DETECTION", "custom": {}})", R"({"OBJECTION_TYPE": ""})",
     R"({"eventType": "OBJECTION_DETECTION", "objectionDetection": {}})"},
    {R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "AGE",
         "custom": {"VALUE": "17", "DETAILS": {"x": -0.0}}})",
     R"({"VALUE": "17", "DETAILS": {"x": 0}})",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "AGE",
         "customerInformationDetection": {"VALUE": "17", "DETAILS": {"x": 0}}})"},
    {R"({"eventType": "MEETING_DONE"})",
     R"({"ATTENDED": "", "DURATION": "", "TRANSCRIPTION": "", "VIDEO": ""})",
     R"({"eventType": "MEETING_DONE", "meetingDone": {}})"},

    // The seed's seventh event to the letter.
    {R"({"eventType": "MEETING_DONE", "eventSubtype": "GRADUATION_INSTITUTION", "custom": {}})",
     "{}",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "GRADUATION_INSTITUTION",
         "customerInformationDetection": {}})"},
    {R"({"eventType": "MEETING_DONE", "eventSubtype": "EXSTUDENT",
         "custom": {"VALUE": "yes", "DETAILS": {"a": 1}, "SURE": true}})",
     R"({"VALUE": "yes", "DETAILS": {"a": 1, "SURE": true}})",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "EXSTUDENT",
         "customerInformationDetection": {"VALUE": "yes", "DETAILS": {"a": 1, "SURE": true}}})"},
    {R"({"eventType": "MEETING_DONE", "eventSubtype": "AGE",
         "custom": {"VALUE": 17, "DETAILS": "of age"}})",
     R"({"DETAILS": {"VALUE": 17, "DETAILS": "of age"}})",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "AGE",
         "customerInformationDetection": {"DETAILS": {"VALUE": 17, "DETAILS": "of age"}}})"},

    // Types without a message.
    {R"({"eventType": "CALL_2", "custom": {"n": 1.5, "list": [{"a": null}], "x": ""}})",
     R"({"n": 1.5, "list": [{"a": null}], "x": ""})"},
    {R"({"eventType": "CUSTOM", "custom": {}})", "{}"},
    {R"({"eventType": "EVENT_TYPE", "eventSubtype": "MISSED"})", nullptr},
};

const TypeCase kAnalyses[] = {
    {R"({"sentimentAnalysis": {"score": 0}})", R"({"score": 0})",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "sentimentAnalysis": {"score": 0}})"},
    {R"({"topicsDetected": {}})", "{}",
     R"({"analysisType": "TOPICS_DETECTED", "topicsDetected": {}})"},
    {R"({"analysisType": "SENTIMENT_ANALYSIS", "sentimentAnalysis": {"score": -2147483648}})",
     R"({"score": -2147483648})"},
    {R"({"analysisType": "TOPICS_DETECTED", "contextStartIndex": 0, "contextEndIndex": 11,
         "topicsDetected": {"topics": [{"name": "price", "confidence": 0.75}, {"name": "exam"},
                                       {"name": "z", "confidence": 0}, {"name": "big",
                                       "confidence": 1e300}]}})",
     R"({"topics": [{"name": "price", "confidence": 0.75}, {"name": "exam"},
                    {"name": "z", "confidence": 0}, {"name": "big", "confidence": 1e300}]})"},
    {R"({"topicsDetected": {"topics": [{"name": "a", "confidence": -0.0}]}})",
     R"({"topics": [{"name": "a", "confidence": 0}]})",
     R"({"analysisType": "TOPICS_DETECTED",
         "topicsDetected": {"topics": [{"name": "a", "confidence": 0}]}})"},
    {R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {"score": 2147483647}})",
     R"({"score": 2147483647})",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "sentimentAnalysis": {"score": 2147483647}})"},
    {R"({"analysisType": "TOPICS_DETECTED", "custom": {"topics": [{"name": "a"}]}})",
     R"({"topics": [{"name": "a"}]})",
     R"({"analysisType": "TOPICS_DETECTED", "topicsDetected": {"topics": [{"name": "a"}]}})"},
    {R"({"analysisType": "INTENT", "custom": {"buys": true}})", R"({"buys": true})"},
    {R"({"analysisType": "CUSTOM", "custom": {}})", "{}"},
};

// The JSON text that means the same, always the same for it; parsed by protobuf, not by us.
std::string Canonical(const std::string& json) {
  return Ok(text::StructToJson(FromJson<google::protobuf::Struct>(json)));
}

// Resources to create but for their content.
v1::Analysis BareAnalysis() {
  v1::Analysis analysis;
  analysis.set_conversation_uuid(NthUuid(1));
  analysis.set_origin("analyzer");
  return analysis;
}
v1::Event BareEvent() {
  v1::Event event;
  event.set_conversation_uuid(NthUuid(1));
  event.set_agent_uuid(NthUuid(2));
  return event;
}

// Alma, and its databases to look into.
struct Opened {
  explicit Opened(Deployment deployment)
      : storage(EngineOf(deployment)),
        first(Bootstrap(storage)),
        deployed(storage, deployment),
        client(deployed.channel(), first.secret) {}

  // Fails the test case unless the column of the row holds what the case says.
  void CheckStored(const TypeCase& row, const char* database, const char* column,
                   const std::string& uuid) const {
    std::optional<std::string> text;
    const auto rows =
        storage.Open(database)->Read(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
          return session.Query(absl::StrCat("select ", column, " from ", database,
                                            " where alma_internal_organization = :organization "
                                            "and uuid = :uuid"),
                               {{"organization", first.organization_uuid}, {"uuid", uuid}},
                               [&](db::Row& found) { text = found.OptionalText(); });
        });
    REQUIRE(Ok(rows) == 1);
    REQUIRE(text.has_value() == (row.stored != nullptr));
    if (text.has_value()) CHECK(Canonical(*text) == Canonical(row.stored));
  }

  const AlmaStorage storage;
  const Bootstrapped first;
  const Deployed deployed;
  const Client client;
};

// The fields that a caller gives, as they are in the answer.
template <typename Resource>
Resource Given(Resource answered) {
  answered.clear_created_at();
  answered.clear_revision();
  answered.clear_alma_internal_organization();
  return answered;
}

// What is answered: what was sent, but for what the case says.
template <typename Resource>
Resource Expected(const TypeCase& row, const Resource& bare, const std::string& uuid) {
  auto expected = FromJson<Resource>(row.answered == nullptr ? row.sent : row.answered, bare);
  expected.set_uuid(uuid);
  return expected;
}

TEST_CASE("every type of event is stored with the keys of the seed and read back as it is shown") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Opened alma(deployment);
  using Stub = v1::EventsService::Stub;
  int n = 100;
  for (const TypeCase& row : kEvents) {
    INFO(row.sent);
    const std::string uuid = NthUuid(++n);
    v1::CreateEventRequest create;
    *create.mutable_event() = FromJson<v1::Event>(row.sent, BareEvent());
    create.mutable_event()->set_uuid(uuid);
    const auto created = alma.client.Call(&Stub::CreateEvent, create);
    INFO(created.status.error_message() << created.response.DebugString());
    REQUIRE(created.status.ok());
    alma.CheckStored(row, "events", "json", uuid);
    CHECK(Equal(Given(created.response), Expected(row, BareEvent(), uuid)));

    v1::GetEventRequest get;
    get.set_uuid(uuid);
    CHECK(Equal(alma.client.Call(&Stub::GetEvent, get).response, created.response));
    CHECK(Equal(alma.client.Call(&Stub::CreateEvent, create).response, created.response));
  }
}

TEST_CASE("every type of analysis is stored with the keys of the seed and read back as shown") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const Opened alma(deployment);
  using Stub = v1::AnalyticsService::Stub;
  int n = 100;
  for (const TypeCase& row : kAnalyses) {
    INFO(row.sent);
    const std::string uuid = NthUuid(++n);
    v1::CreateAnalysisRequest create;
    *create.mutable_analysis() = FromJson<v1::Analysis>(row.sent, BareAnalysis());
    create.mutable_analysis()->set_uuid(uuid);
    const auto created = alma.client.Call(&Stub::CreateAnalysis, create);
    INFO(created.status.error_message() << created.response.DebugString());
    REQUIRE(created.status.ok());
    alma.CheckStored(row, "analytics", "result", uuid);
    CHECK(Equal(Given(created.response), Expected(row, BareAnalysis(), uuid)));

    v1::GetAnalysisRequest get;
    get.set_uuid(uuid);
    CHECK(Equal(alma.client.Call(&Stub::GetAnalysis, get).response, created.response));
    CHECK(Equal(alma.client.Call(&Stub::CreateAnalysis, create).response, created.response));
  }
}

template <typename Resource>
std::set<std::string> SentFields(const google::protobuf::OneofDescriptor& oneof,
                                 absl::Span<const TypeCase> cases) {
  std::set<std::string> sent;
  for (const TypeCase& row : cases) {
    const auto resource = FromJson<Resource>(row.sent);
    const auto* field = resource.GetReflection()->GetOneofFieldDescriptor(resource, &oneof);
    if (field != nullptr) sent.insert(field->name());
  }
  return sent;
}

std::set<std::string> AllFields(const google::protobuf::OneofDescriptor& oneof) {
  std::set<std::string> all;
  for (int i = 0; i < oneof.field_count(); ++i) all.insert(oneof.field(i)->name());
  return all;
}

TEST_CASE("no type of the protos is missing in the tables of this test") {
  const auto& payload = *v1::Event::descriptor()->FindOneofByName("payload");
  CHECK(SentFields<v1::Event>(payload, kEvents) == AllFields(payload));
  const auto& result = *v1::Analysis::descriptor()->FindOneofByName("result");
  CHECK(SentFields<v1::Analysis>(result, kAnalyses) == AllFields(result));
}

}  // namespace
}  // namespace alma::testing
