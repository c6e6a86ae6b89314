#include "services/analytics/validate.h"

#include <cmath>
#include <limits>

#include "tests/services/analytics/resources.h"

// What is refused, and which fields the refusal names.
namespace alma::analytics {
namespace {

using testing::Violated;

struct BadCase {
  const char* what;
  // Merged into a resource that lacks nothing but its content.
  const char* sent;
  Fields violated;
};

const BadCase kEvents[] = {
    {"neither payload nor type", "{}", {"event.event_type"}},
    {"custom without a type", R"({"custom": {}})", {"event.event_type"}},
    {"a lower-case type", R"({"eventType": "call", "custom": {}})", {"event.event_type"}},
    {"a type that begins with a digit", R"({"eventType": "1ST"})", {"event.event_type"}},
    {"a type with a space", R"({"eventType": "A B"})", {"event.event_type"}},
    {"a type that contradicts the payload",
     R"({"eventType": "MEETING_DONE", "saleMade": {}})",
     {"event.event_type"}},
    {"a free type with a typed payload",
     R"({"eventType": "CALL", "saleMade": {}})",
     {"event.event_type"}},
    {"a lower-case subtype",
     R"({"eventType": "CALL", "eventSubtype": "missed"})",
     {"event.event_subtype"}},
    {"customer information without a subtype",
     R"({"customerInformationDetection": {"VALUE": "x"}})",
     {"event.event_subtype"}},
    {"the same as custom",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "custom": {}})",
     {"event.event_subtype"}},
    {"a subtype of customer information under a typed sale",
     R"({"eventSubtype": "NAME", "saleMade": {}})",
     {"event.event_subtype"}},
    {"a subtype of customer information under a typed meeting",
     R"({"eventSubtype": "AGE", "meetingDone": {}})",
     {"event.event_subtype"}},
    {"a subtype of customer information under a meeting without a payload",
     R"({"eventType": "MEETING_DONE", "eventSubtype": "AGE"})",
     {"event.event_subtype"}},
    {"a subtype of customer information under a free type",
     R"({"eventType": "CALL", "eventSubtype": "EXAM_YEAR", "custom": {}})",
     {"event.event_subtype"}},
    {"an unknown key",
     R"({"eventType": "SALE_MADE", "custom": {"COLOR": "red"}})",
     {"event.custom.COLOR"}},
    {"a key in lower case",
     R"({"eventType": "SALE_MADE", "custom": {"price": "1"}})",
     {"event.custom.price"}},
    {"a number for a text",
     R"({"eventType": "SALE_MADE", "custom": {"PRICE": 12}})",
     {"event.custom.PRICE"}},
    {"null for a text",
     R"({"eventType": "SALE_MADE", "custom": {"PRICE": null}})",
     {"event.custom.PRICE"}},
    {"an object for a text",
     R"({"eventType": "OBJECTION_DETECTION", "custom": {"OBJECTION_TYPE": {}}})",
     {"event.custom.OBJECTION_TYPE"}},
    {"details that are no object",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "AGE",
         "custom": {"DETAILS": "x"}})",
     {"event.custom.DETAILS"}},
    {"a further key of customer information under its own name",
     R"({"eventType": "CUSTOMER_INFORMATION_DETECTION", "eventSubtype": "AGE",
         "custom": {"SURE": true}})",
     {"event.custom.SURE"}},
    {"a key of misnamed customer information that is in its details too",
     R"({"eventType": "MEETING_DONE", "eventSubtype": "AGE",
         "custom": {"a": 1, "DETAILS": {"a": 2}}})",
     {"event.custom.a"}},
    {"an integer beyond 2^53",
     R"({"eventType": "CALL", "custom": {"n": 9007199254740994}})",
     {"event.custom.n"}},
    {"the same in misnamed customer information",
     R"({"eventType": "MEETING_DONE", "eventSubtype": "AGE",
         "custom": {"a": {"n": 9007199254740994}}})",
     {"event.custom.a.n"}},
    {"the same in details",
     R"({"eventSubtype": "AGE", "customerInformationDetection": {"DETAILS": {"n": 1e17}}})",
     {"event.customer_information_detection.details.n"}},
    {"NUL in a payload", R"({"saleMade": {"PRICE": "1\u0000"}})", {"event.sale_made.price"}},
    {"NUL in custom of a known type",
     R"({"eventType": "SALE_MADE", "custom": {"PRICE": "1\u0000"}})",
     {"event.custom.PRICE"}},
    {"no uuids",
     R"({"eventType": "CALL", "conversationUuid": "x", "agentUuid": "y"})",
     {"event.conversation_uuid", "event.agent_uuid"}},
    {"an external id without its origin",
     R"({"eventType": "CALL", "externalId": "e-1"})",
     {"event.origin"}},
    {"a blank origin", R"({"eventType": "CALL", "origin": " "})", {"event.origin"}},
};

