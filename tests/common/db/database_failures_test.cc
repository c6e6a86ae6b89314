#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/db/database.h"
#include "common/db/migration.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/support/temporary_folder.h"

// A database that dies, fills up, becomes read-only or is not there.
namespace alma::db {
namespace {

using testing::CountItems;
using testing::EndConnectionsOfOthers;
using testing::Execute;
using testing::InsertItem;
using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

TEST_CASE("connections that died between calls are replaced without a word") {
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 8);
  constexpr int kThreads = 8;
  std::atomic<int> failed = 0;
  const auto all_at_once = [&](auto call) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        if (!call(i).ok()) ++failed;
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  // Long enough that each thread has a session of its own.
  const auto read = [&](int) {
    return database->Read(Soon(),
                          [](Session& session) { return session.Execute("select pg_sleep(0.1)"); });
  };
  const auto write = [&](int i) {
    return database->Write(Soon(), [i](Session& session) {
      const absl::Status slept = session.Execute("select pg_sleep(0.1)");
      return slept.ok() ? InsertItem(session, i) : slept;
    });
  };
  all_at_once(read);
  CHECK(EndConnectionsOfOthers(*other) == kThreads);
  all_at_once(read);
  CHECK(EndConnectionsOfOthers(*other) == kThreads);
  all_at_once(write);
  CHECK(failed == 0);
  CHECK(CountItems(*database) == kThreads);
}

TEST_CASE("one call after another outlives a restart that ended idle connections") {
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 8);
  std::atomic<bool> done = false;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int id = i; !done; id += 4) {
        const absl::Status written =
            database->Write(Soon(), [id](Session& session) { return InsertItem(session, id); });
        // What dies while it commits may be UNAVAILABLE.
        if (!written.ok() && !absl::IsUnavailable(written)) ++failed;
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    absl::SleepFor(absl::Milliseconds(30));
    EndConnectionsOfOthers(*other);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(CountItems(*database) > 0);
}

TEST_CASE("a connection that dies within a read is replaced and the read begins anew") {
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 8);
  int runs = 0;
  const auto rows = database->Read(Soon(), [&](Session& session) {
    CHECK(session.Execute("select 1 from items").ok() == true);
    if (++runs == 1) EndConnectionsOfOthers(*other);
    return session.Query("select 1", {}, [](Row&) {});
  });
  CHECK(rows.value() == 1);
  CHECK(runs == 2);
}

TEST_CASE("a connection that dies within a write is replaced and the write is stored once") {
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 8);
  int runs = 0;
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    CHECK(InsertItem(session, 1).ok());
    if (++runs == 1) EndConnectionsOfOthers(*other);
    return InsertItem(session, 2);
  });
  CHECK(written.ok());
  CHECK(runs == 2);
  CHECK(CountItems(*database) == 2);
}

TEST_CASE("a connection that dies at the commit is UNAVAILABLE and the write is not run again") {
  const bool body_commits = GENERATE(false, true);
  CAPTURE(body_commits);
  TestDatabase other(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*other, 1);
  // Its commit is prepared: one that dies before that is known not to have been sent.
  REQUIRE(database->Write(Soon(), [](Session&) { return absl::OkStatus(); }).ok());
  int runs = 0;
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    ++runs;
    CHECK(InsertItem(session, 1).ok());
    EndConnectionsOfOthers(*other);
    return body_commits ? session.Commit() : absl::OkStatus();
  });
  CHECK(written == status::DatabaseUnavailable());
  CHECK(runs == 1);
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("a connection that dies again and again is UNAVAILABLE") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  int runs = 0;
  const absl::Status read = database->Read(Soon(), [&](Session& session) {
    ++runs;
    return session.Execute("select pg_terminate_backend(pg_backend_pid())");
  });
  CHECK(read == status::DatabaseUnavailable());
  CHECK(runs == 2);
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("a full SQLite file is RESOURCE_EXHAUSTED until there is room") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  REQUIRE(Execute(*database, "pragma max_page_count = 20").ok());
  const std::string big(200 * 1024, 'x');
  const auto insert = [&](Session& session) { return InsertItem(session, 1, big); };
  const absl::Status written = database->Write(Soon(), insert);
  CHECK(written == status::DatabaseFull());
  CHECK(absl::IsResourceExhausted(written));
  CHECK(database->Write(Soon(), insert) == status::DatabaseFull());
  CHECK(CountItems(*database) == 0);
  REQUIRE(Execute(*database, "pragma max_page_count = 1000").ok());
  CHECK(database->Write(Soon(), insert).ok());
}

// Makes every insert into items fail with `errcode`.
void FailInserts(Database& database, const std::string& errcode) {
  REQUIRE(Execute(database,
                  absl::StrCat(
                      "create function fail() returns trigger language plpgsql as $$ begin raise "
                      "exception 'very private' using errcode = '",
                      errcode, "'; end $$"))
              .ok());
  REQUIRE(Execute(database,
                  "create trigger fail before insert on items for each row execute function fail()")
              .ok());
}

