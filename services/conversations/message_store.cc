#include "services/conversations/message_store.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/db/page.h"
#include "common/db/revision.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/timestamp.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"
#include "services/conversations/message_rows.h"

namespace alma::conversations {

absl::StatusOr<v1::Message> MessageStore::Create(const rpc::Call& call,
                                                 const v1::Message& message) {
  return database_.Write(call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Message> {
    ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, call.organization()));
    v1::Message created = message;
    *created.mutable_updated_at() = text::Now();
    if (!created.has_created_at()) *created.mutable_created_at() = created.updated_at();
    ASSIGN_OR_RETURN(const int64_t index,
                     AppendMessage(session, call.organization(), message.conversation_uuid(),
                                   created.created_at()));
    ASSIGN_OR_RETURN(auto repeated, FindRepeated(session, call.organization(), message));
    if (repeated.has_value()) {
      session.Discard();
      return *std::move(repeated);
    }
    if (created.uuid().empty()) created.set_uuid(id::NewUuid());
    created.set_alma_internal_organization(call.organization());
    created.set_index(index);
    created.set_revision(revision);
    RETURN_IF_ERROR(InsertMessage(session, created));
    return created;
  });
}

absl::StatusOr<v1::Message> MessageStore::Get(const rpc::Call& call, const std::string& uuid) {
  return database_.Read(call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Message> {
    ASSIGN_OR_RETURN(auto found, FindMessage(session, call.organization(), uuid));
    if (!found.has_value()) return status::NotFound(kMessage);
    return *std::move(found);
  });
}

absl::StatusOr<db::ListPage<v1::ListMessagesResponse>> MessageStore::List(
    const rpc::Call& call, const v1::ListMessagesRequest& request, const db::Position& after) {
  using Page = db::ListPage<v1::ListMessagesResponse>;
  return database_.Read(call.deadline, [&](db::Session& session) -> absl::StatusOr<Page> {
    Page page;
    db::PageCut cut(request.page_size());
    db::Position at = after;
    const auto read = [&](db::Row& row) {
      v1::Message message = ReadMessage(row, call.organization());
      at = {absl::StrCat(message.index())};
      if (!cut.Fits(message.ByteSizeLong())) return;
      page.next = at;
      *page.response.add_messages() = std::move(message);
    };
    RETURN_IF_ERROR(db::ReadPage(cut, [&](int64_t limit) {
      const ListQuery query = MessagesBehind(at, call.organization(), request, limit);
      return session.Query(query.sql, query.params, read);
    }));
    if (!cut.more()) page.next.clear();
    if (at.empty()) {
      ASSIGN_OR_RETURN(const auto conversation,
                       FindConversation(session, call.organization(), request.conversation_uuid()));
      if (!conversation.has_value()) return status::NotFound(kConversation);
    }
    return page;
  });
}

}  // namespace alma::conversations
