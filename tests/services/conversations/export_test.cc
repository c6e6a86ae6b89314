#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/rpc/stream.h"
#include "tests/services/conversations/served.h"
#include "tests/support/allocated.h"

namespace alma::conversations {
namespace {

using Exported = std::vector<v1::ExportMessagesResponse>;

// Conversations 1 and 2 and, from revision 3 on, `count` messages in turn to them.
void Fill(Service& service, int count) {
  for (const int n : {1, 2}) service.CreateConversation(kOurs, n);
  for (int first = 0; first < count; first += 1000) {
    v1::BatchCreateMessagesRequest request;
    for (int i = first; i < std::min(count, first + 1000); ++i) {
      *request.add_messages() = NewMessage(NthUuid(1 + i % 2), absl::StrCat("words ", i));
    }
    Ok(service.stores.messages.CreateAll(Us(), "messages", request.messages(),
                                         &v1::BatchCreateMessagesResponse::mutable_messages));
  }
}

v1::ExportMessagesRequest After(int64_t revision, const std::string& conversation_uuid = "") {
  v1::ExportMessagesRequest request;
  request.set_after_revision(revision);
  request.set_conversation_uuid(conversation_uuid);
  return request;
}

// Up to `limit` messages, then the call is given up.
Exported Export(Service& service, const v1::ExportMessagesRequest& request, size_t limit = SIZE_MAX,
                const char* organization = kOurs) {
  grpc::ClientContext context;
  testing::SetCaller(context, CallerOf(organization));
  const auto stream = service.messages->ExportMessages(&context, request);
  Exported exported;
  v1::ExportMessagesResponse response;
  while (exported.size() < limit && stream->Read(&response)) exported.push_back(response);
  if (exported.size() == limit) {
    context.TryCancel();
  } else {
    CHECK(stream->Finish().ok());
  }
  return exported;
}

TEST_CASE("an export has every message by revision and goes on where it was cut") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  Fill(service, 1200);
  Exported all = Export(service, After(0), 700);
  REQUIRE(all.size() == 700);
  const Exported rest = Export(service, After(all.back().revision()));
  all.insert(all.end(), rest.begin(), rest.end());
  REQUIRE(all.size() == 1200);
  int right = 0;
  for (int i = 0; i < 1200; ++i) {
    const v1::Message& message = all[i].message();
    if (all[i].revision() == i + 3 && message.revision() == i + 3 && message.index() == i / 2 &&
        message.content() == absl::StrCat("words ", i)) {
      ++right;
    }
  }
  CHECK(right == 1200);
  CHECK(Export(service, After(1202)).empty());
  CHECK(Ok(service.stores.messages.Get(Us(), all[5].message().uuid())).SerializeAsString() ==
        all[5].message().SerializeAsString());
}

TEST_CASE("an export may be of one conversation and is of one organization") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  Fill(service, 1200);
  const Exported one = Export(service, After(3, NthUuid(1)));
  REQUIRE(one.size() == 599);
  CHECK(one.front().message().index() == 1);
  for (const auto& response : one) CHECK(response.message().conversation_uuid() == NthUuid(1));
  CHECK(Export(service, After(0, NthUuid(9))).empty());
  CHECK(Export(service, After(0), SIZE_MAX, kTheirs).empty());
  CHECK(Export(service, After(0, NthUuid(1)), SIZE_MAX, kTheirs).empty());
}

TEST_CASE("an export shows what was changed or deleted in the place of its new revision") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  Fill(service, 4);
  const Exported before = Export(service, After(0));
  REQUIRE(before.size() == 4);
  v1::UpdateMessageRequest update;
  update.mutable_message()->set_uuid(before[0].message().uuid());
  update.mutable_message()->set_content("corrected");
  update.mutable_update_mask()->add_paths("content");
  Ok(service.stores.messages.Update(Us(), update.message(), update.update_mask()));
  v1::DeleteMessageRequest remove;
  remove.set_uuid(before[1].message().uuid());
  Ok(service.stores.messages.Delete(Us(), remove.uuid(), remove.revision()));
  const Exported after = Export(service, After(before.back().revision()));
  REQUIRE(after.size() == 2);
  CHECK(after[0].message().content() == "corrected");
  CHECK(after[1].message().has_deleted_at());
  CHECK(Export(service, After(0)).size() == 4);
}