TEST_CASE("an event that does not fit is refused at its field") {
  for (const BadCase& row : kEvents) {
    INFO(row.what);
    v1::CreateEventRequest request;
    *request.mutable_event() = FromJson<v1::Event>(row.sent, BareEvent());
    CHECK(Violated(Validate(request)) == row.violated);
  }
}

const BadCase kAnalyses[] = {
    {"no result and no type", "{}", {"analysis.result", "analysis.analysis_type"}},
    {"no result", R"({"analysisType": "INTENT"})", {"analysis.result"}},
    {"no result of a known type", R"({"analysisType": "TOPICS_DETECTED"})", {"analysis.result"}},
    {"an empty type", R"({"custom": {}})", {"analysis.analysis_type"}},
    {"a lower-case type",
     R"({"analysisType": "intent", "custom": {}})",
     {"analysis.analysis_type"}},
    {"a known type in lower case",
     R"({"analysisType": "topics_detected", "custom": {}})",
     {"analysis.analysis_type"}},
    {"a type that contradicts the result",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "topicsDetected": {}})",
     {"analysis.analysis_type"}},
    {"a forgotten score", R"({"sentimentAnalysis": {}})", {"analysis.sentiment_analysis.score"}},
    {"a forgotten score in custom",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {}})",
     {"analysis.custom.score"}},
    {"a score beyond 32 bits in custom",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {"score": 2147483648}})",
     {"analysis.custom.score"}},
    {"half a score",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {"score": 0.5}})",
     {"analysis.custom.score"}},
    {"a score that is text",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {"score": "1"}})",
     {"analysis.custom.score"}},
    {"an unknown key",
     R"({"analysisType": "SENTIMENT_ANALYSIS", "custom": {"score": 1, "x": 1}})",
     {"analysis.custom.x"}},
    {"a topic without a name",
     R"({"topicsDetected": {"topics": [{"name": "a"}, {"confidence": 1}]}})",
     {"analysis.topics_detected.topics[1].name"}},
    {"topics that are no list",
     R"({"analysisType": "TOPICS_DETECTED", "custom": {"topics": {}}})",
     {"analysis.custom.topics"}},
    {"a topic that is no object",
     R"({"analysisType": "TOPICS_DETECTED", "custom": {"topics": ["a"]}})",
     {"analysis.custom.topics[0]"}},
    {"a confidence that is text",
     R"({"analysisType": "TOPICS_DETECTED", "custom": {"topics": [{"confidence": "1"}]}})",
     {"analysis.custom.topics[0].confidence"}},
    {"a topic without a name in custom",
     R"({"analysisType": "TOPICS_DETECTED", "custom": {"topics": [{"confidence": 1}]}})",
     {"analysis.custom.topics[0].name"}},
    {"a confidence that is no number",
     R"({"topicsDetected": {"topics": [{"name": "a", "confidence": "NaN"}]}})",
     {"analysis.topics_detected.topics[0].confidence"}},
    {"a start without an end",
     R"({"topicsDetected": {}, "contextStartIndex": 3})",
     {"analysis.context_end_index"}},
    {"an end without a start",
     R"({"topicsDetected": {}, "contextEndIndex": 3})",
     {"analysis.context_start_index"}},
    {"a start behind the end",
     R"({"topicsDetected": {}, "contextStartIndex": 3, "contextEndIndex": 2})",
     {"analysis.context_end_index"}},
    {"a negative start",
     R"({"topicsDetected": {}, "contextStartIndex": -1, "contextEndIndex": 2})",
     {"analysis.context_start_index"}},
    {"negative indexes",
     R"({"topicsDetected": {}, "contextStartIndex": -2, "contextEndIndex": -1})",
     {"analysis.context_start_index", "analysis.context_end_index"}},
    {"a blank origin", R"({"topicsDetected": {}, "origin": " "})", {"analysis.origin"}},
};

TEST_CASE("an analysis that does not fit is refused at its field") {
  for (const BadCase& row : kAnalyses) {
    INFO(row.what);
    v1::CreateAnalysisRequest request;
    *request.mutable_analysis() = FromJson<v1::Analysis>(row.sent, BareAnalysis());
    CHECK(Violated(Validate(request)) == row.violated);
  }
}

TEST_CASE("a follow-up that lacks anything is refused at its field") {
  v1::CreateFollowUpRequest request;
  request.mutable_follow_up();
  CHECK(Violated(Validate(request)) == Fields{"follow_up.event_uuid", "follow_up.conversation_uuid",
                                              "follow_up.agent_uuid", "follow_up.score",
                                              "follow_up.follow_up_date"});
  *request.mutable_follow_up() = NewFollowUp();
  request.mutable_follow_up()->mutable_follow_up_date()->set_nanos(-1);
  CHECK(Violated(Validate(request)) == Fields{"follow_up.follow_up_date"});
}

