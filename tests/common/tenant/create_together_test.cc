#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/tenant/notes.h"

// Creates of many callers that share a transaction.
namespace alma::tenant {
namespace {

using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;

using Answer = absl::StatusOr<Message>;

struct Stored {
  explicit Stored(db::Engine engine)
      : database(engine, NoteSchema()),
        notes(*database, Notes()),
        reminders(*database, Reminders()) {}

  int64_t Count(std::string_view sql) { return testing::SelectInt64(*database, sql); }

  testing::TestDatabase database;
  Store<Message> notes;
  Store<FollowUp> reminders;
};

// What create `i` of those that are made together has to say of itself.
struct Wanted {
  Message note;
  std::function<rpc::Call()> call = Us;
  std::function<absl::Status()> check_awaited = [] { return absl::OkStatus(); };
};

std::vector<Wanted> AllOf(const std::vector<Message>& notes) {
  std::vector<Wanted> all;
  all.reserve(notes.size());
  for (const Message& note : notes) all.push_back({note});
  return all;
}

// Their answers when all of them share one round: the lane waits meanwhile, for a create that waits
// for a transaction of ours. Also how many times each was answered, which has to be once.
struct Together {
  Together(Stored& stored, const std::vector<Wanted>& wanted)
      : answers(wanted.size(), absl::UnknownError("not answered")), times(wanted.size()) {
    absl::Notification held;
    absl::Notification go_on;
    std::thread holder([&] {
      const absl::Status done =
          stored.database->Write(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
            const absl::Status locked = db::TakeRevisions(session, testing::kOurs, 0).status();
            held.Notify();
            go_on.WaitForNotification();
            session.Discard();
            return locked;
          });
      holder_ended_well = done.ok();
    });
    held.WaitForNotification();
    absl::BlockingCounter unanswered(static_cast<int>(wanted.size()) + 1);
    Message first = NewNote("first");
    first.set_uuid(NthUuid(999));
    const absl::Status first_taken = stored.notes.Create(
        Us(), first,
        {[] { return absl::OkStatus(); }, [&](const Answer&) { unanswered.DecrementCount(); }});
    if (!first_taken.ok()) unanswered.DecrementCount();
    // Its round has begun by then; where it has not it shares that of the others.
    absl::SleepFor(absl::Milliseconds(20));
    for (size_t i = 0; i < wanted.size(); ++i) {
      const auto answer = [&, i](Answer given) {
        answers[i] = std::move(given);
        ++times[i];
        unanswered.DecrementCount();
      };
      const absl::Status taken =
          stored.notes.Create(wanted[i].call(), wanted[i].note, {wanted[i].check_awaited, answer});
      if (!taken.ok()) answer(taken);
    }
    go_on.Notify();
    holder.join();
    unanswered.Wait();
  }

  bool AllAnsweredOnce() const {
    return holder_ended_well &&
           std::all_of(times.begin(), times.end(), [](int count) { return count == 1; });
  }

  std::vector<Answer> answers;
  std::vector<int> times;
  bool holder_ended_well = false;
};

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
  // Three revisions before, one of the create that held the lane.
  CHECK(Ok(answers[0]).revision() == 5);
  CHECK(Ok(answers[1]).revision() == 1);
  CHECK(ReasonOf(answers[2].status()) == "ALREADY_EXISTS");
  CHECK(ReasonOf(answers[3].status()) == "DELETED");
  CHECK(answers[4].status() == status::NotFound("place"));
  CHECK(Ok(answers[5]).revision() == 6);
  CHECK(Ok(answers[6]).DebugString() == Ok(answers[5]).DebugString());
  CHECK(Ok(answers[7]).DebugString() == Ok(answers[5]).DebugString());
  CHECK(ReasonOf(answers[8].status()) == "ALREADY_EXISTS");
  CHECK(ReasonOf(answers[9].status()) == "ALREADY_EXISTS");
  CHECK(Ok(answers[10]).revision() == 7);
  for (const size_t i : {0, 5, 10}) {
    CHECK(Ok(stored.notes.Get(Us(), answers[i]->uuid())).DebugString() ==
          answers[i]->DebugString());
  }
  CHECK(stored.Count("select revision from revisions") == 7);
  CHECK(stored.Count("select count(*) from notes") == 6);
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
  CHECK(Ok(together.answers[1]).revision() == 2);
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
  CHECK(stored.Count("select revision from revisions") == 2);
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
  int64_t revision = 1;
  for (size_t i = 0; i < notes.size(); ++i) {
    CAPTURE(i);
    if (notes[i].content() == "good") {
      CHECK(Ok(together.answers[i]).revision() == ++revision);
    } else {
      CHECK(ReasonOf(together.answers[i].status()) == (i == 8 ? "NOT_FOUND" : "INTERNAL"));
    }
  }
  CHECK(stored.Count("select count(*) from notes") == 47);
  CHECK(stored.Count("select revision from revisions") == 47);
}

TEST_CASE("who does not wait any more is left out of the round") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  std::vector<Wanted> wanted = AllOf(std::vector<Message>(3, NewNote("good")));
  wanted[1].check_awaited = [] { return absl::CancelledError(); };
  const Together together(stored, wanted);
  REQUIRE(together.AllAnsweredOnce());
  CHECK(Ok(together.answers[0]).revision() == 2);
  CHECK(absl::IsCancelled(together.answers[1].status()));
  CHECK(Ok(together.answers[2]).revision() == 3);
  CHECK(stored.Count("select count(*) from notes") == 3);
}

TEST_CASE("a create with no time left takes none from the others of its round") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  std::vector<Wanted> wanted = AllOf(std::vector<Message>(2, NewNote("good")));
  wanted[0].call = [] { return rpc::Call{Us().caller, absl::Now()}; };
  const Together together(stored, wanted);
  REQUIRE(together.AllAnsweredOnce());
  CHECK(together.answers[1].ok());
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
  CHECK(Ok(together.answers[0]).revision() == 2);
  CHECK(Ok(together.answers[1]).revision() == 1);
  CHECK(Ok(together.answers[1]).alma_internal_organization() == testing::kTheirs);
  CHECK(Ok(together.answers[3]).DebugString() == Ok(together.answers[1]).DebugString());
  CHECK(ReasonOf(together.answers[5].status()) == "ALREADY_EXISTS");
  FollowUp reminder;
  reminder.set_event_uuid(NthUuid(1));
  reminder.mutable_follow_up_date()->set_seconds(5);
  CHECK(Ok(stored.reminders.Create(Us(), reminder)).revision() == 3);
}

TEST_CASE("a round of repeats alone stores nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Ok(stored.notes.Create(Us(), NamedNote(1, "x")));
  const Together together(stored, AllOf(std::vector<Message>(5, NamedNote(1, "x"))));
  REQUIRE(together.AllAnsweredOnce());
  for (const Answer& answer : together.answers) CHECK(Ok(answer).revision() == 1);
  CHECK(stored.Count("select revision from revisions") == 2);
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
  CHECK(refused >= 3);
  CHECK(shortest >= db::kRetryFullLane);
  CHECK(longest <= 1.5 * db::kRetryFullLane);
  // Or they would all come back together.
  CHECK(longest > shortest);
  CHECK(taken + refused == static_cast<int64_t>(together.answers.size()));
  CHECK(stored.Count("select revision from revisions") == taken + 1);
}

}  // namespace
}  // namespace alma::tenant
