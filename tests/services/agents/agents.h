#pragma once

#include <string>
#include <vector>

#include "alma/agents/v1/agents.pb.h"
#include "services/agents/schema.h"
#include "services/agents/store.h"
#include "services/agents/validate.h"
#include "tests/support/database.h"
#include "tests/support/tenants.h"

namespace alma::agents {

using testing::FieldsOf;
using testing::kOurs;
using testing::kTheirs;
using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;
using Fields = std::vector<std::string>;

// Valid, without ids.
inline v1::Agent NewAgent(bool internal = true) {
  v1::Agent agent;
  agent.set_internal(internal);
  agent.set_origin("crm");
  return agent;
}

// Everything that a caller can set.
inline v1::Agent FullAgent() {
  v1::Agent agent = NewAgent(/*internal=*/false);
  agent.set_uuid(NthUuid(10));
  agent.set_external_id("a-1");
  agent.set_name("Ana Secreta");
  agent.set_email("Ana.Secreta@Example.com");
  agent.set_phone_number("+55 (11) 98765-4321");
  auto& info = *agent.mutable_other_info()->mutable_fields();
  info["n"].set_number_value(0.1);
  info["s"].set_string_value("'\"\\é secret");
  return agent;
}

template <typename Request>
Fields Violated(Request& request) {
  return testing::Violated(Validate(request));
}

// A store over a database of its own.
struct Stored {
  explicit Stored(db::Engine engine) : database(engine, Schema()), agents(*database) {}

  int64_t Count(std::string_view sql) { return testing::SelectInt64(*database, sql); }

  // Validates first, as the service does.
  absl::StatusOr<v1::Agent> Update(v1::UpdateAgentRequest request) {
    if (absl::Status valid = Validate(request); !valid.ok()) return valid;
    return agents.Update(Us(), request.agent(), request.update_mask());
  }
  auto List(v1::ListAgentsRequest request, const db::Position& after = {}) {
    REQUIRE(Validate(request).ok());
    return agents.List(Us(), request, after);
  }

  testing::TestDatabase database;
  AgentStore agents;
};

}  // namespace alma::agents
