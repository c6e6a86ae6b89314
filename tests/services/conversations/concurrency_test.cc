#include <atomic>
#include <functional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "tests/services/conversations/stores.h"

namespace alma::conversations {
namespace {

constexpr int kThreads = 32;

void InThreads(const std::function<void(int)>& run) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
  for (std::thread& thread : threads) thread.join();
}

std::string CreateConversation(Stores& stores, int n) {
  v1::Conversation conversation = NewConversation();
  conversation.set_uuid(NthUuid(n));
  conversation.add_agents(kSender);
  return Ok(stores.conversations.Create(Us(), conversation)).uuid();
}

TEST_CASE("indexes and revisions have no gap after many callers wrote at once") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kConversations = 5;
  constexpr int kPerThread = 13;
  Stores stores(engine);
  for (int i = 0; i < kConversations; ++i) CreateConversation(stores, i);
  std::atomic<int> stored = 0;
  InThreads([&](int thread) {
    for (int i = 0; i < kPerThread; ++i) {
      // Every seventh names no conversation: it must not leave a gap either.
      const int conversation = i % 7 == 6 ? 99 : (thread + i) % kConversations;
      v1::Message message = NewMessage(NthUuid(conversation));
      message.mutable_created_at()->set_seconds(1'700'000'000 + thread * 60 + i);
      if (stores.messages.Create(Us(), message).ok()) ++stored;
    }
  });
  CHECK(stored == kThreads * (kPerThread - kPerThread / 7));
  CHECK(stores.Count("select count(*) from messages") == stored);
  CHECK(stores.Count("select max(revision) from messages") == stored + kConversations);
  CHECK(stores.Count("select count(distinct revision) from messages") == stored);
  CHECK(stores.Count("select revision from revisions") == stored + kConversations);
  for (int i = 0; i < kConversations; ++i) {
    const v1::Conversation conversation = Ok(stores.conversations.Get(Us(), NthUuid(i)));
    const std::string of_it =
        absl::StrCat(" from messages where conversation_uuid = '", NthUuid(i), "'");
    CHECK(stores.Count("select count(*)" + of_it) == conversation.message_count());
    CHECK(stores.Count("select max(message_index)" + of_it) == conversation.message_count() - 1);
    CHECK(conversation.last_message_index() == conversation.message_count() - 1);
    CHECK(ReadAll(stores, PageOfMessages(NthUuid(i), 50)).size() ==
          static_cast<size_t>(conversation.message_count()));
  }
}

// Races creates of one message, whose ids `name` gives, and expects one row and one answer.
void RaceForOneMessage(db::Engine engine, const std::function<void(v1::Message&)>& name) {
  Stores stores(engine);
  CreateConversation(stores, 0);
  v1::Message message = NewMessage(NthUuid(0));
  name(message);
  std::vector<absl::StatusOr<v1::Message>> answers(kThreads, absl::UnknownError("not run"));
  InThreads([&](int thread) { answers[thread] = stores.messages.Create(Us(), message); });
  for (const auto& answer : answers) {
    CHECK(Ok(answer).SerializeAsString() == Ok(answers[0]).SerializeAsString());
  }
  CHECK(stores.Count("select count(*) from messages") == 1);
  const v1::Message next = Ok(stores.messages.Create(Us(), NewMessage(NthUuid(0))));
  CHECK(next.index() == 1);
  CHECK(next.revision() == 3);
}

TEST_CASE("one message sent by many callers at once is stored once and answered alike") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  RaceForOneMessage(engine, [](v1::Message& message) { message.set_uuid(NthUuid(5)); });
  RaceForOneMessage(engine, [](v1::Message& message) { message.set_external_id("m-1"); });
}

