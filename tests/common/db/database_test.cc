#include "common/db/database.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"

namespace alma::db {
namespace {

using testing::CountItems;
using testing::Execute;
using testing::InsertItem;
using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

TEST_CASE("a write is kept when its function returns OK and answers what it answered") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto answer = database->Write(Soon(), [](Session& session) -> absl::StatusOr<std::string> {
    if (absl::Status inserted = InsertItem(session, 1); !inserted.ok()) return inserted;
    return "stored";
  });
  CHECK(answer.value() == "stored");
  CHECK(CountItems(*testing::OpenAnother(*database)) == 1);
}

TEST_CASE("a write is undone when its function returns an error") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto answer = database->Write(Soon(), [](Session& session) -> absl::StatusOr<std::string> {
    CHECK(InsertItem(session, 1).ok());
    return status::NotFound("item");
  });
  CHECK(answer.status() == status::NotFound("item"));
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("a write is undone when a statement failed and its function made nothing of it") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const absl::Status answer = database->Write(Soon(), [](Session& session) {
    CHECK(InsertItem(session, 1).ok());
    CHECK_FALSE(InsertItem(session, 1).ok());
    return absl::OkStatus();
  });
  CHECK(answer == status::Internal());
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("a discarded write answers OK and keeps nothing") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  const absl::Status answer = database->Write(Soon(), [](Session& session) {
    session.Discard();
    return InsertItem(session, 1);
  });
  CHECK(answer.ok());
  CHECK(CountItems(*database) == 0);
  // The next user of the session is not affected.
  CHECK(database->Write(Soon(), [](Session& session) { return InsertItem(session, 2); }).ok());
  CHECK(CountItems(*database) == 1);
}

TEST_CASE("an exception of a function leaves neither data nor an open transaction") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  const auto throws = [](Session& session) -> absl::Status {
    CHECK(InsertItem(session, 1).ok());
    throw std::runtime_error("of the caller");
  };
  CHECK_THROWS(database->Write(Soon(), throws));
  CHECK(database->Write(Soon(), [](Session& session) { return InsertItem(session, 2); }).ok());
  CHECK(CountItems(*testing::OpenAnother(*fixture)) == 1);
}

TEST_CASE("a write sees what it wrote and others see it after the commit only") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    CHECK(InsertItem(session, 1).ok());
    CHECK(*session.Query("select id from items", {}, [](Row&) {}) == 1);
    CHECK(CountItems(*database) == 0);
    return absl::OkStatus();
  });
  CHECK(written.ok());
  CHECK(CountItems(*database) == 1);
}

TEST_CASE("writers on SQLite follow one another") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const absl::Status written = database->Write(Soon(), [&](Session& session) {
        most = std::max(most.load(), ++inside);
        absl::SleepFor(absl::Milliseconds(5));
        --inside;
        return InsertItem(session, i);
      });
      if (!written.ok()) most = 100;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most == 1);
  CHECK(CountItems(*database) == 8);
}

TEST_CASE("a deadlock on PostgreSQL is run again until both writers are through") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  REQUIRE(Execute(*database, "insert into items (id, number) values (1, 0), (2, 0)").ok());
  std::atomic<int> runs = 0;
  absl::Notification first_has;
  absl::Notification second_has;
  const auto add_to = [&](int64_t first, int64_t second, absl::Notification& mine,
                          absl::Notification& other) {
    return database->Write(Soon(), [&, first, second](Session& session) -> absl::Status {
      ++runs;
      constexpr char kAdd[] = "update items set number = number + 1 where id = :id";
      if (absl::Status added = session.Execute(kAdd, {{"id", first}}); !added.ok()) return added;
      if (!mine.HasBeenNotified()) {
        mine.Notify();
        other.WaitForNotification();
      }
      return session.Execute(kAdd, {{"id", second}});
    });
  };
  absl::Status one;
  std::thread thread([&] { one = add_to(1, 2, first_has, second_has); });
  const absl::Status two = add_to(2, 1, second_has, first_has);
  thread.join();
  CHECK(one.ok());
  CHECK(two.ok());
  CHECK(runs >= 3);
  CHECK(testing::SelectInt64(*database, "select sum(number) from items") == 4);
}

