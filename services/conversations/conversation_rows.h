#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "common/db/session.h"
#include "google/protobuf/timestamp.pb.h"

// The rows of the tables conversations and conversation_participants, each read and written in one
// place. All of these are for the functions that Database::Read and Database::Write run, and answer
// as Session::Query does.
namespace alma::conversations {

// What errors call such a row.
inline constexpr std::string_view kConversation = "conversation";

// Columns of a select, in the order in which ReadConversation takes them.
inline constexpr char kConversationColumns[] =
    "conversations.uuid, conversations.agents, conversations.external_participants, "
    "conversations.created_at, "
    "conversations.updated_at, conversations.meta_data, conversations.origin, "
    "conversations.message_count, "
    "conversations.last_message_at, conversations.last_message_index, conversations.external_id, "
    "conversations.revision, conversations.deleted_at";
v1::Conversation ReadConversation(db::Row& row, std::string_view organization);

// Deleted ones too.
absl::StatusOr<std::optional<v1::Conversation>> FindConversation(db::Session& session,
                                                                 std::string_view organization,
                                                                 std::string_view uuid);

// The row that the create of `wanted` repeats, if any; fails as db::FindRepeated says.
absl::StatusOr<std::optional<v1::Conversation>> FindRepeated(db::Session& session,
                                                             std::string_view organization,
                                                             const v1::Conversation& wanted);

// With its participants, who join at its updated_at.
absl::Status InsertConversation(db::Session& session, const v1::Conversation& conversation);

// Writes all columns that can change but those that messages keep. `before` is the row as it was:
// who is on `conversation` only joins at its updated_at, who is on `before` only leaves then.
absl::Status UpdateConversation(db::Session& session, const v1::Conversation& before,
                                const v1::Conversation& conversation);

// Writes a tombstone. Who was on the conversation, and when, is forgotten.
absl::Status DeleteConversation(db::Session& session, const v1::Conversation& conversation);

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
