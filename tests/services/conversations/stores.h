#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "catch2/catch.hpp"
#include "services/conversations/conversation_store.h"
#include "services/conversations/message_store.h"
#include "tests/support/bulk.h"
#include "tests/support/database.h"
#include "tests/support/tenants.h"

namespace alma::conversations {

using testing::kOurs;
using testing::kTheirs;
using testing::NthUuid;
using testing::Ok;
using testing::Them;
using testing::Us;

inline constexpr char kSender[] = "0190f5fe-0000-7000-8000-0000000000cc";

// Valid, without ids.
v1::Conversation NewConversation();
v1::Message NewMessage(const std::string& conversation_uuid, const std::string& content = "hello");

// Requests in the form that validation leaves behind.
v1::ListConversationsRequest PageOfConversations(int page_size);
v1::ListMessagesRequest PageOfMessages(const std::string& conversation_uuid, int page_size);

// Both stores over one database.
struct Stores {
  explicit Stores(db::Engine engine);

  // Runs `sql` in a transaction of its own.
  void Execute(std::string_view sql) { testing::ExecuteSql(*database, sql); }
  int64_t Count(std::string_view sql) { return testing::SelectInt64(*database, sql); }

  testing::TestDatabase database;
  ConversationStore conversations;
  MessageStore messages;
};

// Reads a list page by page and calls `between` after each. The uuids, in their order.
std::vector<std::string> ReadAll(
    Stores& stores, const v1::ListConversationsRequest& request,
    const std::function<void()>& between = [] {});
std::vector<int64_t> ReadAll(
    Stores& stores, const v1::ListMessagesRequest& request,
    const std::function<void()>& between = [] {});

}  // namespace alma::conversations
