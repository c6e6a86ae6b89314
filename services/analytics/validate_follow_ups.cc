#include <array>
#include <string_view>

#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/field_mask.h"
#include "services/analytics/validate.h"

namespace alma::analytics {
namespace {

using text::Presence;
using text::Violations;

constexpr std::array<std::string_view, 3> kMutableFollowUp = {"agent_uuid", "score",
                                                              "follow_up_date"};

// `requires_field(name)` says which of them have to be there.
template <typename RequiresField>
void CheckChanging(Violations& violations, v1::FollowUp& follow_up, RequiresField requires_field) {
  text::CheckUuid(violations, "agent_uuid", follow_up.mutable_agent_uuid(),
                  requires_field("agent_uuid") ? Presence::kRequired : Presence::kOptional);
  if (!follow_up.has_score() && requires_field("score")) violations.Add("score", "must be set");
  if (follow_up.has_follow_up_date()) {
    tenant::CheckTime(violations, "follow_up_date", follow_up.mutable_follow_up_date());
  } else if (requires_field("follow_up_date")) {
    violations.Add("follow_up_date", "must be set");
  }
}

void CheckFollowUp(Violations& violations, v1::FollowUp& follow_up) {
  text::CheckUuid(violations, "conversation_uuid", follow_up.mutable_conversation_uuid());
  CheckChanging(violations, follow_up, [](std::string_view) { return true; });
}

}  // namespace

absl::Status Validate(v1::CreateFollowUpRequest& request) {
  return tenant::ValidateCreate(request, "follow_up", &v1::CreateFollowUpRequest::has_follow_up,
                                &v1::CreateFollowUpRequest::mutable_follow_up, CheckFollowUp);
}

absl::Status Validate(v1::BatchCreateFollowUpsRequest& request) {
  return tenant::ValidateBatchCreate(request, "follow_ups", request.mutable_follow_ups(),
                                     CheckFollowUp);
}

absl::Status Validate(v1::GetFollowUpRequest& request) { return tenant::ValidateGet(request); }

absl::Status Validate(v1::ListFollowUpsRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  text::CheckUuid(violations, "agent_uuid", request.mutable_agent_uuid(), Presence::kOptional);
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid(),
                  Presence::kOptional);
  if (!request.agent_uuid().empty() && !request.conversation_uuid().empty()) {
    violations.Add("conversation_uuid", "cannot be combined with agent_uuid");
  }
  if (request.has_due_from()) {
    tenant::CheckBound(violations, "due_from", request.mutable_due_from());
  }
  if (request.has_due_to()) tenant::CheckBound(violations, "due_to", request.mutable_due_to());
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateFollowUpRequest& request) {
  return tenant::ValidateUpdate(request, "follow_up", &v1::UpdateFollowUpRequest::has_follow_up,
                                &v1::UpdateFollowUpRequest::mutable_follow_up, kMutableFollowUp,
                                [&](Violations& violations, v1::FollowUp& follow_up) {
                                  CheckChanging(violations, follow_up, [&](std::string_view field) {
                                    return text::Names(request.update_mask(), field);
                                  });
                                });
}

absl::Status Validate(v1::DeleteFollowUpRequest& request) {
  return tenant::ValidateDelete(request);
}

}  // namespace alma::analytics
