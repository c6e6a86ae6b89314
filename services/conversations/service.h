#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/page_token.h"
#include "common/rpc/service.h"
#include "common/tenant/gets.h"
#include "common/wire/encoded.h"
#include "services/conversations/conversation_store.h"
#include "services/conversations/message_import.h"
#include "services/conversations/message_store.h"

namespace alma::conversations {

// alma.conversations.v1.ConversationsService. What it is given outlives it.
class ConversationsService final : public rpc::Service {
 public:
  ConversationsService(rpc::Runtime& runtime, ConversationStore& store,
                       const db::PageTokens& page_tokens);

 private:
  absl::Status CreateConversation(const rpc::Call& call, v1::CreateConversationRequest& request,
                                  rpc::Completion<v1::Conversation> completion);
  absl::Status GetConversation(const rpc::Call& call, v1::GetConversationRequest& request,
                               rpc::Completion<v1::Conversation> completion);
  absl::StatusOr<wire::Encoded<v1::ListConversationsResponse>> ListConversations(
      const rpc::Call& call, v1::ListConversationsRequest& request);
  absl::StatusOr<v1::BatchGetConversationsResponse> BatchGetConversations(
      const rpc::Call& call, v1::BatchGetConversationsRequest& request);
  absl::StatusOr<v1::Conversation> UpdateConversation(const rpc::Call& call,
                                                      v1::UpdateConversationRequest& request);
  absl::StatusOr<v1::Conversation> DeleteConversation(const rpc::Call& call,
                                                      v1::DeleteConversationRequest& request);
  absl::StatusOr<v1::Conversation> AddParticipants(const rpc::Call& call,
                                                   v1::AddParticipantsRequest& request);
  absl::StatusOr<v1::Conversation> RemoveParticipants(const rpc::Call& call,
                                                      v1::RemoveParticipantsRequest& request);

  ConversationStore& store_;
  tenant::Gets<v1::Conversation> gets_;
  const db::PageTokens& page_tokens_;
};

// alma.conversations.v1.MessagesService. What it is given outlives it.
class MessagesService final : public rpc::Service {
 public:
  MessagesService(rpc::Runtime& runtime, MessageStore& store, const db::PageTokens& page_tokens);

 private:
  absl::Status CreateMessage(const rpc::Call& call, v1::CreateMessageRequest& request,
                             rpc::Completion<v1::Message> completion);
  absl::Status GetMessage(const rpc::Call& call, v1::GetMessageRequest& request,
                          rpc::Completion<v1::Message> completion);
  absl::StatusOr<wire::Encoded<v1::ListMessagesResponse>> ListMessages(
      const rpc::Call& call, v1::ListMessagesRequest& request);
  absl::StatusOr<v1::BatchCreateMessagesResponse> BatchCreateMessages(
      const rpc::Call& call, v1::BatchCreateMessagesRequest& request);
  absl::StatusOr<v1::Message> UpdateMessage(const rpc::Call& call,
                                            v1::UpdateMessageRequest& request);
  absl::StatusOr<v1::Message> DeleteMessage(const rpc::Call& call,
                                            v1::DeleteMessageRequest& request);
  absl::Status ImportMessages(const rpc::Call& call, MessageImport& import,
                              std::vector<absl::StatusOr<v1::ImportMessagesRequest>> items,
                              std::vector<v1::ImportMessagesResponse>* responses);
  absl::StatusOr<bool> ExportMessages(
      const rpc::Call& call, v1::ExportMessagesRequest& request,
      std::vector<wire::Encoded<v1::ExportMessagesResponse>>* responses);

  MessageStore& store_;
  tenant::Gets<v1::Message> gets_;
  const db::PageTokens& page_tokens_;
};

}  // namespace alma::conversations
