#include "services/conversations/message_import.h"

#include <utility>

#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/conversations/validate.h"

namespace alma::conversations {
namespace {

// Why the item is refused before the database is asked.
absl::Status Check(absl::StatusOr<v1::ImportMessagesRequest>& item) {
  return item.ok() ? Validate(*item) : item.status();
}

}  // namespace

absl::Status MessageImport::Write(const rpc::Call& call, MessageStore& store, Items items,
                                  std::vector<v1::ImportMessagesResponse>* responses) {
  MessageStore::Results results;
  std::vector<v1::Message> valid;
  for (auto& item : items) {
    const absl::Status checked = Check(item);
    results.emplace_back(checked.ok() ? absl::StatusOr<v1::Message>(v1::Message()) : checked);
    if (checked.ok()) valid.push_back(std::move(*item->mutable_message()));
  }
  ASSIGN_OR_RETURN(MessageStore::Results stored, store.CreateEach(call, valid));
  const int64_t committed = next_position_ + static_cast<int64_t>(results.size()) - 1;
  auto next = stored.begin();
  for (absl::StatusOr<v1::Message>& result : results) {
    if (result.ok()) result = std::move(*next++);
    v1::ImportMessagesResponse& response = responses->emplace_back();
    response.set_position(next_position_++);
    response.set_committed_position(committed);
    if (result.ok()) {
      *response.mutable_message() = *std::move(result);
    } else {
      *response.mutable_error() = status::ToRpcStatus(result.status());
      ++refused_;
    }
  }
  if (refused_ <= kMaxRefusedItems) return absl::OkStatus();
  return status::FieldsInvalid(
      {{"message", "is the 1001st item that was refused: the import ends"}});
}

}  // namespace alma::conversations
