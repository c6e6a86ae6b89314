#include "tests/system/conversations.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <thread>

#include <google/protobuf/util/message_differencer.h>

#include "catch2/catch.hpp"
#include "common/id/uuid.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;
using google::protobuf::util::MessageDifferencer;

constexpr int kPage = 1000;

v1::Conversation Get(const Client& client, const std::string& uuid) {
  v1::GetConversationRequest request;
  request.set_uuid(uuid);
  const auto answered = client.Call(&v1::ConversationsService::Stub::GetConversation, request);
  REQUIRE(answered.status.ok());
  return answered.response;
}

}  // namespace

std::vector<std::string> CreateConversations(const Client& client, int count) {
  std::vector<std::string> uuids;
  for (int i = 0; i < count; ++i) {
    v1::CreateConversationRequest request;
    request.mutable_conversation()->add_external_participants("+5511999990000");
    request.mutable_conversation()->set_origin("system test");
    const auto answered = client.Call(&v1::ConversationsService::Stub::CreateConversation, request);
    INFO(AllOf(answered.status));
    REQUIRE(answered.status.ok());
    uuids.push_back(answered.response.uuid());
  }
  return uuids;
}

v1::CreateMessageRequest NewMessage(const std::string& conversation_uuid) {
  v1::CreateMessageRequest request;
  v1::Message& message = *request.mutable_message();
  message.set_uuid(id::NewUuid());
  message.set_sender_uuid("01920000-0000-7000-8000-000000000002");
  message.set_conversation_uuid(conversation_uuid);
  message.set_content("Olá, ainda há vagas para março?");
  message.set_type("TEXT");
  message.set_channel("WHATSAPP");
  message.set_origin("system test");
  return request;
}

Answered<v1::Message> Create(const Client& client, const v1::CreateMessageRequest& request) {
  return client.Call(&v1::MessagesService::Stub::CreateMessage, request);
}

std::vector<v1::Message> ListAll(const Client& client, const std::string& conversation_uuid) {
  std::vector<v1::Message> messages;
  v1::ListMessagesRequest request;
  request.set_conversation_uuid(conversation_uuid);
  request.set_page_size(kPage);
  do {
    const auto answered = client.Call(&v1::MessagesService::Stub::ListMessages, request);
    INFO(AllOf(answered.status));
    REQUIRE(answered.status.ok());
    messages.insert(messages.end(), answered.response.messages().begin(),
                    answered.response.messages().end());
    request.set_page_token(answered.response.next_page_token());
  } while (!request.page_token().empty());
  return messages;
}

void CheckStored(const Client& client, const std::vector<std::string>& conversations,
                 const std::vector<v1::Message>& acknowledged) {
  std::map<std::string, v1::Message> stored;
  std::vector<int64_t> revisions;
  size_t count = 0;
  for (const std::string& uuid : conversations) {
    const std::vector<v1::Message> messages = ListAll(client, uuid);
    const v1::Conversation conversation = Get(client, uuid);
    const auto size = static_cast<int64_t>(messages.size());
    CHECK(conversation.message_count() == size);
    CHECK(conversation.last_message_index() == std::max<int64_t>(size - 1, 0));
    revisions.push_back(conversation.revision());
    int64_t gaps = 0;
    for (int64_t i = 0; i < size; ++i) {
      gaps += messages[i].index() == i ? 0 : 1;
      revisions.push_back(messages[i].revision());
      stored.emplace(messages[i].uuid(), messages[i]);
    }
    CHECK(gaps == 0);
    count += messages.size();
  }
  CHECK(stored.size() == count);
  CHECK(acknowledged.size() == count);
  const auto as_answered = [&](const v1::Message& message) {
    const auto found = stored.find(message.uuid());
    return found != stored.end() && MessageDifferencer::Equals(found->second, message);
  };
  CHECK(std::all_of(acknowledged.begin(), acknowledged.end(), as_answered));
  std::sort(revisions.begin(), revisions.end());
  std::vector<int64_t> without_gap(revisions.size());
  std::iota(without_gap.begin(), without_gap.end(), 1);
  // Not in the assertion: it would print them all.
  const bool revisions_without_gap = revisions == without_gap;
  CHECK(revisions_without_gap);
}

void InParallel(int threads, const std::function<void(int)>& body) {
  std::vector<std::thread> running;
  running.reserve(threads);
  for (int i = 0; i < threads; ++i) running.emplace_back(body, i);
  for (std::thread& thread : running) thread.join();
}

}  // namespace alma::testing
