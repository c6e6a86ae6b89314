#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/db/page.h"
#include "common/status/status.h"
#include "google/rpc/error_details.pb.h"
#include "services/conversations/validate.h"
#include "tests/services/conversations/stores.h"
#include "tests/support/service_harness.h"

namespace alma::conversations {
namespace {

using Fields = std::vector<std::string>;

Fields FieldsOf(const absl::Status& refused) {
  return testing::FieldsOf(status::ToGrpcStatus(refused));
}

void CreateConversations(Stores& stores, int count) {
  for (int n = 1; n <= count; ++n) {
    v1::Conversation conversation = NewConversation();
    conversation.set_uuid(NthUuid(n));
    Ok(stores.conversations.Create(Us(), conversation));
  }
}

// `count` messages, in turn to conversations 1 and 2, with uuids from 100 on and external ids.
v1::BatchCreateMessagesRequest Batch(int count) {
  v1::BatchCreateMessagesRequest request;
  for (int i = 0; i < count; ++i) {
    v1::Message& message = *request.add_messages();
    message = NewMessage(NthUuid(1 + i % 2), absl::StrCat("words ", i));
    message.set_uuid(NthUuid(100 + i));
    message.set_external_id(absl::StrCat("m-", i));
  }
  return request;
}

absl::StatusOr<v1::BatchCreateMessagesResponse> CreateAll(
    Stores& stores, const v1::BatchCreateMessagesRequest& request) {
  return stores.messages.CreateAll(Us(), "messages", request.messages(),
                                   &v1::BatchCreateMessagesResponse::mutable_messages);
}

TEST_CASE("a batch of messages is stored in its order") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  const auto created = Ok(CreateAll(stores, Batch(10)));
  REQUIRE(created.messages_size() == 10);
  for (int i = 0; i < 10; ++i) {
    const v1::Message& message = created.messages(i);
    CHECK(message.uuid() == NthUuid(100 + i));
    CHECK(message.index() == i / 2);
    CHECK(message.revision() == 3 + i);
    CHECK(Ok(stores.messages.Get(Us(), message.uuid())).DebugString() == message.DebugString());
  }
  CHECK(stores.Count("select revision from revisions") == 12);
  CHECK(Ok(stores.conversations.Get(Us(), NthUuid(2))).message_count() == 5);
}

TEST_CASE("messages to many conversations are counted in each") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kConversations = 23;
  constexpr int kDeleted = 7;
  constexpr int kAbsent = kConversations + 1;
  constexpr int64_t kFirst = 1'700'000'000;
  Stores stores(engine);
  CreateConversations(stores, kConversations);
  Ok(stores.conversations.Delete(Us(), NthUuid(kDeleted), 0));
  // To the nth conversation n % 4 of them, the latest first, and again with those behind it.
  std::vector<v1::Message> messages;
  for (int n = 1; n <= kAbsent; ++n) {
    for (int i = n % 4; i > 0; --i) {
      messages.push_back(NewMessage(NthUuid(n)));
      messages.back().mutable_created_at()->set_seconds(kFirst + 100 * n + i);
    }
  }
  for (int round = 1; round <= 2; ++round) {
    const auto results = Ok(stores.messages.CreateEach(Us(), messages));
    size_t item = 0;
    for (int n = 1; n <= kAbsent; ++n) {
      for (int i = 0; i < n % 4; ++i, ++item) {
        CAPTURE(n, i);
        if (n == kDeleted || n == kAbsent) {
          CHECK(results[item].status() == status::NotFound("conversation"));
        } else {
          CHECK(Ok(results[item]).index() == (round - 1) * (n % 4) + i);
        }
      }
    }
  }
  for (int n = 1; n <= kConversations; ++n) {
    CAPTURE(n);
    if (n == kDeleted) continue;
    const auto conversation = Ok(stores.conversations.Get(Us(), NthUuid(n)));
    CHECK(conversation.message_count() == 2 * (n % 4));
    CHECK(conversation.has_last_message_index() == (n % 4 != 0));
    if (n % 4 == 0) continue;
    CHECK(conversation.last_message_index() == 2 * (n % 4) - 1);
    CHECK(conversation.last_message_at().seconds() == kFirst + 100 * n + n % 4);
  }
}

TEST_CASE("a batch that repeats some messages adds the others without a gap") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  const auto first = Ok(CreateAll(stores, Batch(4)));
  v1::BatchCreateMessagesRequest mixed = Batch(8);
  mixed.mutable_messages()->SwapElements(0, 7);
  const auto second = Ok(CreateAll(stores, mixed));
  REQUIRE(second.messages_size() == 8);
  CHECK(second.messages(7).DebugString() == first.messages(0).DebugString());
  for (int i = 1; i < 4; ++i) {
    CHECK(second.messages(i).DebugString() == first.messages(i).DebugString());
  }
  const int fresh[] = {0, 4, 5, 6};
  for (int i = 0; i < 4; ++i) CHECK(second.messages(fresh[i]).revision() == 7 + i);
  const auto again = Ok(CreateAll(stores, mixed));
  CHECK(again.DebugString() == second.DebugString());
  CHECK(stores.Count("select revision from revisions") == 10);
  CHECK(ReadAll(stores, PageOfMessages(NthUuid(1), 10)) == std::vector<int64_t>{0, 1, 2, 3});
}

