#include "tests/services/conversations/stores.h"

#include "services/conversations/schema.h"
#include "tests/support/list.h"

namespace alma::conversations {
v1::Conversation NewConversation() {
  v1::Conversation conversation;
  conversation.set_origin("connector");
  return conversation;
}

v1::Message NewMessage(const std::string& conversation_uuid, const std::string& content) {
  v1::Message message;
  message.set_sender_uuid(kSender);
  message.set_conversation_uuid(conversation_uuid);
  message.set_content(content);
  message.set_type("text");
  message.set_channel("whatsapp");
  message.set_origin("connector");
  return message;
}

v1::ListConversationsRequest PageOfConversations(int page_size) {
  v1::ListConversationsRequest request;
  request.set_page_size(page_size);
  return request;
}

v1::ListMessagesRequest PageOfMessages(const std::string& conversation_uuid, int page_size) {
  v1::ListMessagesRequest request;
  request.set_conversation_uuid(conversation_uuid);
  request.set_page_size(page_size);
  return request;
}

Stores::Stores(db::Engine engine)
    : database(engine, Schema()), conversations(*database), messages(*database) {}

std::vector<std::string> ReadAll(Stores& stores, const v1::ListConversationsRequest& request,
                                 const std::function<void()>& between) {
  std::vector<std::string> uuids;
  db::Position at;
  do {
    const auto page = Ok(stores.conversations.List(Us(), request, at));
    const auto response = testing::Decoded(page.response);
    CHECK(response.conversations_size() <= request.page_size());
    for (const auto& conversation : response.conversations()) {
      uuids.push_back(conversation.uuid());
    }
    at = page.next;
    between();
  } while (!at.empty());
  return uuids;
}

std::vector<int64_t> ReadAll(Stores& stores, const v1::ListMessagesRequest& request,
                             const std::function<void()>& between) {
  std::vector<int64_t> indexes;
  db::Position at;
  do {
    const auto page = Ok(stores.messages.List(Us(), request, at));
    const auto response = testing::Decoded(page.response);
    CHECK(response.messages_size() <= request.page_size());
    for (const auto& message : response.messages()) indexes.push_back(message.index());
    at = page.next;
    between();
  } while (!at.empty());
  return indexes;
}

}  // namespace alma::conversations
