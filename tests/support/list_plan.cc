#include "tests/support/list_plan.h"

#include <regex>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/status/macros.h"
#include "tests/support/tenants.h"

namespace alma::testing {
namespace {

using Texts = std::vector<std::string>;

constexpr absl::Duration kTimeout = absl::Seconds(30);

// The first text column of each row, behind `skip` numbers.
absl::StatusOr<Texts> Select(db::Session& session, const std::string& sql, db::Params params = {},
                             int skip = 0) {
  Texts texts;
  RETURN_IF_ERROR(session
                      .Query(sql, params,
                             [&](db::Row& row) {
                               for (int i = 0; i < skip; ++i) row.Int64();
                               texts.emplace_back(row.Text());
                             })
                      .status());
  return texts;
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void CheckSqlite(const PlanCase& row, const std::string& plan) {
  INFO(row.what << "\n" << plan);
  CHECK(Contains(plan, absl::StrCat(row.sqlite_index.empty() ? row.index : row.sqlite_index, " ")));
  CHECK(Contains(plan, row.sqlite_range));
  CHECK_FALSE(Contains(plan, "TEMP B-TREE"));
  CHECK_FALSE(Contains(plan, "SCAN"));
}

void CheckPostgresql(const PlanCase& row, const std::string& plan) {
  INFO(row.what << "\n" << plan);
  CHECK(Contains(plan, absl::StrCat(row.index, " ")));
  CHECK(Contains(plan, row.postgresql_range));
  for (const char* costly : {"Sort", "Seq Scan", "Bitmap", "Hash", "Materialize"}) {
    CHECK_FALSE(Contains(plan, costly));
  }
}

}  // namespace

std::string Plan(db::Database& database, const tenant::ListQuery& query) {
  const bool sqlite = database.location().engine == db::Engine::kSqlite;
  const auto explain = [&](db::Session& session) {
    // Of SQLite's columns the first three number the steps.
    return Select(session, (sqlite ? "explain query plan " : "explain ") + query.sql, query.params,
                  sqlite ? 3 : 0);
  };
  return absl::StrJoin(Ok(database.Read(absl::Now() + kTimeout, explain)), "\n");
}

std::string GenericPlan(db::Database& database, const tenant::ListQuery& query) {
  const std::string text = std::regex_replace(query.sql, std::regex(":[a-z_]+"), "?");
  const auto explain = [&](db::Session& session) -> absl::StatusOr<Texts> {
    RETURN_IF_ERROR(session.Query(query.sql, query.params, [](db::Row&) {}).status());
    ASSIGN_OR_RETURN(const Texts calls,
                     Select(session,
                            "select name || '(null' || repeat(', null', "
                            "cardinality(parameter_types) - 1) || ')' from pg_prepared_statements "
                            "where regexp_replace(statement, '[$][0-9]+', '?', 'g') = :text",
                            {{"text", text}}));
    if (calls.size() != 1) return absl::NotFoundError("no such statement");
    return Select(session, absl::StrCat("explain execute ", calls[0]));
  };
  return absl::StrJoin(Ok(database.Write(absl::Now() + kTimeout, explain)), "\n");
}

void CheckPlans(db::Database& database, const std::vector<PlanCase>& cases) {
  for (const PlanCase& row : cases) {
    const std::string plan = Plan(database, row.query);
    if (database.location().engine == db::Engine::kSqlite) {
      CheckSqlite(row, plan);
    } else {
      CheckPostgresql(row, plan);
      CheckPostgresql(row, GenericPlan(database, row.query));
    }
  }
}

}  // namespace alma::testing
