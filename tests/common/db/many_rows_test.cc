#include "common/db/many_rows.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"

namespace alma::db {
namespace {

using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

const ManyRows& InsertItems() {
  static const ManyRows insert({"id"}, [](absl::Span<const ManyRows::Names> rows) {
    std::string values;
    for (const auto& names : rows) {
      absl::StrAppend(&values, values.empty() ? "" : ", ", "(:", names[0], ")");
    }
    return absl::StrCat("insert into items (id) values ", values);
  });
  return insert;
}

// Where each statement begins and how many rows it takes.
using Groups = std::vector<std::pair<size_t, size_t>>;
Groups Shown(const std::vector<ManyRows::Group>& groups) {
  Groups shown;
  for (const auto& group : groups) shown.emplace_back(group.begin, group.rows);
  return shown;
}

TEST_CASE("the parameters of a statement have a name for each row") {
  CHECK(InsertItems().sql() == "insert into items (id) values (:id)");
  CHECK(InsertItems().names(0) == ManyRows::Names{"id"});
  CHECK(InsertItems().names(3) == ManyRows::Names{"id_3"});
  CHECK(ParamOfRows(std::vector<ManyRows::Names>{{"a", "b"}, {"a_1", "b_1"}}, 1) == ":b, :b_1");
}

TEST_CASE("rows are divided among as few statements as the engine likes") {
  TestDatabase sqlite(Engine::kSqlite, ItemSchema());
  TestDatabase postgresql(Engine::kPostgresql, ItemSchema());
  const auto divided = [](TestDatabase& database, auto divide, size_t count) {
    Groups groups;
    REQUIRE(database
                ->Read(Soon(),
                       [&](Session& session) {
                         groups = Shown(divide(session, count));
                         return absl::OkStatus();
                       })
                .ok());
    return groups;
  };
  const auto exactly = [](const Session& session, size_t count) {
    return InsertItems().Exactly(session, count);
  };
  const auto at_least = [](const Session& session, size_t count) {
    return InsertItems().AtLeast(session, count);
  };
  const auto few_at_least = [](const Session& session, size_t count) {
    return InsertItems().AtLeast(session, count, 15);
  };
  using Divide = std::function<std::vector<ManyRows::Group>(const Session&, size_t)>;
  for (const Divide& divide : {Divide(exactly), Divide(at_least)}) {
    CHECK(divided(sqlite, divide, 3) == Groups{{0, 1}, {1, 1}, {2, 1}});
    CHECK(divided(postgresql, divide, 0).empty());
    CHECK(divided(postgresql, divide, 1) == Groups{{0, 1}});
    CHECK(divided(postgresql, divide, 4) == Groups{{0, 4}});
    CHECK(divided(postgresql, divide, 36) == Groups{{0, 16}, {16, 16}, {32, 4}});
  }
  CHECK(divided(postgresql, exactly, 39) ==
        Groups{{0, 16}, {16, 16}, {32, 4}, {36, 1}, {37, 1}, {38, 1}});
  CHECK(divided(postgresql, at_least, 39) == Groups{{0, 16}, {16, 16}, {32, 16}});
  CHECK(divided(postgresql, at_least, 3) == Groups{{0, 4}});
  CHECK(divided(sqlite, few_at_least, 2) == Groups{{0, 1}, {1, 1}});
  CHECK(divided(postgresql, few_at_least, 9) == Groups{{0, 4}, {4, 4}, {8, 1}});
  CHECK(divided(postgresql, few_at_least, 7) == Groups{{0, 4}, {4, 4}});
}

TEST_CASE("runs with texts of their own are done in their order and anew after a failure") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  std::vector<std::string_view> sqls;
  std::vector<std::vector<Param>> runs;
  const auto write = [&] {
    return database->Write(Soon(), [&](Session& session) {
      sqls.clear();
      runs.clear();
      for (const ManyRows::Group& group : InsertItems().Exactly(session, 23)) {
        sqls.push_back(group.sql);
        std::vector<Param>& params = runs.emplace_back();
        for (size_t i = 0; i < group.rows; ++i) {
          params.emplace_back(InsertItems().names(i)[0], static_cast<int64_t>(group.At(i)));
        }
      }
      // The parameter stands twice, and not where the text has it.
      sqls.emplace_back(
          "select count(*) from items where id >= :least and id <= :most and id + 1 > :least");
      runs.push_back({{"most", 1000}, {"least", 3}});
      int64_t counted = 0;
      RETURN_IF_ERROR(session.QueryEach(sqls, runs, [&](size_t run, Row& row) {
        CHECK(run == sqls.size() - 1);
        counted = row.Int64();
      }));
      CHECK(counted == 20);
      return absl::OkStatus();
    });
  };
  CHECK(write().ok());
  CHECK(testing::SelectInt64(*database, "select sum(id) from items") == 22 * 23 / 2);
  // All are there.
  CHECK(write() == status::Internal());
  REQUIRE(testing::Execute(*database, "delete from items").ok());
  CHECK(write().ok());
  CHECK(testing::SelectInt64(*database, "select count(*) from items") == 23);
}

TEST_CASE("a plan that PostgreSQL makes while a table is small reads by an index") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  std::string plan;
  REQUIRE(database
              ->Read(Soon(),
                     [&](Session& session) {
                       return session
                           .Query("explain select id from items where id in (1, 2, 3, 4, 5, 6)", {},
                                  [&](Row& row) { plan += row.Text(); })
                           .status();
                     })
              .ok());
  CAPTURE(plan);
  CHECK(plan.find("Seq Scan") == std::string::npos);
}

}  // namespace
}  // namespace alma::db
