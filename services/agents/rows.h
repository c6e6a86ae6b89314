#pragma once

#include "alma/agents/v1/agents.pb.h"
#include "common/tenant/table.h"

namespace alma::agents {

// The table agents. A tombstone has no name, email, phone_number and other_info, and is found by
// none of them.
const tenant::Table<v1::Agent>& Agents();

}  // namespace alma::agents
