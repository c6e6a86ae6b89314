#include "services/conversations/validate.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/text/checks.h"
#include "common/text/timestamp.h"
#include "common/text/utf8.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Struct;
using text::Presence;
using text::Violations;

constexpr int kMaxParticipants = 100;
constexpr std::size_t kMaxLinkCodePoints = 2048;

absl::Status Missing(std::string_view field) {
  Violations violations;
  violations.Add(field, "must be set");
  return violations.ToStatus();
}

template <typename Request>
absl::Status ValidateUuid(Request& request) {
  Violations violations;
  text::CheckUuid(violations, "uuid", request.mutable_uuid());
  return violations.ToStatus();
}

void CheckMetaData(Violations& violations, std::string_view field, Struct* meta_data) {
  text::CheckStruct(violations, field, *meta_data);
  if (violations.empty()) text::NormalizeStruct(meta_data);
}

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

void CheckParticipants(Violations& violations, v1::Conversation& conversation) {
  const int agents = conversation.agents_size();
  if (agents + conversation.external_participants_size() > kMaxParticipants) {
    violations.Add(agents > kMaxParticipants ? "agents" : "external_participants",
                   "must be at most 100 participants, agents and external ones together");
    return;
  }
  CheckEach(
      violations, "agents", *conversation.mutable_agents(),
      [&](std::string_view path, std::string& uuid) { text::CheckUuid(violations, path, &uuid); });
  CheckEach(violations, "external_participants", *conversation.mutable_external_participants(),
            [&](std::string_view path, std::string& participant) {
              text::CheckName(violations, path, participant);
            });
}

void CheckLink(Violations& violations, std::string_view field, std::string_view link) {
  const std::optional<std::size_t> code_points = text::CountCodePoints(link);
  if (code_points.has_value() && *code_points > kMaxLinkCodePoints) {
    violations.Add(field, "must have at most 2048 characters");
  } else {
    text::CheckContent(violations, field, link, Presence::kOptional);
  }
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

void ClearOutputOnly(v1::Message& message) {
  message.clear_updated_at();
  message.clear_alma_internal_organization();
  message.clear_index();
  message.clear_revision();
  message.clear_deleted_at();
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

void CheckNew(Violations& violations, v1::Message& message) {
  ClearOutputOnly(message);
  text::CheckUuid(violations, "uuid", message.mutable_uuid(), Presence::kOptional);
  text::CheckUuid(violations, "sender_uuid", message.mutable_sender_uuid());
  text::CheckUuid(violations, "conversation_uuid", message.mutable_conversation_uuid());
  text::CheckContent(violations, "content", message.content(), Presence::kOptional);
  if (message.content().empty() && message.link().empty()) {
    violations.Add("content", "must not be empty where there is no link");
  }
  text::CheckWord(violations, "type", message.type());
  CheckLink(violations, "link", message.link());
  text::CheckWord(violations, "channel", message.channel());
  text::CheckWord(violations, "subchannel", message.subchannel(), Presence::kOptional);
  if (message.has_created_at()) {
    text::CheckTimestamp(violations, "created_at", message.created_at());
    text::TruncateToMicros(message.mutable_created_at());
  }
  if (message.has_meta_data()) CheckMetaData(violations, "meta_data", message.mutable_meta_data());
  text::CheckName(violations, "origin", message.origin());
  text::CheckName(violations, "external_id", message.external_id(), Presence::kOptional);
}

void CheckPosition(Violations& violations, std::string_view field, int64_t index) {
  if (index < 0) violations.Add(field, "must not be negative");
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

absl::Status Validate(v1::CreateMessageRequest& request) {
  if (!request.has_message()) return Missing("message");
  Violations violations;
  violations.set_prefix("message");
  CheckNew(violations, *request.mutable_message());
  return violations.ToStatus();
}

absl::Status Validate(v1::GetMessageRequest& request) { return ValidateUuid(request); }

absl::Status Validate(v1::ListMessagesRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid());
  CheckPosition(violations, "from_index", request.from_index());
  CheckPosition(violations, "around_index", request.around_index());
  if (request.has_from_index() && request.has_around_index()) {
    violations.Add("around_index", "cannot be combined with from_index");
  }
  return violations.ToStatus();
}

}  // namespace alma::conversations
