#include "services/conversations/validate.h"

#include <array>
#include <set>
#include <string>
#include <string_view>

#include "common/text/checks.h"
#include "common/text/field_mask.h"
#include "common/text/requests.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;
using text::CheckMetaData;
using text::CheckNotNegative;
using text::Missing;
using text::Presence;
using text::ValidateDelete;
using text::ValidateUuid;
using text::Violations;

constexpr int kMaxParticipants = 100;
constexpr int kMaxBatchGet = 100;
constexpr std::array<std::string_view, 3> kMutableConversation = {"agents", "external_participants",
                                                                  "meta_data"};

// Calls `check(path, item)`, which may change the item, for each of `items`, then looks for
// repetitions.
template <typename Check>
void CheckEach(Violations& violations, const std::string& field,
               RepeatedPtrField<std::string>& items, Check check) {
  std::set<std::string_view> seen;
  for (int i = 0; i < items.size(); ++i) {
    const std::string path = field + "[" + std::to_string(i) + "]";
    check(path, items[i]);
    if (!items[i].empty() && !seen.insert(items[i]).second) {
      violations.Add(path, "is in the list already");
    }
  }
}

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

void ClearOutputOnly(v1::Conversation& conversation) {
  conversation.clear_created_at();
  conversation.clear_updated_at();
  conversation.clear_alma_internal_organization();
  conversation.clear_message_count();
  conversation.clear_last_message_at();
  conversation.clear_last_message_index();
  conversation.clear_revision();
  conversation.clear_deleted_at();
}

void CheckNew(Violations& violations, v1::Conversation& conversation) {
  ClearOutputOnly(conversation);
  text::CheckUuid(violations, "uuid", conversation.mutable_uuid(), Presence::kOptional);
  CheckParticipants(violations, conversation);
  if (conversation.has_meta_data()) {
    CheckMetaData(violations, "meta_data", conversation.mutable_meta_data());
  }
  text::CheckName(violations, "origin", conversation.origin());
  text::CheckName(violations, "external_id", conversation.external_id(), Presence::kOptional);
}

}  // namespace

absl::Status Validate(v1::CreateConversationRequest& request) {
  if (!request.has_conversation()) return Missing("conversation");
  Violations violations;
  violations.set_prefix("conversation");
  CheckNew(violations, *request.mutable_conversation());
  return violations.ToStatus();
}

absl::Status Validate(v1::GetConversationRequest& request) { return ValidateUuid(request); }

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
  Violations violations;
  if (request.uuids().empty() || request.uuids_size() > kMaxBatchGet) {
    violations.Add("uuids", "must be 1 to 100 uuids");
    return violations.ToStatus();
  }
  CheckEach(
      violations, "uuids", *request.mutable_uuids(),
      [&](std::string_view path, std::string& uuid) { text::CheckUuid(violations, path, &uuid); });
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateConversationRequest& request) {
  if (!request.has_conversation()) return Missing("conversation");
  v1::Conversation& conversation = *request.mutable_conversation();
  Violations violations;
  text::ResolveUpdateMask(violations, conversation, kMutableConversation,
                          request.mutable_update_mask());
  violations.set_prefix("conversation");
  text::CheckUuid(violations, "uuid", conversation.mutable_uuid());
  CheckNotNegative(violations, "revision", conversation.revision());
  CheckParticipants(violations, conversation);
  if (conversation.has_meta_data()) {
    CheckMetaData(violations, "meta_data", conversation.mutable_meta_data());
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::DeleteConversationRequest& request) { return ValidateDelete(request); }
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
