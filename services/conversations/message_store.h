#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/tenant/store.h"
#include "common/wire/encoded.h"
#include "services/conversations/message_rows.h"

namespace alma::conversations {

// Messages as they are stored. See tenant::Store, and MessageTable() for what a write does beyond
// the row.
class MessageStore : public tenant::Store<v1::Message> {
 public:
  explicit MessageStore(db::Database& database) : Store(database, MessageTable()) {}

  // The messages of a conversation behind `after`, by index. NOT_FOUND where there never was such a
  // conversation.
  absl::StatusOr<db::ListPage<v1::ListMessagesResponse>> List(
      const rpc::Call& call, const v1::ListMessagesRequest& request, const db::Position& after);

  // Fills `page` with the next messages behind request.after_revision(), by revision: one at least,
  // then no more than the call's answer_bytes. Where there are more than fit, answers the revision
  // of the last; where there are not, nothing, and the page has all that were committed before the
  // call.
  absl::StatusOr<std::optional<int64_t>> Export(
      const rpc::Call& call, const v1::ExportMessagesRequest& request,
      std::vector<wire::Encoded<v1::ExportMessagesResponse>>* page);
};

}  // namespace alma::conversations
