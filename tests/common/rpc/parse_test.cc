#include "common/rpc/parse.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alma/analytics/v1/analyses.pb.h"
#include "alma/analytics/v1/events.pb.h"
#include "alma/analytics/v1/follow_ups.pb.h"
#include "alma/auth/v1/principal.pb.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/service_harness.h"

namespace alma::rpc {
namespace {

using conversations::v1::BatchCreateMessagesRequest;
using conversations::v1::CreateConversationRequest;
using conversations::v1::Message;
using testing::FieldsOf;

constexpr char kInvalid[] = "a\xFF";

grpc::ByteBuffer Bytes(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// protobuf lets a setter take what its parser refuses.
grpc::ByteBuffer Bytes(const google::protobuf::Message& message) {
  google::protobuf::SetLogHandler(nullptr);
  return Bytes(message.SerializeAsString());
}

std::vector<std::string> ViolatedFields(const google::protobuf::Message& message) {
  const std::unique_ptr<google::protobuf::Message> parsed(message.New());
  const absl::Status status = Parse(Bytes(message), parsed.get());
  CHECK(status::Reason(status) == "FIELD_INVALID");
  return FieldsOf(status::ToGrpcStatus(status));
}

CreateConversationRequest Request() {
  CreateConversationRequest request;
  auto& conversation = *request.mutable_conversation();
  conversation.set_origin("crm");
  conversation.add_external_participants("+49 30 1");
  conversation.add_external_participants("\xC5\xBE");
  (*conversation.mutable_meta_data()->mutable_fields())["key"].set_string_value("value");
  return request;
}

TEST_CASE("what was serialized is parsed") {
  const CreateConversationRequest request = Request();
  grpc::ByteBuffer bytes;
  REQUIRE(Serialize(request, &bytes).ok());
  CreateConversationRequest parsed;
  REQUIRE(Parse(bytes, &parsed).ok());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(parsed, request));
  // The bytes are still there for whoever reads them next.
  CHECK(bytes.Length() == request.ByteSizeLong());
}

TEST_CASE("a message that is bytes already is sent as it is") {
  for (const CreateConversationRequest& request : {Request(), CreateConversationRequest()}) {
    grpc::ByteBuffer bytes;
    const wire::Encoded<CreateConversationRequest> encoded{request.SerializeAsString()};
    REQUIRE(Serialize(encoded, &bytes).ok());
    CHECK(bytes.Length() == encoded.bytes.size());
    CreateConversationRequest parsed;
    REQUIRE(Parse(bytes, &parsed).ok());
    CHECK(google::protobuf::util::MessageDifferencer::Equals(parsed, request));
  }
}

TEST_CASE("a message of several slices is parsed") {
  const std::string bytes = Request().SerializeAsString();
  std::vector<grpc::Slice> slices;
  for (const char c : bytes) slices.emplace_back(std::string(1, c));
  CreateConversationRequest parsed;
  REQUIRE(Parse(grpc::ByteBuffer(slices.data(), slices.size()), &parsed).ok());
  CHECK(google::protobuf::util::MessageDifferencer::Equals(parsed, Request()));
}

TEST_CASE("no bytes at all are an empty message") {
  CreateConversationRequest parsed;
  CHECK(Parse(Bytes(""), &parsed).ok());
  CHECK_FALSE(parsed.has_conversation());
}

TEST_CASE("fields that this binary does not know are accepted and forgotten") {
  BatchCreateMessagesRequest newer;
  newer.add_messages()->set_content("x");
  std::string bytes = newer.SerializeAsString();
  // Field 15000 of each wire type; the length-delimited one is no UTF-8.
  for (const char* field : {"\xC0\xA9\x07\x01", "\xC2\xA9\x07\x02\xFF\xFE", "\xC5\xA9\x07zzzz",
                            "\xC1\xA9\x07zzzzzzzz"}) {
    bytes += field;
  }
  BatchCreateMessagesRequest parsed;
  CHECK(Parse(Bytes(bytes), &parsed).ok());
  CHECK(parsed.messages(0).content() == "x");
  CHECK(parsed.SerializeAsString() == newer.SerializeAsString());
}

TEST_CASE("a message that is cut is malformed wherever it is cut") {
  const std::string bytes = Request().SerializeAsString();
  for (size_t size = 1; size < bytes.size(); ++size) {
    CAPTURE(size);
    CreateConversationRequest parsed;
    CHECK(status::Reason(Parse(Bytes(bytes.substr(0, size)), &parsed)) == "MALFORMED_REQUEST");
  }
}

TEST_CASE("random bytes are parsed or refused as the caller's fault") {
  google::protobuf::SetLogHandler(nullptr);
  std::mt19937 random(7);
  const std::string good = Request().SerializeAsString();
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (i % 2 == 0) {
      bytes = good;
      for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    CreateConversationRequest parsed;
    const absl::Status status = Parse(Bytes(bytes), &parsed);
    const std::string_view reason = status::Reason(status);
    REQUIRE((status.ok() || reason == "MALFORMED_REQUEST" || reason == "FIELD_INVALID"));
  }
}

TEST_CASE("invalid UTF-8 is named by the path of its field") {
  CreateConversationRequest request = Request();
  request.mutable_conversation()->set_origin(kInvalid);
  CHECK(ViolatedFields(request) == std::vector<std::string>{"conversation.origin"});

  request = Request();
  request.mutable_conversation()->add_external_participants(kInvalid);
  CHECK(ViolatedFields(request) ==
        std::vector<std::string>{"conversation.external_participants[2]"});

  BatchCreateMessagesRequest batch;
  batch.add_messages()->set_content("x");
  batch.add_messages()->set_content("x");
  batch.add_messages()->set_content(kInvalid);
  CHECK(ViolatedFields(batch) == std::vector<std::string>{"messages[2].content"});
}

TEST_CASE("invalid UTF-8 is named in keys and values of an object") {
  CreateConversationRequest request;
  (*request.mutable_conversation()->mutable_meta_data()->mutable_fields())[kInvalid]
      .set_string_value("x");
  CHECK(ViolatedFields(request) == std::vector<std::string>{"conversation.meta_data"});

  request.mutable_conversation()->clear_meta_data();
  auto& list = *(*request.mutable_conversation()->mutable_meta_data()->mutable_fields())["a"]
                    .mutable_list_value();
  list.add_values()->set_string_value("x");
  (*list.add_values()->mutable_struct_value()->mutable_fields())["b"].set_string_value(kInvalid);
  CHECK(ViolatedFields(request) == std::vector<std::string>{"conversation.meta_data.a[1].b"});
}

TEST_CASE("a long key costs its length once whatever is below it") {
  CreateConversationRequest request;
  const std::string key(1024 * 1024, 'k');
  auto& list = *(*request.mutable_conversation()->mutable_meta_data()->mutable_fields())[key]
                    .mutable_list_value();
  for (int i = 0; i < 200'000; ++i) list.add_values()->set_bool_value(true);
  list.add_values()->set_string_value(kInvalid);
  const absl::Time begun = absl::Now();
  const std::vector<std::string> fields = ViolatedFields(request);
  CHECK(absl::Now() - begun < absl::Seconds(5));
  REQUIRE(fields.size() == 1);
  CHECK(fields[0].substr(0, 30) == "conversation.meta_data.kkkkkkk");
}

TEST_CASE("every field with invalid UTF-8 is named up to sixteen") {
  BatchCreateMessagesRequest batch;
  for (int i = 0; i < 20; ++i) {
    batch.add_messages()->set_content(kInvalid);
    batch.mutable_messages(i)->set_type("x");
  }
  const std::vector<std::string> fields = ViolatedFields(batch);
  REQUIRE(fields.size() == status::kMaxListedViolations);
  CHECK(fields.front() == "messages[0].content");
  CHECK(fields.back() == "messages[15].content");
}

TEST_CASE("invalid UTF-8 is named though the rest is damaged") {
  Message message;
  message.set_content(kInvalid);
  google::protobuf::SetLogHandler(nullptr);
  const absl::Status status = Parse(Bytes(message.SerializeAsString() + "\xFF"), &message);
  CHECK(FieldsOf(status::ToGrpcStatus(status)) == std::vector<std::string>{"content"});
}

TEST_CASE("a field of bytes takes any") {
  auth::v1::SignedPrincipal message;
  message.set_principal(kInvalid);
  auth::v1::SignedPrincipal parsed;
  CHECK(Parse(Bytes(message), &parsed).ok());
}

// A message that is `levels` messages deep, itself included, within `fields` of a Struct.
CreateConversationRequest Nested(int levels) {
  CreateConversationRequest request;
  auto* value = &(*request.mutable_conversation()->mutable_meta_data()->mutable_fields())["a"];
  // The request, the conversation, the object, the map's entry, the value.
  int depth = 5;
  for (; depth + 2 <= levels; depth += 2) value = value->mutable_list_value()->add_values();
  if (depth < levels) value->mutable_list_value();
  return request;
}

TEST_CASE(
    "what nests too deeply is refused with the field and never more deeply than protobuf parses") {
  for (int levels = 90; levels < 120; ++levels) {
    CAPTURE(levels);
    const CreateConversationRequest request = Nested(levels);
    CreateConversationRequest parsed;
    const absl::Status status = Parse(Bytes(request), &parsed);
    CHECK(status.ok() == CreateConversationRequest().ParseFromString(request.SerializeAsString()));
    CHECK(status.ok() == (levels <= 101));
    if (!status.ok()) CHECK(FieldsOf(status::ToGrpcStatus(status)).size() == 1);
  }
  CreateConversationRequest parsed;
  CHECK(status::Reason(Parse(Bytes(Nested(20'000)), &parsed)) == "FIELD_INVALID");
}

TEST_CASE("a length beyond the message is malformed and not reserved") {
  for (const char* bytes :
       {"\x0A\xFF\xFF\xFF\xFF\x07", "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", "\x0A\x7Fx"}) {
    CreateConversationRequest parsed;
    CHECK(status::Reason(Parse(Bytes(std::string(bytes)), &parsed)) == "MALFORMED_REQUEST");
  }
}

// `bytes` as a field of length below 128.
std::string Field(int number, const std::string& bytes) {
  return absl::StrCat(std::string(1, static_cast<char>(number << 3 | 2)),
                      std::string(1, static_cast<char>(bytes.size())), bytes);
}

std::vector<std::string> ViolatedFields(const std::string& bytes,
                                        google::protobuf::Message&& message) {
  const absl::Status status = Parse(Bytes(bytes), &message);
  return status.ok() ? std::vector<std::string>() : FieldsOf(status::ToGrpcStatus(status));
}

TEST_CASE("an integer beyond 32 bits is refused instead of cut") {
  using analytics::v1::BatchCreateFollowUpsRequest;
  using analytics::v1::CreateFollowUpRequest;
  using Fields = std::vector<std::string>;
  // follow_up.score, as varints: the ends of the range, what lies beyond them, and 64 bits of ones
  // but the lowest 32.
  const std::string largest = "\x20\xFF\xFF\xFF\xFF\x07";
  const std::string smallest = "\x20\x80\x80\x80\x80\xF8\xFF\xFF\xFF\xFF\x01";
  for (const std::string& score : {largest, smallest}) {
    CHECK(ViolatedFields(Field(1, score), CreateFollowUpRequest()).empty());
  }
  for (const std::string score : {
           "\x20\x80\x80\x80\x80\x08",
           "\x20\xFF\xFF\xFF\xFF\x0F",
           "\x20\x85\x80\x80\x80\x10",
           "\x20\xFF\xFF\xFF\xFF\xF7\xFF\xFF\xFF\xFF\x01",
           "\x20\xFF\xFF\xFF\xFF\xEF\xFF\xFF\xFF\xFF\x01",
       }) {
    CHECK(ViolatedFields(Field(1, score), CreateFollowUpRequest()) == Fields{"follow_up.score"});
    CHECK(ViolatedFields(Field(1, largest) + Field(1, score), BatchCreateFollowUpsRequest()) ==
          Fields{"follow_ups[1].score"});
  }
  CHECK(ViolatedFields(Field(1, Field(6, "\x08\x80\x80\x80\x80\x08")),
                       analytics::v1::CreateAnalysisRequest()) ==
        Fields{"analysis.sentiment_analysis.score"});
  CHECK(ViolatedFields("\x08\x80\x80\x80\x80\x08", analytics::v1::ListEventsRequest()) ==
        Fields{"page_size"});
}

TEST_CASE("a field that is not known is refused in a closed oneof and nowhere else") {
  using analytics::v1::CreateEventRequest;
  using Fields = std::vector<std::string>;
  const std::string unknown = Field(15, "x");
  CHECK(ViolatedFields(unknown, CreateEventRequest()).empty());
  // Of the event itself field 15 is `custom`; 9 of a sale and 9 of the details are not known.
  CHECK(ViolatedFields(Field(1, Field(11, Field(2, "12"))), CreateEventRequest()).empty());
  CHECK(ViolatedFields(Field(1, Field(11, Field(2, "12") + Field(9, "x"))), CreateEventRequest()) ==
        Fields{"event.sale_made"});
  // A price that is a number is no price.
  CHECK(ViolatedFields(Field(1, Field(11, "\x10\x01")), CreateEventRequest()) ==
        Fields{"event.sale_made"});
  CHECK(ViolatedFields(Field(1, Field(14, Field(2, Field(9, "x")))), CreateEventRequest()).empty());
  CHECK(ViolatedFields(Field(1, Field(7, Field(1, Field(1, "a")) + Field(1, unknown + unknown))),
                       analytics::v1::BatchCreateAnalysesRequest()) ==
        Fields{"analyses[0].topics_detected.topics[1]"});
}

TEST_CASE("a second member of a closed oneof is refused and of no other") {
  using analytics::v1::CreateEventRequest;
  using Fields = std::vector<std::string>;
  const std::string sale = Field(11, Field(2, "12"));
  const std::string meeting = Field(13, "");
  const std::string custom = Field(15, "");
  CHECK(ViolatedFields(Field(1, sale + sale), CreateEventRequest()).empty());
  CHECK(ViolatedFields(Field(1, sale + meeting), CreateEventRequest()) ==
        Fields{"event.meeting_done"});
  CHECK(ViolatedFields(Field(1, custom + sale), CreateEventRequest()) == Fields{"event.sale_made"});
  CHECK(ViolatedFields(Field(1, Field(6, "\x08\x01") + Field(8, "")),
                       analytics::v1::UpdateAnalysisRequest()) == Fields{"analysis.custom"});
}

}  // namespace
}  // namespace alma::rpc
