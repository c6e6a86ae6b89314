#include "services/agents/service.h"

#include "alma/agents/v1/agents.grpc.pb.h"
#include "common/auth/scopes.h"
#include "tests/services/agents/agents.h"
#include "tests/support/list.h"
#include "tests/support/served.h"
#include "tests/support/unstorable_text.h"

namespace alma::agents {
namespace {

using grpc::StatusCode;
using testing::FieldsOf;
using testing::ReasonOf;
using Served = testing::Served<AgentStore, AgentsService, v1::AgentsService>;
using Stub = v1::AgentsService::Stub;

auth::v1::Principal CallerOf(const char* organization) {
  return testing::Caller(organization, {auth::kAgentsRead, auth::kAgentsWrite});
}

template <typename Request, typename Response>
Response Answer(Served& served,
                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
  const auto answered = served.Call(method, CallerOf(kOurs), request);
  INFO(answered.status.error_message());
  REQUIRE(answered.status.ok());
  return answered.response;
}

v1::CreateAgentRequest CreateOf(const v1::Agent& agent) {
  v1::CreateAgentRequest request;
  *request.mutable_agent() = agent;
  return request;
}

TEST_CASE("an agent is stored and read back and changed and deleted through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Served served(engine, Schema());
  const v1::Agent created = Answer(served, &Stub::CreateAgent, CreateOf(FullAgent()));
  v1::GetAgentRequest get;
  get.set_uuid(created.uuid());
  CHECK(Answer(served, &Stub::GetAgent, get).DebugString() == created.DebugString());
  v1::ListAgentsRequest list;
  list.set_phone_number("+5511987654321");
  const auto listed = Answer(served, &Stub::ListAgents, list);
  REQUIRE(listed.agents_size() == 1);
  CHECK(listed.agents(0).DebugString() == created.DebugString());
  CHECK(listed.next_page_token().empty());

  v1::UpdateAgentRequest update;
  update.mutable_agent()->set_uuid(created.uuid());
  update.mutable_update_mask()->add_paths("phone_number");
  CHECK(Answer(served, &Stub::UpdateAgent, update).phone_number().empty());
  CHECK(Answer(served, &Stub::ListAgents, list).agents().empty());
  v1::DeleteAgentRequest remove;
  remove.set_uuid(created.uuid());
  remove.set_revision(2);
  CHECK(Answer(served, &Stub::DeleteAgent, remove).has_deleted_at());
  CHECK(Answer(served, &Stub::GetAgent, get).name().empty());
}

TEST_CASE("agents are listed as they are got") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Served served(engine, Schema());
  for (int i = 0; i < 6; ++i) {
    v1::Agent agent = i % 3 == 0 ? FullAgent() : NewAgent(i == 1);
    agent.set_uuid(NthUuid(i));
    if (i == 3) agent.set_external_id("a-2");
    Answer(served, &Stub::CreateAgent, CreateOf(agent));
  }
  v1::ListAgentsRequest list;
  list.set_page_size(5);
  const auto listed = Answer(served, &Stub::ListAgents, list);
  CHECK_FALSE(listed.next_page_token().empty());
  testing::CheckListed(listed, &v1::ListAgentsResponse::mutable_agents, 5,
                       [&](const v1::Agent& agent) {
                         v1::GetAgentRequest get;
                         get.set_uuid(agent.uuid());
                         return Answer(served, &Stub::GetAgent, get);
                       });
}

TEST_CASE("agents are created and read in batches through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Served served(engine, Schema());
  v1::BatchCreateAgentsRequest create;
  v1::BatchGetAgentsRequest get;
  for (int i = 0; i < 5; ++i) {
    *create.add_agents() = NewAgent();
    create.mutable_agents(i)->set_uuid(NthUuid(i));
    get.add_uuids(NthUuid(i));
  }
  const auto created = Answer(served, &Stub::BatchCreateAgents, create);
  CHECK(Answer(served, &Stub::BatchGetAgents, get).SerializeAsString() ==
        created.SerializeAsString());
  create.mutable_agents(3)->clear_internal();
  const auto refused = served.Call(&Stub::BatchCreateAgents, CallerOf(kOurs), create);
  CHECK(FieldsOf(refused.status) == Fields{"agents[3].internal"});
}

TEST_CASE("pages of agents follow each other and their tokens are good for their own list only") {
  Served served(db::Engine::kSqlite, Schema());
  for (int i = 0; i < 7; ++i) {
    v1::Agent agent = NewAgent();
    agent.set_uuid(NthUuid(i));
    agent.set_email("Office@example.com");
    Answer(served, &Stub::CreateAgent, CreateOf(agent));
  }
  v1::ListAgentsRequest request;
  request.set_page_size(3);
  request.set_email("office@example.com");
  const std::string token = Answer(served, &Stub::ListAgents, request).next_page_token();
  Fields uuids;
  do {
    const auto page = Answer(served, &Stub::ListAgents, request);
    for (const v1::Agent& agent : page.agents()) uuids.push_back(agent.uuid());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  CHECK(uuids.size() == 7);
  CHECK(uuids.back() == NthUuid(6));

  const auto refused = [&](const char* organization, auto change) {
    v1::ListAgentsRequest changed = request;
    changed.set_page_token(token);
    change(changed);
    return ReasonOf(served.Call(&Stub::ListAgents, CallerOf(organization), changed).status) ==
           "PAGE_TOKEN_INVALID";
  };
  CHECK_FALSE(refused(kOurs, [](auto& r) { r.set_page_size(1); }));
  CHECK_FALSE(refused(kOurs, [](auto& r) { r.set_email("OFFICE@example.com"); }));
  CHECK(refused(kTheirs, [](auto&) {}));
  CHECK(refused(kOurs, [](auto& r) { r.set_internal(true); }));
  CHECK(refused(kOurs, [](auto& r) { r.set_email("other@example.com"); }));
  CHECK(refused(kOurs, [](auto& r) { r.set_show_deleted(true); }));
}

TEST_CASE("a bad agent gets the code and the reason that the contract names") {
  Served served(db::Engine::kSqlite, Schema());
  const auto create = [&](const v1::Agent& agent) {
    return served.Call(&Stub::CreateAgent, CallerOf(kOurs), CreateOf(agent)).status;
  };
  CHECK(create({}).error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK(ReasonOf(create({})) == "FIELD_INVALID");
  CHECK(FieldsOf(create({})) == Fields{"agent.internal", "agent.origin"});
  REQUIRE(create(FullAgent()).ok());
  v1::Agent other = FullAgent();
  other.set_name("other");
  CHECK(create(other).error_code() == StatusCode::ALREADY_EXISTS);
  CHECK(ReasonOf(create(other)) == "ALREADY_EXISTS");
  v1::GetAgentRequest get;
  get.set_uuid(NthUuid(77));
  const auto absent = served.Call(&Stub::GetAgent, CallerOf(kOurs), get).status;
  CHECK(absent.error_code() == StatusCode::NOT_FOUND);
  get.set_uuid(FullAgent().uuid());
  const auto theirs = served.Call(&Stub::GetAgent, CallerOf(kTheirs), get).status;
  CHECK(theirs.error_code() == absent.error_code());
  CHECK(theirs.error_message() == absent.error_message());
  CHECK(theirs.error_details() == absent.error_details());
}

TEST_CASE("a caller of agents needs the scope of the method") {
  Served served(db::Engine::kSqlite, Schema());
  const auto reader = testing::Caller(kOurs, {auth::kAgentsRead, auth::kConversationsWrite});
  const auto writer = testing::Caller(kOurs, {auth::kAgentsWrite});
  const auto create = CreateOf(FullAgent());
  CHECK(ReasonOf(served.Call(&Stub::CreateAgent, reader, create).status) == "SCOPE_MISSING");
  CHECK(served.Call(&Stub::CreateAgent, writer, create).status.ok());
  const v1::ListAgentsRequest list;
  CHECK(served.Call(&Stub::ListAgents, reader, list).status.ok());
  CHECK(served.Call(&Stub::ListAgents, writer, list).status.error_code() ==
        StatusCode::PERMISSION_DENIED);
}

// Output only, or in an update what never changes.
bool Ignored(const std::string& method, const std::string& path) {
  return path.ends_with(".alma_internal_organization") ||
         (method == "UpdateAgent" && (path == "agent.origin" || path == "agent.external_id"));
}

TEST_CASE("text that no database can hold is refused in every field of agents") {
  Served served(db::Engine::kSqlite, Schema());
  const int checked = testing::CheckUnstorableText(
      served.server, served.service, CallerOf(kOurs),
      [](google::protobuf::Message& request) {
        // A mask is looked at only in a request with what it is for.
        if (auto* update = dynamic_cast<v1::UpdateAgentRequest*>(&request)) {
          update->mutable_agent();
        }
      },
      Ignored);
  CHECK(checked > 60);
}

}  // namespace
}  // namespace alma::agents
