#include "services/conversations/message_store.h"

#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "common/db/page.h"
#include "common/db/revision.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"
#include "services/conversations/message_rows.h"

namespace alma::conversations {

namespace {

// Messages that one query of an export reads at most.
constexpr int32_t kExportRows = 500;

struct Created {
  v1::Message message;
  bool is_new;
};

// The organization's revisions are locked.
absl::StatusOr<Created> CreateOne(db::Session& session, const std::string& organization,
                                  const v1::Message& message, int64_t revision) {
  ASSIGN_OR_RETURN(auto repeated, FindRepeated(session, organization, message));
  if (repeated.has_value()) return Created{*std::move(repeated), /*is_new=*/false};
  v1::Message created = message;
  *created.mutable_updated_at() = text::Now();
  if (!created.has_created_at()) *created.mutable_created_at() = created.updated_at();
  ASSIGN_OR_RETURN(
      const int64_t index,
      AppendMessage(session, organization, message.conversation_uuid(), created.created_at()));
  if (created.uuid().empty()) created.set_uuid(id::NewUuid());
  created.set_alma_internal_organization(organization);
  created.set_index(index);
  created.set_revision(revision);
  RETURN_IF_ERROR(InsertMessage(session, created));
  return Created{std::move(created), /*is_new=*/true};
}

// Creates the messages one after another. `on_result` is told of each and ends it by a status that
// is not OK.
template <typename Messages>
absl::Status CreateInOrder(
    db::Session& session, const std::string& organization, const Messages& messages,
    absl::FunctionRef<absl::Status(int, absl::StatusOr<v1::Message>)> on_result) {
  ASSIGN_OR_RETURN(const int64_t first, db::TakeRevisions(session, organization, 0));
  int64_t next = first;
  int index = 0;
  for (const v1::Message& message : messages) {
    absl::StatusOr<Created> created = CreateOne(session, organization, message, next);
    if (created.ok() && created->is_new) ++next;
    RETURN_IF_ERROR(
        on_result(index++, created.ok() ? absl::StatusOr<v1::Message>(std::move(created->message))
                                        : created.status()));
  }
  if (next != first) return db::TakeRevisions(session, organization, next - first).status();
  session.Discard();
  return absl::OkStatus();
}

// Whether the message, not the database, is why it was not stored.
bool IsRefusal(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsAlreadyExists(status);
}

// What every write of an existing message begins with.
struct Locked {
  v1::Message stored;
  int64_t revision;
};

absl::StatusOr<Locked> Lock(db::Session& session, const std::string& organization,
                            const std::string& uuid) {
  ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, organization));
  ASSIGN_OR_RETURN(auto stored, FindMessage(session, organization, uuid));
  if (!stored.has_value()) return status::NotFound(kMessage);
  return Locked{*std::move(stored), revision};
}

absl::StatusOr<v1::Message> Save(db::Session& session, Locked& row,
                                 const google::protobuf::Timestamp& now) {
  *row.stored.mutable_updated_at() = now;
  row.stored.set_revision(row.revision);
  RETURN_IF_ERROR(UpdateMessage(session, row.stored));
  return std::move(row.stored);
}

absl::StatusOr<v1::Message> Keep(db::Session& session, Locked& row) {
  session.Discard();
  return std::move(row.stored);
}

}  // namespace

absl::StatusOr<v1::Message> MessageStore::Create(const rpc::Call& call,
                                                 const v1::Message& message) {
  return database_.Write(call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Message> {
    ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, call.organization()));
    ASSIGN_OR_RETURN(Created created, CreateOne(session, call.organization(), message, revision));
    if (!created.is_new) session.Discard();
    return std::move(created.message);
  });
}

