#include "services/conversations/validate.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/support/service_harness.h"

namespace alma::conversations {
namespace {

using Fields = std::vector<std::string>;

constexpr char kUuid[] = "0190f5fe-0000-7000-8000-00000000000a";
constexpr char kUpperUuid[] = "0190F5FE-0000-7000-8000-00000000000A";
constexpr char kOtherUuid[] = "0190f5fe-0000-7000-8000-00000000000b";
constexpr char kNilUuid[] = "00000000-0000-0000-0000-000000000000";

// The paths of the violated fields, in their order.
template <typename Request>
Fields Violated(Request& request) {
  const absl::Status refused = Validate(request);
  if (refused.ok()) return {};
  CHECK(refused.code() == absl::StatusCode::kInvalidArgument);
  return testing::FieldsOf(status::ToGrpcStatus(refused));
}

struct MessageCase {
  const char* what;
  std::function<void(v1::Message&)> change;
  Fields violated;
};

v1::CreateMessageRequest GoodMessage() {
  v1::CreateMessageRequest request;
  v1::Message& message = *request.mutable_message();
  message.set_sender_uuid(kUuid);
  message.set_conversation_uuid(kOtherUuid);
  message.set_content("hello");
  message.set_type("text");
  message.set_channel("whatsapp");
  message.set_origin("connector");
  return request;
}

const MessageCase kMessageCases[] = {
    {"a good one", [](v1::Message&) {}, {}},
    {"no sender", [](v1::Message& m) { m.clear_sender_uuid(); }, {"message.sender_uuid"}},
    {"nil sender", [](v1::Message& m) { m.set_sender_uuid(kNilUuid); }, {"message.sender_uuid"}},
    {"uuid in braces",
     [](v1::Message& m) { m.set_uuid(std::string("{") + kUuid + "}"); },
     {"message.uuid"}},
    {"no conversation",
     [](v1::Message& m) { m.clear_conversation_uuid(); },
     {"message.conversation_uuid"}},
    {"neither content nor link", [](v1::Message& m) { m.clear_content(); }, {"message.content"}},
    {"a link alone",
     [](v1::Message& m) { m.clear_content(), m.set_link("https://x.example/1.png"); },
     {}},
    {"blank content", [](v1::Message& m) { m.set_content("  "); }, {}},
    {"256 KiB of content", [](v1::Message& m) { m.set_content(std::string(256 * 1024, 'x')); }, {}},
    {"more content",
     [](v1::Message& m) { m.set_content(std::string(256 * 1024 + 1, 'x')); },
     {"message.content"}},
    {"2048 characters of link",
     [](v1::Message& m) {
       for (int i = 0; i < 2048; ++i) m.mutable_link()->append("é");
     },
     {}},
    {"a longer link", [](v1::Message& m) { m.set_link(std::string(2049, 'x')); }, {"message.link"}},
    {"no type", [](v1::Message& m) { m.clear_type(); }, {"message.type"}},
    {"blank type", [](v1::Message& m) { m.set_type(" "); }, {"message.type"}},
    {"65 characters of type",
     [](v1::Message& m) { m.set_type(std::string(65, 'x')); },
     {"message.type"}},
    {"no channel", [](v1::Message& m) { m.clear_channel(); }, {"message.channel"}},
    {"blank subchannel", [](v1::Message& m) { m.set_subchannel("\t"); }, {"message.subchannel"}},
    {"no origin", [](v1::Message& m) { m.clear_origin(); }, {"message.origin"}},
    {"257 characters of origin",
     [](v1::Message& m) { m.set_origin(std::string(257, 'x')); },
     {"message.origin"}},
    {"blank external id", [](v1::Message& m) { m.set_external_id("  "); }, {"message.external_id"}},
    {"a time before the year 1",
     [](v1::Message& m) { m.mutable_created_at()->set_seconds(-62135596801); },
     {"message.created_at"}},
    {"a nanosecond too many",
     [](v1::Message& m) { m.mutable_created_at()->set_nanos(1'000'000'000); },
     {"message.created_at"}},
    {"invalid UTF-8", [](v1::Message& m) { m.set_content("\xff"); }, {"message.content"}},
    {"NUL in the link",
     [](v1::Message& m) { m.set_link(std::string("a\0b", 3)); },
     {"message.link"}},
    {"NaN",
     [](v1::Message& m) {
       (*m.mutable_meta_data()->mutable_fields())["a"].set_number_value(std::nan(""));
     },
     {"message.meta_data.a"}},
    {"a Value without a kind",
     [](v1::Message& m) { (*m.mutable_meta_data()->mutable_fields())["a"].Clear(); },
     {"message.meta_data.a"}},
    {"several at once",
     [](v1::Message& m) { m.Clear(); },
     {"message.sender_uuid", "message.conversation_uuid", "message.content", "message.type",
      "message.channel", "message.origin"}},
};

TEST_CASE("a message is refused with every field that breaks a rule") {
  for (const MessageCase& row : kMessageCases) {
    INFO(row.what);
    v1::CreateMessageRequest request = GoodMessage();
    row.change(*request.mutable_message());
    CHECK(Violated(request) == row.violated);
  }
}

TEST_CASE("a create without its resource is refused") {
  v1::CreateMessageRequest message;
  CHECK(Violated(message) == Fields{"message"});
  v1::CreateConversationRequest conversation;
  CHECK(Violated(conversation) == Fields{"conversation"});
}

TEST_CASE("a message is brought into the form in which it is stored") {
  v1::CreateMessageRequest request = GoodMessage();
  v1::Message& message = *request.mutable_message();
  message.set_uuid(kUpperUuid);
  message.set_sender_uuid(kUpperUuid);
  message.mutable_created_at()->set_nanos(123'456'789);
  (*message.mutable_meta_data()->mutable_fields())["zero"].set_number_value(-0.0);
  REQUIRE(Validate(request).ok());
  CHECK(message.uuid() == kUuid);
  CHECK(message.sender_uuid() == kUuid);
  CHECK(message.created_at().nanos() == 123'456'000);
  CHECK_FALSE(std::signbit(message.meta_data().fields().at("zero").number_value()));
}

TEST_CASE("output-only fields of a message are ignored") {
  v1::CreateMessageRequest request = GoodMessage();
  v1::Message& message = *request.mutable_message();
  message.mutable_updated_at()->set_nanos(-1);
  message.mutable_deleted_at()->set_nanos(-1);
  message.set_index(-7);
  message.set_revision(-7);
  message.set_alma_internal_organization("somebody else's");
  REQUIRE(Validate(request).ok());
  CHECK(request.SerializeAsString() == GoodMessage().SerializeAsString());
}

struct ConversationCase {
  const char* what;
  std::function<void(v1::Conversation&)> change;
  Fields violated;
};

std::string NthUuid(int n) {
  const std::string digits = std::to_string(n);
  return std::string(kUuid).substr(0, 36 - digits.size()) + digits;
}

void AddAgents(v1::Conversation& conversation, int count) {
  for (int i = 0; i < count; ++i) conversation.add_agents(NthUuid(100 + i));
}

void AddExternals(v1::Conversation& conversation, int count) {
  for (int i = 0; i < count; ++i) {
    conversation.add_external_participants("+49 30 " + std::to_string(i));
  }
}

const ConversationCase kConversationCases[] = {
    {"a good one", [](v1::Conversation&) {}, {}},
    {"100 participants", [](v1::Conversation& c) { AddAgents(c, 40), AddExternals(c, 60); }, {}},
    {"101 participants",
     [](v1::Conversation& c) { AddAgents(c, 41), AddExternals(c, 60); },
     {"conversation.external_participants"}},
    {"101 agents", [](v1::Conversation& c) { AddAgents(c, 101); }, {"conversation.agents"}},
    {"an agent that is no uuid",
     [](v1::Conversation& c) { c.add_agents("bob"); },
     {"conversation.agents[0]"}},
    {"an empty agent", [](v1::Conversation& c) { c.add_agents(""); }, {"conversation.agents[0]"}},
    {"an agent twice in two cases",
     [](v1::Conversation& c) {
       c.add_agents(kUuid), c.add_agents(kOtherUuid), c.add_agents(kUpperUuid);
     },
     {"conversation.agents[2]"}},
    {"a blank participant",
     [](v1::Conversation& c) { AddExternals(c, 1), c.add_external_participants(" "); },
     {"conversation.external_participants[1]"}},
    {"a long participant",
     [](v1::Conversation& c) { c.add_external_participants(std::string(257, 'x')); },
     {"conversation.external_participants[0]"}},
    {"a participant twice",
     [](v1::Conversation& c) { AddExternals(c, 1), AddExternals(c, 1); },
     {"conversation.external_participants[1]"}},
    {"the same uuid on both lists",
     [](v1::Conversation& c) { c.add_agents(kUuid), c.add_external_participants(kUuid); },
     {}},
    {"no origin", [](v1::Conversation& c) { c.clear_origin(); }, {"conversation.origin"}},
    {"blank external id",
     [](v1::Conversation& c) { c.set_external_id(" "); },
     {"conversation.external_id"}},
    {"nil uuid", [](v1::Conversation& c) { c.set_uuid(kNilUuid); }, {"conversation.uuid"}},
    {"infinity",
     [](v1::Conversation& c) {
       (*c.mutable_meta_data()->mutable_fields())["a"].set_number_value(
           std::numeric_limits<double>::infinity());
     },
     {"conversation.meta_data.a"}},
    {"several at once",
     [](v1::Conversation& c) { c.clear_origin(), c.set_uuid("x"), c.add_agents("y"); },
     {"conversation.uuid", "conversation.agents[0]", "conversation.origin"}},
};

TEST_CASE("a conversation is refused with every field that breaks a rule") {
  for (const ConversationCase& row : kConversationCases) {
    INFO(row.what);
    v1::CreateConversationRequest request;
    request.mutable_conversation()->set_origin("connector");
    row.change(*request.mutable_conversation());
    CHECK(Violated(request) == row.violated);
  }
}

TEST_CASE("output-only fields of a conversation are ignored") {
  v1::CreateConversationRequest request;
  v1::Conversation& conversation = *request.mutable_conversation();
  conversation.set_origin("connector");
  const std::string before = request.SerializeAsString();
  conversation.mutable_created_at()->set_nanos(-1);
  conversation.mutable_updated_at()->set_nanos(-1);
  conversation.mutable_last_message_at()->set_nanos(-1);
  conversation.mutable_deleted_at()->set_nanos(-1);
  conversation.set_last_message_index(-7);
  conversation.set_message_count(-7);
  conversation.set_revision(-7);
  conversation.set_alma_internal_organization("somebody else's");
  REQUIRE(Validate(request).ok());
  CHECK(request.SerializeAsString() == before);
}

TEST_CASE("a get needs a uuid") {
  v1::GetMessageRequest message;
  CHECK(Violated(message) == Fields{"uuid"});
  message.set_uuid(kUpperUuid);
  CHECK(Violated(message).empty());
  CHECK(message.uuid() == kUuid);

  v1::GetConversationRequest conversation;
  conversation.set_uuid("x");
  CHECK(Violated(conversation) == Fields{"uuid"});
}

TEST_CASE("a list of conversations takes one filter at a time") {
  v1::ListConversationsRequest request;
  CHECK(Violated(request).empty());
  CHECK(request.page_size() == 50);

  request.set_page_size(2000);
  request.set_agent_uuid(kUpperUuid);
  CHECK(Violated(request).empty());
  CHECK(request.page_size() == 1000);
  CHECK(request.agent_uuid() == kUuid);

  request.set_external_participant("+49");
  CHECK(Violated(request) == Fields{"external_participant"});
  request.set_origin("crm");
  CHECK(Violated(request) == Fields{"external_participant", "origin"});
  request.clear_agent_uuid();
  CHECK(Violated(request) == Fields{"origin"});
}

TEST_CASE("a list of conversations names the filters that are none") {
  v1::ListConversationsRequest request;
  request.set_page_size(-1);
  request.set_agent_uuid("x");
  CHECK(Violated(request) == Fields{"page_size", "agent_uuid"});
  request.Clear();
  request.set_external_participant(" ");
  CHECK(Violated(request) == Fields{"external_participant"});
  request.Clear();
  request.set_origin(std::string(257, 'x'));
  CHECK(Violated(request) == Fields{"origin"});
}

TEST_CASE("a list of messages begins at one index or around one") {
  v1::ListMessagesRequest request;
  CHECK(Violated(request) == Fields{"conversation_uuid"});
  request.set_conversation_uuid(kUpperUuid);
  request.set_from_index(0);
  CHECK(Violated(request).empty());
  CHECK(request.conversation_uuid() == kUuid);
  request.set_around_index(0);
  CHECK(Violated(request) == Fields{"around_index"});
  request.clear_from_index();
  CHECK(Violated(request).empty());
  request.set_around_index(-1);
  CHECK(Violated(request) == Fields{"around_index"});
  request.clear_around_index();
  request.set_from_index(-1);
  request.set_page_size(-1);
  CHECK(Violated(request) == Fields{"page_size", "from_index"});
}

}  // namespace
}  // namespace alma::conversations
