#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "tests/common/tenant/together.h"
#include "tests/support/eventually.h"

// Creates in rounds while somebody else keeps an organization's lock, as a long import does.
namespace alma::tenant {
namespace {

using testing::Eventually;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;

std::vector<int64_t> RevisionsOf(const InFlight& created) {
  const std::vector<Answer> answers = created.Answers();
  std::vector<int64_t> revisions;
  revisions.reserve(answers.size());
  for (const Answer& answer : answers) revisions.push_back(Ok(answer).revision());
  return revisions;
}

std::vector<int64_t> FirstRevisions(int64_t count) {
  std::vector<int64_t> revisions;
  revisions.reserve(count);
  for (int64_t i = 1; i <= count; ++i) revisions.push_back(i);
  return revisions;
}

TEST_CASE("an organization whose lock is kept keeps no other waiting and is stored in its order") {
  Stored stored(db::Engine::kPostgresql);
  // Whether its lock is the first or the last that a round takes.
  const auto [locked, locked_call, free_call] =
      GENERATE(table<std::string, rpc::Call (*)(), rpc::Call (*)()>(
          {{testing::kOurs, Us, Them}, {testing::kTheirs, Them, Us}}));
  CAPTURE(locked);
  constexpr int kEach = 5;
  InFlight waiting(stored.notes);
  InFlight free(stored.notes);
  const auto create = [&, locked_call = locked_call, free_call = free_call] {
    for (int i = 0; i < kEach; ++i) {
      waiting.Create({NewNote(), locked_call});
      free.Create({NewNote(), free_call});
    }
    return Eventually([&] { return free.AllAnswered(); }, absl::Seconds(1));
  };
  const absl::Status held = WhileLocked(*stored.database, locked, [&] {
    CHECK(create());
    CHECK(create());
    CHECK_FALSE(waiting.AnyAnswered());
  });
  CHECK(held.ok());
  CHECK(RevisionsOf(waiting) == FirstRevisions(2 * kEach));
  CHECK(RevisionsOf(free) == FirstRevisions(2 * kEach));
  CHECK(waiting.EachAnsweredOnce());
  const std::vector<size_t> order = waiting.Order();
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("creates keep their order while their organization's lock comes and goes") {
  Stored stored(db::Engine::kPostgresql);
  constexpr int kRounds = 3;
  constexpr int kEach = 100;
  InFlight created(stored.notes);
  const auto create = [&] {
    for (int i = 0; i < kEach; ++i) {
      created.Create({NewNote()});
      absl::SleepFor(absl::Milliseconds(2));
    }
  };
  for (int i = 0; i < kRounds; ++i) {
    CHECK(WhileLocked(*stored.database, testing::kOurs, create).ok());
    create();
  }
  CHECK(RevisionsOf(created) == FirstRevisions(2 * kRounds * kEach));
}

TEST_CASE("a create that breaks while its organization is locked fails alone") {
  Stored stored(db::Engine::kPostgresql);
  InFlight created(stored.notes);
  const absl::Status held = WhileLocked(*stored.database, testing::kOurs, [&] {
    for (const char* content : {"good", "spoilt", "good"}) created.Create({NewNote(content)});
    absl::SleepFor(3 * db::kLockTimeout);
  });
  CHECK(held.ok());
  const std::vector<Answer> answers = created.Answers();
  CHECK(Ok(answers[0]).revision() == 1);
  CHECK(ReasonOf(answers[1].status()) == "INTERNAL");
  CHECK(Ok(answers[2]).revision() == 2);
}

TEST_CASE("an organization whose lock is free again does not wait for one whose lock is kept") {
  Stored stored(db::Engine::kPostgresql);
  // More than a round takes.
  constexpr size_t kMany = 2 * db::kMaxRoundWrites;
  InFlight kept(stored.notes);
  InFlight freed(stored.notes);
  InFlight later(stored.notes);
  const absl::Status held = WhileLocked(*stored.database, testing::kOurs, [&] {
    const absl::Status both = WhileLocked(*stored.database, testing::kTheirs, [&] {
      for (size_t i = 0; i < kMany; ++i) kept.Create({NewNote()});
      freed.Create({NewNote(), Them});
      absl::SleepFor(3 * db::kLockTimeout);
    });
    CHECK(both.ok());
    CHECK(Eventually([&] { return freed.AllAnswered(); }, 2 * db::kPatientLockTimeout));
    // Nor does who comes to be locked while another already waits.
    const absl::Status again = WhileLocked(*stored.database, testing::kTheirs, [&] {
      later.Create({NewNote(), Them});
      absl::SleepFor(3 * db::kLockTimeout);
    });
    CHECK(again.ok());
    CHECK(Eventually([&] { return later.AllAnswered(); }, 3 * db::kPatientLockTimeout));
    CHECK_FALSE(kept.AnyAnswered());
  });
  CHECK(held.ok());
  CHECK(RevisionsOf(kept) == FirstRevisions(kMany));
  CHECK(RevisionsOf(freed) == FirstRevisions(1));
  CHECK(Ok(later.Answers().front()).revision() == 2);
}

TEST_CASE("a create that waits for a lock is not stored once its key is known to have ended") {
  Stored stored(db::Engine::kPostgresql);
  std::atomic<bool> ended = false;
  Wanted wanted{NewNote()};
  wanted.check_known = [&] { return ended ? status::ApiKeyInvalid() : absl::OkStatus(); };
  InFlight created(stored.notes);
  const absl::Status held = WhileLocked(*stored.database, testing::kOurs, [&] {
    created.Create(wanted);
    created.Create({NewNote()});
    absl::SleepFor(3 * db::kLockTimeout);
    ended = true;
    CHECK(Eventually([&] { return created.AnyAnswered(); }, 3 * db::kPatientLockTimeout));
  });
  CHECK(held.ok());
  CHECK(ReasonOf(created.Answers()[0].status()) == "API_KEY_INVALID");
  CHECK(Ok(created.Answers()[1]).revision() == 1);
  CHECK(stored.Count("select count(*) from notes") == 1);
}

TEST_CASE("a create that waits for a lock until its deadline is DEADLINE_EXCEEDED") {
  Stored stored(db::Engine::kPostgresql);
  InFlight created(stored.notes);
  const auto soon = [] { return rpc::Call{Us().caller, absl::Now() + absl::Milliseconds(500)}; };
  const absl::Status held = WhileLocked(*stored.database, testing::kOurs, [&] {
    created.Create({NewNote(), soon});
    CHECK(Eventually([&] { return created.AllAnswered(); }));
  });
  CHECK(held.ok());
  CHECK(absl::IsDeadlineExceeded(created.Answers().front().status()));
  CHECK(stored.Count("select count(*) from notes") == 0);
  CHECK(Ok(stored.notes.Create(Us(), NewNote())).revision() == 1);
}

}  // namespace
}  // namespace alma::tenant
