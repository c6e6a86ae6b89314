#include "common/tenant/table.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
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
  const Message* const row = &note;
  REQUIRE(database
              ->Write(Soon(),
                      [&](db::Session& session) {
                        return Notes().Insert(session, absl::MakeConstSpan(&row, 1));
                      })
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

absl::StatusOr<std::vector<NamedRows<Message>>> FindNamed(testing::TestDatabase& database,
                                                          const std::vector<Message>& wanted) {
  std::vector<const Message*> items;
  for (const Message& one : wanted) items.push_back(&one);
  return database->Read(
      Soon(), [&](db::Session& session) { return Notes().FindNamed(session, kOurs, items); });
}

Message Named(const std::string& uuid, const std::string& external_id) {
  Message note = NewNote();
  note.set_uuid(uuid);
  note.set_external_id(external_id);
  return note;
}

TEST_CASE("the rows that many resources name are found each by its own name") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, NoteSchema());
  Message second = FullNote();
  second.set_uuid(NthUuid(2));
  second.set_external_id("8");
  Insert(database, FullNote());
  Insert(database, second);
  Message elsewhere = Named("", "7");
  elsewhere.set_origin("erp");
  const auto named =
      Ok(FindNamed(database, {Named(NthUuid(9), ""), Named(NthUuid(2), "7"), Named("", ""),
                              Named("", "8"), elsewhere, Named(NthUuid(1), "9")}));
  REQUIRE(named.size() == 6);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"", ""}, {NthUuid(2), NthUuid(1)}, {"", ""}, {"", NthUuid(2)}, {"", ""}, {NthUuid(1), ""}};
  for (size_t i = 0; i < named.size(); ++i) {
    CAPTURE(i);
    CHECK((named[i].by_key ? named[i].by_key->uuid() : "") == expected[i].first);
    CHECK((named[i].by_external_id ? named[i].by_external_id->uuid() : "") == expected[i].second);
  }
  CHECK(named[1].by_key->DebugString() == second.DebugString());
  CHECK(Ok(FindNamed(database, {})).empty());
}

TEST_CASE("rows that are inserted together are read as they were written") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, NoteSchema());
  std::vector<Message> notes(3, FullNote());
  notes[1].set_uuid(NthUuid(2));
  notes[1].clear_link();
  notes[1].clear_meta_data();
  notes[1].set_content("'quoted' \"twice\" \\ {a,b} NULL \n");
  notes[2].set_uuid(NthUuid(3));
  notes[2].clear_external_id();
  std::vector<const Message*> rows;
  for (const Message& note : notes) rows.push_back(&note);
  REQUIRE(
      database->Write(Soon(), [&](db::Session& session) { return Notes().Insert(session, rows); })
          .ok());
  for (const Message& note : notes) {
    CHECK(Ok(Find(database, kOurs, note.uuid()))->DebugString() == note.DebugString());
  }
}

TEST_CASE("many rows are inserted together and found again each with its own values") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kNotes = 27;
  testing::TestDatabase database(engine, NoteSchema());
  std::vector<Message> notes(kNotes, FullNote());
  std::vector<const Message*> rows;
  std::vector<Message> wanted;
  for (int i = 0; i < kNotes; ++i) {
    Message& note = notes[i];
    note.set_uuid(NthUuid(i));
    note.set_content(std::string(i, 'x'));
    note.set_index(i);
    note.set_revision(100 + i);
    note.set_external_id(i % 3 == 0 ? "" : absl::StrCat(i));
    if (i % 2 == 0) note.clear_link();
    rows.push_back(&note);
    // One that is not there between those that are.
    wanted.push_back(Named(NthUuid(i), ""));
    wanted.push_back(Named(NthUuid(100 + i), ""));
  }
  wanted.push_back(wanted.front());
  REQUIRE(
      database->Write(Soon(), [&](db::Session& session) { return Notes().Insert(session, rows); })
          .ok());
  const auto named = Ok(FindNamed(database, wanted));
  REQUIRE(named.size() == wanted.size());
  for (int i = 0; i < kNotes; ++i) {
    CAPTURE(i);
    REQUIRE(named[2 * i].by_key.has_value());
    CHECK(named[2 * i].by_key->DebugString() == notes[i].DebugString());
    CHECK_FALSE(named[2 * i + 1].by_key.has_value());
  }
  REQUIRE(named.back().by_key.has_value());
  CHECK(named.back().by_key->DebugString() == notes[0].DebugString());
}

