#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "common/db/database.h"
#include "common/db/list_page.h"
#include "common/rpc/service.h"

namespace alma::conversations {

// Conversations as they are stored, of the caller's organization; any other one does not exist.
// Requests are validated. Beyond the statuses named here all methods answer those of Database.
// Thread-safe.
class ConversationStore {
 public:
  explicit ConversationStore(db::Database& database) : database_(database) {}

  // A repeat with a known uuid or external_id and equal content answers the stored row.
  // ALREADY_EXISTS (ALREADY_EXISTS or DELETED) otherwise.
  absl::StatusOr<v1::Conversation> Create(const rpc::Call& call,
                                          const v1::Conversation& conversation);

  // Deleted ones too. NOT_FOUND.
  absl::StatusOr<v1::Conversation> Get(const rpc::Call& call, const std::string& uuid);

  // The conversations behind `after`, by activity minute and uuid, both descending.
  absl::StatusOr<db::ListPage<v1::ListConversationsResponse>> List(
      const rpc::Call& call, const v1::ListConversationsRequest& request,
      const db::Position& after);

  // In the order of `uuids`, deleted ones too. NOT_FOUND where one is absent; INVALID_ARGUMENT
  // where they are more than a client takes in one answer.
  absl::StatusOr<v1::BatchGetConversationsResponse> BatchGet(
      const rpc::Call& call, const google::protobuf::RepeatedPtrField<std::string>& uuids);

  // Each of these answers the row as it is then; one that changes nothing takes no revision.
  // NOT_FOUND, ABORTED, FAILED_PRECONDITION (DELETED), and INVALID_ARGUMENT where there would be
  // too many participants or one to remove is not there.
  absl::StatusOr<v1::Conversation> Update(const rpc::Call& call,
                                          const v1::UpdateConversationRequest& request);
  absl::StatusOr<v1::Conversation> AddParticipants(const rpc::Call& call,
                                                   const v1::AddParticipantsRequest& request);
  absl::StatusOr<v1::Conversation> RemoveParticipants(const rpc::Call& call,
                                                      const v1::RemoveParticipantsRequest& request);

  // Answers the tombstone, also where there is one already; its messages become tombstones too.
  // NOT_FOUND, ABORTED.
  absl::StatusOr<v1::Conversation> Delete(const rpc::Call& call,
                                          const v1::DeleteConversationRequest& request);

 private:
  using Change = absl::FunctionRef<absl::Status(v1::Conversation&)>;
  absl::StatusOr<v1::Conversation> Write(const rpc::Call& call, const std::string& uuid,
                                         int64_t expected_revision, Change change);

  db::Database& database_;
};

}  // namespace alma::conversations
