#pragma once

#include <string>
#include <vector>

#include "common/db/database.h"
#include "common/tenant/list_query.h"

// How the engines read a list: by one range of one index, in its order.
namespace alma::testing {

struct PlanCase {
  std::string what;
  tenant::ListQuery query;
  // The index that is read in order; on SQLite a primary key is `sqlite_autoindex_TABLE_1`.
  std::string index;
  std::string sqlite_index;
  // What bounds the range, as each engine prints it.
  std::string sqlite_range;
  std::string postgresql_range;
};

// The plan of the query for its very values, a step a line.
std::string Plan(db::Database& database, const tenant::ListQuery& query);

// The plan that PostgreSQL keeps for a prepared statement, made without knowing the values.
std::string GenericPlan(db::Database& database, const tenant::ListQuery& query);

// Fails the test case unless each query reads one range of its index and neither sorts nor reads
// anything else. Filled tables of PostgreSQL are to be analyzed first, as it does by itself; SQLite
// never does.
void CheckPlans(db::Database& database, const std::vector<PlanCase>& cases);

}  // namespace alma::testing
