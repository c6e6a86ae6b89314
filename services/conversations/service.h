#pragma once

#include "absl/status/statusor.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/page_token.h"
#include "common/rpc/service.h"
#include "services/conversations/conversation_store.h"
#include "services/conversations/message_store.h"

namespace alma::conversations {

// alma.conversations.v1.ConversationsService. What it is given outlives it.
class ConversationsService final : public rpc::Service {
 public:
  ConversationsService(rpc::Runtime& runtime, ConversationStore& store,
                       const db::PageTokens& page_tokens);

 private:
  absl::StatusOr<v1::Conversation> CreateConversation(const rpc::Call& call,
                                                      v1::CreateConversationRequest& request);
  absl::StatusOr<v1::Conversation> GetConversation(const rpc::Call& call,
                                                   v1::GetConversationRequest& request);
  absl::StatusOr<v1::ListConversationsResponse> ListConversations(
      const rpc::Call& call, v1::ListConversationsRequest& request);

  ConversationStore& store_;
  const db::PageTokens& page_tokens_;
};

// alma.conversations.v1.MessagesService. What it is given outlives it.
class MessagesService final : public rpc::Service {
 public:
  MessagesService(rpc::Runtime& runtime, MessageStore& store, const db::PageTokens& page_tokens);

 private:
  absl::StatusOr<v1::Message> CreateMessage(const rpc::Call& call,
                                            v1::CreateMessageRequest& request);
  absl::StatusOr<v1::Message> GetMessage(const rpc::Call& call, v1::GetMessageRequest& request);
  absl::StatusOr<v1::ListMessagesResponse> ListMessages(const rpc::Call& call,
                                                        v1::ListMessagesRequest& request);

  MessageStore& store_;
  const db::PageTokens& page_tokens_;
};

}  // namespace alma::conversations