TEST_CASE("typed content takes at most 64 KiB as JSON") {
  constexpr size_t kKeys = sizeof(R"({"DISCOUNT":"","PRICE":"","PRODUCT":""})") - 1;
  v1::CreateEventRequest request;
  *request.mutable_event() = BareEvent();
  request.mutable_event()->mutable_sale_made()->set_price(std::string(64 * 1024 - kKeys, 'x'));
  CHECK(Violated(Validate(request)).empty());
  request.mutable_event()->mutable_sale_made()->mutable_price()->push_back('x');
  CHECK(Violated(Validate(request)) == Fields{"event.sale_made"});
  // An escape takes six bytes.
  request.mutable_event()->mutable_sale_made()->set_price(std::string(11'000, '\1'));
  CHECK(Violated(Validate(request)) == Fields{"event.sale_made"});
}

TEST_CASE("the items of a batch are refused at their fields and named once") {
  v1::BatchCreateEventsRequest request;
  CHECK(Violated(Validate(request)) == Fields{"events"});
  for (int i = 0; i < 3; ++i) {
    *request.add_events() =
        FromJson<v1::Event>(R"({"eventType": "SALE_MADE", "custom": {"X": "1"}})", BareEvent());
  }
  request.mutable_events(1)->mutable_custom()->Clear();
  CHECK(Violated(Validate(request)) == Fields{"events[0].custom.X", "events[2].custom.X"});

  v1::BatchCreateFollowUpsRequest follow_ups;
  *follow_ups.add_follow_ups() = NewFollowUp();
  *follow_ups.add_follow_ups() = NewFollowUp();
  CHECK(Violated(Validate(follow_ups)) == Fields{"follow_ups[1].event_uuid"});
}

TEST_CASE("what a client cannot set is taken out") {
  v1::CreateEventRequest request;
  *request.mutable_event() = BareEvent();
  v1::Event& event = *request.mutable_event();
  event.mutable_sale_made();
  event.mutable_created_at()->set_seconds(1);
  event.mutable_deleted_at()->set_seconds(1);
  event.set_revision(7);
  event.set_alma_internal_organization(kTheirs);
  CHECK(Violated(Validate(request)).empty());
  CHECK(Equal(event,
              FromJson<v1::Event>(R"({"eventType": "SALE_MADE", "saleMade": {}})", BareEvent())));
}

struct BadList {
  const char* sent;
  Fields violated;
};

TEST_CASE("filters that do not go together are refused") {
  const std::string uuid = NthUuid(1);
  const auto violated = [&](auto request, std::string json) {
    request = FromJson<decltype(request)>(json);
    return Violated(Validate(request));
  };
  const std::string conversation = R"("conversationUuid": ")" + uuid + "\"";
  const std::string agent = R"("agentUuid": ")" + uuid + "\"";
  const v1::ListEventsRequest events;
  CHECK(violated(events, "{" + conversation + "," + agent + "}") == Fields{"agent_uuid"});
  CHECK(violated(events, "{" + agent + R"(, "eventType": "A"})") == Fields{"event_type"});
  CHECK(violated(events, R"({"eventSubtype": "A"})") == Fields{"event_subtype"});
  CHECK(violated(events, "{" + agent + R"(, "eventSubtype": "A"})") == Fields{"event_subtype"});
  CHECK(violated(events, R"({"eventType": "A", "eventSubtype": "B"})").empty());
  CHECK(violated(events, R"({"createdFrom": "2026-01-01T00:00:00Z",
                             "scheduledTo": "2026-01-01T00:00:00Z"})") == Fields{"scheduled_to"});
  CHECK(violated(events, R"({"pageSize": -1, "agentUuid": "x"})") ==
        Fields{"page_size", "agent_uuid"});
  const v1::ListAnalysesRequest analyses;
  CHECK(violated(analyses, "{" + conversation + R"(, "analysisType": "A"})") ==
        Fields{"analysis_type"});
  const v1::ListFollowUpsRequest follow_ups;
  CHECK(violated(follow_ups, "{" + conversation + "," + agent + "}") ==
        Fields{"conversation_uuid"});
}

TEST_CASE("the bounds of a range are rounded up to microseconds") {
  const auto bound = [](int64_t seconds, int32_t nanos) {
    v1::ListFollowUpsRequest request;
    request.mutable_due_from()->set_seconds(seconds);
    request.mutable_due_from()->set_nanos(nanos);
    CHECK(Violated(Validate(request)).empty());
    return std::pair(request.due_from().seconds(), request.due_from().nanos());
  };
  CHECK(bound(5, 0) == std::pair<int64_t, int32_t>(5, 0));
  CHECK(bound(5, 1'000) == std::pair<int64_t, int32_t>(5, 1'000));
  CHECK(bound(5, 1'001) == std::pair<int64_t, int32_t>(5, 2'000));
  CHECK(bound(-5, 999'999'001) == std::pair<int64_t, int32_t>(-4, 0));
  CHECK(bound(253402300799, 999'999'999) == std::pair<int64_t, int32_t>(253402300799, 999'999'000));
}

}  // namespace
}  // namespace alma::analytics
