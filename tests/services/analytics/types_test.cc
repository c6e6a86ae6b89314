#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alma/analytics/v1/event_payloads.pb.h"
#include "common/text/json.h"
#include "services/analytics/payload_types.h"
#include "tests/services/analytics/resources.h"

// Every type of event and of analysis: what is sent, what the column holds, what is answered.
namespace alma::analytics {
namespace {

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

std::optional<std::string> Select(db::Database& database, const std::string& column,
                                  const std::string& table, const std::string& uuid) {
  std::optional<std::string> text;
  const auto rows = database.Read(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
    return session.Query(absl::StrCat("select ", column, " from ", table,
                                      " where alma_internal_organization = :organization and "
                                      "uuid = :uuid"),
                         {{"organization", kOurs}, {"uuid", uuid}},
                         [&](db::Row& row) { text = row.OptionalText(); });
  });
  REQUIRE(Ok(rows) == 1);
  return text;
}

void CheckStored(const TypeCase& row, const std::optional<std::string>& column) {
  REQUIRE(column.has_value() == (row.stored != nullptr));
  if (column.has_value()) CHECK(Canonical(*column) == Canonical(row.stored));
}

// The fields that a caller gives, as they are in the answer.
template <typename Resource>
Resource Given(Resource answered) {
  answered.clear_created_at();
  answered.clear_revision();
  answered.clear_alma_internal_organization();
  return answered;
}

TEST_CASE("every type of event is stored with the keys of the seed and read back as it is shown") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedEvents served(engine);
  using Stub = v1::EventsService::Stub;
  int n = 100;
  for (const TypeCase& row : kEvents) {
    INFO(row.sent);
    v1::CreateEventRequest create;
    *create.mutable_event() = FromJson<v1::Event>(row.sent, BareEvent());
    create.mutable_event()->set_uuid(NthUuid(++n));
    const auto created = served.Call(&Stub::CreateEvent, CallerOf(kOurs), create);
    INFO(created.status.error_message());
    REQUIRE(created.status.ok());
    CheckStored(row, Select(*served.database, "json", "events", NthUuid(n)));

    v1::Event expected = FromJson<v1::Event>(row.sent, BareEvent());
    if (row.answered != nullptr) expected = FromJson<v1::Event>(row.answered, BareEvent());
    expected.set_uuid(NthUuid(n));
    INFO(created.response.DebugString());
    CHECK(Equal(Given(created.response), expected));

    v1::GetEventRequest get;
    get.set_uuid(NthUuid(n));
    CHECK(Equal(served.Call(&Stub::GetEvent, CallerOf(kOurs), get).response, created.response));
    const auto repeated = served.Call(&Stub::CreateEvent, CallerOf(kOurs), create);
    CHECK(Equal(repeated.response, created.response));
  }
}

TEST_CASE("every type of analysis is stored with the keys of the seed and read back as shown") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedAnalyses served(engine);
  using Stub = v1::AnalyticsService::Stub;
  int n = 100;
  for (const TypeCase& row : kAnalyses) {
    INFO(row.sent);
    v1::CreateAnalysisRequest create;
    *create.mutable_analysis() = FromJson<v1::Analysis>(row.sent, BareAnalysis());
    create.mutable_analysis()->set_uuid(NthUuid(++n));
    const auto created = served.Call(&Stub::CreateAnalysis, CallerOf(kOurs), create);
    INFO(created.status.error_message());
    REQUIRE(created.status.ok());
    CheckStored(row, Select(*served.database, "result", "analytics", NthUuid(n)));

    v1::Analysis expected = FromJson<v1::Analysis>(row.sent, BareAnalysis());
    if (row.answered != nullptr) expected = FromJson<v1::Analysis>(row.answered, BareAnalysis());
    expected.set_uuid(NthUuid(n));
    INFO(created.response.DebugString());
    CHECK(Equal(Given(created.response), expected));

    v1::GetAnalysisRequest get;
    get.set_uuid(NthUuid(n));
    CHECK(Equal(served.Call(&Stub::GetAnalysis, CallerOf(kOurs), get).response, created.response));
    const auto repeated = served.Call(&Stub::CreateAnalysis, CallerOf(kOurs), create);
    CHECK(Equal(repeated.response, created.response));
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

TEST_CASE("a row that an older binary wrote of a type without a message is shown as custom") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  ServedEvents served(engine);
  v1::Event event =
      FromJson<v1::Event>(R"({"eventType": "CALL", "custom": {"n": 1}})", BareEvent());
  event.set_uuid(NthUuid(1));
  Ok(served.store.Create(Us(), event));
  CHECK(Ok(served.database->Write(absl::Now() + absl::Seconds(30), [](db::Session& session) {
          return session.Query("update events set event_type = 'SALE_MADE' returning uuid", {},
                               [](db::Row&) {});
        })) == 1);
  const v1::Event read = Ok(served.store.Get(Us(), NthUuid(1)));
  CHECK(Equal(read.custom(), event.custom()));
  CHECK(read.event_type() == "SALE_MADE");
}

}  // namespace
}  // namespace alma::analytics
