#include <stdexcept>
#include <vector>

#include "common/status/status.h"
#include "tests/common/db/items.h"

// Session::QueryEach where not all goes well.
namespace alma::db {
namespace {

using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

TEST_CASE("what throws at a row of many runs is INTERNAL and the next runs are read") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  const std::vector<std::vector<Param>> runs = {{{"id", 0}}, {{"id", 1}}, {{"id", 2}}};
  REQUIRE(database
              ->Write(Soon(),
                      [&](Session& session) {
                        return session.ExecuteEach("insert into items (id) values (:id)", runs);
                      })
              .ok());
  int64_t rows = 0;
  const auto read = [&](int64_t throws_at) {
    rows = 0;
    return database->Read(Soon(), [&](Session& session) {
      return session.QueryEach("select id from items where id = :id", runs, [&](size_t, Row& row) {
        ++rows;
        if (row.Int64() == throws_at) throw std::runtime_error("very private");
      });
    });
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(read(1) == status::Internal());
    // Rows come as they are read.
    CHECK(rows == 2);
    CHECK(read(-1).ok());
    CHECK(rows == 3);
  }
}

TEST_CASE("PostgreSQL gives the rows of the runs before the one that fails and none behind it") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  std::vector<int64_t> read;
  const auto divide = [&](const std::vector<int>& numbers) {
    read.clear();
    std::vector<std::vector<Param>> runs;
    runs.reserve(numbers.size());
    for (const int number : numbers) runs.push_back({{"number", number}});
    return database->Read(Soon(), [&](Session& session) {
      return session.QueryEach("select 12 / cast(:number as bigint)", runs,
                               [&](size_t, Row& row) { read.push_back(row.Int64()); });
    });
  };
  CHECK(divide({1, 2, 0, 3, 4}) == status::Internal());
  CHECK(read == std::vector<int64_t>{12, 6});
  CHECK(divide({3, 4}).ok());
  CHECK(read == std::vector<int64_t>{4, 3});
}

}  // namespace
}  // namespace alma::db
