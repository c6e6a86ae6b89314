#pragma once

#include <string>
#include <vector>

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
  // content answers the stored row. NOT_FOUND where the conversation is absent or deleted;
  // ALREADY_EXISTS (ALREADY_EXISTS or DELETED) where a known row differs.
  absl::StatusOr<v1::Message> Create(const rpc::Call& call, const v1::Message& message);

  // All or none, in order, each as Create does; the status of the first that is refused names it as
  // "messages[i]".
  absl::StatusOr<v1::BatchCreateMessagesResponse> CreateAll(
      const rpc::Call& call, const v1::BatchCreateMessagesRequest& request);

  // Each by itself, in order, in one transaction: what Create would have answered. Fails as a
  // whole, with nothing stored, only as Database does.
  using Results = std::vector<absl::StatusOr<v1::Message>>;
  absl::StatusOr<Results> CreateEach(const rpc::Call& call,
                                     const std::vector<v1::Message>& messages);

  // Deleted ones too. NOT_FOUND.
  absl::StatusOr<v1::Message> Get(const rpc::Call& call, const std::string& uuid);

  // The messages of a conversation behind `after`, by index. NOT_FOUND where there never was such a
  // conversation.
  absl::StatusOr<db::ListPage<v1::ListMessagesResponse>> List(
      const rpc::Call& call, const v1::ListMessagesRequest& request, const db::Position& after);

  // Writes what the mask names; with an empty one the row stays as it is. NOT_FOUND, ABORTED,
  // FAILED_PRECONDITION (DELETED); INVALID_ARGUMENT where neither content nor link would be left.
  absl::StatusOr<v1::Message> Update(const rpc::Call& call,
                                     const v1::UpdateMessageRequest& request);

  // Answers the tombstone, also where there is one already. NOT_FOUND, ABORTED.
  absl::StatusOr<v1::Message> Delete(const rpc::Call& call,
                                     const v1::DeleteMessageRequest& request);

  // Fills `page` with the next messages behind request.after_revision(), by revision; whether there
  // are more than fit. Where there are not, the page has all that were committed before the call.
  absl::StatusOr<bool> Export(const rpc::Call& call, const v1::ExportMessagesRequest& request,
                              std::vector<v1::ExportMessagesResponse>* page);

 private:
  db::Database& database_;
};

}  // namespace alma::conversations
