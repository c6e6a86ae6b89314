#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/tenant/together.h"

// Creates of many callers that share a transaction.
namespace alma::tenant {
namespace {

using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;

Message NamedNote(int uuid, const std::string& external_id, const std::string& content = "hello") {
  Message note = NewNote(content);
  if (uuid != 0) note.set_uuid(NthUuid(uuid));
  note.set_external_id(external_id);
  return note;
}

TEST_CASE("creates that share a round are answered as if they came one after another") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Ok(stored.notes.Create(Us(), NamedNote(1, "known")));
  Ok(stored.notes.Create(Us(), NamedNote(2, "")));
  Ok(stored.notes.Delete(Us(), NthUuid(2), 0));
  const Together together(
      stored,
      AllOf({NewNote("plain"), NamedNote(1, ""), NamedNote(0, "known", "other"), NamedNote(2, ""),
             NewNote("not here"), NamedNote(3, "x"), NamedNote(3, ""), NamedNote(0, "x"),
             NamedNote(3, "", "other"), NamedNote(1, "x"), NewNote("last")}));
  REQUIRE(together.AllAnsweredOnce());
  const auto& answers = together.answers;
  // Three revisions before.
  CHECK(Ok(answers[0]).revision() == 4);
  CHECK(Ok(answers[1]).revision() == 1);
  CHECK(ReasonOf(answers[2].status()) == "ALREADY_EXISTS");
  CHECK(ReasonOf(answers[3].status()) == "DELETED");
  CHECK(answers[4].status() == status::NotFound("place"));
  CHECK(Ok(answers[5]).revision() == 5);
  CHECK(Ok(answers[6]).DebugString() == Ok(answers[5]).DebugString());
  CHECK(Ok(answers[7]).DebugString() == Ok(answers[5]).DebugString());
  CHECK(ReasonOf(answers[8].status()) == "ALREADY_EXISTS");
  CHECK(ReasonOf(answers[9].status()) == "ALREADY_EXISTS");
  CHECK(Ok(answers[10]).revision() == 6);
  for (const size_t i : {0, 5, 10}) {
    CHECK(Ok(stored.notes.Get(Us(), answers[i]->uuid())).DebugString() ==
          answers[i]->DebugString());
  }
  CHECK(stored.Count("select revision from revisions") == 6);
  CHECK(stored.Count("select count(*) from notes") == 5);
}

TEST_CASE("a name that was refused is free for the next in the round") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const Together together(stored,
                          AllOf({NamedNote(1, "x", "not here"), NamedNote(1, "x", "here"),
                                 NamedNote(1, "x", "not here"), NamedNote(1, "x", "here")}));
  REQUIRE(together.AllAnsweredOnce());
  CHECK(together.answers[0].status() == status::NotFound("place"));
  CHECK(Ok(together.answers[1]).revision() == 1);
  CHECK(ReasonOf(together.answers[2].status()) == "ALREADY_EXISTS");
  CHECK(Ok(together.answers[3]).DebugString() == Ok(together.answers[1]).DebugString());
}

TEST_CASE("one key from 100 callers of a round is stored once and answered alike") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const Together together(stored, AllOf(std::vector<Message>(100, NamedNote(1, "x"))));
  REQUIRE(together.AllAnsweredOnce());
  for (const Answer& answer : together.answers) {
    CHECK(Ok(answer).DebugString() == Ok(together.answers[0]).DebugString());
  }
  CHECK(stored.Count("select revision from revisions") == 1);
}

TEST_CASE("a create that fails in the database stands alone and its neighbours are stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  std::vector<Message> notes(50, NewNote("good"));
  notes[7].set_content("spoilt");
  notes[8].set_content("not here");
  notes[31].set_content("thrown");
  notes[49].set_content("spoilt");
  const Together together(stored, AllOf(notes));
  REQUIRE(together.AllAnsweredOnce());
  int64_t revision = 0;
  for (size_t i = 0; i < notes.size(); ++i) {
    CAPTURE(i);
    if (notes[i].content() == "good") {
      CHECK(Ok(together.answers[i]).revision() == ++revision);
    } else {
      CHECK(ReasonOf(together.answers[i].status()) == (i == 8 ? "NOT_FOUND" : "INTERNAL"));
    }
  }
  CHECK(stored.Count("select count(*) from notes") == 46);
  CHECK(stored.Count("select revision from revisions") == 46);
}

TEST_CASE("who does not wait any more is left out of the round") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  std::vector<Wanted> wanted = AllOf(std::vector<Message>(3, NewNote("good")));
  wanted[1].check_awaited = [] { return absl::CancelledError(); };
  const Together together(stored, wanted);
  REQUIRE(together.AllAnsweredOnce());
  CHECK(Ok(together.answers[0]).revision() == 1);
  CHECK(absl::IsCancelled(together.answers[1].status()));
  CHECK(Ok(together.answers[2]).revision() == 2);
  CHECK(stored.Count("select count(*) from notes") == 2);
}

