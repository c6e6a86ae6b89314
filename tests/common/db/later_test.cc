#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/db/pool.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"

// Session::QueryLater and what a transaction leaves for its next statement.
namespace alma::db {
namespace {

using testing::CountItems;
using testing::EndConnectionsOfOthers;
using testing::InsertItem;
using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

constexpr std::string_view kInsert =
    "insert into items (id, content) values (:id, 'later') returning id";

// Inserts a row with the next statement, which notes its id in `seen`.
absl::Status InsertLater(Session& session, int id, std::vector<int64_t>& seen) {
  return session.QueryLater(kInsert, {{"id", id}},
                            [&seen](Row& row) { seen.push_back(row.Int64()); });
}

TEST_CASE("what is left for later gives its rows before those of the next statement") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  std::vector<int64_t> seen;
  const auto rows = database->Write(Soon(), [&](Session& session) -> absl::StatusOr<int64_t> {
    REQUIRE(InsertLater(session, 1, seen).ok());
    REQUIRE(InsertLater(session, 2, seen).ok());
    CHECK(seen.size() == (engine == Engine::kSqlite ? 2 : 0));
    return session.Query("select count(*) from items", {},
                         [&](Row& row) { seen.push_back(10 * row.Int64()); });
  });
  CHECK(rows.value() == 1);
  CHECK(seen == std::vector<int64_t>{1, 2, 20});
}

TEST_CASE("what is left for later is done by many runs and by a flush") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const std::vector<std::vector<Param>> runs = {{{"id", 1}}, {{"id", 2}}};
  std::vector<int64_t> seen;
  std::vector<size_t> found;
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    REQUIRE(InsertLater(session, 1, seen).ok());
    REQUIRE(session
                .QueryEach("select id from items where id = :id", runs,
                           [&](size_t run, Row&) { found.push_back(run); })
                .ok());
    CHECK(seen == std::vector<int64_t>{1});
    REQUIRE(session.ExecuteLater({{kInsert, kInsert}}, {{{"id", 3}}, {{"id", 4}}}).ok());
    REQUIRE(InsertLater(session, 5, seen).ok());
    REQUIRE(session.Flush().ok());
    CHECK(seen == std::vector<int64_t>{1, 5});
    return session.Flush();
  });
  CHECK(written.ok());
  CHECK(found == std::vector<size_t>{0});
  CHECK(CountItems(*database) == 4);
}

TEST_CASE("what is left for later is stored by the commit") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  std::vector<int64_t> seen;
  CHECK(database->Write(Soon(), [&](Session& session) { return InsertLater(session, 1, seen); })
            .ok());
  CHECK(seen == std::vector<int64_t>{1});
  CHECK(CountItems(*database) == 1);
}

TEST_CASE("what is left for later and fails stores nothing and the session goes on") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  // Else it is sent together with the commit.
  const bool rows_awaited = GENERATE(false, true);
  CAPTURE(engine, rows_awaited);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  std::vector<int64_t> seen;
  const auto write = [&](const std::vector<int>& ids) {
    return database->Write(Soon(), [&](Session& session) {
      for (const int id : ids) {
        absl::Status left = rows_awaited ? InsertLater(session, id, seen)
                                         : session.ExecuteLater(kInsert, {{"id", id}});
        if (!left.ok()) return left;
      }
      return absl::OkStatus();
    });
  };
  REQUIRE(write({1, 2}).ok());
  CHECK(CountItems(*fixture) == 2);
  CHECK(write({3, 2, 4}) == status::Internal());
  CHECK(CountItems(*fixture) == 2);
  CHECK(write({3, 4}).ok());
  CHECK(CountItems(*fixture) == 4);
}

TEST_CASE("a row of what is left for later that does not read fails the write") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    return session.QueryLater("insert into items (id, content) values (1, 'x') returning content",
                              {}, [](Row& row) { row.Int64(); });
  });
  CHECK(written == status::Internal());
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("what is left for later ends with a write that fails or that is discarded") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  std::vector<int64_t> seen;
  CHECK(database->Write(Soon(), [&](Session& session) {
    REQUIRE(InsertLater(session, 1, seen).ok());
    return absl::AbortedError("not this one");
  }) == absl::AbortedError("not this one"));
  CHECK(database
            ->Write(Soon(),
                    [&](Session& session) {
                      session.Discard();
                      return InsertLater(session, 2, seen);
                    })
            .ok());
  CHECK(database->Write(Soon(), [](Session& session) { return InsertItem(session, 3); }).ok());
  CHECK(CountItems(*database) == 1);
}

