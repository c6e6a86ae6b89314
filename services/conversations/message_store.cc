#include "services/conversations/message_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"

namespace alma::conversations {

namespace {

// Messages that one query of an export reads at most.
constexpr int32_t kExportRows = 500;

}  // namespace

absl::StatusOr<db::ListPage<v1::ListMessagesResponse>> MessageStore::List(
    const rpc::Call& call, const v1::ListMessagesRequest& request, const db::Position& after) {
  ASSIGN_OR_RETURN(
      auto page,
      Page(
          call, request.page_size(), after, &v1::ListMessagesResponse::mutable_messages,
          [&](const db::Position& at, int64_t limit) {
            return MessagesBehind(at, call.organization(), request, limit);
          },
          [](const v1::Message& message) { return db::Position{absl::StrCat(message.index())}; }));
  if (after.empty() && page.response.messages().empty()) {
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

absl::StatusOr<bool> MessageStore::Export(const rpc::Call& call,
                                          const v1::ExportMessagesRequest& request,
                                          std::vector<v1::ExportMessagesResponse>* page) {
  using Response = db::ListPage<v1::ListMessagesResponse>;
  ASSIGN_OR_RETURN(Response read,
                   Page(
                       call, kExportRows, {}, &v1::ListMessagesResponse::mutable_messages,
                       [&](const db::Position& at, int64_t limit) {
                         int64_t after = request.after_revision();
                         if (!at.empty()) (void)absl::SimpleAtoi(at.front(), &after);
                         return MessagesAfterRevision(after, call.organization(), request, limit);
                       },
                       [](const v1::Message& message) {
                         return db::Position{absl::StrCat(message.revision())};
                       }));
  page->clear();
  page->reserve(read.response.messages_size());
  for (v1::Message& message : *read.response.mutable_messages()) {
    v1::ExportMessagesResponse& item = page->emplace_back();
    item.set_revision(message.revision());
    *item.mutable_message() = std::move(message);
  }
  return !read.next.empty();
}

}  // namespace alma::conversations