TEST_CASE("of a batch with one bad message nothing is stored and the message is named") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  v1::Message known = NewMessage(NthUuid(1), "known");
  known.set_uuid(NthUuid(105));
  Ok(stores.messages.Create(Us(), known));

  struct Bad {
    int item;
    absl::StatusCode code;
    v1::BatchCreateMessagesRequest request;
  };
  std::vector<Bad> bad = {{5, absl::StatusCode::kAlreadyExists, Batch(10)},
                          {3, absl::StatusCode::kNotFound, Batch(5)}};
  bad[1].request.mutable_messages(3)->set_conversation_uuid(NthUuid(9));
  for (const Bad& row : bad) {
    const absl::Status refused = CreateAll(stores, row.request).status();
    const std::string item = absl::StrCat("messages[", row.item, "]");
    CHECK(refused.code() == row.code);
    CHECK(std::string(refused.message()).starts_with(item + ": "));
    google::rpc::ErrorInfo info;
    const google::rpc::Status details = status::ToRpcStatus(refused);
    REQUIRE(details.details(0).UnpackTo(&info));
    CHECK(info.metadata().at("item") == item);
  }
  CHECK(stores.Count("select count(*) from messages") == 1);
  CHECK(stores.Count("select sum(message_count) from conversations") == 1);
  CHECK(stores.Count("select revision from revisions") == 3);
}

TEST_CASE("a batch that breaks a rule is refused with the path of each field") {
  v1::BatchCreateMessagesRequest request = Batch(4);
  request.mutable_messages(1)->clear_content();
  request.mutable_messages(3)->set_conversation_uuid("x");
  CHECK(FieldsOf(Validate(request)) ==
        Fields{"messages[1].content", "messages[3].conversation_uuid"});

  request = Batch(4);
  request.mutable_messages(3)->set_uuid(request.messages(0).uuid());
  request.mutable_messages(2)->set_external_id("m-1");
  CHECK(FieldsOf(Validate(request)) == Fields{"messages[2].external_id", "messages[3].uuid"});
  request.mutable_messages(2)->set_origin("crm");
  CHECK(FieldsOf(Validate(request)) == Fields{"messages[3].uuid"});

  request = Batch(2);
  request.mutable_messages(0)->set_uuid("ABCDEF00-0000-7000-8000-000000000000");
  request.mutable_messages(1)->set_uuid("abcdef00-0000-7000-8000-000000000000");
  CHECK(FieldsOf(Validate(request)) == Fields{"messages[1].uuid"});
}

TEST_CASE("a batch has 1 to 1000 messages and at most 3 MiB") {
  v1::BatchCreateMessagesRequest request;
  CHECK(FieldsOf(Validate(request)) == Fields{"messages"});
  request = Batch(1000);
  CHECK(Validate(request).ok());
  request = Batch(1001);
  CHECK(FieldsOf(Validate(request)) == Fields{"messages"});
  request = Batch(12);
  for (auto& message : *request.mutable_messages()) {
    message.set_content(std::string(256 * 1024, 'x'));
  }
  CHECK(request.ByteSizeLong() > db::kMaxPageBytes);
  CHECK(FieldsOf(Validate(request)) == Fields{"messages"});
  request.mutable_messages()->RemoveLast();
  CHECK(Validate(request).ok());
}

TEST_CASE("a batch of 1000 messages is stored at once") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  const auto created = Ok(CreateAll(stores, Batch(1000)));
  REQUIRE(created.messages_size() == 1000);
  CHECK(created.messages(999).index() == 499);
  CHECK(created.messages(999).revision() == 1002);
  CHECK(created.ByteSizeLong() < 4 * 1024 * 1024);
}

TEST_CASE("a batch of repeats that are more than a client takes is refused and stores nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  v1::BatchCreateMessagesRequest batch = Batch(20);
  for (v1::Message& message : *batch.mutable_messages()) {
    message.set_link("https://example.com");
    v1::Message large = message;
    large.set_content(std::string(256 * 1024, 'x'));
    message.clear_content();
    Ok(stores.messages.Create(Us(), large));
  }
  *batch.add_messages() = NewMessage(NthUuid(1), "new");
  REQUIRE(Validate(batch).ok());
  CHECK(FieldsOf(CreateAll(stores, batch).status()) == Fields{"messages"});
  CHECK(stores.Count("select count(*) from messages") == 20);
  CHECK(stores.Count("select revision from revisions") == 22);
  batch.mutable_messages()->DeleteSubrange(0, 10);
  CHECK(Ok(CreateAll(stores, batch)).messages_size() == 11);
  CHECK(stores.Count("select count(*) from messages") == 21);
}

TEST_CASE("a batch of 3 MiB is answered and so is its repeat") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  v1::BatchCreateMessagesRequest batch = Batch(1000);
  for (v1::Message& message : *batch.mutable_messages()) {
    message.set_content(std::string(2950, 'x'));
  }
  REQUIRE(Validate(batch).ok());
  const auto created = Ok(CreateAll(stores, batch));
  CHECK(created.ByteSizeLong() > db::kMaxPageBytes);
  CHECK(Ok(CreateAll(stores, batch)).ByteSizeLong() == created.ByteSizeLong());
}

TEST_CASE("a batch that names one stored message in two ways is refused") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversations(stores, 2);
  Ok(CreateAll(stores, Batch(1)));
  v1::BatchCreateMessagesRequest twice = Batch(1);
  *twice.add_messages() = twice.messages(0);
  twice.mutable_messages(0)->clear_external_id();
  twice.mutable_messages(1)->clear_uuid();
  CHECK(FieldsOf(CreateAll(stores, twice).status()) == Fields{"messages[1]"});
}

}  // namespace
}  // namespace alma::conversations
