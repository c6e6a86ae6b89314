#include "tests/services/conversations/served.h"
#include "tests/support/list.h"

// The lists through the stubs.
namespace alma::conversations {
namespace {

using testing::Call;

// With everything that a caller can set and a message can do without.
v1::Message FullMessage() {
  v1::Message message = NewMessage(NthUuid(0));
  message.set_external_id("m-1");
  message.set_link("https://example.com/a.png");
  message.set_subchannel("group");
  (*message.mutable_meta_data()->mutable_fields())["k"].set_string_value("é");
  return message;
}

TEST_CASE("messages are listed and exported as they are got") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 0);
  REQUIRE(service.CreateMessage(kOurs, FullMessage()).status.ok());
  for (int i = 0; i < 4; ++i) {
    REQUIRE(service.CreateMessage(kOurs, NewMessage(NthUuid(0))).status.ok());
  }
  const auto get = [&](const v1::Message& message) {
    v1::GetMessageRequest request;
    request.set_uuid(message.uuid());
    return Call(*service.messages, &Messages::GetMessage, CallerOf(kOurs), request).response;
  };
  const auto listed = service.ListMessages(kOurs, PageOfMessages(NthUuid(0), 4));
  CHECK_FALSE(listed.response.next_page_token().empty());
  testing::CheckListed(listed.response, &v1::ListMessagesResponse::mutable_messages, 4, get);

  grpc::ClientContext context;
  testing::SetCaller(context, CallerOf(kOurs));
  const auto stream = service.messages->ExportMessages(&context, {});
  v1::ExportMessagesResponse exported;
  int count = 0;
  for (; stream->Read(&exported); ++count) {
    v1::ExportMessagesResponse expected;
    *expected.mutable_message() = get(exported.message());
    expected.set_revision(expected.message().revision());
    CHECK(testing::Equal(exported, expected));
  }
  CHECK(stream->Finish().ok());
  CHECK(count == 5);
}

TEST_CASE("conversations are listed as they are got") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  v1::CreateConversationRequest create;
  *create.mutable_conversation() = NewConversation();
  create.mutable_conversation()->set_uuid(NthUuid(9));
  create.mutable_conversation()->set_external_id("c-1");
  create.mutable_conversation()->add_agents(kSender);
  create.mutable_conversation()->add_external_participants("+49 30 1");
  (*create.mutable_conversation()->mutable_meta_data()->mutable_fields())["k"].set_number_value(1);
  REQUIRE(Call(*service.conversations, &Conversations::CreateConversation, CallerOf(kOurs), create)
              .status.ok());
  for (int i = 0; i < 4; ++i) service.CreateConversation(kOurs, i);
  REQUIRE(service.CreateMessage(kOurs, NewMessage(NthUuid(9))).status.ok());
  testing::CheckListed(service.ListConversations(kOurs, {}).response,
                       &v1::ListConversationsResponse::mutable_conversations, 5,
                       [&](const v1::Conversation& conversation) {
                         v1::GetConversationRequest get;
                         get.set_uuid(conversation.uuid());
                         return Call(*service.conversations, &Conversations::GetConversation,
                                     CallerOf(kOurs), get)
                             .response;
                       });
}

}  // namespace
}  // namespace alma::conversations