TEST_CASE("a conflict is run again though the function went on after it") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  int runs = 0;
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    if (++runs == 1) {
      CHECK_FALSE(
          session.Execute("do $$ begin raise exception 'x' using errcode = '40001'; end $$").ok());
      CHECK_FALSE(InsertItem(session, 1).ok());
      return absl::OkStatus();
    }
    return InsertItem(session, 2);
  });
  CHECK(written.ok());
  CHECK(runs == 2);
}

// Holds the write lock of a SQLite file as another process would, for longer than SQLite itself
// waits.
class OtherWriter {
 public:
  OtherWriter(const Database& database, absl::Duration duration)
      : database_(testing::OpenAnother(database)) {
    thread_ = std::thread([this, duration] {
      const absl::Status written = database_->Write(Soon(), [&](Session&) {
        holds_.Notify();
        absl::SleepFor(duration);
        return absl::OkStatus();
      });
      if (!written.ok()) std::terminate();
    });
    holds_.WaitForNotification();
  }
  ~OtherWriter() { thread_.join(); }

 private:
  const std::unique_ptr<Database> database_;
  absl::Notification holds_;
  std::thread thread_;
};

TEST_CASE("a write on SQLite waits for the one of another process") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  const OtherWriter other(*database, absl::Milliseconds(1200));
  CHECK(database->Write(Soon(), [](Session& session) { return InsertItem(session, 1); }).ok());
  CHECK(CountItems(*database) == 1);
}

TEST_CASE("a write on SQLite gives up on another process at its deadline") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  const OtherWriter other(*database, absl::Milliseconds(1500));
  const absl::Time begun = absl::Now();
  int runs = 0;
  const absl::Status written = database->Write(begun + absl::Milliseconds(300), [&](Session&) {
    ++runs;
    return absl::OkStatus();
  });
  CHECK(written == status::DeadlineExceeded());
  CHECK(absl::Now() - begun < absl::Seconds(1));
  CHECK(runs == 0);
  // Reads do not wait for writers.
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("who waits for a session gives up at the deadline") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  const auto never = [](Session&) -> absl::Status { return absl::UnknownError("ran"); };
  const auto soon = [] { return absl::Now() + absl::Milliseconds(50); };
  CHECK(database
            ->Write(Soon(),
                    [&](Session&) {
                      CHECK(database->Write(soon(), never) == status::DeadlineExceeded());
                      return absl::OkStatus();
                    })
            .ok());
  CHECK(database
            ->Read(Soon(),
                   [&](Session&) {
                     CHECK(database->Read(soon(), never) == status::DeadlineExceeded());
                     return absl::OkStatus();
                   })
            .ok());
}

TEST_CASE("nothing runs after the deadline") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto never = [](Session&) -> absl::Status { return absl::UnknownError("ran"); };
  for (const absl::Time deadline :
       {absl::Now(), absl::InfinitePast(), absl::Now() - absl::Hours(1)}) {
    CHECK(database->Write(deadline, never) == status::DeadlineExceeded());
    CHECK(database->Read(deadline, never) == status::DeadlineExceeded());
  }
}

TEST_CASE(
    "a statement on PostgreSQL is cut at the deadline of its write and the connection lives on") {
  TestDatabase fixture(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  const int64_t backend = testing::SelectInt64(*database, "select pg_backend_pid()");
  const absl::Time begun = absl::Now();
  const absl::Status written =
      database->Write(begun + absl::Milliseconds(300), [](Session& session) {
        CHECK(InsertItem(session, 1).ok());
        return session.Execute("select pg_sleep(20)");
      });
  CHECK(written == status::DeadlineExceeded());
  CHECK(absl::Now() - begun < absl::Seconds(2));
  CHECK(testing::SelectInt64(*database, "select pg_backend_pid()") == backend);
  CHECK(CountItems(*database) == 0);
}

}  // namespace
}  // namespace alma::db
