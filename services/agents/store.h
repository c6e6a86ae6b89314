#pragma once

#include "absl/status/statusor.h"
#include "alma/agents/v1/agents.pb.h"
#include "common/tenant/store.h"
#include "services/agents/rows.h"

namespace alma::agents {

// Agents as they are stored. See tenant::Store.
class AgentStore : public tenant::Store<v1::Agent> {
 public:
  explicit AgentStore(db::Database& database) : Store(database, Agents()) {}

  // The agents behind `after`, by uuid.
  absl::StatusOr<db::ListPage<v1::ListAgentsResponse>> List(const rpc::Call& call,
                                                            const v1::ListAgentsRequest& request,
                                                            const db::Position& after);
};

}  // namespace alma::agents
