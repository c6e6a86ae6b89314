#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/session.h"
#include "common/tenant/table.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::conversations {

// The table messages. A create takes its place at the end of the conversation, and fails with
// NOT_FOUND where that is absent or deleted; an update that would leave neither content nor link
// fails with INVALID_ARGUMENT.
const tenant::Table<v1::Message>& MessageTable();

// Makes tombstones of all messages of the conversation that are not yet. They take the revisions
// behind `revision`, in the order of their indexes.
absl::Status DeleteMessagesOf(db::Session& session, std::string_view organization,
                              std::string_view conversation_uuid, int64_t revision,
                              const google::protobuf::Timestamp& now);

}  // namespace alma::conversations
