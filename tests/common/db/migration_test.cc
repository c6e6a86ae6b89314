#include "common/db/migration.h"

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/support/temporary_folder.h"

namespace alma::db {
namespace {

using testing::EmptyPlace;
using testing::OpenUrl;
using testing::SelectInt64;

constexpr Step kSteps[] = {
    {1, "create a", "create table a (id {bigint} not null primary key, t {text} not null) {hot}",
     1},
    {2, "index a", "create index a_by_t on a (t)", 1},
    {3, "create b", "create table b (id {bigint} not null primary key)", 2},
};
constexpr Schema kFirst{"things", absl::MakeConstSpan(kSteps, 1)};
constexpr Schema kAll{"things", kSteps};
constexpr char kApplied[] = "select count(*) from schema_migrations";

std::vector<bool> Applied(const absl::StatusOr<std::vector<StepState>>& states) {
  INFO(states.status());
  REQUIRE(states.ok());
  std::vector<bool> applied;
  for (const StepState& state : *states) applied.push_back(state.applied);
  return applied;
}

TEST_CASE("a migration applies every step once") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  const EmptyPlace place(engine);
  const auto database = place.Open(kAll);
  CHECK(IsEmpty(*database).value());
  const auto states = Migrate(*database, /*dry_run=*/false);
  CHECK(Applied(states) == std::vector<bool>{true, true, true});
  CHECK((*states)[1].step.name == "index a");
  CHECK_FALSE(IsEmpty(*database).value());
  CHECK(Applied(Migrate(*database, /*dry_run=*/false)) == std::vector<bool>{true, true, true});
  CHECK(SelectInt64(*database, kApplied) == 3);
  CHECK(SelectInt64(*database, "select sum(oldest_binary) from schema_migrations") == 4);
  CHECK(SelectInt64(*database, "select count(*) from a") == 0);
  CHECK(SelectInt64(*database, "select count(*) from b") == 0);
}

TEST_CASE("a migration goes on from the last step of an older binary") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  const EmptyPlace place(engine);
  CHECK(Applied(Migrate(*place.Open(kFirst), /*dry_run=*/false)) == std::vector<bool>{true});
  CHECK(Applied(Migrate(*place.Open(kAll), /*dry_run=*/true)) ==
        std::vector<bool>{true, false, false});
  CHECK(Applied(Migrate(*place.Open(kAll), /*dry_run=*/false)) ==
        std::vector<bool>{true, true, true});
  CHECK(Applied(Migrate(*place.Open(kFirst), /*dry_run=*/false)) == std::vector<bool>{true});
}

TEST_CASE("a dry run changes nothing") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  const EmptyPlace place(engine);
  const auto database = place.Open(kAll);
  CHECK(Applied(Migrate(*database, /*dry_run=*/true)) == std::vector<bool>{false, false, false});
  CHECK(IsEmpty(*database).value());
  if (engine == Engine::kSqlite) CHECK_FALSE(std::filesystem::exists(database->location().target));
}

TEST_CASE("a step that fails leaves the database as empty as it was and a later run goes on") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  const EmptyPlace place(engine);
  static constexpr Step kBroken[] = {
      kSteps[0], {2, "broken", "create table a (id {bigint})", 1}, kSteps[2]};
  static constexpr Schema kBrokenSchema{"things", kBroken};
  CHECK(Migrate(*place.Open(kBrokenSchema), /*dry_run=*/false).status() == status::Internal());
  CHECK(Applied(Migrate(*place.Open(kAll), /*dry_run=*/true)) ==
        std::vector<bool>{false, false, false});
  CHECK(*IsEmpty(*place.Open(kAll)));
  CHECK(Applied(Migrate(*place.Open(kAll), /*dry_run=*/false)) ==
        std::vector<bool>{true, true, true});
}

TEST_CASE("migrators that run at once apply every step once") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kRounds = 5;
  constexpr int kMigrators = 4;
  for (int round = 0; round < kRounds; ++round) {
    const EmptyPlace place(engine);
    std::vector<std::unique_ptr<Database>> databases;
    for (int i = 0; i < kMigrators; ++i) databases.push_back(place.Open(kAll));
    std::vector<absl::StatusOr<std::vector<StepState>>> states(kMigrators);
    std::vector<std::thread> threads;
    for (int i = 0; i < kMigrators; ++i) {
      threads.emplace_back([&, i] { states[i] = Migrate(*databases[i], /*dry_run=*/false); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& state : states) CHECK(Applied(state) == std::vector<bool>{true, true, true});
    CHECK(SelectInt64(*databases[0], kApplied) == 3);
  }
}

TEST_CASE("a migration of what cannot be reached is UNAVAILABLE") {
  const testing::TemporaryFolder folder;
  for (const std::string& url : {"sqlite://" + folder.path() + "/absent/x.db",
                                 "postgresql:///postgres?host=" + folder.path()}) {
    const auto database = OpenUrl(url, kAll);
    CHECK(Migrate(*database, /*dry_run=*/false).status() == status::DatabaseUnavailable());
  }
}

TEST_CASE("a SQLite file is made for its owner alone") {
  const testing::TemporaryFolder folder;
  REQUIRE(Migrate(*OpenUrl("sqlite://" + folder.path() + "/", kAll), /*dry_run=*/false).ok());
  using std::filesystem::perms;
  CHECK(std::filesystem::status(folder.path() + "/things.db").permissions() ==
        (perms::owner_read | perms::owner_write));
}

}  // namespace
}  // namespace alma::db
