#pragma once

#include <cstdint>
#include <string_view>

#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/list_page.h"
#include "common/tenant/list_query.h"

// What the lists ask the database: each query is one range of one index, read in the order of the
// list.
namespace alma::conversations {

using tenant::ListQuery;

// Up to `limit` rows of the list behind `after`. The Position of a row is its activity minute and
// its uuid.
ListQuery ConversationsBehind(const db::Position& after, std::string_view organization,
                              const v1::ListConversationsRequest& request, int64_t limit);

// Up to `limit` rows of the list behind `after`. The Position of a row is its index.
ListQuery MessagesBehind(const db::Position& after, std::string_view organization,
                         const v1::ListMessagesRequest& request, int64_t limit);

// The messages of an export behind a revision, by revision.
ListQuery MessagesAfterRevision(int64_t after, std::string_view organization,
                                const v1::ExportMessagesRequest& request, int64_t limit);

}  // namespace alma::conversations
