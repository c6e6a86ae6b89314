#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "services/conversations/message_import.h"
#include "tests/services/conversations/served.h"
#include "tests/support/allocated.h"

namespace alma::conversations {
namespace {

using grpc::StatusCode;
using testing::ReasonOf;
using Requests = std::vector<v1::ImportMessagesRequest>;
using Responses = std::vector<v1::ImportMessagesResponse>;

// 2023-11-14 22:13:20.
constexpr int64_t kThen = 1'700'000'000;

// The n-th message of a source, to conversation 1: its time a second after that of the one before.
v1::ImportMessagesRequest Item(int n) {
  v1::ImportMessagesRequest item;
  *item.mutable_message() = NewMessage(NthUuid(1), absl::StrCat("words ", n));
  item.mutable_message()->set_external_id(absl::StrCat("m-", n));
  item.mutable_message()->mutable_created_at()->set_seconds(kThen + n);
  return item;
}

Requests Items(int first, int end) {
  Requests items;
  for (int n = first; n < end; ++n) items.push_back(Item(n));
  return items;
}

// How a whole import ended and all that it answered.
struct Imported {
  grpc::Status status;
  Responses responses;
};

Imported Import(Service& service, const Requests& items) {
  grpc::ClientContext context;
  testing::SetCaller(context, CallerOf(kOurs));
  const auto stream = service.messages->ImportMessages(&context);
  std::thread writer([&] {
    for (const auto& item : items) {
      if (!stream->Write(item)) return;
    }
    stream->WritesDone();
  });
  Imported imported;
  v1::ImportMessagesResponse response;
  while (stream->Read(&response)) imported.responses.push_back(response);
  writer.join();
  imported.status = stream->Finish();
  return imported;
}

std::string ReasonOf(const google::rpc::Status& error) {
  return testing::ReasonOf(grpc::Status(static_cast<StatusCode>(error.code()), error.message(),
                                        error.SerializeAsString()));
}

TEST_CASE("imported messages keep their order and their source's times") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  Requests items = Items(0, 2500);
  // Later in time than those behind it.
  items[10].mutable_message()->mutable_created_at()->set_seconds(kThen + 100'000);
  const Imported imported = Import(service, items);
  INFO(imported.status.error_message());
  REQUIRE(imported.status.ok());
  REQUIRE(imported.responses.size() == items.size());
  int as_sent = 0;
  int64_t committed = -1;
  for (size_t i = 0; i < items.size(); ++i) {
    const v1::ImportMessagesResponse& response = imported.responses[i];
    const v1::Message& message = response.message();
    if (response.position() == static_cast<int64_t>(i) &&
        response.committed_position() >= response.position() &&
        response.committed_position() >= committed && message.index() == response.position() &&
        message.revision() == response.position() + 2 &&
        message.content() == items[i].message().content() &&
        message.created_at().seconds() == items[i].message().created_at().seconds()) {
      ++as_sent;
    }
    committed = response.committed_position();
  }
  CHECK(as_sent == 2500);
  CHECK(committed == 2499);
  const v1::Conversation conversation = Ok(service.stores.conversations.Get(Us(), NthUuid(1)));
  CHECK(conversation.message_count() == 2500);
  CHECK(conversation.last_message_at().seconds() == kThen + 100'000);
  CHECK(Ok(service.stores.messages.Get(Us(), imported.responses[7].message().uuid()))
            .SerializeAsString() == imported.responses[7].message().SerializeAsString());
}

TEST_CASE("an item that is refused gets its own error and those around it are stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  v1::Message known = NewMessage(NthUuid(1), "known");
  known.set_uuid(NthUuid(50));
  REQUIRE(service.CreateMessage(kOurs, known).status.ok());
  v1::Message gone = NewMessage(NthUuid(1), "gone");
  gone.set_uuid(NthUuid(51));
  REQUIRE(service.CreateMessage(kOurs, gone).status.ok());
  v1::DeleteMessageRequest remove;
  remove.set_uuid(NthUuid(51));
  Ok(service.stores.messages.Delete(Us(), remove.uuid(), remove.revision()));

  Requests items = Items(0, 10);
  items[1].clear_message();
  items[2].mutable_message()->clear_content();
  items[3].mutable_message()->set_conversation_uuid(NthUuid(9));
  items[4].mutable_message()->set_uuid(NthUuid(50));
  items[5].mutable_message()->set_uuid(NthUuid(51));
  // Equal to an item before it, then not.
  items[7] = items[6];
  items[8].mutable_message()->set_external_id("m-6");
  const Imported imported = Import(service, items);
  REQUIRE(imported.status.ok());
  REQUIRE(imported.responses.size() == 10);
  const std::vector<std::string> reasons = {"",
                                            "FIELD_INVALID",
                                            "FIELD_INVALID",
                                            "NOT_FOUND",
                                            "ALREADY_EXISTS",
                                            "DELETED",
                                            "",
                                            "",
                                            "ALREADY_EXISTS",
                                            ""};
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    const v1::ImportMessagesResponse& response = imported.responses[i];
    CHECK(response.position() == i);
    CHECK(response.has_error() != reasons[i].empty());
    CHECK(ReasonOf(response.error()) == reasons[i]);
  }
  CHECK(imported.responses[2].error().message().find("message.content") != std::string::npos);
  CHECK(imported.responses[6].message().index() == 3);
  CHECK(imported.responses[7].message().SerializeAsString() ==
        imported.responses[6].message().SerializeAsString());
  CHECK(imported.responses[9].message().index() == 4);
  CHECK(imported.responses[9].committed_position() == 9);
  CHECK(service.stores.Count("select count(*) from messages") == 5);
  CHECK(service.stores.Count("select revision from revisions") == 7);
}

TEST_CASE("an import that was cut goes on behind its committed position") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  const Requests items = Items(0, 3000);
  int64_t committed = -1;
  {
    grpc::ClientContext context;
    testing::SetCaller(context, CallerOf(kOurs));
    const auto stream = service.messages->ImportMessages(&context);
    std::thread writer([&] {
      for (const auto& item : items) {
        if (!stream->Write(item)) return;
      }
    });
    v1::ImportMessagesResponse response;
    while (committed < 700 && stream->Read(&response)) committed = response.committed_position();
    context.TryCancel();
    writer.join();
    CHECK(stream->Finish().error_code() == StatusCode::CANCELLED);
  }
  REQUIRE(committed >= 700);
  const Imported rest = Import(service, Requests(items.begin() + committed + 1, items.end()));
  REQUIRE(rest.status.ok());
  CHECK(rest.responses.size() == items.size() - committed - 1);
  CHECK(service.stores.Count("select count(*) from messages") == 3000);
  CHECK(service.stores.Count("select max(message_index) from messages") == 2999);
  CHECK(service.stores.Count("select revision from revisions") == 3001);
  CHECK(service.stores.Count("select count(*) from messages a join messages b "
                             "on b.message_index = a.message_index + 1 "
                             "where b.created_at <= a.created_at") == 0);
}

TEST_CASE("an import ends when more than 1000 items were refused") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  Requests items = Items(0, 4000);
  for (int i = 100; i < 1100; ++i) items[i].mutable_message()->clear_type();
  const Imported enough = Import(service, items);
  CHECK(enough.status.ok());
  CHECK(enough.responses.size() == 4000);
  CHECK(service.stores.Count("select count(*) from messages") == 3000);

