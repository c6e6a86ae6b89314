#include "common/tenant/table.h"

#include "absl/time/clock.h"
#include "tests/common/db/items.h"
#include "tests/common/tenant/notes.h"

namespace alma::tenant {
namespace {

using testing::kOurs;
using testing::kTheirs;
using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Soon;

Message FullNote() {
  Message note = NewNote();
  note.set_uuid(NthUuid(1));
  note.set_alma_internal_organization(kOurs);
  note.set_link("https://example.com");
  note.mutable_created_at()->set_seconds(1'700'000'000);
  note.mutable_created_at()->set_nanos(123'456'000);
  *note.mutable_updated_at() = note.created_at();
  (*note.mutable_meta_data()->mutable_fields())["n"].set_number_value(0.1);
  note.set_index(int64_t{1} << 40);
  note.set_external_id("7");
  note.set_revision(3);
  return note;
}

void Insert(testing::TestDatabase& database, const Message& note) {
  REQUIRE(
      database->Write(Soon(), [&](db::Session& session) { return Notes().Insert(session, note); })
          .ok());
}

absl::StatusOr<std::optional<Message>> Find(testing::TestDatabase& database,
                                            std::string_view organization, const std::string& key) {
  return database->Read(
      Soon(), [&](db::Session& session) { return Notes().Find(session, organization, key); });
}

TEST_CASE("a row is read as it was written with its optional columns set and unset") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, NoteSchema());
  Message plain = FullNote();
  plain.set_uuid(NthUuid(2));
  plain.clear_link();
  plain.clear_meta_data();
  plain.clear_external_id();
  Message tombstone = FullNote();
  tombstone.set_uuid(NthUuid(3));
  *tombstone.mutable_deleted_at() = tombstone.created_at();
  for (const Message& note : {FullNote(), plain, tombstone}) {
    Insert(database, note);
    CHECK(Ok(Find(database, kOurs, note.uuid()))->DebugString() == note.DebugString());
  }
  CHECK(testing::SelectInt64(*database,
                             "select count(*) from notes where link is null and "
                             "meta_data is null and external_id is null") == 1);
  CHECK(testing::SelectInt64(*database, "select min(content_size) from notes") == 5);
}

TEST_CASE("a row is found in its organization only") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, NoteSchema());
  Insert(database, FullNote());
  CHECK_FALSE(Ok(Find(database, kTheirs, NthUuid(1))).has_value());
  CHECK_FALSE(Ok(Find(database, kOurs, NthUuid(2))).has_value());
  const auto required = database->Read(
      Soon(), [&](db::Session& session) { return Notes().Require(session, kTheirs, NthUuid(1)); });
  CHECK(required.status() == status::NotFound("note"));
}

TEST_CASE("an update writes the columns that change and no others") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, NoteSchema());
  Message other = FullNote();
  other.set_uuid(NthUuid(2));
  other.clear_external_id();
  Insert(database, FullNote());
  Insert(database, other);
  Message changed = FullNote();
  changed.set_content("changed");
  changed.clear_link();
  changed.set_revision(4);
  *changed.mutable_deleted_at() = changed.created_at();
  Message given = changed;
  given.set_origin("erp");
  given.set_external_id("8");
  given.set_index(0);
  given.mutable_created_at()->set_seconds(0);
  REQUIRE(
      database->Write(Soon(), [&](db::Session& session) { return Notes().Update(session, given); })
          .ok());
  CHECK(Ok(Find(database, kOurs, NthUuid(1)))->DebugString() == changed.DebugString());
  CHECK(Ok(Find(database, kOurs, NthUuid(2)))->DebugString() == other.DebugString());
  CHECK(testing::SelectInt64(*database, "select max(content_size) from notes") == 7);
}

TEST_CASE("a select names every column that is read with its table") {
  CHECK(Reminders().columns() ==
        "reminders.event_uuid, reminders.revision, reminders.deleted_at, reminders.score, "
        "reminders.follow_up_date");
  CHECK(Notes().columns().find("content_size") == std::string::npos);
}

// Of a database in which there is no table notes, so that every look-up fails.
absl::StatusOr<std::optional<Message>> FindRepeatedWithoutTable(db::Engine engine,
                                                                const Message& wanted) {
  testing::TestDatabase database(engine, testing::ItemSchema());
  return database->Read(
      Soon(), [&](db::Session& session) { return Notes().FindRepeated(session, kOurs, wanted); });
}

TEST_CASE("a create looks nothing up that it does not name and passes on what fails") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Message wanted = NewNote();
  CHECK_FALSE(Ok(FindRepeatedWithoutTable(engine, wanted)).has_value());
  wanted.set_external_id("7");
  CHECK(ReasonOf(FindRepeatedWithoutTable(engine, wanted).status()) == "DATABASE_UNAVAILABLE");
  wanted.clear_external_id();
  wanted.set_uuid(NthUuid(1));
  CHECK(ReasonOf(FindRepeatedWithoutTable(engine, wanted).status()) == "DATABASE_UNAVAILABLE");
}

}  // namespace
}  // namespace alma::tenant
