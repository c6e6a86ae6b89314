#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/rpc/call.h"
#include "services/conversations/message_store.h"

namespace alma::conversations {

// Items that one import may have refused before it ends.
inline constexpr int64_t kMaxRefusedItems = 1000;

// One call of ImportMessages, from its first item to its last. Not thread-safe.
class MessageImport {
 public:
  using Items = std::vector<absl::StatusOr<v1::ImportMessagesRequest>>;

  // Stores the items that come next, in one transaction, and appends a response for each: for the
  // first of them only where the answers come to the call's answer_bytes; what is behind has not
  // been stored and comes again. INVALID_ARGUMENT, behind the responses, once more than
  // kMaxRefusedItems were refused. Other statuses are those of Database: then none of these items
  // has been answered, and the caller repeats them after the last committed_position.
  absl::Status Write(const rpc::Call& call, MessageStore& store, Items items,
                     std::vector<v1::ImportMessagesResponse>* responses);

 private:
  int64_t next_position_ = 0;
  int64_t refused_ = 0;
};

}  // namespace alma::conversations
