#include "services/conversations/service.h"

#include "common/db/list_page.h"
#include "common/status/macros.h"
#include "services/conversations/validate.h"

namespace alma::conversations {

ConversationsService::ConversationsService(rpc::Runtime& runtime, ConversationStore& store,
                                           const db::PageTokens& page_tokens)
    : Service(*v1::Conversation::descriptor()->file()->FindServiceByName("ConversationsService"),
              runtime),
      store_(store),
      page_tokens_(page_tokens) {
  Handle("CreateConversation", &ConversationsService::CreateConversation);
  Handle("GetConversation", &ConversationsService::GetConversation);
  Handle("ListConversations", &ConversationsService::ListConversations);
}

absl::StatusOr<v1::Conversation> ConversationsService::CreateConversation(
    const rpc::Call& call, v1::CreateConversationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, request.conversation());
}

absl::StatusOr<v1::Conversation> ConversationsService::GetConversation(
    const rpc::Call& call, v1::GetConversationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Get(call, request.uuid());
}

absl::StatusOr<v1::ListConversationsResponse> ConversationsService::ListConversations(
    const rpc::Call& call, v1::ListConversationsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

MessagesService::MessagesService(rpc::Runtime& runtime, MessageStore& store,
                                 const db::PageTokens& page_tokens)
    : Service(*v1::Message::descriptor()->file()->FindServiceByName("MessagesService"), runtime),
      store_(store),
      page_tokens_(page_tokens) {
  Handle("CreateMessage", &MessagesService::CreateMessage);
  Handle("GetMessage", &MessagesService::GetMessage);
  Handle("ListMessages", &MessagesService::ListMessages);
}

absl::StatusOr<v1::Message> MessagesService::CreateMessage(const rpc::Call& call,
                                                           v1::CreateMessageRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, request.message());
}

absl::StatusOr<v1::Message> MessagesService::GetMessage(const rpc::Call& call,
                                                        v1::GetMessageRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Get(call, request.uuid());
}

absl::StatusOr<v1::ListMessagesResponse> MessagesService::ListMessages(
    const rpc::Call& call, v1::ListMessagesRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

}  // namespace alma::conversations
