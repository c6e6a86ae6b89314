#pragma once

#include <memory>

#include "alma/conversations/v1/conversations.grpc.pb.h"
#include "alma/conversations/v1/messages.grpc.pb.h"
#include "common/auth/scopes.h"
#include "services/conversations/service.h"
#include "tests/services/conversations/stores.h"
#include "tests/support/service_harness.h"

namespace alma::conversations {

using Conversations = v1::ConversationsService::Stub;
using Messages = v1::MessagesService::Stub;

// Someone who may read and write the conversations of `organization`.
inline auth::v1::Principal CallerOf(const char* organization) {
  return testing::Caller(organization, {auth::kConversationsRead, auth::kConversationsWrite});
}

// Both services behind stubs.
struct Service {
  explicit Service(db::Engine engine)
      : stores(engine),
        page_tokens({{std::string(32, 's')}}),
        conversations_service(*runtime, stores.conversations, page_tokens),
        messages_service(*runtime, stores.messages, page_tokens),
        server({&conversations_service, &messages_service}),
        conversations(v1::ConversationsService::NewStub(server.channel())),
        messages(v1::MessagesService::NewStub(server.channel())) {}

  v1::Conversation CreateConversation(const char* organization, int n) {
    v1::CreateConversationRequest request;
    *request.mutable_conversation() = NewConversation();
    request.mutable_conversation()->set_uuid(NthUuid(n));
    const auto answered = testing::Call(*conversations, &Conversations::CreateConversation,
                                        CallerOf(organization), request);
    REQUIRE(answered.status.ok());
    return answered.response;
  }

  testing::Answered<v1::Message> CreateMessage(const char* organization,
                                               const v1::Message& message) {
    v1::CreateMessageRequest request;
    *request.mutable_message() = message;
    return testing::Call(*messages, &Messages::CreateMessage, CallerOf(organization), request);
  }

  testing::Answered<v1::ListMessagesResponse> ListMessages(const char* organization,
                                                           const v1::ListMessagesRequest& request) {
    return testing::Call(*messages, &Messages::ListMessages, CallerOf(organization), request);
  }

  testing::Answered<v1::ListConversationsResponse> ListConversations(
      const char* organization, const v1::ListConversationsRequest& request) {
    return testing::Call(*conversations, &Conversations::ListConversations, CallerOf(organization),
                         request);
  }

  Stores stores;
  const db::PageTokens page_tokens;
  testing::TestRuntime runtime;
  ConversationsService conversations_service;
  MessagesService messages_service;
  testing::InProcessServer server;
  std::unique_ptr<Conversations> conversations;
  std::unique_ptr<Messages> messages;
};

}  // namespace alma::conversations
