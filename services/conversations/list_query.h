#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/list_page.h"
#include "common/db/session.h"

// What the lists ask the database: each query is one range of one index, read in the order of the
// list.
namespace alma::conversations {

struct ListQuery {
  std::string sql;
  std::vector<db::Param> params;
};

// Up to `limit` rows of the list behind `after`: kConversationColumns, then activity_minute, which
// with the uuid is the Position of the row.
ListQuery ConversationsBehind(const db::Position& after, std::string_view organization,
                              const v1::ListConversationsRequest& request, int64_t limit);

// Up to `limit` rows of the list behind `after`: kMessageColumns. The Position of a row is its
// index.
ListQuery MessagesBehind(const db::Position& after, std::string_view organization,
                         const v1::ListMessagesRequest& request, int64_t limit);

// The messages of an export behind a revision, by revision.
ListQuery MessagesAfterRevision(int64_t after, std::string_view organization,
                                const v1::ExportMessagesRequest& request, int64_t limit);

}  // namespace alma::conversations
