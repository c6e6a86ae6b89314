#include <string>

#include "absl/strings/str_cat.h"
#include "common/db/migration.h"
#include "common/status/macros.h"
#include "common/tenant/list_query.h"
#include "tests/common/db/items.h"
#include "tests/support/eventually.h"
#include "tests/support/list_plan.h"
#include "tests/support/tenants.h"

// The plans that PostgreSQL keeps for look-ups of several keys.
namespace alma::db {
namespace {

using testing::Execute;
using testing::kOurs;
using testing::SelectInt64;

// As wide as messages: the wider its rows, the fewer PostgreSQL expects of an empty table.
const Schema& RowSchema() {
  static constexpr Step kSteps[] = {
      {1, "create rows",
       "create table rows (alma_internal_organization {uuid} not null, id {uuid} not null, "
       "number {bigint} not null, a {text}, b {text}, c {text}, d {text}, e {text}, f {text}, "
       "g {text}, h {text}, i {text}, primary key (alma_internal_organization, id)) "
       "with (autovacuum_enabled = false)",
       1},
      {2, "create rows_by_number",
       "create index rows_by_number on rows (alma_internal_organization, number)", 1},
  };
  static constexpr Schema kSchema{"rows", kSteps};
  return kSchema;
}

void InsertOurs(Database& database, int rows) {
  REQUIRE(Execute(database,
                  absl::StrCat("insert into rows select cast(:organization as uuid), "
                               "gen_random_uuid(), n from generate_series(1, ",
                               rows, ") as n"),
                  {{"organization", kOurs}})
              .ok());
}

// Whether the plan that is kept for a look-up of four keys reads this index.
bool IsBy(Database& database, const char* index) {
  const tenant::ListQuery find = {
      "select number from rows where alma_internal_organization = :organization "
      "and id in (:a, :b, :c, :d)",
      {{"organization", kOurs}, {"a", kOurs}, {"b", kOurs}, {"c", kOurs}, {"d", kOurs}}};
  return testing::GenericPlan(database, find).find(index) != std::string::npos;
}

TEST_CASE("a plan that was made while a table was empty is given up once it has grown", "[long]") {
  testing::TestDatabase database(Engine::kPostgresql, RowSchema());
  Database one_session(database->location(), RowSchema(), /*sessions=*/1);
  // Nothing speaks for the key.
  REQUIRE(IsBy(one_session, "rows_by_number"));
  InsertOurs(*database, 20'000);
  CHECK(testing::Eventually([&] { return IsBy(one_session, "rows_pkey"); }, absl::Seconds(20)));
}

TEST_CASE("keys of a large organization are looked up by key beside many small organizations") {
  testing::TestDatabase database(Engine::kPostgresql, RowSchema());
  InsertOurs(*database, 2'000);
  REQUIRE(Execute(*database,
                  "insert into rows select gen_random_uuid(), gen_random_uuid(), n "
                  "from generate_series(1, 2000) as n")
              .ok());
  REQUIRE(Execute(*database, "analyze rows").ok());
  CHECK(IsBy(*database, "rows_pkey"));
  // It would not be so without being told, which is done anew where it is missing.
  REQUIRE(Execute(*database,
                  "alter table rows alter column alma_internal_organization reset (n_distinct)")
              .ok());
  REQUIRE(Execute(*database, "analyze rows").ok());
  REQUIRE(IsBy(*database, "rows_by_number"));
  REQUIRE(Migrate(*database, /*dry_run=*/false).ok());
  CHECK(IsBy(*database, "rows_pkey"));
}

TEST_CASE("a statement is planned once however often and with whatever values it is run") {
  testing::TestDatabase database(Engine::kPostgresql, RowSchema());
  InsertOurs(*database, 100);
  Database one_session(database->location(), RowSchema(), /*sessions=*/1);
  int64_t planned_each_time = -1;
  const auto run = [&](Session& session) -> absl::Status {
    for (int number = 0; number < 10; ++number) {
      RETURN_IF_ERROR(session
                          .Query("select id from rows where number = :number", {{"number", number}},
                                 [](Row&) {})
                          .status());
    }
    return session
        .Query("select sum(custom_plans) from pg_prepared_statements", {},
               [&](Row& row) { planned_each_time = row.Int64(); })
        .status();
  };
  REQUIRE(one_session.Read(testing::Soon(), run).ok());
  CHECK(planned_each_time == 0);
}

TEST_CASE("a migration with nothing to do leaves the tables as they are") {
  testing::TestDatabase database(Engine::kPostgresql, RowSchema());
  const auto version = [&] {
    return SelectInt64(*database,
                       "select cast(cast(xmin as text) as bigint) from pg_attribute "
                       "where attname = 'alma_internal_organization' "
                       "and attrelid = cast('rows' as regclass)");
  };
  REQUIRE(SelectInt64(*database,
                      "select count(*) from pg_attribute "
                      "where 'n_distinct=1' = any(attoptions) "
                      "and attrelid = cast('rows' as regclass)") == 1);
  const int64_t before = version();
  REQUIRE(Migrate(*database, /*dry_run=*/false).ok());
  CHECK(version() == before);
}

}  // namespace
}  // namespace alma::db
