#include "services/agents/validate.h"

#include <array>
#include <string_view>

#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/requests.h"
#include "services/agents/lookup.h"

namespace alma::agents {
namespace {

using text::CheckName;
using text::Presence;
using text::Violations;

constexpr std::array<std::string_view, 5> kMutableAgent = {"name", "email", "phone_number",
                                                           "other_info", "internal"};

void CheckChanging(Violations& violations, v1::Agent& agent) {
  CheckName(violations, "name", agent.name(), Presence::kOptional);
  CheckName(violations, "email", agent.email(), Presence::kOptional);
  CheckName(violations, "phone_number", agent.phone_number(), Presence::kOptional);
  if (agent.has_other_info()) {
    text::CheckFreeJson(violations, "other_info", agent.mutable_other_info());
  }
}

void CheckInternal(Violations& violations, const v1::Agent& agent) {
  if (!agent.has_internal()) violations.Add("internal", "must be set, be it false");
}

void CheckAgent(Violations& violations, v1::Agent& agent) {
  CheckChanging(violations, agent);
  CheckInternal(violations, agent);
  CheckName(violations, "origin", agent.origin());
}

void CheckAddresses(Violations& violations, v1::ListAgentsRequest& request) {
  CheckName(violations, "email", request.email(), Presence::kOptional);
  request.set_email(EmailLookup(request.email()));
  CheckName(violations, "phone_number", request.phone_number(), Presence::kOptional);
  if (request.phone_number().empty()) return;
  request.set_phone_number(PhoneNumberLookup(request.phone_number()));
  if (request.phone_number().empty()) violations.Add("phone_number", "must have a digit");
}

}  // namespace

absl::Status Validate(v1::CreateAgentRequest& request) {
  return tenant::ValidateCreate(request, "agent", &v1::CreateAgentRequest::has_agent,
                                &v1::CreateAgentRequest::mutable_agent, CheckAgent);
}

absl::Status Validate(v1::BatchCreateAgentsRequest& request) {
  return tenant::ValidateBatchCreate(request, "agents", request.mutable_agents(), CheckAgent);
}

absl::Status Validate(v1::GetAgentRequest& request) { return tenant::ValidateGet(request); }

absl::Status Validate(v1::BatchGetAgentsRequest& request) {
  return tenant::ValidateBatchGet(request);
}

absl::Status Validate(v1::ListAgentsRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  const bool by_email = !request.email().empty();
  const bool by_phone_number = !request.phone_number().empty();
  CheckAddresses(violations, request);
  CheckName(violations, "origin", request.origin(), Presence::kOptional);
  if (by_email && by_phone_number) {
    violations.Add("phone_number", "cannot be combined with email");
  }
  if ((by_email || by_phone_number) && !request.origin().empty()) {
    violations.Add("origin", "cannot be combined with email or phone_number");
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateAgentRequest& request) {
  return tenant::ValidateUpdate(request, "agent", &v1::UpdateAgentRequest::has_agent,
                                &v1::UpdateAgentRequest::mutable_agent, kMutableAgent,
                                [&](Violations& violations, v1::Agent& agent) {
                                  CheckChanging(violations, agent);
                                  if (text::Names(request.update_mask(), "internal")) {
                                    CheckInternal(violations, agent);
                                  }
                                });
}

absl::Status Validate(v1::DeleteAgentRequest& request) { return tenant::ValidateDelete(request); }

}  // namespace alma::agents
