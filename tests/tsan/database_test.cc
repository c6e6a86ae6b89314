#include "common/db/database.h"

#include <atomic>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/db/migration.h"
#include "tests/support/concurrently.h"
#include "tests/support/temporary_folder.h"

namespace alma::db {
namespace {

constexpr int kThreads = 6;
constexpr int kRounds = 30;

const Schema& NumberSchema() {
  static constexpr Step kSteps[] = {
      {1, "create numbers", "create table numbers (n {bigint} not null primary key)", 1}};
  static constexpr Schema kSchema{"numbers", kSteps};
  return kSchema;
}

TEST_CASE("a SQLite database is read and written by many threads while it is watched",
          "[threads]") {
  const testing::TemporaryFolder folder;
  const auto location = ParseLocation("sqlite://" + folder.path() + "/", "numbers");
  REQUIRE(location.ok());
  Database database(*location, NumberSchema(), /*sessions=*/2);
  REQUIRE(Migrate(database, /*dry_run=*/false).ok());
  database.StartMonitor();
  const absl::Time deadline = absl::Now() + absl::Minutes(1);
  std::atomic<int> failed = 0;
  testing::Concurrently(kThreads, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      const absl::Status wrote = database.Write(deadline, [&](Session& session) {
        return session.Execute("insert into numbers (n) values (:n)",
                               {{"n", thread * kRounds + round}});
      });
      const auto read = database.Read(deadline, [&](Session& session) {
        return session.Query("select n from numbers", {}, [](Row& row) { row.Int64(); });
      });
      failed += wrote.ok() && read.ok() && database.Ready() ? 0 : 1;
    }
  });
  CHECK(failed == 0);
  const auto rows = database.Read(deadline, [&](Session& session) {
    return session.Query("select n from numbers", {}, [](Row& row) { row.Int64(); });
  });
  REQUIRE(rows.ok());
  CHECK(*rows == kThreads * kRounds);
}

}  // namespace
}  // namespace alma::db
