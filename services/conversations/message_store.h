#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/db/database.h"
#include "common/db/list_page.h"
#include "common/rpc/service.h"

namespace alma::conversations {

// Messages as they are stored, of the caller's organization; any other one does not exist. Requests
// are validated. Beyond the statuses named here all methods answer those of Database. Thread-safe.
class MessageStore {
 public:
  explicit MessageStore(db::Database& database) : database_(database) {}

  // Adds it at the end of its conversation. A repeat with a known uuid or external_id and equal
  // content answers the stored row. NOT_FOUND where the conversation is absent or deleted, for
  // repeats too; ALREADY_EXISTS (ALREADY_EXISTS or DELETED) where a known row differs.
  absl::StatusOr<v1::Message> Create(const rpc::Call& call, const v1::Message& message);

  // Deleted ones too. NOT_FOUND.
  absl::StatusOr<v1::Message> Get(const rpc::Call& call, const std::string& uuid);

  // The messages of a conversation behind `after`, by index. NOT_FOUND where there never was such a
  // conversation.
  absl::StatusOr<db::ListPage<v1::ListMessagesResponse>> List(
      const rpc::Call& call, const v1::ListMessagesRequest& request, const db::Position& after);

 private:
  db::Database& database_;
};

}  // namespace alma::conversations
