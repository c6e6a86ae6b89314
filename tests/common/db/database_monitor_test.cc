#include <filesystem>

#include "absl/time/clock.h"
#include "common/db/database.h"
#include "common/db/migration.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/support/postgres_cluster.h"

// Database::Ready and the refusal of a schema that does not fit.
namespace alma::db {
namespace {

using testing::Execute;
using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

constexpr absl::Duration kContract = absl::Seconds(1);

// Whether Ready() becomes `ready` within what the contract allows.
bool Becomes(const Database& database, bool ready) {
  const absl::Time until = absl::Now() + kContract;
  while (database.Ready() != ready && absl::Now() < until) absl::SleepFor(absl::Milliseconds(5));
  return database.Ready() == ready;
}

absl::Status ReadOne(Database& database) {
  return database.Read(Soon(), [](Session& session) { return session.Execute("select 1"); });
}

// A step of a newer binary: `oldest_binary` is the oldest last step that still works with it.
void AddStep(Database& database, int id, int oldest_binary) {
  REQUIRE(Execute(database,
                  "insert into schema_migrations (id, name, applied_at, oldest_binary) "
                  "values (:id, 'newer', '2024-01-01 00:00:00.000000+00', :oldest_binary)",
                  {{"id", id}, {"oldest_binary", oldest_binary}})
              .ok());
}

TEST_CASE("a database is ready while its monitor sees it") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  CHECK_FALSE(database->Ready());
  database->StartMonitor();
  CHECK(database->Ready());
  absl::SleepFor(2 * kContract);
  CHECK(database->Ready());
}

TEST_CASE("a SQLite file that is moved away and back is not ready and ready within a second") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  const std::string path = database->location().target;
  database->StartMonitor();
  CHECK(database->Ready());
  std::filesystem::rename(path, path + ".moved");
  CHECK(Becomes(*database, false));
  CHECK(ReadOne(*database) == status::DatabaseUnavailable());
  CHECK_FALSE(std::filesystem::exists(path));
  std::filesystem::rename(path + ".moved", path);
  CHECK(Becomes(*database, true));
  // The read above failed to connect; until 200 ms later nobody tries again.
  absl::SleepFor(absl::Milliseconds(250));
  CHECK(ReadOne(*database).ok());
}

TEST_CASE("a PostgreSQL that crashes and comes back is not ready and ready within a second") {
  testing::PostgresCluster cluster;
  const auto database = testing::OpenUrl(cluster.url());
  REQUIRE(Migrate(*database, /*dry_run=*/false).ok());
  database->StartMonitor();
  CHECK(database->Ready());
  cluster.Crash();
  CHECK(Becomes(*database, false));
  CHECK(ReadOne(*database) == status::DatabaseUnavailable());
  cluster.Restart();
  CHECK(Becomes(*database, true));
  CHECK(ReadOne(*database).ok());
}

TEST_CASE("a database without tables or behind the binary is refused until it is migrated") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  const testing::EmptyPlace place(engine);
  static constexpr Step kSteps[] = {
      {1, "create things", "create table things (id {bigint} not null primary key)", 1},
      {2, "create others", "create table others (id {bigint} not null primary key)", 1}};
  static constexpr Schema kOld{"things", absl::MakeConstSpan(kSteps, 1)};
  static constexpr Schema kNew{"things", kSteps};
  const auto database = place.Open(kNew);
  if (GENERATE(true, false)) REQUIRE(Migrate(*place.Open(kOld), false).ok());
  database->StartMonitor();
  CHECK_FALSE(database->Ready());
  const auto migrator = place.Open(kNew);
  REQUIRE(Migrate(*migrator, /*dry_run=*/false).ok());
  CHECK(Becomes(*database, true));
  CHECK(ReadOne(*database).ok());
}

TEST_CASE("a behind database refuses reads and writes without running them") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto other = testing::OpenAnother(*database);
  database->StartMonitor();
  REQUIRE(Execute(*other, "update schema_migrations set id = 0").ok());
  CHECK(Becomes(*database, false));
  const auto never = [](Session&) -> absl::Status { return absl::UnknownError("ran"); };
  CHECK(database->Read(Soon(), never) == status::DatabaseUnavailable());
  CHECK(database->Write(Soon(), never) == status::DatabaseUnavailable());
}

TEST_CASE("a database that is ahead is served where its newest steps allow this binary") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto other = testing::OpenAnother(*database);
  database->StartMonitor();
  AddStep(*other, 2, 1);
  absl::SleepFor(kContract);
  CHECK(database->Ready());
  CHECK(ReadOne(*database).ok());
  AddStep(*other, 3, 2);
  AddStep(*other, 4, 1);
  CHECK(Becomes(*database, false));
  CHECK(ReadOne(*database) == status::DatabaseUnavailable());
}

}  // namespace
}  // namespace alma::db
