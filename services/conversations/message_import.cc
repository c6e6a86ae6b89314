#include "services/conversations/message_import.h"

#include <cstddef>
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

// Puts what the store said of the items that were not refused before into their places; drops the
// items from the first on of which it said nothing.
void PutInPlaces(MessageStore::Results stored, MessageStore::Results* results) {
  auto next = stored.begin();
  auto result = results->begin();
  for (; result != results->end(); ++result) {
    if (!result->ok()) continue;
    if (next == stored.end()) break;
    *result = std::move(*next++);
  }
  results->erase(result, results->end());
}

}  // namespace

absl::Status MessageImport::Write(const rpc::Call& call, MessageStore& store, Items items,
                                  std::vector<v1::ImportMessagesResponse>* responses) {
  MessageStore::Results results;
  std::vector<v1::Message> valid;
  size_t refused_bytes = 0;
  for (auto& item : items) {
    if (refused_bytes >= call.answer_bytes) break;
    const absl::Status checked = Check(item);
    results.emplace_back(checked.ok() ? absl::StatusOr<v1::Message>(v1::Message()) : checked);
    if (checked.ok()) {
      valid.push_back(std::move(*item->mutable_message()));
    } else {
      refused_bytes += status::kMaxDetailsBytes;
    }
  }
  ASSIGN_OR_RETURN(MessageStore::Results stored, store.CreateEach(call, valid));
  PutInPlaces(std::move(stored), &results);
  const int64_t committed = next_position_ + static_cast<int64_t>(results.size()) - 1;
  for (absl::StatusOr<v1::Message>& result : results) {
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
