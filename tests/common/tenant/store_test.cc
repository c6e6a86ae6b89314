#include "common/tenant/store.h"

#include "tests/common/tenant/notes.h"

namespace alma::tenant {
namespace {

using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;

struct Stored {
  explicit Stored(db::Engine engine)
      : database(engine, NoteSchema()),
        notes(*database, Notes()),
        reminders(*database, Reminders()) {}

  int64_t LastRevision() {
    return testing::SelectInt64(*database, "select coalesce(max(revision), 0) from revisions");
  }
  int64_t CountNotes() { return testing::SelectInt64(*database, "select count(*) from notes"); }

  testing::TestDatabase database;
  Store<Message> notes;
  Store<FollowUp> reminders;
};

TEST_CASE("a create fills in the key and the times and what the table adds") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const Message created = Ok(stored.notes.Create(Us(), NewNote()));
  CHECK(created.uuid().size() == 36);
  CHECK(created.alma_internal_organization() == testing::kOurs);
  CHECK(created.revision() == 1);
  CHECK(created.index() == 5);
  CHECK(created.created_at().DebugString() == created.updated_at().DebugString());
  CHECK(Ok(stored.notes.Get(Us(), created.uuid())).DebugString() == created.DebugString());

  Message dated = NewNote();
  dated.mutable_created_at()->set_seconds(5);
  const Message kept = Ok(stored.notes.Create(Us(), dated));
  CHECK(kept.created_at().seconds() == 5);
  CHECK(kept.updated_at().seconds() > 5);
}

TEST_CASE("a resource whose key is that of an event is stored as any other") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  FollowUp reminder;
  reminder.set_event_uuid(NthUuid(1));
  reminder.mutable_follow_up_date()->set_seconds(5);
  const FollowUp created = Ok(stored.reminders.Create(Us(), reminder));
  CHECK_FALSE(created.has_score());
  CHECK(Ok(stored.reminders.Get(Us(), NthUuid(1))).DebugString() == created.DebugString());
  CHECK(Ok(stored.reminders.Create(Us(), reminder)).DebugString() == created.DebugString());
  reminder.set_score(0);
  CHECK(ReasonOf(stored.reminders.Create(Us(), reminder).status()) == "ALREADY_EXISTS");
  google::protobuf::FieldMask mask;
  mask.add_paths("score");
  const FollowUp scored = Ok(stored.reminders.Update(Us(), reminder, mask));
  CHECK(scored.has_score());
  CHECK(Ok(stored.reminders.Get(Us(), NthUuid(1))).DebugString() == scored.DebugString());
  CHECK(Ok(stored.reminders.Delete(Us(), NthUuid(1), 2)).revision() == 3);
}

TEST_CASE("what a table refuses is not written and takes no revision") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  CHECK(stored.notes.Create(Us(), NewNote("not here")).status() == status::NotFound("place"));
  CHECK(stored.CountNotes() == 0);
  Message kept = Ok(stored.notes.Create(Us(), NewNote("keep")));
  google::protobuf::FieldMask mask;
  mask.add_paths("content");
  Message given = kept;
  given.set_content("changed");
  CHECK(stored.notes.Update(Us(), given, mask).status() == status::UpdateOfDeleted("kept note"));
  CHECK(stored.notes.Delete(Us(), kept.uuid(), 0).status() == status::UpdateOfDeleted("kept note"));
  CHECK(Ok(stored.notes.Get(Us(), kept.uuid())).DebugString() == kept.DebugString());
  CHECK(stored.LastRevision() == 1);
}

TEST_CASE("a change that changes nothing takes no revision and one that fails writes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const Message created = Ok(stored.notes.Create(Us(), NewNote()));
  const auto same =
      stored.notes.Change(Us(), created.uuid(), 1, [](Message&) { return absl::OkStatus(); });
  CHECK(Ok(same).DebugString() == created.DebugString());
  const auto failed = stored.notes.Change(Us(), created.uuid(), 1, [](Message& note) {
    note.set_content("half");
    return absl::AbortedError("no");
  });
  CHECK(failed.status() == absl::AbortedError("no"));
  CHECK(stored.LastRevision() == 1);
  const auto changed = Ok(stored.notes.Change(Us(), created.uuid(), 1, [](Message& note) {
    note.set_content("whole");
    return absl::OkStatus();
  }));
  CHECK(changed.revision() == 2);
  CHECK(Ok(stored.notes.Get(Us(), created.uuid())).DebugString() == changed.DebugString());
  const auto stale =
      stored.notes.Change(Us(), created.uuid(), 1, [](Message&) { return absl::OkStatus(); });
  CHECK(ReasonOf(stale.status()) == "REVISION_STALE");
  CHECK(ReasonOf(stored.notes
                     .Change(Them(), created.uuid(), 0, [](Message&) { return absl::OkStatus(); })
                     .status()) == "NOT_FOUND");
}

TEST_CASE("creates of many are each answered by themselves without gaps in the revisions") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Message known = NewNote("known");
  known.set_uuid(NthUuid(1));
  Ok(stored.notes.Create(Us(), known));
  Message other = NewNote("other");
  other.set_uuid(NthUuid(1));
  const auto results = Ok(stored.notes.CreateEach(
      Us(), {NewNote("a"), other, NewNote("not here"), known, NewNote("b")}));
  REQUIRE(results.size() == 5);
  CHECK(Ok(results[0]).revision() == 2);
  CHECK(ReasonOf(results[1].status()) == "ALREADY_EXISTS");
  CHECK(ReasonOf(results[2].status()) == "NOT_FOUND");
  CHECK(Ok(results[3]).revision() == 1);
  CHECK(Ok(results[4]).revision() == 3);
  CHECK(stored.CountNotes() == 3);
  CHECK(stored.LastRevision() == 3);
  CHECK(Ok(stored.notes.CreateEach(Us(), {})).empty());
}

TEST_CASE("creates of many end behind the repeat with which their answers are as large as asked") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Message large = NewNote(std::string(10'000, 'x'));
  large.set_uuid(NthUuid(1));
  Ok(stored.notes.Create(Us(), large));
  Message repeat = large;
  repeat.clear_content();
  rpc::Call call = Us();
  call.answer_bytes = 25'000;
  const auto results = Ok(stored.notes.CreateEach(
      call, {NewNote("a"), repeat, repeat, NewNote("b"), repeat, NewNote("c"), repeat}));
  REQUIRE(results.size() == 5);
  CHECK(Ok(results[0]).revision() == 2);
  for (const int i : {1, 2, 4}) CHECK(Ok(results[i]).content() == large.content());
  CHECK(Ok(results[3]).revision() == 3);
  CHECK(stored.CountNotes() == 3);
  CHECK(stored.LastRevision() == 3);
  call.answer_bytes = 1;
  CHECK(Ok(stored.notes.CreateEach(call, {repeat, NewNote("c")})).size() == 1);
  CHECK(Ok(stored.notes.CreateEach(call, {NewNote("c"), NewNote("d")})).size() == 2);
}

}  // namespace
}  // namespace alma::tenant
