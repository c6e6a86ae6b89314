#include <cmath>
#include <functional>

#include "absl/strings/str_cat.h"
#include "tests/services/agents/agents.h"

namespace alma::agents {
namespace {

struct AgentCase {
  const char* what;
  std::function<void(v1::Agent&)> change;
  Fields violated;
};

// `violated` within the agent.
const AgentCase kOfAnyAgent[] = {
    {"a good one", [](v1::Agent&) {}, {}},
    {"256 characters of name",
     [](v1::Agent& a) {
       a.clear_name();
       for (int i = 0; i < 256; ++i) a.mutable_name()->append("é");
     },
     {}},
    {"a longer name", [](v1::Agent& a) { a.set_name(std::string(257, 'x')); }, {"name"}},
    {"blank name", [](v1::Agent& a) { a.set_name(" "); }, {"name"}},
    {"a long email", [](v1::Agent& a) { a.set_email(std::string(257, 'x')); }, {"email"}},
    {"blank email", [](v1::Agent& a) { a.set_email("\t"); }, {"email"}},
    {"no address at all", [](v1::Agent& a) { a.set_email("ask the office"); }, {}},
    {"a long phone number",
     [](v1::Agent& a) { a.set_phone_number(std::string(257, '1')); },
     {"phone_number"}},
    {"a phone number without digits", [](v1::Agent& a) { a.set_phone_number("none"); }, {}},
    {"blank phone number", [](v1::Agent& a) { a.set_phone_number("  "); }, {"phone_number"}},
    {"NUL", [](v1::Agent& a) { a.set_name(std::string("a\0b", 3)); }, {"name"}},
    {"invalid UTF-8", [](v1::Agent& a) { a.set_email("a\xff"); }, {"email"}},
    {"NaN",
     [](v1::Agent& a) {
       (*a.mutable_other_info()->mutable_fields())["x"].set_number_value(std::nan(""));
     },
     {"other_info.x"}},
    {"a Value without a kind",
     [](v1::Agent& a) { (*a.mutable_other_info()->mutable_fields())["x"].Clear(); },
     {"other_info.x"}},
};

const AgentCase kOfNewAgent[] = {
    {"internal forgotten", [](v1::Agent& a) { a.clear_internal(); }, {"internal"}},
    {"external", [](v1::Agent& a) { a.set_internal(false); }, {}},
    {"no origin", [](v1::Agent& a) { a.clear_origin(); }, {"origin"}},
    {"a long origin", [](v1::Agent& a) { a.set_origin(std::string(257, 'x')); }, {"origin"}},
    {"blank external id", [](v1::Agent& a) { a.set_external_id(" "); }, {"external_id"}},
    {"no uuid", [](v1::Agent& a) { a.clear_uuid(); }, {}},
    {"no such uuid", [](v1::Agent& a) { a.set_uuid("ana"); }, {"uuid"}},
    {"nil uuid",
     [](v1::Agent& a) { a.set_uuid("00000000-0000-0000-0000-000000000000"); },
     {"uuid"}},
    {"several at once",
     [](v1::Agent& a) { a.Clear(), a.set_name(" "); },
     {"name", "internal", "origin"}},
};

Fields Within(const std::string& prefix, Fields fields) {
  for (std::string& field : fields) field = absl::StrCat(prefix, ".", field);
  return fields;
}

TEST_CASE("an agent is refused with every field that breaks a rule") {
  std::vector<AgentCase> cases(std::begin(kOfAnyAgent), std::end(kOfAnyAgent));
  cases.insert(cases.end(), std::begin(kOfNewAgent), std::end(kOfNewAgent));
  for (const AgentCase& row : cases) {
    INFO(row.what);
    v1::CreateAgentRequest create;
    *create.mutable_agent() = FullAgent();
    row.change(*create.mutable_agent());
    CHECK(Violated(create) == Within("agent", row.violated));
    v1::BatchCreateAgentsRequest batch;
    *batch.add_agents() = NewAgent();
    *batch.add_agents() = FullAgent();
    row.change(*batch.mutable_agents(1));
    CHECK(Violated(batch) == Within("agents[1]", row.violated));
  }
}

TEST_CASE("an update of an agent is refused with every field that breaks a rule") {
  for (const AgentCase& row : kOfAnyAgent) {
    INFO(row.what);
    v1::UpdateAgentRequest update;
    *update.mutable_agent() = FullAgent();
    row.change(*update.mutable_agent());
    CHECK(Violated(update) == Within("agent", row.violated));
  }
  v1::UpdateAgentRequest update;
  CHECK(Violated(update) == Fields{"agent"});
  update.mutable_agent();
  CHECK(Violated(update) == Fields{"agent.uuid"});
  update.mutable_agent()->set_uuid(NthUuid(1));
  update.mutable_agent()->set_revision(-1);
  CHECK(Violated(update) == Fields{"agent.revision"});
}

TEST_CASE("an update that writes internal needs it set and no other does") {
  const auto violated = [](const Fields& mask, std::optional<bool> internal) {
    v1::UpdateAgentRequest update;
    update.mutable_agent()->set_uuid(NthUuid(1));
    if (internal.has_value()) update.mutable_agent()->set_internal(*internal);
    for (const std::string& path : mask) update.mutable_update_mask()->add_paths(path);
    return Violated(update);
  };
  CHECK(violated({"internal"}, std::nullopt) == Fields{"agent.internal"});
  CHECK(violated({"*"}, std::nullopt) == Fields{"agent.internal"});
  CHECK(violated({"name"}, std::nullopt).empty());
  CHECK(violated({}, std::nullopt).empty());
  for (const bool internal : {false, true}) {
    CHECK(violated({"internal"}, internal).empty());
    CHECK(violated({"*"}, internal).empty());
  }
}

TEST_CASE("the mask of an agent names only what can change") {
  const auto violated = [](const Fields& mask) {
    v1::UpdateAgentRequest update;
    *update.mutable_agent() = FullAgent();
    for (const std::string& path : mask) update.mutable_update_mask()->add_paths(path);
    return Violated(update);
  };
  CHECK(violated({"name", "email", "phone_number", "other_info", "internal"}).empty());
  for (const char* path :
       {"uuid", "origin", "external_id", "alma_internal_organization", "revision", "deleted_at",
        "email_lookup", "other_info.n", "no_such_field", ""}) {
    INFO(path);
    CHECK(violated({path}) == Fields{"update_mask"});
    CHECK(violated({"name", path}) == Fields{"update_mask"});
  }
  CHECK(violated({"*", "name"}) == Fields{"update_mask"});
}

TEST_CASE("an agent is brought into the form in which it is stored and keeps its addresses") {
  v1::CreateAgentRequest request;
  CHECK(Violated(request) == Fields{"agent"});
  v1::Agent& agent = *request.mutable_agent();
  agent = FullAgent();
  agent.set_uuid("ABCDEF00-0000-7000-8000-000000000000");
  agent.set_alma_internal_organization("somebody else's");
  agent.set_revision(-7);
  agent.mutable_deleted_at()->set_nanos(-1);
  (*agent.mutable_other_info()->mutable_fields())["zero"].set_number_value(-0.0);
  CHECK(Violated(request).empty());
  v1::Agent expected = FullAgent();
  expected.set_uuid("abcdef00-0000-7000-8000-000000000000");
  (*expected.mutable_other_info()->mutable_fields())["zero"].set_number_value(0.0);
  CHECK(agent.DebugString() == expected.DebugString());
}

TEST_CASE("a batch of agents has 1 to 1000 items of 3 MiB at most and names each once") {
  v1::BatchCreateAgentsRequest request;
  CHECK(Violated(request) == Fields{"agents"});
  for (int i = 0; i < 1000; ++i) {
    *request.add_agents() = NewAgent();
    request.mutable_agents(i)->set_uuid(NthUuid(i));
  }
  CHECK(Violated(request).empty());
  *request.add_agents() = NewAgent();
  CHECK(Violated(request) == Fields{"agents"});
  request.mutable_agents()->DeleteSubrange(3, 998);
  request.mutable_agents(2)->set_uuid(NthUuid(0));
  request.mutable_agents(0)->set_external_id("7");
  request.mutable_agents(1)->set_external_id("7");
  CHECK(Violated(request) == Fields{"agents[1].external_id", "agents[2].uuid"});
  request.mutable_agents(1)->set_origin("erp");
  CHECK(Violated(request) == Fields{"agents[2].uuid"});
}

TEST_CASE("a batch of agents beyond 3 MiB is refused as a whole") {
  v1::BatchCreateAgentsRequest request;
  for (int i = 0; i < 50; ++i) {
    *request.add_agents() = NewAgent();
    (*request.mutable_agents(i)->mutable_other_info()->mutable_fields())["x"].set_string_value(
        std::string(60 * 1024, 'x'));
  }
  CHECK(Violated(request).empty());
  for (int i = 0; i < 3; ++i) *request.add_agents() = request.agents(0);
  CHECK(Violated(request) == Fields{"agents"});
}

TEST_CASE("agents are named by uuids") {
  v1::GetAgentRequest get;
  CHECK(Violated(get) == Fields{"uuid"});
  get.set_uuid("ABCDEF00-0000-7000-8000-000000000000");
  CHECK(Violated(get).empty());
  CHECK(get.uuid() == "abcdef00-0000-7000-8000-000000000000");

  v1::BatchGetAgentsRequest batch;
  CHECK(Violated(batch) == Fields{"uuids"});
  batch.add_uuids(NthUuid(1));
  batch.add_uuids("x");
  batch.add_uuids(NthUuid(1));
  CHECK(Violated(batch) == Fields{"uuids[1]", "uuids[2]"});
  batch.clear_uuids();
  for (int i = 0; i < 100; ++i) batch.add_uuids(NthUuid(i));
  CHECK(Violated(batch).empty());
  batch.add_uuids(NthUuid(100));
  CHECK(Violated(batch) == Fields{"uuids"});

  v1::DeleteAgentRequest remove;
  remove.set_revision(-1);
  CHECK(Violated(remove) == Fields{"uuid", "revision"});
}

TEST_CASE("a list of agents takes internal and one filter beside it") {
  v1::ListAgentsRequest request;
  request.set_internal(false);
  CHECK(Violated(request).empty());
  CHECK(request.page_size() == 50);
  request.set_page_size(2000);
  request.set_email("Ana@X.example");
  CHECK(Violated(request).empty());
  CHECK(request.page_size() == 1000);
  CHECK(request.email() == "ana@x.example");
  request.set_phone_number("+55 11");
  CHECK(Violated(request) == Fields{"phone_number"});
  CHECK(request.phone_number() == "+5511");
  request.set_origin("crm");
  CHECK(Violated(request) == Fields{"phone_number", "origin"});
  request.clear_email();
  CHECK(Violated(request) == Fields{"origin"});
  request.clear_phone_number();
  CHECK(Violated(request).empty());
  request.set_email("a");
  CHECK(Violated(request) == Fields{"origin"});
}

TEST_CASE("a list of agents names the filters that are none") {
  v1::ListAgentsRequest request;
  request.set_page_size(-1);
  request.set_email(" ");
  CHECK(Violated(request) == Fields{"page_size", "email"});
  request.Clear();
  request.set_phone_number("none");
  CHECK(Violated(request) == Fields{"phone_number"});
  request.Clear();
  request.set_phone_number(std::string(257, '1'));
  CHECK(Violated(request) == Fields{"phone_number"});
  request.Clear();
  request.set_origin(std::string(257, 'x'));
  CHECK(Violated(request) == Fields{"origin"});
}

}  // namespace
}  // namespace alma::agents
