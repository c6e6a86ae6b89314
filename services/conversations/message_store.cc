#include "services/conversations/message_store.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/db/page.h"
#include "common/status/macros.h"
#include "common/wire/append.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"

namespace alma::conversations {

namespace {

// Messages that one query of an export reads at most.
constexpr int32_t kExportRows = 500;

// More than what stands around a message in an export: two tags, a length and a revision.
constexpr size_t kAroundExported = 24;

}  // namespace

absl::StatusOr<db::ListPage<v1::ListMessagesResponse>> MessageStore::List(
    const rpc::Call& call, const v1::ListMessagesRequest& request, const db::Position& after) {
  ASSIGN_OR_RETURN(
      auto page,
      Page<v1::ListMessagesResponse>(
          call, request.page_size(), after, v1::ListMessagesResponse::kMessagesFieldNumber,
          [&](const db::Position& at, int64_t limit) {
            return MessagesBehind(at, call.organization(), request, limit);
          },
          [](const v1::Message& message) { return db::Position{absl::StrCat(message.index())}; }));
  if (after.empty() && page.response.bytes.empty()) {
    RETURN_IF_ERROR(database()
                        .Read(call.deadline,
                              [&](db::Session& session) {
                                return ConversationTable().Require(session, call.organization(),
                                                                   request.conversation_uuid());
                              })
                        .status());
  }
  return page;
}

absl::StatusOr<std::optional<int64_t>> MessageStore::Export(
    const rpc::Call& call, const v1::ExportMessagesRequest& request,
    std::vector<wire::Encoded<v1::ExportMessagesResponse>>* page) {
  int64_t last = 0;
  const auto query = [&](const db::Position&, int64_t limit) {
    return MessagesAfterRevision(last, call.organization(), request, limit);
  };
  const auto position = [](const v1::Message& message) {
    return db::Position{absl::StrCat(message.revision())};
  };
  const auto add = [&](const v1::Message& message, size_t bytes) {
    using Response = v1::ExportMessagesResponse;
    last = message.revision();
    std::string& item = page->emplace_back().bytes;
    item.reserve(bytes + kAroundExported);
    wire::AppendMessage(Response::kMessageFieldNumber, message, bytes, &item);
    wire::AppendNumber(Response::kRevisionFieldNumber, last, &item);
  };
  const auto read = [&](db::Session& session) {
    page->clear();
    last = request.after_revision();
    return ReadRows(session, call.organization(), kExportRows, {}, query, position, add,
                    std::min(call.answer_bytes, db::kMaxPageBytes));
  };
  ASSIGN_OR_RETURN(const db::Position next, database().Read(call.deadline, read));
  return next.empty() ? std::optional<int64_t>() : last;
}

}  // namespace alma::conversations
