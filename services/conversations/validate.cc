#include "services/conversations/validate.h"

#include <array>
#include <string>
#include <string_view>

#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/requests.h"

namespace alma::conversations {
namespace {

using text::CheckEach;
using text::CheckFreeJson;
using text::CheckNotNegative;
using text::Presence;
using text::Violations;

constexpr int kMaxParticipants = 100;
constexpr std::array<std::string_view, 3> kMutableConversation = {"agents", "external_participants",
                                                                  "meta_data"};

// The lists of a conversation or of what is to be added to one or taken off it.
template <typename HasParticipants>
void CheckParticipants(Violations& violations, HasParticipants& lists) {
  const int agents = lists.agents_size();
  if (agents + lists.external_participants_size() > kMaxParticipants) {
    violations.Add(agents > kMaxParticipants ? "agents" : "external_participants",
                   "must be at most 100 participants, agents and external ones together");
    return;
  }
  CheckEach(
      violations, "agents", *lists.mutable_agents(),
      [&](std::string_view path, std::string& uuid) { text::CheckUuid(violations, path, &uuid); });
  CheckEach(violations, "external_participants", *lists.mutable_external_participants(),
            [&](std::string_view path, std::string& participant) {
              text::CheckName(violations, path, participant);
            });
}

template <typename Request>
absl::Status ValidateParticipants(Request& request) {
  Violations violations;
  text::CheckUuid(violations, "uuid", request.mutable_uuid());
  CheckParticipants(violations, request);
  if (request.agents().empty() && request.external_participants().empty()) {
    violations.Add("agents", "must not be empty where external_participants is");
  }
  CheckNotNegative(violations, "revision", request.revision());
  return violations.ToStatus();
}

void CheckContent(Violations& violations, v1::Conversation& conversation) {
  CheckParticipants(violations, conversation);
  if (conversation.has_meta_data()) {
    CheckFreeJson(violations, "meta_data", conversation.mutable_meta_data());
  }
}

void CheckConversation(Violations& violations, v1::Conversation& conversation) {
  conversation.clear_created_at();
  conversation.clear_message_count();
  conversation.clear_last_message_at();
  conversation.clear_last_message_index();
  CheckContent(violations, conversation);
  text::CheckName(violations, "origin", conversation.origin());
}

}  // namespace

absl::Status Validate(v1::CreateConversationRequest& request) {
  return tenant::ValidateCreate(
      request, "conversation", &v1::CreateConversationRequest::has_conversation,
      &v1::CreateConversationRequest::mutable_conversation, CheckConversation);
}

absl::Status Validate(v1::GetConversationRequest& request) { return tenant::ValidateGet(request); }

absl::Status Validate(v1::ListConversationsRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  text::CheckUuid(violations, "agent_uuid", request.mutable_agent_uuid(), Presence::kOptional);
  text::CheckName(violations, "external_participant", request.external_participant(),
                  Presence::kOptional);
  text::CheckName(violations, "origin", request.origin(), Presence::kOptional);
  const bool by_agent = !request.agent_uuid().empty();
  const bool by_external = !request.external_participant().empty();
  if (by_agent && by_external) {
    violations.Add("external_participant", "cannot be combined with agent_uuid");
  }
  if ((by_agent || by_external) && !request.origin().empty()) {
    violations.Add("origin", "cannot be combined with agent_uuid or external_participant");
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::BatchGetConversationsRequest& request) {
  return tenant::ValidateBatchGet(request);
}

absl::Status Validate(v1::UpdateConversationRequest& request) {
  return tenant::ValidateUpdate(
      request, "conversation", &v1::UpdateConversationRequest::has_conversation,
      &v1::UpdateConversationRequest::mutable_conversation, kMutableConversation, CheckContent);
}

absl::Status Validate(v1::DeleteConversationRequest& request) {
  return tenant::ValidateDelete(request);
}
absl::Status Validate(v1::AddParticipantsRequest& request) { return ValidateParticipants(request); }
absl::Status Validate(v1::RemoveParticipantsRequest& request) {
  return ValidateParticipants(request);
}

absl::Status CheckParticipantCount(std::string_view field, const v1::Conversation& conversation) {
  if (conversation.agents_size() + conversation.external_participants_size() <= kMaxParticipants) {
    return absl::OkStatus();
  }
  Violations violations;
  violations.Add(field, "would be more than 100 participants, agents included");
  return violations.ToStatus();
}

}  // namespace alma::conversations
