#include "services/conversations/service.h"

#include <utility>

#include "common/db/list_page.h"
#include "common/status/macros.h"
#include "services/conversations/validate.h"

namespace alma::conversations {

ConversationsService::ConversationsService(rpc::Runtime& runtime, ConversationStore& store,
                                           const db::PageTokens& page_tokens)
    : Service(*v1::Conversation::descriptor()->file()->FindServiceByName("ConversationsService"),
              runtime),
      store_(store),
      gets_(store, runtime.workers),
      page_tokens_(page_tokens) {
  HandleLate("CreateConversation", &ConversationsService::CreateConversation);
  HandleLate("GetConversation", &ConversationsService::GetConversation);
  Handle("ListConversations", &ConversationsService::ListConversations);
  Handle("BatchGetConversations", &ConversationsService::BatchGetConversations);
  Handle("UpdateConversation", &ConversationsService::UpdateConversation);
  Handle("DeleteConversation", &ConversationsService::DeleteConversation);
  Handle("AddParticipants", &ConversationsService::AddParticipants);
  Handle("RemoveParticipants", &ConversationsService::RemoveParticipants);
}

absl::Status ConversationsService::CreateConversation(
    const rpc::Call& call, v1::CreateConversationRequest& request,
    rpc::Completion<v1::Conversation> completion) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, std::move(*request.mutable_conversation()), std::move(completion));
}

absl::Status ConversationsService::GetConversation(const rpc::Call& call,
                                                   v1::GetConversationRequest& request,
                                                   rpc::Completion<v1::Conversation> completion) {
  RETURN_IF_ERROR(Validate(request));
  return gets_.Get(call, request.uuid(), std::move(completion));
}

absl::StatusOr<wire::Encoded<v1::ListConversationsResponse>>
ConversationsService::ListConversations(const rpc::Call& call,
                                        v1::ListConversationsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::BatchGetConversationsResponse> ConversationsService::BatchGetConversations(
    const rpc::Call& call, v1::BatchGetConversationsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.BatchGet(call, request.uuids(),
                         &v1::BatchGetConversationsResponse::mutable_conversations);
}

absl::StatusOr<v1::Conversation> ConversationsService::UpdateConversation(
    const rpc::Call& call, v1::UpdateConversationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Update(call, request);
}

absl::StatusOr<v1::Conversation> ConversationsService::DeleteConversation(
    const rpc::Call& call, v1::DeleteConversationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Delete(call, request.uuid(), request.revision());
}

absl::StatusOr<v1::Conversation> ConversationsService::AddParticipants(
    const rpc::Call& call, v1::AddParticipantsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.AddParticipants(call, request);
}

absl::StatusOr<v1::Conversation> ConversationsService::RemoveParticipants(
    const rpc::Call& call, v1::RemoveParticipantsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.RemoveParticipants(call, request);
}

MessagesService::MessagesService(rpc::Runtime& runtime, MessageStore& store,
                                 const db::PageTokens& page_tokens)
    : Service(*v1::Message::descriptor()->file()->FindServiceByName("MessagesService"), runtime),
      store_(store),
      gets_(store, runtime.workers),
      page_tokens_(page_tokens) {
  HandleLate("CreateMessage", &MessagesService::CreateMessage);
  HandleLate("GetMessage", &MessagesService::GetMessage);
  Handle("ListMessages", &MessagesService::ListMessages);
  Handle("BatchCreateMessages", &MessagesService::BatchCreateMessages);
  Handle("UpdateMessage", &MessagesService::UpdateMessage);
  Handle("DeleteMessage", &MessagesService::DeleteMessage);
  HandleItems("ImportMessages", &MessagesService::ImportMessages);
  HandlePages("ExportMessages", &MessagesService::ExportMessages);
}

absl::Status MessagesService::CreateMessage(const rpc::Call& call,
                                            v1::CreateMessageRequest& request,
                                            rpc::Completion<v1::Message> completion) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, std::move(*request.mutable_message()), std::move(completion));
}

absl::Status MessagesService::GetMessage(const rpc::Call& call, v1::GetMessageRequest& request,
                                         rpc::Completion<v1::Message> completion) {
  RETURN_IF_ERROR(Validate(request));
  return gets_.Get(call, request.uuid(), std::move(completion));
}

absl::StatusOr<wire::Encoded<v1::ListMessagesResponse>> MessagesService::ListMessages(
    const rpc::Call& call, v1::ListMessagesRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::BatchCreateMessagesResponse> MessagesService::BatchCreateMessages(
    const rpc::Call& call, v1::BatchCreateMessagesRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.CreateAll(call, "messages", request.messages(),
                          &v1::BatchCreateMessagesResponse::mutable_messages);
}

absl::StatusOr<v1::Message> MessagesService::UpdateMessage(const rpc::Call& call,
                                                           v1::UpdateMessageRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Update(call, request.message(), request.update_mask());
}

absl::StatusOr<v1::Message> MessagesService::DeleteMessage(const rpc::Call& call,
                                                           v1::DeleteMessageRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Delete(call, request.uuid(), request.revision());
}

absl::Status MessagesService::ImportMessages(
    const rpc::Call& call, MessageImport& import,
    std::vector<absl::StatusOr<v1::ImportMessagesRequest>> items,
    std::vector<v1::ImportMessagesResponse>* responses) {
  return import.Write(call, store_, std::move(items), responses);
}

absl::StatusOr<bool> MessagesService::ExportMessages(
    const rpc::Call& call, v1::ExportMessagesRequest& request,
    std::vector<wire::Encoded<v1::ExportMessagesResponse>>* responses) {
  RETURN_IF_ERROR(Validate(request));
  ASSIGN_OR_RETURN(const auto last, store_.Export(call, request, responses));
  if (last.has_value()) request.set_after_revision(*last);
  return last.has_value();
}

}  // namespace alma::conversations
