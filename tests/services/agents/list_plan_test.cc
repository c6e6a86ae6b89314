#include "services/agents/list_query.h"

#include "absl/strings/str_cat.h"
#include "tests/services/agents/agents.h"
#include "tests/support/bulk.h"
#include "tests/support/list_plan.h"

namespace alma::agents {
namespace {

constexpr int kAgents = 100'000;
constexpr int kLimit = 64;

// Every third is internal; every second has the origin `busy`; a thousand share one email and one
// phone number, the others have their own.
constexpr char kFill[] =
    "insert into agents (alma_internal_organization, uuid, name, email, phone_number, internal, "
    "origin, email_lookup, phone_number_lookup, revision) "
    "select $ORGANIZATION, $UUID, 'name', 'given', 'given', i % 3 = 0, "
    "case when i % 2 = 0 then 'busy' else 'origin ' || (i % 100) end, "
    "case when i % 100 = 0 then 'shared' else 'email ' || i end, "
    "case when i % 100 = 0 then '+1' else '+' || (1000 + i) end, i + 1 from numbers";

struct FilterCase {
  const char* index;
  // What the range is bound by, beside the organization and the uuid.
  const char* sqlite;
  const char* postgresql;
  void (*filter)(v1::ListAgentsRequest&);
};

const FilterCase kFilters[] = {
    {"agents_pkey", "", "", [](auto&) {}},
    {"agents_by_internal", " AND internal=?", "internal = ", [](auto& r) { r.set_internal(true); }},
    {"agents_by_internal", " AND internal=?",
     "internal = ", [](auto& r) { r.set_internal(false); }},
    {"agents_by_email", " AND email_lookup=?",
     "email_lookup = ", [](auto& r) { r.set_email("shared"); }},
    {"agents_by_email", " AND email_lookup=?",
     "email_lookup = ", [](auto& r) { r.set_email("shared"), r.set_internal(true); }},
    {"agents_by_email", " AND email_lookup=?",
     "email_lookup = ", [](auto& r) { r.set_email("email 77777"), r.set_internal(false); }},
    {"agents_by_phone_number", " AND phone_number_lookup=?",
     "phone_number_lookup = ", [](auto& r) { r.set_phone_number("+1"); }},
    {"agents_by_phone_number", " AND phone_number_lookup=?",
     "phone_number_lookup = ", [](auto& r) { r.set_phone_number("+1"), r.set_internal(false); }},
    {"agents_by_origin", " AND origin=?", "origin = ", [](auto& r) { r.set_origin("busy"); }},
    {"agents_by_origin", " AND origin=?", "origin = ", [](auto& r) { r.set_origin("origin 7"); }},
    {"agents_by_origin_internal", " AND origin=? AND internal=?",
     "internal = ", [](auto& r) { r.set_origin("busy"), r.set_internal(true); }},
    {"agents_by_origin_internal", " AND origin=? AND internal=?",
     "internal = ", [](auto& r) { r.set_origin("origin 7"), r.set_internal(false); }},
};

std::vector<testing::PlanCase> Cases() {
  std::vector<testing::PlanCase> cases;
  for (const FilterCase& row : kFilters) {
    for (const int at : {-1, 100, kAgents / 2, kAgents - 100}) {
      for (const bool show_deleted : {false, true}) {
        v1::ListAgentsRequest request;
        row.filter(request);
        request.set_show_deleted(show_deleted);
        const db::Position after = at < 0 ? db::Position() : db::Position{NthUuid(at)};
        cases.push_back({.what = absl::StrCat(request.ShortDebugString(), " behind ", at),
                         .query = AgentsBehind(after, kOurs, request, kLimit),
                         .index = row.index,
                         .sqlite_index = row.index == std::string("agents_pkey")
                                             ? "sqlite_autoindex_agents_1"
                                             : row.index,
                         .sqlite_range = absl::StrCat("(alma_internal_organization=?", row.sqlite,
                                                      at < 0 ? "" : " AND uuid>?", ")"),
                         .postgresql_range = row.postgresql});
      }
    }
  }
  return cases;
}

TEST_CASE("every list of 100000 agents reads one range of one index in its order", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  testing::InsertRows(*stored.database, kFill, kAgents);
  REQUIRE(stored.Count("select count(*) from agents") == kAgents);
  if (engine == db::Engine::kSqlite) testing::CheckPlans(*stored.database, Cases());
  testing::Analyze(*stored.database, "agents");
  testing::CheckPlans(*stored.database, Cases());
}

}  // namespace
}  // namespace alma::agents
