#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/support/alma_server.h"
#include "tests/system/conversations.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;

// How often `text` stands in the files of the folder.
int Count(const std::string& folder, const std::string& text) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(file), {});
    for (size_t at = content.find(text); at != std::string::npos; at = content.find(text, at + 1)) {
      ++count;
    }
  }
  return count;
}

// A message whose content, link and data say `word`. The content fills `bytes`.
std::string CreateSaying(const Client& client, const std::string& conversation,
                         const std::string& word, size_t bytes) {
  v1::CreateMessageRequest request = NewMessage(conversation);
  v1::Message& message = *request.mutable_message();
  message.set_content(word);
  while (message.content().size() < bytes) message.mutable_content()->append(" ").append(word);
  message.set_link("https://example.com/" + word);
  (*message.mutable_meta_data()->mutable_fields())["said"].set_string_value(word);
  const auto answered = Create(client, request);
  REQUIRE(answered.status.ok());
  return answered.response.uuid();
}

TEST_CASE("what deleted messages and conversations said is in no file any more") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string key = Bootstrap(storage).secret;
  {
    AlmaServer server(storage);
    const Client client(server.channel(), key);
    const std::vector<std::string> conversations = CreateConversations(client, 2);
    for (int i = 0; i < 60; ++i) {
      // Of one page and of several.
      const size_t bytes = i % 3 == 0 ? 20'000 : 100;
      const std::string uuid = CreateSaying(client, conversations[0], "messagesecret", bytes);
      CreateSaying(client, conversations[0], "remembered", bytes);
      CreateSaying(client, conversations[1], "conversationsecret", bytes);
      v1::DeleteMessageRequest request;
      request.set_uuid(uuid);
      REQUIRE(client.Call(&v1::MessagesService::Stub::DeleteMessage, request).status.ok());
    }
    CHECK(Count(storage.data_dir(), "conversationsecret") > 0);
    v1::DeleteConversationRequest request;
    request.set_uuid(conversations[1]);
    REQUIRE(client.Call(&v1::ConversationsService::Stub::DeleteConversation, request).status.ok());
  }
  {
    AlmaServer server(storage);
    CHECK(server.Stop(SIGTERM).exit_code == 0);
  }
  CHECK(Count(storage.data_dir(), "messagesecret") == 0);
  CHECK(Count(storage.data_dir(), "conversationsecret") == 0);
  CHECK(Count(storage.data_dir(), "remembered") > 0);
}

}  // namespace
}  // namespace alma::testing
