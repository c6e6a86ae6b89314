#include "common/db/pool.h"

#include <thread>

#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/support/temporary_folder.h"

namespace alma::db {
namespace {

using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

TEST_CASE("a pool lends no more sessions than it has and gets them back") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  Pool pool(database->location(), Access::kRead, 2);
  {
    auto first = pool.Take(Soon());
    auto second = pool.Take(Soon());
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(&**first != &**second);
    const absl::Time begun = absl::Now();
    CHECK(pool.Take(begun + absl::Milliseconds(50)).status() == status::DeadlineExceeded());
    CHECK(absl::Now() - begun >= absl::Milliseconds(50));
  }
  CHECK(pool.Take(Soon()).ok());
}

TEST_CASE("who waits for a session gets the next that comes back") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  Pool pool(database->location(), Access::kRead, 1);
  auto taken = pool.Take(Soon());
  REQUIRE(taken.ok());
  absl::Status waited = absl::UnknownError("still waits");
  std::thread waiter([&] { waited = pool.Take(Soon()).status(); });
  absl::SleepFor(absl::Milliseconds(50));
  { const Pool::Lease returned = *std::move(taken); }
  waiter.join();
  CHECK(waited.ok());
}

TEST_CASE("a session keeps its connection unless a fresh one is asked for") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  Pool pool(database->location(), Access::kRead, 1);
  const auto backend = [&](bool fresh) {
    int64_t pid = 0;
    auto session = pool.Take(Soon(), fresh);
    REQUIRE(session.ok());
    REQUIRE((*session)
                ->Query("select pg_backend_pid()", {}, [&](Row& row) { pid = row.Int64(); })
                .ok());
    return pid;
  };
  const int64_t first = backend(false);
  CHECK(backend(false) == first);
  const int64_t second = backend(true);
  CHECK(second != first);
  CHECK(backend(false) == second);
}

TEST_CASE("what a session left undone is rolled back before the next has it") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  Pool pool(database->location(), Access::kWrite, 1);
  {
    auto session = pool.Take(Soon());
    REQUIRE(session.ok());
    REQUIRE((*session)->Begin(absl::Seconds(5)).ok());
    REQUIRE(testing::InsertItem(**session, 1).ok());
  }
  auto session = pool.Take(Soon());
  REQUIRE(session.ok());
  CHECK((*session)->Begin(absl::Seconds(5)).ok());
  CHECK(testing::InsertItem(**session, 1).ok());
  CHECK((*session)->Commit().ok());
  CHECK(testing::CountItems(*database) == 1);
}

TEST_CASE("a session that does not come out of a transaction is not lent with it") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  Pool pool(database->location(), Access::kWrite, 1);
  {
    auto session = pool.Take(Soon());
    REQUIRE(session.ok());
    REQUIRE((*session)->Execute("begin").ok());
    REQUIRE(testing::InsertItem(**session, 1).ok());
  }
  int64_t items = -1;
  auto session = pool.Take(Soon());
  REQUIRE(session.ok());
  REQUIRE((*session)
              ->Query("select count(*) from items", {}, [&](Row& row) { items = row.Int64(); })
              .ok());
  CHECK(items == 0);
}

TEST_CASE("a session of a lane gives up a lock that somebody else keeps") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  Pool holders(database->location(), Access::kWrite, 1);
  Pool lanes(database->location(), Access::kLane, 1);
  auto holder = holders.Take(Soon());
  REQUIRE(holder.ok());
  REQUIRE((*holder)->Begin(absl::Seconds(30)).ok());
  REQUIRE(testing::InsertItem(**holder, 1).ok());
  {
    auto session = lanes.Take(Soon());
    REQUIRE(session.ok());
    REQUIRE((*session)->Begin(absl::Seconds(30)).ok());
    (*session)->For("us");
    CHECK((*session)->LockedFor().empty());
    const absl::Time begun = absl::Now();
    CHECK(testing::InsertItem(**session, 1) == status::DatabaseUnavailable());
    CHECK(absl::Now() - begun >= kLockTimeout);
    CHECK(absl::Now() - begun < absl::Seconds(10));
    CHECK((*session)->LockedFor() == "us");
  }
  (*holder)->Reset();
  auto session = lanes.Take(Soon());
  REQUIRE(session.ok());
  CHECK((*session)->LockedFor().empty());
  CHECK(testing::InsertItem(**session, 1).ok());
}

TEST_CASE("a database that cannot be reached is tried again after a pause") {
  const testing::TemporaryFolder folder;
  const Location absent{
      .engine = Engine::kPostgresql, .target = "host='" + folder.path() + "'", .schema = "items"};
  Pool pool(absent, Access::kWrite, 3);
  for (int i = 0; i < 10; ++i) CHECK(pool.Take(Soon()).status() == status::DatabaseUnavailable());
}

}  // namespace
}  // namespace alma::db
