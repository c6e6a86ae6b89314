#include "absl/strings/str_cat.h"
#include "tests/services/agents/agents.h"
#include "tests/support/list_churn.h"

namespace alma::agents {
namespace {

Fields ReadKeys(Stored& stored, v1::ListAgentsRequest request, int page_size = 2) {
  request.set_page_size(page_size);
  return testing::KeysOf(
      testing::ReadAll([&](const db::Position& at) { return stored.List(request, at); },
                       &v1::ListAgentsResponse::agents));
}

// Two internal ones, 1 and 2, and two external ones, 3 and 4; 2 and 3 share their addresses, given
// in two ways, and their origin.
void CreateFour(Stored& stored) {
  for (const int n : {3, 1, 4, 2}) {
    v1::Agent agent = NewAgent(n < 3);
    agent.set_uuid(NthUuid(n));
    if (n == 2) agent.set_email("Ana@Example.com"), agent.set_phone_number("+55 (11) 98765-4321");
    if (n == 3) agent.set_email("aNA@example.COM"), agent.set_phone_number("+5511 98765 4321");
    if (n == 4) agent.set_phone_number("5511987654321");
    if (n == 1 || n == 4) agent.set_origin("erp");
    Ok(stored.agents.Create(Us(), agent));
  }
}

Fields Uuids(const std::vector<int>& numbers) {
  Fields uuids;
  for (const int n : numbers) uuids.push_back(NthUuid(n));
  return uuids;
}

TEST_CASE("agents are listed by uuid and by each filter alone and with internal") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  CreateFour(stored);
  struct Case {
    void (*filter)(v1::ListAgentsRequest&);
    std::vector<int> all;
    std::vector<int> internal;
    std::vector<int> external;
  };
  const Case cases[] = {
      {[](auto&) {}, {1, 2, 3, 4}, {1, 2}, {3, 4}},
      {[](auto& r) { r.set_email("ANA@example.com"); }, {2, 3}, {2}, {3}},
      {[](auto& r) { r.set_email("ana@example.co"); }, {}, {}, {}},
      {[](auto& r) { r.set_phone_number("+55-11-98765-4321"); }, {2, 3}, {2}, {3}},
      {[](auto& r) { r.set_phone_number("55 11 98765 4321"); }, {4}, {}, {4}},
      {[](auto& r) { r.set_origin("crm"); }, {2, 3}, {2}, {3}},
      {[](auto& r) { r.set_origin("CRM"); }, {}, {}, {}},
  };
  for (const Case& row : cases) {
    v1::ListAgentsRequest request;
    row.filter(request);
    INFO(request.ShortDebugString());
    CHECK(ReadKeys(stored, request) == Uuids(row.all));
    request.set_internal(true);
    CHECK(ReadKeys(stored, request, 1) == Uuids(row.internal));
    request.set_internal(false);
    CHECK(ReadKeys(stored, request, 1) == Uuids(row.external));
  }
}

TEST_CASE("deleted agents are listed on demand and found by no address") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  CreateFour(stored);
  Ok(stored.agents.Delete(Us(), NthUuid(2), 0));
  v1::ListAgentsRequest request;
  CHECK(ReadKeys(stored, request) == Uuids({1, 3, 4}));
  request.set_show_deleted(true);
  CHECK(ReadKeys(stored, request) == Uuids({1, 2, 3, 4}));
  request.set_internal(true);
  CHECK(ReadKeys(stored, request) == Uuids({1, 2}));
  request.set_email("ana@example.com");
  CHECK(ReadKeys(stored, request).empty());
  request.clear_internal();
  CHECK(ReadKeys(stored, request) == Uuids({3}));
}

// Agent `n` of those that a list is read from while they change.
v1::Agent Listed(int n) {
  v1::Agent agent = NewAgent();
  agent.set_uuid(NthUuid(n));
  agent.set_email("office@example.com");
  agent.set_phone_number("+55 11 1234");
  return agent;
}

TEST_CASE("no list of agents misses or doubles one that stands while others change", "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const std::string filter = GENERATE("", "email", "phone_number", "origin");
  const bool internal = GENERATE(false, true);
  CAPTURE(filter, internal);
  Stored stored(engine);
  v1::BatchCreateAgentsRequest rows;
  for (int i = 0; i < testing::kChurnRows; ++i) *rows.add_agents() = Listed(i);
  Ok(stored.agents.CreateAll(Us(), "agents", rows.agents(),
                             &v1::BatchCreateAgentsResponse::mutable_agents));
  v1::ListAgentsRequest request;
  request.set_page_size(testing::kChurnPageSize);
  if (filter == "email") request.set_email("office@example.com");
  if (filter == "phone_number") request.set_phone_number("+55111234");
  if (filter == "origin") request.set_origin("crm");
  if (internal) request.set_internal(true);
  int changes = 0;
  testing::CheckUnderChurn(
      [&](const db::Position& at) { return stored.List(request, at); },
      &v1::ListAgentsResponse::agents,
      {.insert =
           [&] {
             v1::Agent agent = Listed(0);
             agent.clear_uuid();
             Ok(stored.agents.Create(Us(), agent));
           },
       .update =
           [&](const std::string& uuid) {
             v1::UpdateAgentRequest update;
             update.mutable_agent()->set_uuid(uuid);
             update.mutable_agent()->set_internal(++changes % 2 == 0);
             update.mutable_agent()->set_email(absl::StrCat("left", changes, "@example.com"));
             Ok(stored.Update(update));
           },
       .remove = [&](const std::string& uuid) { Ok(stored.agents.Delete(Us(), uuid, 0)); }});
}

}  // namespace
}  // namespace alma::agents