TEST_CASE("a create with no time left takes none from the others of its round") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  std::vector<Wanted> wanted = AllOf(std::vector<Message>(2, NewNote("good")));
  wanted[0].call = [] { return rpc::Call{Us().caller, absl::Now()}; };
  const Together together(stored, wanted);
  REQUIRE(together.AllAnsweredOnce());
  CHECK(Ok(together.answers[0]).revision() == 1);
  CHECK(Ok(together.answers[1]).revision() == 2);
}

TEST_CASE("organizations and tables share a round and keep to themselves") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  std::vector<Wanted> wanted = AllOf(std::vector<Message>(6, NamedNote(1, "x")));
  for (const size_t i : {1, 3, 5}) wanted[i].call = Them;
  wanted[5].note.set_content("other");
  const Together together(stored, wanted);
  REQUIRE(together.AllAnsweredOnce());
  CHECK(Ok(together.answers[0]).revision() == 1);
  CHECK(Ok(together.answers[1]).revision() == 1);
  CHECK(Ok(together.answers[1]).alma_internal_organization() == testing::kTheirs);
  CHECK(Ok(together.answers[3]).DebugString() == Ok(together.answers[1]).DebugString());
  CHECK(ReasonOf(together.answers[5].status()) == "ALREADY_EXISTS");
  FollowUp reminder;
  reminder.set_event_uuid(NthUuid(1));
  reminder.mutable_follow_up_date()->set_seconds(5);
  CHECK(Ok(stored.reminders.Create(Us(), reminder)).revision() == 2);
}

TEST_CASE("a round of repeats alone stores nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Ok(stored.notes.Create(Us(), NamedNote(1, "x")));
  const Together together(stored, AllOf(std::vector<Message>(5, NamedNote(1, "x"))));
  REQUIRE(together.AllAnsweredOnce());
  for (const Answer& answer : together.answers) CHECK(Ok(answer).revision() == 1);
  CHECK(stored.Count("select revision from revisions") == 1);
}

TEST_CASE("of the repeats of a round those come again that are more than a round may hold") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const Message large = NamedNote(1, "", std::string(250'000, 'x'));
  Ok(stored.notes.Create(Us(), large));
  Message repeat = large;
  repeat.clear_content();
  std::vector<Message> notes(40, repeat);
  notes.push_back(NewNote("good"));
  const Together together(stored, AllOf(notes));
  REQUIRE(together.AllAnsweredOnce());
  const size_t held = db::kMaxRoundBytes / large.ByteSizeLong() + 1;
  for (size_t i = 0; i < notes.size(); ++i) {
    CAPTURE(i);
    if (i < held) {
      CHECK(Ok(together.answers[i]).content().size() == large.content().size());
    } else {
      CHECK(ReasonOf(together.answers[i].status()) == "OVERLOADED");
    }
  }
  CHECK(stored.Count("select count(*) from notes") == 1);
  CHECK(Ok(stored.notes.Create(Us(), NewNote("good"))).revision() == 2);
}

TEST_CASE("a lane that is full refuses creates and stores those that it took") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const Together together(stored,
                          AllOf(std::vector<Message>(db::kMaxLaneWrites + 3, NewNote("good"))));
  REQUIRE(together.AllAnsweredOnce());
  int64_t taken = 0;
  int64_t refused = 0;
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest = absl::ZeroDuration();
  for (const Answer& answer : together.answers) {
    if (answer.ok()) ++taken;
    if (ReasonOf(answer.status()) != "OVERLOADED") continue;
    ++refused;
    const absl::Duration wait = status::RetryDelay(answer.status()).value_or(absl::ZeroDuration());
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  CHECK(refused == 3);
  CHECK(shortest >= db::kRetryFullLane);
  CHECK(longest <= 1.5 * db::kRetryFullLane);
  // Or they would all come back together.
  CHECK(longest > shortest);
  CHECK(taken + refused == static_cast<int64_t>(together.answers.size()));
  CHECK(stored.Count("select revision from revisions") == taken);
}

TEST_CASE("a lane is full by what its creates hold in memory and not by what came for them") {
  Stored stored(db::Engine::kSqlite);
  Message heavy = NewNote();
  auto& fields = *heavy.mutable_meta_data()->mutable_fields();
  for (int i = 0; i < 20'000; ++i) fields[absl::StrCat(i)].set_number_value(i);
  constexpr size_t kNotes = 40;
  REQUIRE(kNotes * heavy.ByteSizeLong() < db::kMaxLaneBytes / 2);
  // They are to wait, not to be written.
  const std::vector<Wanted> wanted(kNotes,
                                   Wanted{heavy, Us, [] { return absl::CancelledError(); }});
  const Together together(stored, wanted);
  REQUIRE(together.AllAnsweredOnce());
  CHECK(absl::IsCancelled(together.answers.front().status()));
  CHECK(ReasonOf(together.answers.back().status()) == "OVERLOADED");
}

}  // namespace
}  // namespace alma::tenant
