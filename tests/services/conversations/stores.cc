#include "tests/services/conversations/stores.h"

#include "absl/time/clock.h"
#include "services/conversations/schema.h"

namespace alma::conversations {
namespace {

rpc::Call CallOf(const auth::v1::Principal& caller) {
  return {caller, absl::Now() + absl::Seconds(30)};
}

auth::v1::Principal PrincipalOf(const char* organization) {
  auth::v1::Principal principal;
  principal.set_organization_uuid(organization);
  return principal;
}

}  // namespace

std::string NthUuid(int n) {
  const std::string digits = std::to_string(n);
  std::string uuid = "0190f5fe-1111-7000-8000-000000000000";
  return uuid.replace(uuid.size() - digits.size(), digits.size(), digits);
}

rpc::Call Us() {
  static const auth::v1::Principal principal = PrincipalOf(kOurs);
  return CallOf(principal);
}

rpc::Call Them() {
  static const auth::v1::Principal principal = PrincipalOf(kTheirs);
  return CallOf(principal);
}

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

void Stores::Execute(std::string_view sql) {
  const absl::Status done = database->Write(
      absl::Now() + absl::Seconds(30), [&](db::Session& session) { return session.Execute(sql); });
  INFO(done);
  REQUIRE(done.ok());
}

std::vector<std::string> ReadAll(Stores& stores, const v1::ListConversationsRequest& request,
                                 const std::function<void()>& between) {
  std::vector<std::string> uuids;
  db::Position at;
  do {
    const auto page = Ok(stores.conversations.List(Us(), request, at));
    CHECK(page.response.conversations_size() <= request.page_size());
    for (const auto& conversation : page.response.conversations()) {
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
    CHECK(page.response.messages_size() <= request.page_size());
    for (const auto& message : page.response.messages()) indexes.push_back(message.index());
    at = page.next;
    between();
  } while (!at.empty());
  return indexes;
}

}  // namespace alma::conversations
