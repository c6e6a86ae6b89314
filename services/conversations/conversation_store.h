#pragma once

#include <string>

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

 private:
  db::Database& database_;
};

}  // namespace alma::conversations
