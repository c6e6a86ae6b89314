#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/session.h"
#include "google/protobuf/timestamp.pb.h"

// The rows of the table messages, read and written in one place. All of these are for the functions
// that Database::Read and Database::Write run, and answer as Session::Query does.
namespace alma::conversations {

// What errors call such a row.
inline constexpr std::string_view kMessage = "message";

// Columns of a select, in the order in which ReadMessage takes them.
inline constexpr char kMessageColumns[] =
    "uuid, sender_uuid, conversation_uuid, content, type, link, channel, subchannel, created_at, "
    "updated_at, "
    "meta_data, origin, message_index, external_id, revision, deleted_at";
v1::Message ReadMessage(db::Row& row, std::string_view organization);

// Deleted ones too.
absl::StatusOr<std::optional<v1::Message>> FindMessage(db::Session& session,
                                                       std::string_view organization,
                                                       std::string_view uuid);

// The row that the create of `wanted` repeats, if any; fails as db::FindRepeated says.
absl::StatusOr<std::optional<v1::Message>> FindRepeated(db::Session& session,
                                                        std::string_view organization,
                                                        const v1::Message& wanted);

absl::Status InsertMessage(db::Session& session, const v1::Message& message);

// Writes all columns that can change.
absl::Status UpdateMessage(db::Session& session, const v1::Message& message);

// Makes tombstones of all messages of the conversation that are not yet. They take the revisions
// behind `revision`, in the order of their indexes.
absl::Status DeleteMessagesOf(db::Session& session, std::string_view organization,
                              std::string_view conversation_uuid, int64_t revision,
                              const google::protobuf::Timestamp& now);

}  // namespace alma::conversations