absl::StatusOr<v1::BatchCreateMessagesResponse> MessageStore::CreateAll(
    const rpc::Call& call, const v1::BatchCreateMessagesRequest& request) {
  using Response = v1::BatchCreateMessagesResponse;
  return database_.Write(call.deadline, [&](db::Session& session) -> absl::StatusOr<Response> {
    Response response;
    const auto on_result = [&](int i, absl::StatusOr<v1::Message> result) {
      if (!result.ok()) {
        return IsRefusal(result.status())
                   ? status::AtItem(result.status(), absl::StrCat("messages[", i, "]"))
                   : result.status();
      }
      *response.add_messages() = *std::move(result);
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(CreateInOrder(session, call.organization(), request.messages(), on_result));
    return response;
  });
}

absl::StatusOr<MessageStore::Results> MessageStore::CreateEach(
    const rpc::Call& call, const std::vector<v1::Message>& messages) {
  if (messages.empty()) return Results();
  return database_.Write(call.deadline, [&](db::Session& session) -> absl::StatusOr<Results> {
    Results results;
    const auto on_result = [&](int, absl::StatusOr<v1::Message> result) {
      if (!result.ok() && !IsRefusal(result.status())) return result.status();
      results.push_back(std::move(result));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(CreateInOrder(session, call.organization(), messages, on_result));
    return results;
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
    ASSIGN_OR_RETURN(Page page,
                     db::ReadList(
                         request.page_size(), after, &v1::ListMessagesResponse::mutable_messages,
                         [&](const db::Position& at, int64_t limit, auto& on_row) {
                           const ListQuery query =
                               MessagesBehind(at, call.organization(), request, limit);
                           return session.Query(query.sql, query.params, on_row);
                         },
                         [&](db::Row& row, db::Position* at) {
                           v1::Message message = ReadMessage(row, call.organization());
                           *at = {absl::StrCat(message.index())};
                           return message;
                         }));
    if (after.empty() && page.response.messages().empty()) {
      ASSIGN_OR_RETURN(const auto conversation,
                       FindConversation(session, call.organization(), request.conversation_uuid()));
      if (!conversation.has_value()) return status::NotFound(kConversation);
    }
    return page;
  });
}

absl::StatusOr<v1::Message> MessageStore::Update(const rpc::Call& call,
                                                 const v1::UpdateMessageRequest& request) {
  const v1::Message& given = request.message();
  return database_.Write(call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Message> {
    ASSIGN_OR_RETURN(Locked row, Lock(session, call.organization(), given.uuid()));
    if (row.stored.has_deleted_at()) return status::UpdateOfDeleted(kMessage);
    RETURN_IF_ERROR(db::CheckRevision(kMessage, given.revision(), row.stored.revision()));
    if (request.update_mask().paths().empty()) return Keep(session, row);
    text::WriteMasked(request.update_mask(), given, &row.stored);
    if (row.stored.content().empty() && row.stored.link().empty()) {
      return status::FieldsInvalid(
          {{"message.content", "must not be empty where there is no link"}});
    }
    return Save(session, row, text::Now());
  });
}

absl::StatusOr<v1::Message> MessageStore::Delete(const rpc::Call& call,
                                                 const v1::DeleteMessageRequest& request) {
  return database_.Write(call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Message> {
    ASSIGN_OR_RETURN(Locked row, Lock(session, call.organization(), request.uuid()));
    if (row.stored.has_deleted_at()) return Keep(session, row);
    RETURN_IF_ERROR(db::CheckRevision(kMessage, request.revision(), row.stored.revision()));
    RETURN_IF_ERROR(UncountMessage(session, call.organization(), row.stored.conversation_uuid()));
    const google::protobuf::Timestamp now = text::Now();
    row.stored.clear_content();
    row.stored.clear_link();
    row.stored.clear_meta_data();
    *row.stored.mutable_deleted_at() = now;
    return Save(session, row, now);
  });
}

absl::StatusOr<bool> MessageStore::Export(const rpc::Call& call,
                                          const v1::ExportMessagesRequest& request,
                                          std::vector<v1::ExportMessagesResponse>* page) {
  return database_.Read(call.deadline, [&](db::Session& session) -> absl::StatusOr<bool> {
    page->clear();
    db::PageCut cut(kExportRows);
    int64_t after = request.after_revision();
    const auto read = [&](db::Row& row) {
      v1::Message message = ReadMessage(row, call.organization());
      after = message.revision();
      if (!cut.Fits(message.ByteSizeLong())) return;
      page->emplace_back().set_revision(message.revision());
      *page->back().mutable_message() = std::move(message);
    };
    RETURN_IF_ERROR(db::ReadPage(cut, [&](int64_t limit) {
      const ListQuery query = MessagesAfterRevision(after, call.organization(), request, limit);
      return session.Query(query.sql, query.params, read);
    }));
    return cut.more();
  });
}

}  // namespace alma::conversations
