#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "tests/services/conversations/served.h"
#include "tests/support/concurrently.h"

// Messages of many callers at once.
namespace alma::conversations {
namespace {

using testing::ReasonOf;

// A call of CreateMessage that is made with others at once, and how it ended.
struct InFlight {
  auth::v1::Principal caller = CallerOf(kOurs);
  v1::CreateMessageRequest request;
  // The reason of its error; empty where it is to be stored.
  std::string expected;
  grpc::ClientContext context;
  v1::Message created;
  grpc::Status status;
};

void CallAll(Service& service, std::vector<std::unique_ptr<InFlight>>& calls) {
  absl::BlockingCounter unanswered(static_cast<int>(calls.size()));
  for (const auto& call : calls) {
    testing::SetCaller(call->context, call->caller);
    service.messages->async()->CreateMessage(&call->context, &call->request, &call->created,
                                             [&, at = call.get()](grpc::Status status) {
                                               at->status = std::move(status);
                                               unanswered.DecrementCount();
                                             });
  }
  unanswered.Wait();
}

// Makes the call bad in the `way`-th of ten ways; the rows that this needs are those of Prepare.
void Spoil(int way, InFlight& call) {
  v1::Message& message = *call.request.mutable_message();
  switch (way) {
    case 0:
      message.set_conversation_uuid(NthUuid(98));
      call.expected = "NOT_FOUND";
      break;
    case 1:
      message.set_conversation_uuid(NthUuid(50));
      call.expected = "NOT_FOUND";
      break;
    case 2:
      message.set_conversation_uuid(NthUuid(60));
      call.expected = "NOT_FOUND";
      break;
    case 3:
      message.set_uuid(NthUuid(10));
      call.expected = "ALREADY_EXISTS";
      break;
    case 4:
      message.set_external_id("known");
      call.expected = "ALREADY_EXISTS";
      break;
    case 5:
      message.set_uuid(NthUuid(11));
      call.expected = "DELETED";
      break;
    case 6:
      message.clear_content();
      call.expected = "FIELD_INVALID";
      break;
    case 7:
      message.set_content(std::string(256 * 1024 + 1, 'x'));
      call.expected = "FIELD_INVALID";
      break;
    case 8:
      call.caller = testing::Caller(kOurs, {auth::kConversationsRead});
      call.expected = "SCOPE_MISSING";
      break;
    default:
      message.set_uuid(NthUuid(10));
      message.set_external_id("known");
      call.expected = "ALREADY_EXISTS";
      break;
  }
}

// Conversations 1 to 7 of ours, 50 deleted, 60 of theirs; messages 10 and 12 with the external id
// "known", and 11 deleted.
void Prepare(Service& service) {
  for (int i = 1; i <= 7; ++i) service.CreateConversation(kOurs, i);
  service.CreateConversation(kOurs, 50);
  service.CreateConversation(kTheirs, 60);
  Ok(service.stores.conversations.Delete(Us(), NthUuid(50), 0));
  for (int i = 10; i <= 12; ++i) {
    v1::Message message = NewMessage(NthUuid(1), "known");
    message.set_uuid(NthUuid(i));
    if (i == 12) message.set_external_id("known");
    Ok(service.stores.messages.Create(Us(), message));
  }
  Ok(service.stores.messages.Delete(Us(), NthUuid(11), 0));
}

TEST_CASE("of 1000 creates at once every tenth gets its own error and the others are stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kCalls = 1000;
  Service service(engine);
  Prepare(service);
  const int64_t before = service.stores.Count("select max(revision) from revisions");
  std::vector<std::unique_ptr<InFlight>> calls;
  for (int i = 0; i < kCalls; ++i) {
    auto& call = *calls.emplace_back(std::make_unique<InFlight>());
    *call.request.mutable_message() = NewMessage(NthUuid(1 + i % 7), absl::StrCat("words ", i));
    call.request.mutable_message()->set_uuid(NthUuid(1000 + i));
    if (i % 10 == 9) Spoil(i / 10 % 10, call);
  }
  CallAll(service, calls);

  int64_t stored = 0;
  for (const auto& call : calls) {
    CAPTURE(call->request.message().uuid(), call->expected);
    CHECK(ReasonOf(call->status) == call->expected);
    if (!call->status.ok()) continue;
    ++stored;
    CHECK(Ok(service.stores.messages.Get(Us(), call->created.uuid())).SerializeAsString() ==
          call->created.SerializeAsString());
  }
  CHECK(stored == kCalls * 9 / 10);
  CHECK(service.stores.Count("select max(revision) from revisions") == before + stored);
  CHECK(service.stores.Count("select count(distinct revision) from messages") == stored + 3);
  for (int i = 1; i <= 7; ++i) {
    CAPTURE(i);
    const auto conversation = Ok(service.stores.conversations.Get(Us(), NthUuid(i)));
    const std::string of_it =
        absl::StrCat(" from messages where conversation_uuid = '", NthUuid(i), "'");
    const int64_t rows = service.stores.Count("select count(*)" + of_it);
    CHECK(conversation.last_message_index() == rows - 1);
    CHECK(conversation.message_count() == rows - (i == 1 ? 1 : 0));
    CHECK(service.stores.Count("select max(message_index)" + of_it) == rows - 1);
  }
}

TEST_CASE("a caller's messages to a conversation have the order in which it sent them") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kCallers = 16;
  constexpr int kEach = 20;
  Stores stores(engine);
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(1));
  Ok(stores.conversations.Create(Us(), conversation));
  std::vector<std::vector<int64_t>> indexes(kCallers, std::vector<int64_t>(kEach, -1));
  absl::BlockingCounter unanswered(kCallers * kEach);
  testing::Concurrently(kCallers, [&](int caller) {
    for (int64_t& index : indexes[caller]) {
      const auto answer = [&](const absl::StatusOr<v1::Message>& created) {
        if (created.ok()) index = created->index();
        unanswered.DecrementCount();
      };
      // Without waiting for the one before.
      const absl::Status taken =
          stores.messages.Create(Us(), NewMessage(NthUuid(1)), {absl::OkStatus, answer});
      if (!taken.ok()) answer(taken);
    }
  });
  unanswered.Wait();
  std::vector<int64_t> all;
  for (const auto& own : indexes) {
    CHECK(std::is_sorted(own.begin(), own.end()));
    all.insert(all.end(), own.begin(), own.end());
  }
  std::sort(all.begin(), all.end());
  std::vector<int64_t> expected(kCallers * kEach);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(all == expected);
}

}  // namespace
}  // namespace alma::conversations
