#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "common/db/session.h"
#include "common/tenant/table.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::conversations {

// The table conversations, and with it conversation_participants: who is on a row joins at its
// updated_at, who no longer is leaves then; a tombstone forgets who was on it, and makes tombstones
// of its messages.
const tenant::Table<v1::Conversation>& ConversationTable();

// What the lists of conversations are ordered by: the minute of the last message, or of creation.
google::protobuf::Timestamp ActivityMinute(const v1::Conversation& conversation);

// Takes a deleted message off the count.
absl::Status UncountMessage(db::Session& session, std::string_view organization,
                            std::string_view uuid);

// New messages of one conversation.
struct AppendedMessages {
  int64_t count = 0;
  // When the latest of them was created.
  google::protobuf::Timestamp latest;
  // Of the first, the others follow; set by AppendMessages, unless the conversation is absent or
  // deleted.
  std::optional<int64_t> first_index;
};

// Counts new messages of conversations, by uuid, and gives them their indexes. Locks the rows, in
// this order, until the transaction ends; their revisions stay as they are.
absl::Status AppendMessages(db::Session& session, std::string_view organization,
                            std::map<std::string, AppendedMessages>& by_conversation);

}  // namespace alma::conversations
