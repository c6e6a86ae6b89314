#include <sqlite3.h>

#include <memory>

#include "tests/common/db/items.h"

namespace alma::db {
namespace {

using testing::ItemSchema;
using testing::TestDatabase;

TEST_CASE("SQLite keeps neither mutexes for connections nor a count of its memory") {
  const TestDatabase database(Engine::kSqlite, ItemSchema());
  sqlite3* opened = nullptr;
  REQUIRE(sqlite3_open(":memory:", &opened) == SQLITE_OK);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> connection(opened, sqlite3_close);
  CHECK(sqlite3_db_mutex(opened) == nullptr);
  CHECK(sqlite3_memory_used() == 0);
}

}  // namespace
}  // namespace alma::db