  items[1100].mutable_message()->clear_type();
  const Imported ended = Import(service, items);
  CHECK(ended.status.error_code() == StatusCode::INVALID_ARGUMENT);
  CHECK(ReasonOf(ended.status) == "FIELD_INVALID");
  REQUIRE(ended.responses.size() > 1100);
  CHECK(ended.responses.back().committed_position() ==
        static_cast<int64_t>(ended.responses.size()) - 1);
  CHECK(ended.responses[1100].has_error());
  CHECK(service.stores.Count("select count(*) from messages") == 3000);
}

// Creates a message of 256 KiB in conversation 1; an item that repeats it without its content.
v1::ImportMessagesRequest RepeatOfLarge(Service& service) {
  v1::Message large = NewMessage(NthUuid(1), std::string(256 * 1024, 'x'));
  large.set_uuid(NthUuid(50));
  large.set_link("https://example.com");
  REQUIRE(service.CreateMessage(kOurs, large).status.ok());
  large.clear_content();
  v1::ImportMessagesRequest item;
  *item.mutable_message() = large;
  return item;
}

TEST_CASE("an import answers as much as is asked for and leaves the rest of its items") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  Requests items = Items(0, 100);
  for (const int i : {10, 11, 70}) items[i] = RepeatOfLarge(service);
  for (int i = 20; i < 70; ++i) items[i].clear_message();
  rpc::Call call = Us();
  call.answer_bytes = 64 * 1024;
  MessageImport import;
  Responses responses;
  int runs = 0;
  for (; responses.size() < items.size(); ++runs) {
    const auto answered = static_cast<std::ptrdiff_t>(responses.size());
    REQUIRE(import
                .Write(call, service.stores.messages,
                       MessageImport::Items(items.begin() + answered, items.end()), &responses)
                .ok());
    size_t bytes = 0;
    for (auto response = responses.begin() + answered; response != responses.end(); ++response) {
      bytes += response->ByteSizeLong();
    }
    REQUIRE(bytes > 0);
    CHECK(bytes < call.answer_bytes + 257 * 1024);
    CHECK(responses.back().committed_position() == static_cast<int64_t>(responses.size()) - 1);
  }
  // Three large ones, and 16 refusals at a time.
  CHECK(runs >= 6);
  for (int i = 0; i < 100; ++i) {
    CAPTURE(i);
    CHECK(responses[i].position() == i);
    CHECK(responses[i].has_error() == (i >= 20 && i < 70));
  }
  CHECK(responses[70].message().content().size() == 256 * 1024);
  CHECK(service.stores.Count("select count(*) from messages") == 48);
}

