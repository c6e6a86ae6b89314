#include "common/serve/connections.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/log/log.h"
#include "tests/common/db/items.h"
#include "tests/support/captured.h"

namespace alma::serve {
namespace {

using testing::ItemSchema;
using testing::TestDatabase;

// What is logged of two databases with so many connections each.
std::string Logged(TestDatabase& first, TestDatabase& second, int per_database) {
  REQUIRE(log::SetUp("info"));
  testing::Captured captured(STDERR_FILENO);
  LogConnections({&*first, &*second}, per_database);
  std::string text = captured.Text();
  REQUIRE(log::SetUp("warning"));
  return text;
}

TEST_CASE("the connections of all databases on a PostgreSQL server are set against what it has") {
  TestDatabase first(db::Engine::kPostgresql, ItemSchema());
  TestDatabase second(db::Engine::kPostgresql, ItemSchema());
  CHECK(Logged(first, second, 9).empty());
  first->StartMonitor();
  second->StartMonitor();
  const int64_t available =
      testing::SelectInt64(*first,
                           "select cast(current_setting('max_connections') as bigint) - "
                           "cast(current_setting('superuser_reserved_connections') as bigint)");
  const std::string few = Logged(first, second, 9);
  INFO(few);
  CHECK(few.find(R"("level":"info","event":"connections")") != std::string::npos);
  CHECK(few.find(absl::StrCat(R"("connections":18,"available":)", available, R"(,"percent":)",
                              1800 / available, "}")) != std::string::npos);
  const std::string many = Logged(first, second, static_cast<int>(available) / 4 + 10);
  INFO(many);
  CHECK(many.find(R"("level":"warning","event":"connections")") != std::string::npos);
}

TEST_CASE("files have no connections to run out of") {
  TestDatabase first(db::Engine::kSqlite, ItemSchema());
  TestDatabase second(db::Engine::kSqlite, ItemSchema());
  first->StartMonitor();
  second->StartMonitor();
  CHECK(Logged(first, second, 1000).empty());
}

}  // namespace
}  // namespace alma::serve
