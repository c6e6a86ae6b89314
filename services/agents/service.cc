#include "services/agents/service.h"

#include <utility>

#include "common/db/list_page.h"
#include "common/status/macros.h"
#include "services/agents/validate.h"

namespace alma::agents {

AgentsService::AgentsService(rpc::Runtime& runtime, AgentStore& store,
                             const db::PageTokens& page_tokens)
    : Service(*v1::Agent::descriptor()->file()->FindServiceByName("AgentsService"), runtime),
      store_(store),
      gets_(store, runtime.workers),
      page_tokens_(page_tokens) {
  HandleLate("CreateAgent", &AgentsService::CreateAgent);
  Handle("BatchCreateAgents", &AgentsService::BatchCreateAgents);
  HandleLate("GetAgent", &AgentsService::GetAgent);
  Handle("BatchGetAgents", &AgentsService::BatchGetAgents);
  Handle("ListAgents", &AgentsService::ListAgents);
  Handle("UpdateAgent", &AgentsService::UpdateAgent);
  Handle("DeleteAgent", &AgentsService::DeleteAgent);
}

absl::Status AgentsService::CreateAgent(const rpc::Call& call, v1::CreateAgentRequest& request,
                                        rpc::Completion<v1::Agent> completion) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, std::move(*request.mutable_agent()), std::move(completion));
}

absl::StatusOr<v1::BatchCreateAgentsResponse> AgentsService::BatchCreateAgents(
    const rpc::Call& call, v1::BatchCreateAgentsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.CreateAll(call, "agents", request.agents(),
                          &v1::BatchCreateAgentsResponse::mutable_agents);
}

absl::Status AgentsService::GetAgent(const rpc::Call& call, v1::GetAgentRequest& request,
                                     rpc::Completion<v1::Agent> completion) {
  RETURN_IF_ERROR(Validate(request));
  return gets_.Get(call, request.uuid(), std::move(completion));
}

absl::StatusOr<v1::BatchGetAgentsResponse> AgentsService::BatchGetAgents(
    const rpc::Call& call, v1::BatchGetAgentsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.BatchGet(call, request.uuids(), &v1::BatchGetAgentsResponse::mutable_agents);
}

absl::StatusOr<wire::Encoded<v1::ListAgentsResponse>> AgentsService::ListAgents(
    const rpc::Call& call, v1::ListAgentsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::Agent> AgentsService::UpdateAgent(const rpc::Call& call,
                                                     v1::UpdateAgentRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Update(call, request.agent(), request.update_mask());
}

absl::StatusOr<v1::Agent> AgentsService::DeleteAgent(const rpc::Call& call,
                                                     v1::DeleteAgentRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Delete(call, request.uuid(), request.revision());
}

}  // namespace alma::agents
