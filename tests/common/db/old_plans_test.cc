#include <memory>
#include <string>

#include "common/tenant/list_query.h"
#include "tests/common/db/items.h"
#include "tests/support/eventually.h"
#include "tests/support/list_plan.h"
#include "tests/support/tenants.h"

namespace alma::db {
namespace {

using testing::Execute;
using testing::kOurs;

// As wide as messages: the wider its rows, the fewer PostgreSQL expects of an empty table.
const Schema& RowSchema() {
  static constexpr Step kSteps[] = {
      {1, "create rows",
       "create table rows (organization {uuid} not null, id {uuid} not null, "
       "number {bigint} not null, a {text}, b {text}, c {text}, d {text}, e {text}, f {text}, "
       "g {text}, h {text}, i {text}, primary key (organization, id)) "
       "with (autovacuum_enabled = false)",
       1},
      {2, "create rows_by_number", "create index rows_by_number on rows (organization, number)", 1},
  };
  static constexpr Schema kSchema{"rows", kSteps};
  return kSchema;
}

TEST_CASE("a plan that was made while a table was empty is given up once it has grown", "[long]") {
  testing::TestDatabase database(Engine::kPostgresql, RowSchema());
  Database one_session((*database).location(), RowSchema(), /*sessions=*/1);
  const tenant::ListQuery find = {
      "select number from rows where organization = :organization and id in (:a, :b, :c, :d)",
      {{"organization", kOurs}, {"a", kOurs}, {"b", kOurs}, {"c", kOurs}, {"d", kOurs}}};
  const auto is_by = [&](const char* index) {
    return testing::GenericPlan(one_session, find).find(index) != std::string::npos;
  };
  // Nothing speaks for the key.
  REQUIRE(is_by("rows_by_number"));
  REQUIRE(Execute(*database,
                  "insert into rows select cast(:organization as uuid), gen_random_uuid(), n "
                  "from generate_series(1, 20000) as n",
                  {{"organization", kOurs}})
              .ok());
  REQUIRE(is_by("rows_by_number"));
  CHECK(testing::Eventually([&] { return is_by("rows_pkey"); }, absl::Seconds(20)));
}

}  // namespace
}  // namespace alma::db
