#include <algorithm>
#include <numeric>

#include "common/db/page.h"
#include "common/status/status.h"
#include "tests/services/conversations/stores.h"
#include "tests/support/list.h"

namespace alma::conversations {
namespace {

using Indexes = std::vector<int64_t>;

std::string ConversationOf(Stores& stores, int messages) {
  const std::string uuid = Ok(stores.conversations.Create(Us(), NewConversation())).uuid();
  for (int i = 0; i < messages; ++i) Ok(stores.messages.Create(Us(), NewMessage(uuid)));
  return uuid;
}

Indexes Range(int64_t first, int64_t last) {
  Indexes indexes(last - first + 1);
  std::iota(indexes.begin(), indexes.end(), first);
  return indexes;
}

Indexes Down(int64_t first, int64_t last) {
  Indexes indexes = Range(last, first);
  std::reverse(indexes.begin(), indexes.end());
  return indexes;
}

// The indexes of the first page.
Indexes FirstPage(Stores& stores, const v1::ListMessagesRequest& request) {
  Indexes indexes;
  const auto response = testing::Decoded(Ok(stores.messages.List(Us(), request, {})).response);
  for (const auto& message : response.messages()) indexes.push_back(message.index());
  return indexes;
}

TEST_CASE("messages are listed by index both ways") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = ConversationOf(stores, 20);
  ConversationOf(stores, 3);
  for (const int page_size : {1, 7, 20, 100}) {
    v1::ListMessagesRequest request = PageOfMessages(uuid, page_size);
    CHECK(ReadAll(stores, request) == Range(0, 19));
    request.set_from_index(5);
    CHECK(ReadAll(stores, request) == Range(5, 19));
    request.set_from_index(20);
    CHECK(ReadAll(stores, request).empty());
    request.set_descending(true);
    CHECK(ReadAll(stores, request) == Down(19, 0));
    request.set_from_index(5);
    CHECK(ReadAll(stores, request) == Down(5, 0));
    request.clear_from_index();
    CHECK(ReadAll(stores, request) == Down(19, 0));
  }
}

TEST_CASE("the first page around an index has it in its middle") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = ConversationOf(stores, 20);
  v1::ListMessagesRequest request = PageOfMessages(uuid, 6);
  request.set_around_index(10);
  CHECK(FirstPage(stores, request) == Range(7, 12));
  CHECK(ReadAll(stores, request) == Range(7, 19));
  request.set_around_index(1);
  CHECK(FirstPage(stores, request) == Range(0, 5));
  request.set_around_index(INT64_MAX);
  CHECK(FirstPage(stores, request).empty());

  request.set_descending(true);
  CHECK(FirstPage(stores, request) == Down(19, 14));
  request.set_around_index(10);
  CHECK(FirstPage(stores, request) == Down(13, 8));
  CHECK(ReadAll(stores, request) == Down(13, 0));
  request.set_around_index(0);
  CHECK(FirstPage(stores, request) == Down(3, 0));
}

TEST_CASE("deleted messages are listed only when asked for") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = ConversationOf(stores, 6);
  stores.Execute(
      "update messages set deleted_at = created_at, content = '' where message_index in (0, 3, 5)");
  v1::ListMessagesRequest request = PageOfMessages(uuid, 2);
  CHECK(ReadAll(stores, request) == Indexes{1, 2, 4});
  request.set_descending(true);
  CHECK(ReadAll(stores, request) == Indexes{4, 2, 1});
  request.set_show_deleted(true);
  CHECK(ReadAll(stores, request) == Down(5, 0));
}

TEST_CASE("paging through messages meets those that come meanwhile once") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = ConversationOf(stores, 20);
  int added = 0;
  const Indexes read = ReadAll(stores, PageOfMessages(uuid, 7), [&] {
    if (added++ < 3) Ok(stores.messages.Create(Us(), NewMessage(uuid)));
  });
  CHECK(read == Range(0, 22));
}

TEST_CASE("a list of messages tells an empty conversation from an absent one") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = Ok(stores.conversations.Create(Us(), NewConversation())).uuid();
  CHECK(ReadAll(stores, PageOfMessages(uuid, 5)).empty());
  const absl::Status absent =
      stores.messages.List(Us(), PageOfMessages(NthUuid(5), 5), {}).status();
  CHECK(status::Reason(absent) == "NOT_FOUND");
  CHECK(stores.messages.List(Them(), PageOfMessages(uuid, 5), {}).status() == absent);
  stores.Execute("update conversations set deleted_at = created_at");
  CHECK(ReadAll(stores, PageOfMessages(uuid, 5)).empty());
}

TEST_CASE("a page is cut at 3 MiB and the list goes on behind it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = Ok(stores.conversations.Create(Us(), NewConversation())).uuid();
  for (int i = 0; i < 15; ++i) {
    Ok(stores.messages.Create(
        Us(), NewMessage(uuid, std::string(256 * 1024, static_cast<char>('a' + i)))));
  }
  const auto page = Ok(stores.messages.List(Us(), PageOfMessages(uuid, 1000), {}));
  CHECK(testing::Decoded(page.response).messages_size() == 11);
  CHECK(page.response.bytes.size() < db::kMaxPageBytes + 1024);
  CHECK(page.next == db::Position{"10"});
  CHECK(ReadAll(stores, PageOfMessages(uuid, 1000)) == Range(0, 14));
}

TEST_CASE("a page of more messages than are read at a time is whole") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  const std::string uuid = ConversationOf(stores, 150);
  CHECK(FirstPage(stores, PageOfMessages(uuid, 140)) == Range(0, 139));
  CHECK(FirstPage(stores, PageOfMessages(uuid, 150)) == Range(0, 149));
}

}  // namespace
}  // namespace alma::conversations
