#include "common/status/status.h"
#include "services/analytics/validate.h"
#include "tests/services/analytics/resources.h"
#include "tests/support/bulk.h"
#include "tests/support/list.h"

// What a store of events does beyond a single row that is written and read.
namespace alma::analytics {
namespace {

struct EventDatabase {
  explicit EventDatabase(db::Engine engine) : database(engine, EventsSchema()), store(*database) {}

  absl::StatusOr<v1::Event> Create(const v1::Event& event) {
    v1::CreateEventRequest request;
    *request.mutable_event() = event;
    const absl::Status valid = Validate(request);
    if (!valid.ok()) return valid;
    return store.Create(Us(), request.event());
  }

  absl::StatusOr<v1::Event> Update(v1::UpdateEventRequest request) {
    const absl::Status valid = Validate(request);
    if (!valid.ok()) return valid;
    return store.Update(Us(), request.event(), request.update_mask());
  }

  testing::TestDatabase database;
  EventStore store;
};

v1::Event Sale(int n) {
  v1::Event event = BareEvent();
  event.set_uuid(NthUuid(n));
  event.set_origin("analyzer");
  event.set_external_id("e-1");
  event.mutable_sale_made()->set_price("12");
  event.mutable_scheduled_to()->set_seconds(1'800'000'000);
  return event;
}

TEST_CASE("a repeat of an event is recognised whatever way its payload is sent") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventDatabase events(engine);
  const v1::Event created = Ok(events.Create(Sale(10)));
  CHECK(created.revision() == 1);
  for (const char* same : {
           R"({"eventType": "SALE_MADE", "custom": {"PRICE": "12"}})",
           R"({"eventType": "SALE_MADE", "custom": {"PRICE": "12", "PRODUCT": ""}})",
           R"({"eventType": "SALE_MADE"})",
           R"({"saleMade": {"PRICE": "12"}})",
       }) {
    INFO(same);
    v1::Event again = FromJson<v1::Event>(same, BareEvent());
    again.set_origin("analyzer");
    again.set_external_id("e-1");
    CHECK(Equal(Ok(events.Create(again)), created));
  }
  for (const char* other : {
           R"({"eventType": "SALE_MADE", "custom": {"PRICE": "13"}})",
           R"({"eventType": "SALE_MADE", "saleMade": {}})",
           R"({"eventType": "SALE_MADE", "eventSubtype": "UPSELL"})",
           R"({"eventType": "CALL", "custom": {"PRICE": "12"}})",
       }) {
    INFO(other);
    v1::Event again = FromJson<v1::Event>(other, BareEvent());
    again.set_uuid(NthUuid(10));
    CHECK(ReasonOf(events.Create(again).status()) == "ALREADY_EXISTS");
  }
  v1::Event two_rows = Sale(11);
  CHECK(ReasonOf(events.Create(two_rows).status()) == "ALREADY_EXISTS");
  CHECK(testing::SelectInt64(*events.database, "select revision from revisions") == 1);
}

TEST_CASE("misnamed customer information is the same event again") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventDatabase events(engine);
  v1::Event event = FromJson<v1::Event>(
      R"({"eventType": "MEETING_DONE", "eventSubtype": "AGE", "custom": {"VALUE": "17", "x": 1}})",
      BareEvent());
  event.set_uuid(NthUuid(10));
  const v1::Event created = Ok(events.Create(event));
  CHECK(Equal(Ok(events.Create(event)), created));
  v1::Event named = FromJson<v1::Event>(
      R"({"eventSubtype": "AGE",
          "customerInformationDetection": {"VALUE": "17", "DETAILS": {"x": 1}}})",
      BareEvent());
  named.set_uuid(NthUuid(10));
  CHECK(Equal(Ok(events.Create(named)), created));
}