TEST_CASE("each of many names is given its row once however many ask and whosever it is") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  const size_t most = GENERATE(1, 4, 16);
  CAPTURE(engine, most);
  constexpr int kNotes = 9;
  testing::TestDatabase database(engine, NoteSchema());
  std::vector<std::string> uuids;
  for (int i = 0; i < kNotes; ++i) {
    Message note = FullNote();
    note.set_uuid(uuids.emplace_back(NthUuid(i)));
    note.clear_external_id();
    for (const auto* organization : {&kOurs, &kTheirs}) {
      note.set_alma_internal_organization(*organization);
      note.set_content(*organization);
      Insert(database, note);
    }
  }
  uuids.push_back(NthUuid(100));
  std::vector<RowName> names;
  for (const std::string& uuid : uuids) {
    for (const auto* organization : {&kTheirs, &kOurs, &kTheirs}) {
      names.push_back({*organization, uuid});
    }
  }
  std::vector<std::string> found(names.size());
  const absl::Status read = database->Read(Soon(), [&](db::Session& session) {
    return Notes().FindEach(session, names, most, [&](size_t i, Message note) {
      found[i] += absl::StrCat(note.content(), " ", note.uuid());
    });
  });
  REQUIRE(read.ok());
  for (size_t i = 0; i < names.size(); ++i) {
    CAPTURE(i);
    const bool is_there = names[i].key != uuids.back();
    const std::string own = std::string(names[i].organization) + " " + std::string(names[i].key);
    CHECK(found[i] == (is_there ? own : ""));
  }
}

TEST_CASE("a row whose key the database writes in another way does not pass for absent") {
  testing::TestDatabase database(db::Engine::kPostgresql, NoteSchema());
  const std::string uuid = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
  Message note = FullNote();
  note.set_uuid(uuid);
  Insert(database, note);
  const std::string upper = absl::AsciiStrToUpper(uuid);
  const RowName name{kOurs, upper};
  int found = 0;
  const absl::Status read = database->Read(Soon(), [&](db::Session& session) {
    return Notes().FindEach(session, absl::MakeConstSpan(&name, 1), 4,
                            [&](size_t, const Message&) { ++found; });
  });
  CHECK(read == status::Internal());
  CHECK(found == 0);
}

TEST_CASE("of rows that are inserted together none is kept where one fails") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, NoteSchema());
  const Message note = FullNote();
  Message third = FullNote();
  third.set_uuid(NthUuid(3));
  const std::vector<const Message*> rows = {&note, &note, &third};
  const absl::Status failed =
      database->Write(Soon(), [&](db::Session& session) { return Notes().Insert(session, rows); });
  CHECK(ReasonOf(failed) == "INTERNAL");
  CHECK(testing::SelectInt64(*database, "select count(*) from notes") == 0);
  Insert(database, note);
  CHECK(Ok(Find(database, kOurs, note.uuid())).has_value());
}

TEST_CASE("a create looks nothing up that it does not name and passes on what fails") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  // There is no table notes, so that every look-up fails.
  testing::TestDatabase database(engine, testing::ItemSchema());
  CHECK(Ok(FindNamed(database, {NewNote(), NewNote()})).size() == 2);
  for (const Message& note : {Named("", "7"), Named(NthUuid(1), "")}) {
    CHECK(ReasonOf(FindNamed(database, {note}).status()) == "DATABASE_UNAVAILABLE");
    CHECK(ReasonOf(FindNamed(database, {note, note}).status()) == "DATABASE_UNAVAILABLE");
  }
}

}  // namespace
}  // namespace alma::tenant
