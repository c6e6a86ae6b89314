#pragma once

#include <cstdint>
#include <string_view>

#include "alma/agents/v1/agents.pb.h"
#include "common/tenant/list_query.h"

namespace alma::agents {

// Up to `limit` rows of the list behind `after`. The Position of a row is its uuid.
tenant::ListQuery AgentsBehind(const db::Position& after, std::string_view organization,
                               const v1::ListAgentsRequest& request, int64_t limit);

}  // namespace alma::agents