TEST_CASE("of many messages with one uuid and different content one is stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 0);
  CreateConversation(stores, 1);
  std::atomic<int> stored = 0;
  std::atomic<int> refused = 0;
  InThreads([&](int thread) {
    v1::Message message = NewMessage(NthUuid(thread % 2), absl::StrCat("by ", thread));
    message.set_uuid(NthUuid(5));
    const auto created = stores.messages.Create(Us(), message);
    if (created.ok()) ++stored;
    if (status::Reason(created.status()) == "ALREADY_EXISTS") ++refused;
  });
  CHECK(stored == 1);
  CHECK(refused == kThreads - 1);
  CHECK(stores.Count("select sum(message_count) from conversations") == 1);
  CHECK(stores.Count("select revision from revisions") == 3);
}

TEST_CASE("one conversation created by many callers at once is stored once") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  v1::Conversation conversation = NewConversation();
  conversation.set_external_id("chat-1");
  conversation.add_agents(kSender);
  std::vector<absl::StatusOr<v1::Conversation>> answers(kThreads, absl::UnknownError("not run"));
  InThreads([&](int thread) { answers[thread] = stores.conversations.Create(Us(), conversation); });
  for (const auto& answer : answers) {
    CHECK(Ok(answer).SerializeAsString() == Ok(answers[0]).SerializeAsString());
  }
  CHECK(stores.Count("select count(*) from conversation_participants") == 1);
  CHECK(stores.Count("select revision from revisions") == 1);
}

// Adds one to the number in the conversation's data unless someone else wrote it since it was read.
absl::Status Increment(Stores& stores) {
  v1::UpdateConversationRequest request;
  v1::Conversation& conversation = *request.mutable_conversation();
  const auto read = stores.conversations.Get(Us(), NthUuid(0));
  if (!read.ok()) return read.status();
  conversation = *read;
  google::protobuf::Value& n = (*conversation.mutable_meta_data()->mutable_fields())["n"];
  n.set_number_value(n.number_value() + 1);
  request.mutable_update_mask()->add_paths("meta_data");
  return stores.conversations.Update(Us(), request).status();
}

TEST_CASE("of racing updates with a revision those that lose are ABORTED and nothing is lost") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kUpdates = 50;
  Stores stores(engine);
  CreateConversation(stores, 0);
  std::atomic<int> succeeded = 0;
  std::atomic<int> aborted = 0;
  std::atomic<int> begun = 0;
  InThreads([&](int) {
    while (begun++ < kUpdates) {
      const absl::Status done = Increment(stores);
      if (done.ok()) ++succeeded;
      if (status::Reason(done) == "REVISION_STALE") ++aborted;
    }
  });
  const v1::Conversation conversation = Ok(stores.conversations.Get(Us(), NthUuid(0)));
  CHECK(succeeded >= 1);
  CHECK(succeeded + aborted == kUpdates);
  CHECK(conversation.meta_data().fields().at("n").number_value() == succeeded);
  CHECK(conversation.revision() == 1 + succeeded);
  CHECK(stores.Count("select revision from revisions") == 1 + succeeded);
}

TEST_CASE("messages that are added and deleted at once leave counts right and no gap") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  CreateConversation(stores, 0);
  std::atomic<int> failed = 0;
  InThreads([&](int thread) {
    for (int i = 0; i < 6; ++i) {
      const auto created = stores.messages.Create(Us(), NewMessage(NthUuid(0)));
      v1::DeleteMessageRequest request;
      if (created.ok()) request.set_uuid(created->uuid());
      if (!created.ok() ||
          (thread % 2 == 0 &&
           !stores.messages.Delete(Us(), request.uuid(), request.revision()).ok())) {
        ++failed;
      }
    }
  });
  CHECK(failed == 0);
  const v1::Conversation conversation = Ok(stores.conversations.Get(Us(), NthUuid(0)));
  CHECK(conversation.message_count() == kThreads * 6 / 2);
  CHECK(conversation.last_message_index() == kThreads * 6 - 1);
  CHECK(stores.Count("select count(*) from messages where deleted_at is null") ==
        conversation.message_count());
  CHECK(stores.Count("select max(message_index) from messages") == kThreads * 6 - 1);
  CHECK(stores.Count("select revision from revisions") == 1 + kThreads * 6 * 3 / 2);
}

}  // namespace
}  // namespace alma::conversations
