#pragma once

#include "absl/status/statusor.h"
#include "alma/agents/v1/agents.pb.h"
#include "common/db/page_token.h"
#include "common/rpc/service.h"
#include "common/tenant/gets.h"
#include "common/wire/encoded.h"
#include "services/agents/store.h"

namespace alma::agents {

// alma.agents.v1.AgentsService. What it is given outlives it.
class AgentsService final : public rpc::Service {
 public:
  AgentsService(rpc::Runtime& runtime, AgentStore& store, const db::PageTokens& page_tokens);

 private:
  absl::Status CreateAgent(const rpc::Call& call, v1::CreateAgentRequest& request,
                           rpc::Completion<v1::Agent> completion);
  absl::StatusOr<v1::BatchCreateAgentsResponse> BatchCreateAgents(
      const rpc::Call& call, v1::BatchCreateAgentsRequest& request);
  absl::Status GetAgent(const rpc::Call& call, v1::GetAgentRequest& request,
                        rpc::Completion<v1::Agent> completion);
  absl::StatusOr<v1::BatchGetAgentsResponse> BatchGetAgents(const rpc::Call& call,
                                                            v1::BatchGetAgentsRequest& request);
  absl::StatusOr<wire::Encoded<v1::ListAgentsResponse>> ListAgents(const rpc::Call& call,
                                                                   v1::ListAgentsRequest& request);
  absl::StatusOr<v1::Agent> UpdateAgent(const rpc::Call& call, v1::UpdateAgentRequest& request);
  absl::StatusOr<v1::Agent> DeleteAgent(const rpc::Call& call, v1::DeleteAgentRequest& request);

  AgentStore& store_;
  tenant::Gets<v1::Agent> gets_;
  const db::PageTokens& page_tokens_;
};

}  // namespace alma::agents
