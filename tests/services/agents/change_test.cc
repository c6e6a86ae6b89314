#include "tests/services/agents/agents.h"
#include "tests/support/list.h"

// Update and delete.
namespace alma::agents {
namespace {

v1::UpdateAgentRequest UpdateOf(const v1::Agent& agent, const Fields& mask, int64_t revision = 0) {
  v1::UpdateAgentRequest request;
  request.mutable_agent()->set_uuid(agent.uuid());
  request.mutable_agent()->set_revision(revision);
  for (const std::string& path : mask) request.mutable_update_mask()->add_paths(path);
  return request;
}

int FoundByEmail(Stored& stored, const std::string& email) {
  v1::ListAgentsRequest request;
  request.set_email(email);
  return testing::Decoded(Ok(stored.List(request)).response).agents_size();
}

TEST_CASE("an update of an agent writes what its mask names and nothing else") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent created = Ok(stored.agents.Create(Us(), FullAgent()));
  v1::UpdateAgentRequest request = UpdateOf(created, {"email", "internal"}, created.revision());
  request.mutable_agent()->set_email("New@Example.com");
  request.mutable_agent()->set_internal(true);
  request.mutable_agent()->set_name("not named");
  request.mutable_agent()->set_origin("never changes");
  const v1::Agent updated = Ok(stored.Update(request));
  v1::Agent expected = created;
  expected.set_email("New@Example.com");
  expected.set_internal(true);
  expected.set_revision(2);
  CHECK(updated.DebugString() == expected.DebugString());
  CHECK(Ok(stored.agents.Get(Us(), created.uuid())).DebugString() == expected.DebugString());
  CHECK(FoundByEmail(stored, "new@example.com") == 1);
  CHECK(FoundByEmail(stored, created.email()) == 0);
}

TEST_CASE("an update of an agent without a mask writes the populated fields and a star all") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent created = Ok(stored.agents.Create(Us(), FullAgent()));
  v1::UpdateAgentRequest request = UpdateOf(created, {});
  request.mutable_agent()->set_name("Ana");
  const v1::Agent populated = Ok(stored.Update(request));
  CHECK(populated.name() == "Ana");
  CHECK(populated.email() == created.email());
  CHECK_FALSE(populated.internal());
  request.mutable_agent()->set_internal(true);
  CHECK(Ok(stored.Update(request)).internal());
  request.mutable_agent()->set_internal(false);
  CHECK_FALSE(Ok(stored.Update(request)).internal());

  request = UpdateOf(created, {"*"});
  request.mutable_agent()->set_internal(true);
  const v1::Agent replaced = Ok(stored.Update(request));
  v1::Agent expected = NewAgent();
  expected.set_uuid(created.uuid());
  expected.set_external_id("a-1");
  expected.set_alma_internal_organization(kOurs);
  expected.set_revision(5);
  CHECK(replaced.DebugString() == expected.DebugString());
  CHECK(FoundByEmail(stored, created.email()) == 0);

  CHECK(Ok(stored.Update(UpdateOf(created, {}))).DebugString() == replaced.DebugString());
  CHECK(stored.Count("select revision from revisions") == 5);
}

TEST_CASE("an update of an agent that cannot be carried out changes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Ok(stored.agents.Create(Us(), NewAgent()));
  const v1::Agent created = Ok(stored.agents.Create(Us(), FullAgent()));
  for (const char* path : {"uuid", "revision", "deleted_at", "no_such_field"}) {
    CHECK(FieldsOf(stored.Update(UpdateOf(created, {"name", path})).status()) ==
          Fields{"update_mask"});
  }
  CHECK(FieldsOf(stored.Update(UpdateOf(created, {"*"})).status()) == Fields{"agent.internal"});
  const auto stale = stored.Update(UpdateOf(created, {"name"}, created.revision() - 1));
  CHECK(stale.status().code() == absl::StatusCode::kAborted);
  CHECK(ReasonOf(stale.status()) == "REVISION_STALE");
  v1::Agent absent;
  absent.set_uuid(NthUuid(77));
  const auto not_found = stored.Update(UpdateOf(absent, {"name"}));
  CHECK(ReasonOf(not_found.status()) == "NOT_FOUND");
  auto theirs = UpdateOf(created, {"name"});
  CHECK(stored.agents.Update(Them(), theirs.agent(), theirs.update_mask()).status() ==
        not_found.status());
  CHECK(Ok(stored.agents.Get(Us(), created.uuid())).DebugString() == created.DebugString());
  CHECK(stored.Count("select max(revision) from revisions") == 2);
}

TEST_CASE("a deleted agent loses all that is personal and keeps internal") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  v1::Agent internal = FullAgent();
  internal.set_internal(true);
  const v1::Agent created = Ok(stored.agents.Create(Us(), internal));
  CHECK(ReasonOf(stored.agents.Delete(Us(), created.uuid(), 99).status()) == "REVISION_STALE");
  CHECK(ReasonOf(stored.agents.Delete(Us(), NthUuid(77), 0).status()) == "NOT_FOUND");
  CHECK(ReasonOf(stored.agents.Delete(Them(), created.uuid(), 0).status()) == "NOT_FOUND");

  const v1::Agent deleted = Ok(stored.agents.Delete(Us(), created.uuid(), created.revision()));
  v1::Agent expected = NewAgent();
  expected.set_uuid(created.uuid());
  expected.set_external_id("a-1");
  expected.set_alma_internal_organization(kOurs);
  expected.set_revision(2);
  *expected.mutable_deleted_at() = deleted.deleted_at();
  CHECK(deleted.has_deleted_at());
  CHECK(deleted.DebugString() == expected.DebugString());
  CHECK(Ok(stored.agents.Get(Us(), created.uuid())).DebugString() == deleted.DebugString());
  CHECK(stored.Count("select count(*) from agents where name is null and email is null and "
                     "phone_number is null and other_info is null and email_lookup is null and "
                     "phone_number_lookup is null and internal") == 1);
}

TEST_CASE("a deleted agent is deleted again as it is and not changed or created any more") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  const v1::Agent created = Ok(stored.agents.Create(Us(), FullAgent()));
  const v1::Agent deleted = Ok(stored.agents.Delete(Us(), created.uuid(), 0));
  CHECK(Ok(stored.agents.Delete(Us(), created.uuid(), 1)).DebugString() == deleted.DebugString());

  v1::UpdateAgentRequest update = UpdateOf(created, {"name"}, deleted.revision());
  update.mutable_agent()->set_name("Ana again");
  const auto refused = stored.Update(update);
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(ReasonOf(refused.status()) == "DELETED");

  v1::Agent by_external_id = NewAgent(/*internal=*/false);
  by_external_id.set_external_id("a-1");
  for (const v1::Agent& again : {FullAgent(), by_external_id}) {
    const absl::Status status = stored.agents.Create(Us(), again).status();
    CHECK(status.code() == absl::StatusCode::kAlreadyExists);
    CHECK(ReasonOf(status) == "DELETED");
  }
  CHECK(stored.Count("select revision from revisions") == deleted.revision());
}

}  // namespace
}  // namespace alma::agents
