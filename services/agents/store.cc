#include "services/agents/store.h"

#include "services/agents/list_query.h"

namespace alma::agents {

absl::StatusOr<db::ListPage<v1::ListAgentsResponse>> AgentStore::List(
    const rpc::Call& call, const v1::ListAgentsRequest& request, const db::Position& after) {
  return Page<v1::ListAgentsResponse>(
      call, request.page_size(), after, v1::ListAgentsResponse::kAgentsFieldNumber,
      [&](const db::Position& at, int64_t limit) {
        return AgentsBehind(at, call.organization(), request, limit);
      },
      [](const v1::Agent& agent) { return db::Position{agent.uuid()}; });
}

}  // namespace alma::agents
