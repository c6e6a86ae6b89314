#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/common/tenant/together.h"

// Creates that share a round with what fails in the database.
namespace alma::tenant {
namespace {

using testing::Execute;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;

constexpr int kNotes = 20;

std::vector<Message> WithOne(const std::string& content) {
  std::vector<Message> notes(kNotes, NewNote("good"));
  notes[kNotes / 2].set_content(content);
  return notes;
}

// Makes the first insert of a note with the content "breaks" do `action`; what it did is not
// undone with its transaction. `trigger` is what follows "create": when it does so.
void BreakOnce(db::Database& database, std::string_view trigger, std::string_view action) {
  REQUIRE(Execute(database, "create sequence breaks").ok());
  REQUIRE(Execute(database, absl::StrCat("create function break() returns trigger language plpgsql "
                                         "as $$ begin if new.content = 'breaks' and "
                                         "nextval('breaks') = 1 then ",
                                         std::string(action), "; end if; return new; end $$"))
              .ok());
  REQUIRE(Execute(database, absl::StrCat("create ", std::string(trigger),
                                         " for each row execute function break()"))
              .ok());
}

constexpr char kEndConnection[] = "perform pg_terminate_backend(pg_backend_pid())";

TEST_CASE("a round that loses its connection or conflicts is run again and stored once") {
  const std::string action = GENERATE(as<std::string>(), kEndConnection,
                                      "raise exception 'very private' using errcode = '40001'",
                                      "raise exception 'very private' using errcode = '40P01'");
  CAPTURE(action);
  Stored stored(db::Engine::kPostgresql);
  BreakOnce(*stored.database, "trigger break before insert on notes", action);
  const Together together(stored, AllOf(WithOne("breaks")));
  REQUIRE(together.AllAnsweredOnce());
  for (int i = 0; i < kNotes; ++i) CHECK(Ok(together.answers[i]).revision() == i + 1);
  CHECK(stored.Count("select count(*) from notes") == kNotes);
  CHECK(stored.Count("select revision from revisions") == kNotes);
}

TEST_CASE("a round that loses its connection at the commit is UNAVAILABLE and not repeated") {
  Stored stored(db::Engine::kPostgresql);
  BreakOnce(*stored.database,
            "constraint trigger break after insert on notes deferrable initially deferred",
            kEndConnection);
  const Together together(stored, AllOf(WithOne("breaks")));
  REQUIRE(together.AllAnsweredOnce());
  for (const Answer& answer : together.answers) {
    CHECK(answer.status() == status::DatabaseUnavailable());
  }
  CHECK(stored.Count("select count(*) from notes") == 0);
  CHECK(Ok(stored.notes.Create(Us(), NewNote("breaks"))).revision() == 1);
}

TEST_CASE("a row that the database refuses among many stands alone") {
  Stored stored(db::Engine::kPostgresql);
  REQUIRE(Execute(*stored.database, "alter table notes add check (content <> 'refused')").ok());
  const Together together(stored, AllOf(WithOne("refused")));
  REQUIRE(together.AllAnsweredOnce());
  for (int i = 0; i < kNotes; ++i) {
    CAPTURE(i);
    CHECK(ReasonOf(together.answers[i].status()) == (i == kNotes / 2 ? "INTERNAL" : ""));
  }
  CHECK(stored.Count("select count(*) from notes") == kNotes - 1);
}

TEST_CASE("creates wait for another process that writes to their SQLite file") {
  Stored stored(db::Engine::kSqlite);
  const auto other = testing::OpenAnother(*stored.database);
  InFlight created(stored.notes);
  // Longer than SQLite itself waits for a lock.
  const absl::Status held = WhileLocked(*other, testing::kOurs, [&] {
    for (int i = 0; i < kNotes; ++i) created.Create({NewNote(), i % 2 == 0 ? Us : Them});
    absl::SleepFor(absl::Milliseconds(700));
    CHECK_FALSE(created.AnyAnswered());
  });
  CHECK(held.ok());
  for (const Answer& answer : created.Answers()) CHECK(answer.ok());
  CHECK(created.EachAnsweredOnce());
  CHECK(stored.Count("select count(*) from notes") == kNotes);
}

TEST_CASE("a round that does not fit on the disk is RESOURCE_EXHAUSTED to each") {
  Stored stored(db::Engine::kSqlite);
  REQUIRE(Execute(*stored.database, "pragma max_page_count = 20").ok());
  const std::vector<Message> notes(kNotes, NewNote(std::string(20 * 1024, 'x')));
  const Together full(stored, AllOf(notes));
  REQUIRE(full.AllAnsweredOnce());
  for (const Answer& answer : full.answers) CHECK(answer.status() == status::DatabaseFull());
  REQUIRE(Execute(*stored.database, "pragma max_page_count = 1000").ok());
  const Together fits(stored, AllOf(notes));
  REQUIRE(fits.AllAnsweredOnce());
  for (int i = 0; i < kNotes; ++i) CHECK(Ok(fits.answers[i]).revision() == i + 1);
}

TEST_CASE("a database that ends stores and answers what it has taken") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kTaken = 500;
  Stored stored(engine);
  auto database = testing::OpenAnother(*stored.database);
  Store<Message> notes(*database, Notes());
  InFlight created(notes);
  for (int i = 0; i < kTaken; ++i) created.Create({NewNote()});
  database.reset();
  REQUIRE(created.AllAnswered());
  CHECK(created.EachAnsweredOnce());
  for (const Answer& answer : created.Answers()) CHECK(answer.ok());
  CHECK(stored.Count("select count(*) from notes") == kTaken);
}

TEST_CASE("two processes store the creates of the same organizations side by side") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kEach = 200;
  Stored stored(engine);
  const auto database = testing::OpenAnother(*stored.database);
  Store<Message> others(*database, Notes());
  InFlight first(stored.notes);
  InFlight second(others);
  for (int i = 0; i < kEach; ++i) {
    first.Create({NewNote(), i % 2 == 0 ? Us : Them});
    second.Create({NewNote(), i % 2 == 0 ? Them : Us});
  }
  for (const Answer& answer : first.Answers()) CHECK(answer.ok());
  for (const Answer& answer : second.Answers()) CHECK(answer.ok());
  CHECK(stored.Count("select count(*) from revisions") == 2);
  CHECK(stored.Count("select min(revision) from revisions") == kEach);
  CHECK(stored.Count("select max(revision) from revisions") == kEach);
  CHECK(stored.Count("select count(*) from (select distinct alma_internal_organization, revision "
                     "from notes) as taken") == 2 * kEach);
}

}  // namespace
}  // namespace alma::tenant