TEST_CASE("exports of large messages that nobody reads are bounded together and come whole later") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  constexpr int kExports = 100;
  constexpr int kMessages = 20;
  constexpr size_t kLarge = 250 * 1024;
  // Of a TestRuntime.
  constexpr int kWorkers = 8;
  Service service(engine);
  service.CreateConversation(kOurs, 1);
  const v1::Message large = NewMessage(NthUuid(1), std::string(kLarge, 'x'));
  for (int i = 0; i < kMessages; ++i) REQUIRE(service.CreateMessage(kOurs, large).status.ok());
  const int64_t before = testing::AllocatedBytes();
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ExportMessagesResponse>>> exports;
  for (int i = 0; i < kExports; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    testing::SetCaller(*contexts.back(), CallerOf(kOurs));
    contexts.back()->set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(10));
    exports.push_back(service.messages->ExportMessages(contexts.back().get(), After(0)));
  }
  // What each may hold, the runs that began before it was too much, and what the database and gRPC
  // keep.
  constexpr int64_t kOfEach = rpc::Stream::kCrowdedBytes + 2 * kLarge;
  constexpr int64_t kRuns = kWorkers * rpc::Stream::kMaxBytes;
  constexpr int64_t kKept = 40 * 1024 * 1024;
  const int64_t held = testing::SettledBytes() - before;
  CHECK(held < int64_t{rpc::Stream::kMaxBytesOfAll} + kExports * kOfEach + kRuns + kKept);
  int whole = 0;
  for (const auto& stream : exports) {
    v1::ExportMessagesResponse response;
    int messages = 0;
    while (stream->Read(&response) && response.message().index() == messages &&
           response.message().content().size() == kLarge) {
      ++messages;
    }
    if (stream->Finish().ok() && messages == kMessages) ++whole;
  }
  CHECK(whole == kExports);
}

TEST_CASE("an export that cannot be is refused") {
  Service service(db::Engine::kSqlite);
  for (const auto& request : {After(-1), After(0, "x")}) {
    grpc::ClientContext context;
    testing::SetCaller(context, CallerOf(kOurs));
    const auto stream = service.messages->ExportMessages(&context, request);
    v1::ExportMessagesResponse response;
    CHECK_FALSE(stream->Read(&response));
    const grpc::Status status = stream->Finish();
    CHECK(testing::FieldsOf(status) == std::vector<std::string>{request.after_revision() < 0
                                                                    ? "after_revision"
                                                                    : "conversation_uuid"});
  }
}

TEST_CASE("an export has all that was committed before it began once while writes go on") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Service service(engine);
  Fill(service, 3000);
  std::set<std::string> before;
  std::set<std::string> changed;
  for (const auto& response : Export(service, After(0))) {
    before.insert(response.message().uuid());
    if (response.revision() % 10 == 0) changed.insert(response.message().uuid());
  }
  std::atomic<bool> ended = false;
  std::atomic<int> failed = 0;
  std::thread creates([&] {
    while (!ended) {
      if (!service.stores.messages.Create(Us(), NewMessage(NthUuid(1))).ok()) ++failed;
    }
  });
  std::thread updates([&] {
    for (const std::string& uuid : changed) {
      v1::UpdateMessageRequest update;
      update.mutable_message()->set_uuid(uuid);
      update.mutable_message()->set_content("changed meanwhile");
      update.mutable_update_mask()->add_paths("content");
      if (!ended &&
          !service.stores.messages.Update(Us(), update.message(), update.update_mask()).ok()) {
        ++failed;
      }
    }
  });
  const Exported exported = Export(service, After(0));
  ended = true;
  creates.join();
  updates.join();
  CHECK(failed == 0);
  std::map<std::string, int> seen;
  int64_t last = 0;
  int out_of_order = 0;
  for (const auto& response : exported) {
    ++seen[response.message().uuid()];
    if (response.revision() <= last) ++out_of_order;
    last = response.revision();
  }
  CHECK(out_of_order == 0);
  int missed = 0;
  int doubled = 0;
  for (const std::string& uuid : before) {
    if (seen[uuid] == 0) ++missed;
    if (seen[uuid] > 1 && changed.count(uuid) == 0) ++doubled;
  }
  CHECK(missed == 0);
  CHECK(doubled == 0);
}

}  // namespace
}  // namespace alma::conversations
