#include "services/conversations/conversation_store.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "common/text/violations.h"
#include "services/conversations/list_query.h"
#include "services/conversations/validate.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;

// Those that are there already stay where they are.
void Append(const RepeatedPtrField<std::string>& more, RepeatedPtrField<std::string>* list) {
  for (const std::string& one : more) {
    if (std::find(list->begin(), list->end(), one) == list->end()) *list->Add() = one;
  }
}

void Remove(text::Violations& violations, const std::string& field,
            const RepeatedPtrField<std::string>& fewer, RepeatedPtrField<std::string>* list) {
  for (int i = 0; i < fewer.size(); ++i) {
    const auto found = std::find(list->begin(), list->end(), fewer[i]);
    if (found == list->end()) {
      violations.Add(absl::StrCat(field, "[", i, "]"), "is not on the conversation");
    } else {
      list->erase(found);
    }
  }
}

}  // namespace

absl::StatusOr<db::ListPage<v1::ListConversationsResponse>> ConversationStore::List(
    const rpc::Call& call, const v1::ListConversationsRequest& request, const db::Position& after) {
  return Page<v1::ListConversationsResponse>(
      call, request.page_size(), after, v1::ListConversationsResponse::kConversationsFieldNumber,
      [&](const db::Position& at, int64_t limit) {
        return ConversationsBehind(at, call.organization(), request, limit);
      },
      [](const v1::Conversation& conversation) {
        return db::Position{text::FormatTimestamp(ActivityMinute(conversation)),
                            conversation.uuid()};
      });
}

absl::StatusOr<v1::Conversation> ConversationStore::Update(
    const rpc::Call& call, const v1::UpdateConversationRequest& request) {
  const v1::Conversation& given = request.conversation();
  return Change(call, given.uuid(), given.revision(), [&](v1::Conversation& stored) {
    text::WriteMasked(request.update_mask(), given, &stored);
    return CheckParticipantCount("conversation.external_participants", stored);
  });
}

absl::StatusOr<v1::Conversation> ConversationStore::AddParticipants(
    const rpc::Call& call, const v1::AddParticipantsRequest& request) {
  return Change(call, request.uuid(), request.revision(), [&](v1::Conversation& stored) {
    Append(request.agents(), stored.mutable_agents());
    Append(request.external_participants(), stored.mutable_external_participants());
    return CheckParticipantCount("external_participants", stored);
  });
}

absl::StatusOr<v1::Conversation> ConversationStore::RemoveParticipants(
    const rpc::Call& call, const v1::RemoveParticipantsRequest& request) {
  return Change(call, request.uuid(), request.revision(), [&](v1::Conversation& stored) {
    text::Violations violations;
    Remove(violations, "agents", request.agents(), stored.mutable_agents());
    Remove(violations, "external_participants", request.external_participants(),
           stored.mutable_external_participants());
    return violations.ToStatus();
  });
}

}  // namespace alma::conversations
