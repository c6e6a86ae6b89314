#include "services/agents/store.h"

#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "tests/services/agents/agents.h"
#include "tests/support/list.h"

// Creates and gets.
namespace alma::agents {
namespace {

v1::BatchCreateAgentsRequest Batch(int count) {
  v1::BatchCreateAgentsRequest request;
  for (int i = 0; i < count; ++i) {
    v1::Agent& agent = *request.add_agents();
    agent = NewAgent(i % 2 == 0);
    agent.set_uuid(NthUuid(100 + i));
    agent.set_external_id(absl::StrCat("a-", i));
    agent.set_name(absl::StrCat("name ", i));
  }
  return request;
}

absl::StatusOr<v1::BatchCreateAgentsResponse> CreateAll(
    Stored& stored, const v1::BatchCreateAgentsRequest& request) {
  return stored.agents.CreateAll(Us(), "agents", request.agents(),
                                 &v1::BatchCreateAgentsResponse::mutable_agents);
}

TEST_CASE("an agent is answered as it is read later") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent full = Ok(stored.agents.Create(Us(), FullAgent()));
  const v1::Agent plain = Ok(stored.agents.Create(Us(), NewAgent()));
  v1::Agent expected = FullAgent();
  expected.set_alma_internal_organization(kOurs);
  expected.set_revision(1);
  CHECK(full.DebugString() == expected.DebugString());
  CHECK(plain.uuid().size() == 36);
  CHECK(plain.revision() == 2);
  CHECK(plain.has_internal());
  for (const v1::Agent& created : {full, plain}) {
    CHECK(Ok(stored.agents.Get(Us(), created.uuid())).DebugString() == created.DebugString());
  }
  CHECK(stored.Count("select count(*) from agents where name is null and email is null and "
                     "phone_number is null and other_info is null and external_id is null") == 1);
}

TEST_CASE("an empty other_info is kept apart from none") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  v1::Agent agent = NewAgent();
  agent.mutable_other_info();
  const v1::Agent created = Ok(stored.agents.Create(Us(), agent));
  CHECK(Ok(stored.agents.Get(Us(), created.uuid())).has_other_info());
}

TEST_CASE("an equal create of an agent answers the stored row whichever id names it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent created = Ok(stored.agents.Create(Us(), FullAgent()));
  v1::Agent by_external_id = FullAgent();
  by_external_id.clear_uuid();
  v1::Agent by_uuid = FullAgent();
  by_uuid.clear_external_id();
  v1::Agent less = FullAgent();
  less.clear_name();
  less.clear_other_info();
  for (const v1::Agent& repeat : {FullAgent(), by_uuid, by_external_id, less}) {
    CHECK(Ok(stored.agents.Create(Us(), repeat)).DebugString() == created.DebugString());
  }
  CHECK(stored.Count("select count(*) from agents") == 1);
  CHECK(stored.Count("select revision from revisions") == 1);
}

TEST_CASE("a create of a known agent with other content is refused") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent created = Ok(stored.agents.Create(Us(), FullAgent()));
  v1::Agent second = NewAgent();
  second.set_external_id("a-2");
  Ok(stored.agents.Create(Us(), second));

  std::vector<v1::Agent> conflicts(6, FullAgent());
  conflicts[0].set_internal(true);
  conflicts[1].set_email("ana.secreta@example.com");
  conflicts[2].set_origin("erp");
  conflicts[3].set_external_id("a-2");
  conflicts[4].set_external_id("a-3");
  conflicts[5].set_uuid(NthUuid(11));
  for (const v1::Agent& conflict : conflicts) {
    const auto refused = stored.agents.Create(Us(), conflict);
    INFO(conflict.ShortDebugString());
    CHECK(refused.status().code() == absl::StatusCode::kAlreadyExists);
    CHECK(ReasonOf(refused.status()) == "ALREADY_EXISTS");
  }
  CHECK(Ok(stored.agents.Get(Us(), created.uuid())).DebugString() == created.DebugString());
  CHECK(stored.Count("select count(*) from agents") == 2);
  CHECK(stored.Count("select revision from revisions") == 2);
}

TEST_CASE("organizations do not see each other's agents") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent ours = Ok(stored.agents.Create(Us(), FullAgent()));
  CHECK(stored.agents.Get(Them(), ours.uuid()).status() ==
        stored.agents.Get(Them(), NthUuid(77)).status());
  CHECK(ReasonOf(stored.agents.Get(Them(), ours.uuid()).status()) == "NOT_FOUND");
  v1::Agent theirs = FullAgent();
  theirs.set_name("Their Ana");
  CHECK(Ok(stored.agents.Create(Them(), theirs)).revision() == 1);
  CHECK(Ok(stored.agents.Get(Us(), ours.uuid())).DebugString() == ours.DebugString());
  v1::ListAgentsRequest list;
  list.set_page_size(10);
  list.set_email("ana.secreta@example.com");
  const auto listed = testing::Decoded(Ok(stored.agents.List(Them(), list, {})).response);
  REQUIRE(listed.agents_size() == 1);
  CHECK(listed.agents(0).name() == "Their Ana");
}

TEST_CASE("a batch of agents is stored in its order and repeated as it is") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const auto first = Ok(CreateAll(stored, Batch(4)));
  const auto second = Ok(CreateAll(stored, Batch(8)));
  REQUIRE(second.agents_size() == 8);
  for (int i = 0; i < 8; ++i) {
    CHECK(second.agents(i).uuid() == NthUuid(100 + i));
    CHECK(second.agents(i).revision() == 1 + i);
    CHECK(second.agents(i).internal() == (i % 2 == 0));
  }
  CHECK(Ok(CreateAll(stored, Batch(8))).DebugString() == second.DebugString());
  CHECK(stored.Count("select revision from revisions") == 8);
}

TEST_CASE("of a batch with one bad agent nothing is stored and the agent is named") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  v1::Agent known = NewAgent();
  known.set_uuid(NthUuid(105));
  Ok(stored.agents.Create(Us(), known));
  const absl::Status refused = CreateAll(stored, Batch(10)).status();
  CHECK(refused.code() == absl::StatusCode::kAlreadyExists);
  CHECK(std::string(refused.message()).starts_with("agents[5]: "));
  CHECK(stored.Count("select count(*) from agents") == 1);
  CHECK(stored.Count("select revision from revisions") == 1);
}

TEST_CASE("agents are read together in the order asked for or not at all") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Ok(CreateAll(stored, Batch(5)));
  const auto deleted = Ok(stored.agents.Delete(Us(), NthUuid(103), 0));
  v1::BatchGetAgentsRequest request;
  for (const int n : {104, 103, 100}) request.add_uuids(NthUuid(n));
  const auto get = [&](const rpc::Call& call) {
    return stored.agents.BatchGet(call, request.uuids(),
                                  &v1::BatchGetAgentsResponse::mutable_agents);
  };
  const auto read = Ok(get(Us()));
  REQUIRE(read.agents_size() == 3);
  CHECK(read.agents(0).uuid() == NthUuid(104));
  CHECK(read.agents(1).DebugString() == deleted.DebugString());
  CHECK(read.agents(2).uuid() == NthUuid(100));
  CHECK(ReasonOf(get(Them()).status()) == "NOT_FOUND");
  request.add_uuids(NthUuid(9));
  CHECK(ReasonOf(get(Us()).status()) == "NOT_FOUND");
}

}  // namespace
}  // namespace alma::agents