TEST_CASE("a write without a statement is none") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  for (int i = 0; i < 3; ++i) {
    CHECK(database->Write(Soon(), [](Session&) { return absl::OkStatus(); }).ok());
  }
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("a connection that died before the first statement is replaced") {
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 1);
  int runs = 0;
  std::vector<int64_t> seen;
  const auto write = [&](int id) {
    return database->Write(Soon(), [&](Session& session) {
      ++runs;
      seen.clear();
      const absl::Status left = InsertLater(session, id, seen);
      return left.ok() ? session.Flush() : left;
    });
  };
  REQUIRE(write(1).ok());
  CHECK(EndConnectionsOfOthers(*other) == 1);
  CHECK(write(2).ok());
  CHECK(runs == 3);
  CHECK(seen == std::vector<int64_t>{2});
  CHECK(CountItems(*database) == 2);
}

TEST_CASE("behind a statement that failed a write does nothing more") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  const bool commits = GENERATE(false, true);
  CAPTURE(engine, commits);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  for (int i = 0; i < 2; ++i) {
    const absl::Status written = database->Write(Soon(), [&](Session& session) {
      const absl::Status failed = session.Execute("insert into absent (id) values (1)");
      CHECK_FALSE(failed.ok());
      CHECK(InsertItem(session, 1) == failed);
      CHECK(session.ExecuteEach("insert into items (id) values (:id)",
                                {{{"id", 2}}, {{"id", 3}}}) == failed);
      if (commits) CHECK(session.Commit() == failed);
      return absl::OkStatus();
    });
    CHECK_FALSE(written.ok());
    CHECK(CountItems(*fixture) == 0);
  }
}

TEST_CASE("a lock that is not to be had is that of who left the statement for later") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  Pool holders(database->location(), Access::kWrite, 1);
  Pool lanes(database->location(), Access::kLane, 1);
  auto holder = holders.Take(Soon());
  REQUIRE(holder.ok());
  for (int i = 0; i < 2; ++i) {
    auto session = lanes.Take(Soon());
    REQUIRE(session.ok());
    REQUIRE((*session)->Begin(absl::Seconds(30)).ok());
    (*session)->For("first");
    REQUIRE((*session)->ExecuteLater(kInsert, {{"id", 1}}).ok());
    (*session)->For("second");
    // Once it is prepared somebody keeps what inserts wait for, and reads do not.
    const absl::Status read = (*session)->Execute("select id from items");
    CHECK(read == (i == 0 ? absl::OkStatus() : status::DatabaseUnavailable()));
    CHECK((*session)->LockedFor() == (i == 0 ? "" : "first"));
    (*session)->For("third");
    CHECK((*session)->LockedFor() == (i == 0 ? "" : "first"));
    if (i > 0) break;
    REQUIRE((*holder)->Begin(absl::Seconds(30)).ok());
    (*session)->Reset();
    REQUIRE((*holder)->Execute("lock table items in share mode").ok());
  }
}

TEST_CASE("a statement that waits for a lock to be prepared ends in time") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  Pool holders(database->location(), Access::kWrite, 1);
  auto holder = holders.Take(Soon());
  REQUIRE(holder.ok());
  REQUIRE((*holder)->Begin(absl::Seconds(30)).ok());
  REQUIRE((*holder)->Execute("lock table items in access exclusive mode").ok());
  Pool pool(database->location(), Access::kWrite, 1);
  auto session = pool.Take(Soon());
  REQUIRE(session.ok());
  const absl::Time begun = absl::Now();
  REQUIRE((*session)->Begin(absl::Milliseconds(200)).ok());
  REQUIRE((*session)->ExecuteLater(kInsert, {{"id", 1}}).ok());
  CHECK((*session)->Commit() == status::DeadlineExceeded());
  CHECK(absl::Now() - begun < absl::Seconds(10));
}

TEST_CASE("a body may commit what it wrote and nothing is committed twice") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  for (int id = 0; id < 3; ++id) {
    const absl::Status written = database->Write(Soon(), [&](Session& session) {
      const absl::Status inserted = session.ExecuteLater(kInsert, {{"id", id}});
      return inserted.ok() ? session.Commit() : inserted;
    });
    CHECK(written.ok());
    CHECK(CountItems(*fixture) == id + 1);
  }
}

TEST_CASE("a connection that ends before the commit behind it is replaced") {
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 1);
  int runs = 0;
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    const absl::Status inserted = session.ExecuteLater(kInsert, {{"id", 1}});
    if (!inserted.ok() || ++runs > 1) return inserted;
    return session.ExecuteLater("select pg_terminate_backend(pg_backend_pid())", {});
  });
  CHECK(written.ok());
  CHECK(runs == 2);
  CHECK(CountItems(*database) == 1);
}

TEST_CASE("the limit of statements is in force with the first") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  Pool pool(database->location(), Access::kWrite, 1);
  auto session = pool.Take(Soon());
  REQUIRE(session.ok());
  REQUIRE((*session)->Begin(absl::Milliseconds(50)).ok());
  CHECK((*session)->Execute("select pg_sleep(10)") == status::DeadlineExceeded());
  (*session)->Reset();
  // Nor longer than the transaction.
  CHECK((*session)->Execute("select pg_sleep(0.2)").ok());
}

}  // namespace
}  // namespace alma::db
