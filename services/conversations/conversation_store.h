#pragma once

#include "absl/status/statusor.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "common/tenant/store.h"
#include "services/conversations/conversation_rows.h"

namespace alma::conversations {

// Conversations as they are stored. See tenant::Store, and ConversationTable() for what a write
// does beyond the row.
class ConversationStore : public tenant::Store<v1::Conversation> {
 public:
  explicit ConversationStore(db::Database& database) : Store(database, ConversationTable()) {}

  // The conversations behind `after`, by activity minute and uuid, both descending.
  absl::StatusOr<db::ListPage<v1::ListConversationsResponse>> List(
      const rpc::Call& call, const v1::ListConversationsRequest& request,
      const db::Position& after);

  // As Store::Update and Store::Change; INVALID_ARGUMENT where there would be too many
  // participants, or one to remove is not there.
  absl::StatusOr<v1::Conversation> Update(const rpc::Call& call,
                                          const v1::UpdateConversationRequest& request);
  absl::StatusOr<v1::Conversation> AddParticipants(const rpc::Call& call,
                                                   const v1::AddParticipantsRequest& request);
  absl::StatusOr<v1::Conversation> RemoveParticipants(const rpc::Call& call,
                                                      const v1::RemoveParticipantsRequest& request);
};

}  // namespace alma::conversations
