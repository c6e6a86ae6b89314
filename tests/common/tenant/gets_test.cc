#include "common/tenant/gets.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/rpc/busy_worker.h"
#include "tests/common/tenant/asking.h"
#include "tests/support/concurrently.h"

namespace alma::tenant {
namespace {

using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;

TEST_CASE("gets that are read together are each answered with their own row or NOT_FOUND") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kOurs = 20;
  constexpr int kTheirs = 10;
  constexpr int kAsked = 200;
  STATIC_REQUIRE(kAsked > 3 * kMaxGetsTogether);
  Stored stored(engine);
  const std::vector<Message> ours = Fill(stored.notes, Us(), kOurs, "ours");
  const std::vector<Message> theirs = Fill(stored.notes, Them(), kTheirs, "theirs");
  // Every third is theirs; of the keys 0 to 29 we have 20 and they have 10.
  std::vector<Asked> asked;
  asked.reserve(kAsked);
  for (int i = 0; i < kAsked; ++i) asked.push_back({NthUuid(i % 30), i % 3 == 0 ? Them : Us});
  const auto answers = AskTogether(stored.notes, asked);
  REQUIRE(answers.size() == kAsked);
  for (int i = 0; i < kAsked; ++i) {
    CAPTURE(i);
    const std::vector<Message>& own = i % 3 == 0 ? theirs : ours;
    if (i % 30 < static_cast<int>(own.size())) {
      CHECK(Ok(answers[i]).DebugString() == own[i % 30].DebugString());
    } else {
      CHECK(answers[i].status() == status::NotFound("note"));
    }
  }
}

TEST_CASE("64 callers at once are each answered with their own row or NOT_FOUND") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kCallers = 64;
  constexpr int kRounds = 20;
  Stored stored(engine);
  const std::vector<Message> ours = Fill(stored.notes, Us(), kCallers);
  rpc::WorkerPool workers(3, 1000);
  Gets<Message> gets(stored.notes, workers);
  std::atomic<int> wrong = 0;
  testing::Concurrently(kCallers, [&](int caller) {
    for (int round = 0; round < kRounds; ++round) {
      const bool is_ours = (caller + round) % 4 != 0;
      Asking asking(gets, {{NthUuid(caller), is_ours ? Us : Them}});
      const Answer& answer = asking.Wait().front();
      const bool right = is_ours
                             ? answer.ok() && answer->DebugString() == ours[caller].DebugString()
                             : answer.status() == status::NotFound("note");
      if (!right) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a get sees the create that was acknowledged before it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kCallers = 16;
  constexpr int kRounds = 20;
  Stored stored(engine);
  rpc::WorkerPool workers(2, 1000);
  Gets<Message> gets(stored.notes, workers);
  std::atomic<int> wrong = 0;
  testing::Concurrently(kCallers, [&](int caller) {
    const auto call = caller % 2 == 0 ? Us : Them;
    for (int round = 0; round < kRounds; ++round) {
      const auto created = stored.notes.Create(call(), NewNote());
      if (!created.ok()) {
        ++wrong;
        continue;
      }
      Asking asking(gets, {{created->uuid(), call}});
      const Answer& read = asking.Wait().front();
      if (!read.ok() || read->DebugString() != created->DebugString()) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("who waits no more or may no more is left out and the others are answered") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const std::vector<Message> ours = Fill(stored.notes, Us(), 5);
  std::vector<Asked> asked = AllOf({NthUuid(0), NthUuid(1), NthUuid(2), NthUuid(3), NthUuid(4)});
  asked[0].check_admitted = [] { return status::DeadlineTooShort(); };
  asked[2].check_admitted = [] { return absl::CancelledError(); };
  asked[3].check_admitted = [] { return status::ApiKeyInvalid(); };
  const auto answers = AskTogether(stored.notes, asked);
  CHECK(answers[0].status() == status::DeadlineTooShort());
  CHECK(Ok(answers[1]).DebugString() == ours[1].DebugString());
  CHECK(absl::IsCancelled(answers[2].status()));
  CHECK(ReasonOf(answers[3].status()) == "API_KEY_INVALID");
  CHECK(Ok(answers[4]).DebugString() == ours[4].DebugString());

  for (Asked& one : asked) one.check_admitted = [] { return absl::CancelledError(); };
  for (const Answer& answer : AskTogether(stored.notes, asked)) {
    CHECK(absl::IsCancelled(answer.status()));
  }
}

TEST_CASE("a get with no time left takes none from those that are read with it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Fill(stored.notes, Us(), 2);
  std::vector<Asked> asked = AllOf({NthUuid(0), NthUuid(1), NthUuid(2)});
  // The first in a queue is taken whatever its deadline.
  asked[0].call = [] { return rpc::Call{Us().caller, absl::Now()}; };
  const auto answers = AskTogether(stored.notes, asked);
  CHECK(Ok(answers[1]).uuid() == NthUuid(1));
  CHECK(answers[2].status() == status::NotFound("note"));
  const auto alone = AskTogether(stored.notes, {asked[0]});
  CHECK(absl::IsDeadlineExceeded(alone[0].status()));
}

TEST_CASE("large rows that are read together are each answered whole") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kNotes = kMaxGetsTogether;
  Stored stored(engine);
  const auto notes = Fill(stored.notes, Us(), kNotes, std::string(200 * 1024, 'x'));
  std::vector<Asked> asked;
  asked.reserve(kMaxGetsTogether);
  for (size_t i = 0; i < kMaxGetsTogether; ++i) {
    asked.push_back({NthUuid(static_cast<int>(i) % kNotes)});
  }
  const auto answers = AskTogether(stored.notes, asked);
  for (size_t i = 0; i < answers.size(); ++i) {
    CAPTURE(i);
    CHECK(Ok(answers[i]).SerializeAsString() == notes[i % kNotes].SerializeAsString());
  }
}

TEST_CASE("gets beyond what waits for workers at most are refused and the others answered") {
  Stored stored(db::Engine::kSqlite);
  Fill(stored.notes, Us(), 2);
  rpc::WorkerPool workers(1, 2);
  Gets<Message> gets(stored.notes, workers);
  rpc::BusyWorker busy(workers);
  Asking asking(gets, AllOf({NthUuid(0), NthUuid(1), NthUuid(0)}));
  busy.GoOn();
  const auto& answers = asking.Wait();
  CHECK(Ok(answers[0]).uuid() == NthUuid(0));
  CHECK(Ok(answers[1]).uuid() == NthUuid(1));
  CHECK(ReasonOf(answers[2].status()) == "OVERLOADED");
  CHECK(status::RetryDelay(answers[2].status()) >= rpc::WorkerPool::kMinRetry);
}

TEST_CASE("a get that is made on a worker does not wait for one again") {
  Stored stored(db::Engine::kSqlite);
  Fill(stored.notes, Us(), 1);
  rpc::WorkerPool workers(1, 0);
  Gets<Message> gets(stored.notes, workers);
  Answer answer = absl::UnknownError("not answered");
  CHECK(gets.Get(Us(), NthUuid(0),
                 {.check_awaited = [] { return absl::OkStatus(); },
                  .finish = [&](Answer given) { answer = std::move(given); },
                  .check_admitted = [] { return absl::OkStatus(); },
                  .on_worker = true})
            .ok());
  CHECK(Ok(answer).uuid() == NthUuid(0));
}

TEST_CASE("gets that have been taken are answered before they or their workers end") {
  const bool workers_first = GENERATE(true, false);
  CAPTURE(workers_first);
  constexpr int kAsked = 300;
  Stored stored(db::Engine::kSqlite);
  Fill(stored.notes, Us(), 1);
  auto workers = std::make_unique<rpc::WorkerPool>(2, kAsked);
  auto gets = std::make_unique<Gets<Message>>(stored.notes, *workers);
  Asking asking(*gets, AllOf(std::vector<std::string>(kAsked, NthUuid(0))));
  if (workers_first) {
    workers.reset();
    CHECK(asking.AllAnswered());
  }
  gets.reset();
  CHECK(asking.AllAnswered());
  for (const Answer& answer : asking.Wait()) CHECK(answer.ok());
}

}  // namespace
}  // namespace alma::tenant
