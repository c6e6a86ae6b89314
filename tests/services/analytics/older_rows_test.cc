#include "absl/time/clock.h"
#include "tests/services/analytics/resources.h"

namespace alma::analytics {
namespace {

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
