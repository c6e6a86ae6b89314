#include "services/conversations/conversation_store.h"

#include <optional>
#include <utility>

#include "common/db/page.h"
#include "common/db/revision.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/timestamp.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"

namespace alma::conversations {

absl::StatusOr<v1::Conversation> ConversationStore::Create(const rpc::Call& call,
                                                           const v1::Conversation& conversation) {
  return database_.Write(
      call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Conversation> {
        ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, call.organization()));
        ASSIGN_OR_RETURN(auto repeated, FindRepeated(session, call.organization(), conversation));
        if (repeated.has_value()) {
          session.Discard();
          return *std::move(repeated);
        }
        v1::Conversation created = conversation;
        if (created.uuid().empty()) created.set_uuid(id::NewUuid());
        *created.mutable_created_at() = text::Now();
        *created.mutable_updated_at() = created.created_at();
        created.set_alma_internal_organization(call.organization());
        created.set_revision(revision);
        RETURN_IF_ERROR(InsertConversation(session, created));
        return created;
      });
}

absl::StatusOr<v1::Conversation> ConversationStore::Get(const rpc::Call& call,
                                                        const std::string& uuid) {
  return database_.Read(
      call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Conversation> {
        ASSIGN_OR_RETURN(auto found, FindConversation(session, call.organization(), uuid));
        if (!found.has_value()) return status::NotFound(kConversation);
        return *std::move(found);
      });
}

absl::StatusOr<db::ListPage<v1::ListConversationsResponse>> ConversationStore::List(
    const rpc::Call& call, const v1::ListConversationsRequest& request, const db::Position& after) {
  using Page = db::ListPage<v1::ListConversationsResponse>;
  return database_.Read(call.deadline, [&](db::Session& session) -> absl::StatusOr<Page> {
    Page page;
    db::PageCut cut(request.page_size());
    db::Position at = after;
    const auto read = [&](db::Row& row) {
      v1::Conversation conversation = ReadConversation(row, call.organization());
      at = {std::string(row.Text()), conversation.uuid()};
      if (!cut.Fits(conversation.ByteSizeLong())) return;
      page.next = at;
      *page.response.add_conversations() = std::move(conversation);
    };
    RETURN_IF_ERROR(db::ReadPage(cut, [&](int64_t limit) {
      const ListQuery query = ConversationsBehind(at, call.organization(), request, limit);
      return session.Query(query.sql, query.params, read);
    }));
    if (!cut.more()) page.next.clear();
    return page;
  });
}

}  // namespace alma::conversations
