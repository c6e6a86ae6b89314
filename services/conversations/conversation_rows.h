#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

// Counts one more message, created at `created_at`, and returns its index. Locks the row until the
// transaction ends; its revision stays as it is. NOT_FOUND where the conversation is absent or
// deleted.
absl::StatusOr<int64_t> AppendMessage(db::Session& session, std::string_view organization,
                                      std::string_view uuid,
                                      const google::protobuf::Timestamp& created_at);

}  // namespace alma::conversations