TEST_CASE("the failures of PostgreSQL become the statuses that the contract names") {
  const auto [errcode, expected] = GENERATE(table<std::string, absl::Status>({
      {"53100", status::DatabaseFull()},
      {"25006", status::DatabaseUnavailable()},
      {"42P01", status::DatabaseUnavailable()},
      {"3F000", status::DatabaseUnavailable()},
      {"57P01", status::DatabaseUnavailable()},
      {"53300", status::DatabaseUnavailable()},
      {"08006", status::DatabaseUnavailable()},
      {"57014", status::DeadlineExceeded()},
      {"23505", status::Internal()},
      {"42501", status::Internal()},
      {"XX000", status::Internal()},
  }));
  CAPTURE(errcode);
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  FailInserts(*database, errcode);
  CHECK(database->Write(Soon(), [](Session& session) { return InsertItem(session, 1); }) ==
        expected);
  CHECK(CountItems(*database) == 0);
}

TEST_CASE("a conflict that does not end is DEADLINE_EXCEEDED at the deadline") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  FailInserts(*database, "40001");
  int runs = 0;
  const absl::Time begun = absl::Now();
  const absl::Status written =
      database->Write(begun + absl::Milliseconds(500), [&](Session& session) {
        ++runs;
        return InsertItem(session, 1);
      });
  CHECK(written == status::DeadlineExceeded());
  CHECK(runs > 5);
  CHECK(absl::Now() - begun < absl::Seconds(1));
}

TEST_CASE("a database that only reads is UNAVAILABLE for writes") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const char* only_read =
      engine == Engine::kSqlite ? "pragma query_only = on" : "set transaction read only";
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    CHECK(session.Execute(only_read).ok());
    return InsertItem(session, 1);
  });
  CHECK(written == status::DatabaseUnavailable());
  CHECK(CountItems(*database) == 0);
  // And not for longer than that.
  CHECK(database->Write(Soon(), [](Session& session) { return InsertItem(session, 1); }).ok());
}

TEST_CASE("a SQLite file that was moved away is UNAVAILABLE and no empty one takes its place") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  const std::string path = database->location().target;
  const auto insert = [](int64_t id) {
    return [id](Session& session) { return InsertItem(session, id); };
  };
  REQUIRE(database->Write(Soon(), insert(1)).ok());
  std::filesystem::rename(path, path + ".moved");
  const auto read = [](Session& session) { return session.Execute("select id from items"); };
  for (int i = 0; i < 3; ++i) {
    CHECK(database->Write(Soon(), insert(2)) == status::DatabaseUnavailable());
    CHECK(database->Read(Soon(), read) == status::DatabaseUnavailable());
  }
  CHECK_FALSE(std::filesystem::exists(path));
  std::filesystem::rename(path + ".moved", path);
  absl::SleepFor(absl::Milliseconds(250));
  CHECK(database->Write(Soon(), insert(2)).ok());
  CHECK(CountItems(*database) == 2);
}

TEST_CASE("a file that is no database is UNAVAILABLE") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/items.db";
  std::filesystem::copy_file("/proc/self/exe", path);
  const auto database = testing::OpenUrl("sqlite://" + path);
  CHECK(database->Read(Soon(), [](Session& session) { return session.Execute("select 1"); }) ==
        status::DatabaseUnavailable());
  CHECK(Migrate(*database, /*dry_run=*/false).status() == status::DatabaseUnavailable());
}

TEST_CASE("a database that is not there is UNAVAILABLE at once") {
  const testing::TemporaryFolder folder;
  const char* const postgres = std::getenv("ALMA_TEST_POSTGRES");
  REQUIRE(postgres != nullptr);
  for (const std::string& url :
       {"sqlite://" + folder.path() + "/absent/x.db", "sqlite://" + folder.path() + "/",
        "postgresql:///postgres?host=" + folder.path(),
        std::string("postgresql://127.0.0.1:1/postgres"),
        std::string(postgres) + "&dbname=alma_absent"}) {
    CAPTURE(url);
    const auto database = testing::OpenUrl(url);
    const absl::Time begun = absl::Now();
    const auto never = [](Session&) -> absl::Status { return absl::UnknownError("ran"); };
    for (int i = 0; i < 3; ++i) {
      CHECK(database->Read(Soon(), never) == status::DatabaseUnavailable());
      CHECK(database->Write(Soon(), never) == status::DatabaseUnavailable());
    }
    CHECK(absl::Now() - begun < absl::Seconds(1));
  }
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/items.db"));
}

TEST_CASE("a database that was never migrated is UNAVAILABLE") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  const testing::EmptyPlace place(engine);
  const auto read = [](Session& session) { return session.Execute("select id from items"); };
  CHECK(place.Open(ItemSchema())->Read(Soon(), read) == status::DatabaseUnavailable());
  TestDatabase database(engine, ItemSchema());
  REQUIRE(Execute(*database, "drop table items").ok());
  CHECK(database->Read(Soon(), read) == status::DatabaseUnavailable());
}

}  // namespace
}  // namespace alma::db
