#include "common/db/revision.h"

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"

namespace alma::db {
namespace {

constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
constexpr char kOther[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ac";

const Schema& RevisionSchema() {
  static constexpr Step kSteps[] = {{1, "create revisions", kCreateRevisions, 1}};
  static constexpr Schema kSchema{"items", kSteps};
  return kSchema;
}

int64_t Take(Database& database, std::string_view organization, int64_t count = 1) {
  const auto first = database.Write(testing::Soon(), [&](Session& session) {
    return TakeRevisions(session, organization, count);
  });
  REQUIRE(first.ok());
  return *first;
}

TEST_CASE("revisions count up from 1 for each organization") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, RevisionSchema());
  CHECK(Take(*database, kOrganization) == 1);
  CHECK(Take(*database, kOrganization) == 2);
  CHECK(Take(*database, kOther, 10) == 1);
  CHECK(Take(*database, kOrganization, 5) == 3);
  CHECK(Take(*database, kOrganization) == 8);
  CHECK(Take(*database, kOther) == 11);
}

TEST_CASE("revisions of a transaction that fails are given again") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, RevisionSchema());
  CHECK(Take(*database, kOrganization) == 1);
  const absl::Status failed =
      database->Write(testing::Soon(), [](Session& session) -> absl::Status {
        CHECK(*TakeRevisions(session, kOrganization, 7) == 2);
        return status::NotFound("item");
      });
  CHECK(absl::IsNotFound(failed));
  CHECK(Take(*database, kOrganization) == 2);
}

TEST_CASE("racing writers get every revision once and without a gap") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, RevisionSchema());
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  std::vector<std::vector<int64_t>> taken(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        const auto first = database->Write(absl::Now() + absl::Seconds(30), [](Session& session) {
          return TakeRevisions(session, kOrganization, 2);
        });
        if (first.ok()) taken[i].insert(taken[i].end(), {*first, *first + 1});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<int64_t> all;
  for (const auto& some : taken) {
    CHECK(std::is_sorted(some.begin(), some.end()));
    all.insert(some.begin(), some.end());
  }
  CHECK(all.size() == 2 * kThreads * kEach);
  CHECK(*all.begin() == 1);
  CHECK(*all.rbegin() == 2 * kThreads * kEach);
}

TEST_CASE("only another revision than the expected one is stale") {
  CHECK(CheckRevision("item", 0, 5).ok());
  CHECK(CheckRevision("item", 5, 5).ok());
  for (const int64_t expected : {4, 6, -5}) {
    const absl::Status stale = CheckRevision("item", expected, 5);
    CHECK(absl::IsAborted(stale));
    CHECK(status::Reason(stale) == "REVISION_STALE");
  }
}

}  // namespace
}  // namespace alma::db
