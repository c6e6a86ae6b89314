#include "services/conversations/service.h"

#include <algorithm>
#include <atomic>
#include <iterator>

#include "tests/services/conversations/served.h"
#include "tests/support/concurrently.h"
#include "tests/support/string_fields.h"

namespace alma::conversations {
namespace {

using grpc::StatusCode;
using testing::Call;
using testing::FieldsOf;
using testing::ReasonOf;
using Fields = std::vector<std::string>;

TEST_CASE("a conversation and its messages are stored and read back through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  const auto created = service.CreateMessage(kOurs, NewMessage(NthUuid(1), "héllo"));
  REQUIRE(created.status.ok());

  v1::GetMessageRequest get;
  get.set_uuid(created.response.uuid());
  const auto read = Call(*service.messages, &Messages::GetMessage, CallerOf(kOurs), get);
  CHECK(read.response.SerializeAsString() == created.response.SerializeAsString());

  const auto listed = service.ListMessages(kOurs, PageOfMessages(NthUuid(1), 0));
  REQUIRE(listed.response.messages_size() == 1);
  CHECK(listed.response.messages(0).SerializeAsString() == created.response.SerializeAsString());
  CHECK(listed.response.next_page_token().empty());

  v1::GetConversationRequest get_conversation;
  get_conversation.set_uuid(NthUuid(1));
  const auto conversation = Call(*service.conversations, &Conversations::GetConversation,
                                 CallerOf(kOurs), get_conversation);
  CHECK(conversation.response.message_count() == 1);
  const auto conversations = service.ListConversations(kOurs, {});
  REQUIRE(conversations.response.conversations_size() == 1);
  CHECK(conversations.response.conversations(0).SerializeAsString() ==
        conversation.response.SerializeAsString());
}

TEST_CASE("many callers who get messages at once are each answered with their own or NOT_FOUND") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kCallers = 64;
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  std::vector<v1::Message> stored;
  stored.reserve(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    stored.push_back(
        service.CreateMessage(kOurs, NewMessage(NthUuid(1), std::to_string(i))).response);
  }
  std::atomic<int> wrong = 0;
  testing::Concurrently(kCallers, [&](int caller) {
    for (int round = 0; round < 10; ++round) {
      const bool ours = (caller + round) % 4 != 0;
      v1::GetMessageRequest request;
      request.set_uuid(stored[caller].uuid());
      const auto read =
          Call(*service.messages, &Messages::GetMessage, CallerOf(ours ? kOurs : kTheirs), request);
      const bool right =
          ours ? read.response.SerializeAsString() == stored[caller].SerializeAsString()
               : ReasonOf(read.status) == "NOT_FOUND";
      if (!right) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a repeat is recognised in another case and with finer digits of time") {
  Service service(db::Engine::kSqlite);
  service.CreateConversation(kOurs, 1);
  v1::Message message = NewMessage(NthUuid(1));
  message.set_uuid("abcdef00-0000-7000-8000-000000000000");
  message.mutable_created_at()->set_nanos(1'999);
  const auto created = service.CreateMessage(kOurs, message);
  REQUIRE(created.status.ok());
  message.set_uuid("ABCDEF00-0000-7000-8000-000000000000");
  message.mutable_created_at()->set_nanos(1'000);
  message.set_revision(99);
  const auto repeated = service.CreateMessage(kOurs, message);
  CHECK(repeated.response.SerializeAsString() == created.response.SerializeAsString());
}

TEST_CASE("bad input gets the code and the reason that the contract names") {
  Service service(db::Engine::kSqlite);
  service.CreateConversation(kOurs, 1);
  const auto invalid = service.CreateMessage(kOurs, {});
  CHECK(invalid.status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK(ReasonOf(invalid.status) == "FIELD_INVALID");
  CHECK(FieldsOf(invalid.status) == Fields{"message.sender_uuid", "message.conversation_uuid",
                                           "message.content", "message.type", "message.channel",
                                           "message.origin"});

  const auto absent = service.CreateMessage(kOurs, NewMessage(NthUuid(2)));
  CHECK(absent.status.error_code() == StatusCode::NOT_FOUND);
  CHECK(ReasonOf(absent.status) == "NOT_FOUND");

  v1::Message message = NewMessage(NthUuid(1));
  message.set_uuid(NthUuid(5));
  REQUIRE(service.CreateMessage(kOurs, message).status.ok());
  message.set_content("other");
  const auto conflict = service.CreateMessage(kOurs, message);
  CHECK(conflict.status.error_code() == StatusCode::ALREADY_EXISTS);
  CHECK(ReasonOf(conflict.status) == "ALREADY_EXISTS");

  const auto negative = service.ListMessages(kOurs, PageOfMessages(NthUuid(1), -1));
  CHECK(FieldsOf(negative.status) == Fields{"page_size"});
}

TEST_CASE("a caller needs the scope of the method") {
  Service service(db::Engine::kSqlite);
  const auto reader = testing::Caller(kOurs, {auth::kConversationsRead});
  const auto writer = testing::Caller(kOurs, {auth::kConversationsWrite});
  v1::CreateConversationRequest create;
  *create.mutable_conversation() = NewConversation();
  const auto refused =
      Call(*service.conversations, &Conversations::CreateConversation, reader, create);
  CHECK(refused.status.error_code() == StatusCode::PERMISSION_DENIED);
  CHECK(ReasonOf(refused.status) == "SCOPE_MISSING");
  CHECK(
      Call(*service.conversations, &Conversations::CreateConversation, writer, create).status.ok());
  const v1::ListConversationsRequest list;
  CHECK(Call(*service.conversations, &Conversations::ListConversations, reader, list).status.ok());
  CHECK(Call(*service.conversations, &Conversations::ListConversations, writer, list)
            .status.error_code() == StatusCode::PERMISSION_DENIED);
}

// Whether the two failed in the same way to the last byte.
bool Same(const grpc::Status& a, const grpc::Status& b) {
  return !a.ok() && a.error_code() == b.error_code() && a.error_message() == b.error_message() &&
         a.error_details() == b.error_details();
}

TEST_CASE("another organization's rows are answered as absent ones are to the last byte") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  v1::Message message = NewMessage(NthUuid(1));
  message.set_uuid(NthUuid(10));
  REQUIRE(service.CreateMessage(kOurs, message).status.ok());

  const auto get_conversation = [&](int n) {
    v1::GetConversationRequest request;
    request.set_uuid(NthUuid(n));
    return Call(*service.conversations, &Conversations::GetConversation, CallerOf(kTheirs), request)
        .status;
  };
  const auto get_message = [&](int n) {
    v1::GetMessageRequest request;
    request.set_uuid(NthUuid(n));
    return Call(*service.messages, &Messages::GetMessage, CallerOf(kTheirs), request).status;
  };
  CHECK(Same(get_conversation(1), get_conversation(2)));
  CHECK(Same(get_message(10), get_message(11)));
  CHECK(Same(service.ListMessages(kTheirs, PageOfMessages(NthUuid(1), 5)).status,
             service.ListMessages(kTheirs, PageOfMessages(NthUuid(2), 5)).status));
  CHECK(Same(service.CreateMessage(kTheirs, NewMessage(NthUuid(1))).status,
             service.CreateMessage(kTheirs, NewMessage(NthUuid(2))).status));
}

TEST_CASE("a page token is good for its own list only") {
  Service service(db::Engine::kSqlite);
  for (const int n : {1, 2}) {
    service.CreateConversation(kOurs, n);
    service.CreateConversation(kTheirs, n);
    for (int i = 0; i < 3; ++i) service.CreateMessage(kOurs, NewMessage(NthUuid(n)));
  }
  v1::ListMessagesRequest request = PageOfMessages(NthUuid(1), 2);
  const std::string token = service.ListMessages(kOurs, request).response.next_page_token();
  REQUIRE_FALSE(token.empty());
  const auto refused = [&](const char* organization, auto change) {
    v1::ListMessagesRequest changed = request;
    changed.set_page_token(token);
    change(changed);
    const auto answered = service.ListMessages(organization, changed);
    return answered.status.error_code() == StatusCode::INVALID_ARGUMENT &&
           ReasonOf(answered.status) == "PAGE_TOKEN_INVALID";
  };
  CHECK_FALSE(refused(kOurs, [](auto&) {}));
  CHECK_FALSE(refused(kOurs, [](auto& r) { r.set_page_size(1); }));
  CHECK(refused(kTheirs, [](auto&) {}));
  CHECK(refused(kOurs, [](auto& r) { r.set_conversation_uuid(NthUuid(2)); }));
  CHECK(refused(kOurs, [](auto& r) { r.set_descending(true); }));
  CHECK(refused(kOurs, [](auto& r) { r.set_show_deleted(true); }));
  CHECK(refused(kOurs, [](auto& r) { r.set_from_index(0); }));
  CHECK(refused(kOurs, [](auto& r) { r.mutable_page_token()->at(0) ^= 1; }));
  CHECK(refused(kOurs, [](auto& r) { r.set_page_token("x"); }));

  v1::ListConversationsRequest other_list;
  other_list.set_page_token(token);
  CHECK(ReasonOf(service.ListConversations(kOurs, other_list).status) == "PAGE_TOKEN_INVALID");
}

TEST_CASE("pages follow each other through the API") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  for (int n = 0; n < 7; ++n) service.CreateConversation(kOurs, n);
  v1::ListConversationsRequest request = PageOfConversations(3);
  Fields uuids;
  do {
    const auto page = service.ListConversations(kOurs, request);
    REQUIRE(page.status.ok());
    for (const auto& conversation : page.response.conversations()) {
      uuids.push_back(conversation.uuid());
    }
    request.set_page_token(page.response.next_page_token());
  } while (!request.page_token().empty());
  CHECK(uuids.size() == 7);
  CHECK(uuids.front() == NthUuid(6));
}

// Output only, or in an update what never changes: ignored, whatever it holds, as long as it is
// UTF-8.
bool Ignored(const std::string& method, const std::string& path) {
  if (path.ends_with(".alma_internal_organization")) return true;
  const auto of_path = [&](const char* field) { return path.ends_with(field); };
  constexpr const char* kNeverChange[] = {".origin",  ".external_id", ".sender_uuid",
                                          ".channel", ".type",        ".conversation_uuid"};
  return method.starts_with("Update") &&
         std::any_of(std::begin(kNeverChange), std::end(kNeverChange), of_path);
}

// What an error calls the field.
std::string Named(const std::string& path) {
  return path.starts_with("update_mask") ? "update_mask" : path;
}

TEST_CASE("text that no database can hold is refused in every field") {
  Service service(db::Engine::kSqlite);
  int checked = 0;
  for (const rpc::Service* served : {static_cast<rpc::Service*>(&service.conversations_service),
                                     static_cast<rpc::Service*>(&service.messages_service)}) {
    for (int i = 0; i < served->descriptor().method_count(); ++i) {
      const auto* method = served->descriptor().method(i);
      if (method->client_streaming() || method->server_streaming()) continue;
      const std::unique_ptr<google::protobuf::Message> request(
          google::protobuf::MessageFactory::generated_factory()
              ->GetPrototype(method->input_type())
              ->New());
      // A token is looked at only in a request that is valid otherwise.
      if (auto* list = dynamic_cast<v1::ListMessagesRequest*>(request.get())) {
        list->set_conversation_uuid(NthUuid(1));
      }
      // Nor a mask in one without what it is for.
      if (auto* conversation = dynamic_cast<v1::UpdateConversationRequest*>(request.get())) {
        conversation->mutable_conversation();
      }
      if (auto* message = dynamic_cast<v1::UpdateMessageRequest*>(request.get())) {
        message->mutable_message();
      }
      for (const std::string_view text : {std::string_view("a\0b", 3), std::string_view("a\xff")}) {
        testing::ForEachStringField(
            *request, text, [&](const std::string& path, const auto& changed) {
              if (Ignored(method->name(), path) && text.find('\0') != text.npos) return;
              INFO(method->name() << " " << path << " " << text.size());
              const grpc::Status status =
                  testing::CallMethod(service.server, *method, CallerOf(kOurs), changed);
              CHECK(status.error_code() == StatusCode::INVALID_ARGUMENT);
              const Fields fields = FieldsOf(status);
              CHECK(std::any_of(fields.begin(), fields.end(), [&](const std::string& field) {
                return field == path || field == Named(path);
              }));
              ++checked;
            });
      }
    }
  }
  CHECK(checked > 100);
}

}  // namespace
}  // namespace alma::conversations