TEST_CASE("an update of an event writes when it is due and nothing else") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventDatabase events(engine);
  v1::Event expected = Ok(events.Create(Sale(10)));
  v1::UpdateEventRequest request;
  v1::Event& given = *request.mutable_event();
  given.set_uuid(NthUuid(10));
  given.set_revision(1);
  given.set_agent_uuid(NthUuid(9));
  given.mutable_sale_made()->set_price("not written");
  given.mutable_scheduled_to()->set_seconds(1'900'000'000);
  given.mutable_scheduled_to()->set_nanos(1'999);
  v1::Event updated = Ok(events.Update(request));
  expected.mutable_scheduled_to()->set_seconds(1'900'000'000);
  expected.mutable_scheduled_to()->set_nanos(1'000);
  expected.set_revision(2);
  CHECK(Equal(updated, expected));
  CHECK(ReasonOf(events.Update(request).status()) == "REVISION_STALE");

  given.set_revision(0);
  given.clear_scheduled_to();
  CHECK(Ok(events.Update(request)).revision() == 2);
  request.mutable_update_mask()->add_paths("*");
  expected.clear_scheduled_to();
  expected.set_revision(3);
  CHECK(Equal(Ok(events.Update(request)), expected));
  CHECK(Equal(Ok(events.store.Get(Us(), NthUuid(10))), expected));
  for (const char* path : {"sale_made", "event_type", "agent_uuid", "created_at", "nothing"}) {
    INFO(path);
    request.mutable_update_mask()->set_paths(0, path);
    CHECK(FieldsOf(events.Update(request).status()) == Fields{"update_mask"});
  }
}

TEST_CASE("a deleted event keeps its type and times and loses its payload") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventDatabase events(engine);
  v1::Event expected = Ok(events.Create(Sale(10)));
  CHECK(ReasonOf(events.store.Delete(Us(), NthUuid(10), 7).status()) == "REVISION_STALE");
  const v1::Event tombstone = Ok(events.store.Delete(Us(), NthUuid(10), 1));
  expected.clear_payload();
  expected.set_revision(2);
  *expected.mutable_deleted_at() = tombstone.deleted_at();
  CHECK(tombstone.has_deleted_at());
  CHECK(Equal(tombstone, expected));
  CHECK(Equal(Ok(events.store.Get(Us(), NthUuid(10))), expected));
  CHECK(Equal(Ok(events.store.Delete(Us(), NthUuid(10), 1)), expected));
  CHECK(testing::SelectInt64(*events.database, "select count(*) from events where json is null") ==
        1);
  CHECK(ReasonOf(events.Create(Sale(10)).status()) == "DELETED");
  v1::UpdateEventRequest update;
  update.mutable_event()->set_uuid(NthUuid(10));
  CHECK(ReasonOf(events.Update(update).status()) == "DELETED");
}

TEST_CASE("an event of another organization is as one that does not exist") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventDatabase events(engine);
  Ok(events.Create(Sale(10)));
  CHECK(events.store.Get(Them(), NthUuid(10)).status() ==
        events.store.Get(Them(), NthUuid(11)).status());
  CHECK(ReasonOf(events.store.Delete(Them(), NthUuid(10), 0).status()) == "NOT_FOUND");
  v1::ListEventsRequest request;
  request.set_page_size(50);
  const auto listed = [&](const rpc::Call& call) {
    return testing::Decoded(Ok(events.store.List(call, request, {})).response).events_size();
  };
  CHECK(listed(Them()) == 0);
  CHECK(listed(Us()) == 1);
}

TEST_CASE("a batch of events is stored as a whole or not at all") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  EventDatabase events(engine);
  Ok(events.Create(Sale(10)));
  v1::BatchCreateEventsRequest request;
  for (int i = 0; i < 3; ++i) {
    *request.add_events() = FromJson<v1::Event>(
        R"({"eventType": "MEETING_DONE", "custom": {"VIDEO": "v"}})", BareEvent());
  }
  request.mutable_events(2)->set_uuid(NthUuid(10));
  REQUIRE(Validate(request).ok());
  using Response = v1::BatchCreateEventsResponse;
  const auto create = [&] {
    return events.store.CreateAll(Us(), "events", request.events(), &Response::mutable_events);
  };
  const auto refused = create();
  CHECK(ReasonOf(refused.status()) == "ALREADY_EXISTS");
  CHECK(testing::SelectInt64(*events.database, "select count(*) from events") == 1);
  request.mutable_events(2)->clear_uuid();
  const Response stored = Ok(create());
  REQUIRE(stored.events_size() == 3);
  CHECK(stored.events(2).meeting_done().video() == "v");
  CHECK(stored.events(2).revision() == 4);
}

}  // namespace
}  // namespace alma::analytics
