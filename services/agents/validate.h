#pragma once

#include "absl/status/status.h"
#include "alma/agents/v1/agents.pb.h"

// Pure functions that say whether a request can be carried out at all: INVALID_ARGUMENT with every
// violated field otherwise. They bring the request into the one form that the store expects, in
// place: uuids in lower case, addresses to look up in the forms of lookup.h, page sizes filled in,
// and what a client cannot set taken out of a resource to create.
namespace alma::agents {

absl::Status Validate(v1::CreateAgentRequest& request);
absl::Status Validate(v1::BatchCreateAgentsRequest& request);
absl::Status Validate(v1::GetAgentRequest& request);
absl::Status Validate(v1::BatchGetAgentsRequest& request);
absl::Status Validate(v1::ListAgentsRequest& request);
absl::Status Validate(v1::UpdateAgentRequest& request);
absl::Status Validate(v1::DeleteAgentRequest& request);

}  // namespace alma::agents
