#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"

// Pure functions that say whether a request can be carried out at all: INVALID_ARGUMENT with every
// violated field otherwise. They bring the request into the one form that the stores expect, in
// place: uuids in lower case, times in microseconds, page sizes filled in, and what a client cannot
// set taken out of a resource to create.
namespace alma::conversations {

absl::Status Validate(v1::CreateConversationRequest& request);
absl::Status Validate(v1::GetConversationRequest& request);
absl::Status Validate(v1::ListConversationsRequest& request);

absl::Status Validate(v1::BatchGetConversationsRequest& request);
absl::Status Validate(v1::UpdateConversationRequest& request);
absl::Status Validate(v1::DeleteConversationRequest& request);
absl::Status Validate(v1::AddParticipantsRequest& request);
absl::Status Validate(v1::RemoveParticipantsRequest& request);

// INVALID_ARGUMENT, naming `field`, unless a conversation that is about to be stored has at most
// 100 participants.
absl::Status CheckParticipantCount(std::string_view field, const v1::Conversation& conversation);

absl::Status Validate(v1::CreateMessageRequest& request);
absl::Status Validate(v1::BatchCreateMessagesRequest& request);
absl::Status Validate(v1::UpdateMessageRequest& request);
absl::Status Validate(v1::DeleteMessageRequest& request);
absl::Status Validate(v1::ImportMessagesRequest& request);
absl::Status Validate(v1::ExportMessagesRequest& request);
absl::Status Validate(v1::GetMessageRequest& request);
absl::Status Validate(v1::ListMessagesRequest& request);

}  // namespace alma::conversations
