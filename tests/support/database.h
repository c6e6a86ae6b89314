#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "catch2/catch.hpp"
#include "common/db/database.h"

namespace alma::testing {

// A database of the seed for one test case alone, migrated, gone at the end. SQLite: a file in a
// temporary folder. PostgreSQL: a schema with a name of its own in the database that
// $ALMA_TEST_POSTGRES (a URL) names, which takes a fiftieth of the time that a new database would;
// the test case fails without it. A behaviour of a store is one test case that runs on both
// engines:
//
//   const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
//   CAPTURE(engine);
//   TestDatabase database(engine, Schema());
class TestDatabase {
 public:
  TestDatabase(db::Engine engine, const db::Schema& schema);
  ~TestDatabase();

  db::Database& operator*() { return *database_; }
  db::Database* operator->() { return database_.get(); }

 private:
  // The folder, or the schema.
  std::string name_;
  std::unique_ptr<db::Database> database_;
};

// For the statements with which a test looks at, or spoils, what is stored: the first column of the
// only row.
int64_t SelectInt64(db::Database& database, std::string_view sql);

}  // namespace alma::testing

template <>
struct Catch::StringMaker<alma::db::Engine> {
  static std::string convert(alma::db::Engine engine) {
    return engine == alma::db::Engine::kSqlite ? "SQLite" : "PostgreSQL";
  }
};