TEST_CASE("an import that is not read holds little of the large messages that it repeats") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kItems = 1000;
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  const v1::ImportMessagesRequest item = RepeatOfLarge(service);
  const int64_t before = testing::AllocatedBytes();
  grpc::ClientContext context;
  testing::SetCaller(context, CallerOf(kOurs));
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(10));
  const auto stream = service.messages->ImportMessages(&context);
  std::thread writer([&] {
    for (int i = 0; i < kItems && stream->Write(item); ++i) continue;
    stream->WritesDone();
  });
  CHECK(testing::SettledBytes() - before < 20 * 1024 * 1024);
  v1::ImportMessagesResponse response;
  int answers = 0;
  int right = 0;
  for (; stream->Read(&response); ++answers) {
    if (response.position() == answers && response.committed_position() >= answers &&
        response.message().uuid() == NthUuid(50) &&
        response.message().content().size() == 256 * 1024) {
      ++right;
    }
  }
  writer.join();
  CHECK(stream->Finish().ok());
  CHECK(answers == kItems);
  CHECK(right == kItems);
}

TEST_CASE("an import of nothing ends well and writes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  const Imported imported = Import(service, {});
  CHECK(imported.status.ok());
  CHECK(imported.responses.empty());
  CHECK(service.stores.Count("select count(*) from revisions") == 0);
}

TEST_CASE("an import whose database goes away ends and answers for no more than is stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  grpc::ClientContext context;
  testing::SetCaller(context, CallerOf(kOurs));
  const auto stream = service.messages->ImportMessages(&context);
  v1::ImportMessagesResponse response;
  REQUIRE(stream->Write(Item(0)));
  REQUIRE(stream->Read(&response));
  CHECK(response.committed_position() == 0);
  service.stores.Execute("alter table messages rename to messages_away");
  stream->Write(Item(1));
  CHECK_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  CHECK(status.error_code() == StatusCode::UNAVAILABLE);
  CHECK(testing::ReasonOf(status) == "DATABASE_UNAVAILABLE");
  service.stores.Execute("alter table messages_away rename to messages");
  CHECK(service.stores.Count("select count(*) from messages") == 1);
  const Imported rest = Import(service, Items(1, 3));
  CHECK(rest.status.ok());
  CHECK(rest.responses.at(1).message().index() == 2);
}

}  // namespace
}  // namespace alma::conversations
