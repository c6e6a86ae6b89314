#include "services/conversations/conversation_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/db/page.h"
#include "common/db/revision.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "common/text/violations.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/conversations/conversation_rows.h"
#include "services/conversations/list_query.h"
#include "services/conversations/message_rows.h"
#include "services/conversations/validate.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::util::MessageDifferencer;

// What every write of an existing conversation begins with.
struct Locked {
  v1::Conversation stored;
  int64_t revision;
};

absl::StatusOr<Locked> Lock(db::Session& session, const std::string& organization,
                            const std::string& uuid) {
  ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, organization));
  ASSIGN_OR_RETURN(auto stored, FindConversation(session, organization, uuid));
  if (!stored.has_value()) return status::NotFound(kConversation);
  return Locked{*std::move(stored), revision};
}

// Those that are there already stay where they are.
void Append(const RepeatedPtrField<std::string>& more, RepeatedPtrField<std::string>* list) {
  for (const std::string& one : more) {
    if (std::find(list->begin(), list->end(), one) == list->end()) *list->Add() = one;
  }
}

void Remove(text::Violations& violations, const std::string& field,
            const RepeatedPtrField<std::string>& fewer, RepeatedPtrField<std::string>* list) {
  for (int i = 0; i < fewer.size(); ++i) {
    const auto found = std::find(list->begin(), list->end(), fewer[i]);
    if (found == list->end()) {
      violations.Add(absl::StrCat(field, "[", i, "]"), "is not on the conversation");
    } else {
      list->erase(found);
    }
  }
}

}  // namespace

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
  return database_.Read(call.deadline, [&](db::Session& session) {
    return db::ReadList(
        request.page_size(), after, &v1::ListConversationsResponse::mutable_conversations,
        [&](const db::Position& at, int64_t limit, auto& on_row) {
          const ListQuery query = ConversationsBehind(at, call.organization(), request, limit);
          return session.Query(query.sql, query.params, on_row);
        },
        [&](db::Row& row, db::Position* at) {
          v1::Conversation conversation = ReadConversation(row, call.organization());
          *at = {std::string(row.Text()), conversation.uuid()};
          return conversation;
        });
  });
}

absl::StatusOr<v1::BatchGetConversationsResponse> ConversationStore::BatchGet(
    const rpc::Call& call, const RepeatedPtrField<std::string>& uuids) {
  using Response = v1::BatchGetConversationsResponse;
  return database_.Read(call.deadline, [&](db::Session& session) -> absl::StatusOr<Response> {
    Response response;
    for (const std::string& uuid : uuids) {
      ASSIGN_OR_RETURN(auto found, FindConversation(session, call.organization(), uuid));
      if (!found.has_value()) return status::NotFound(kConversation);
      *response.add_conversations() = *std::move(found);
    }
    if (response.ByteSizeLong() > db::kMaxPageBytes) {
      return status::FieldsInvalid(
          {{"uuids", "name more than 3 MiB of conversations: ask for fewer at a time"}});
    }
    return response;
  });
}

absl::StatusOr<v1::Conversation> ConversationStore::Write(const rpc::Call& call,
                                                          const std::string& uuid,
                                                          int64_t expected_revision,
                                                          Change change) {
  return database_.Write(
      call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Conversation> {
        ASSIGN_OR_RETURN(const Locked row, Lock(session, call.organization(), uuid));
        if (row.stored.has_deleted_at()) return status::UpdateOfDeleted(kConversation);
        RETURN_IF_ERROR(db::CheckRevision(kConversation, expected_revision, row.stored.revision()));
        v1::Conversation changed = row.stored;
        RETURN_IF_ERROR(change(changed));
        if (MessageDifferencer::Equals(changed, row.stored)) {
          session.Discard();
          return changed;
        }
        *changed.mutable_updated_at() = text::Now();
        changed.set_revision(row.revision);
        RETURN_IF_ERROR(UpdateConversation(session, row.stored, changed));
        return changed;
      });
}

absl::StatusOr<v1::Conversation> ConversationStore::Update(
    const rpc::Call& call, const v1::UpdateConversationRequest& request) {
  const v1::Conversation& given = request.conversation();
  return Write(call, given.uuid(), given.revision(), [&](v1::Conversation& stored) {
    text::WriteMasked(request.update_mask(), given, &stored);
    return CheckParticipantCount("conversation.external_participants", stored);
  });
}

absl::StatusOr<v1::Conversation> ConversationStore::AddParticipants(
    const rpc::Call& call, const v1::AddParticipantsRequest& request) {
  return Write(call, request.uuid(), request.revision(), [&](v1::Conversation& stored) {
    Append(request.agents(), stored.mutable_agents());
    Append(request.external_participants(), stored.mutable_external_participants());
    return CheckParticipantCount("external_participants", stored);
  });
}

absl::StatusOr<v1::Conversation> ConversationStore::RemoveParticipants(
    const rpc::Call& call, const v1::RemoveParticipantsRequest& request) {
  return Write(call, request.uuid(), request.revision(), [&](v1::Conversation& stored) {
    text::Violations violations;
    Remove(violations, "agents", request.agents(), stored.mutable_agents());
    Remove(violations, "external_participants", request.external_participants(),
           stored.mutable_external_participants());
    return violations.ToStatus();
  });
}

absl::StatusOr<v1::Conversation> ConversationStore::Delete(
    const rpc::Call& call, const v1::DeleteConversationRequest& request) {
  const std::string& organization = call.organization();
  return database_.Write(
      call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::Conversation> {
        ASSIGN_OR_RETURN(Locked row, Lock(session, organization, request.uuid()));
        v1::Conversation& conversation = row.stored;
        if (conversation.has_deleted_at()) {
          session.Discard();
          return conversation;
        }
        RETURN_IF_ERROR(
            db::CheckRevision(kConversation, request.revision(), conversation.revision()));
        const int64_t messages = conversation.message_count();
        const google::protobuf::Timestamp now = text::Now();
        if (messages > 0) {
          RETURN_IF_ERROR(db::TakeRevisions(session, organization, messages).status());
          RETURN_IF_ERROR(
              DeleteMessagesOf(session, organization, request.uuid(), row.revision, now));
        }
        conversation.clear_agents();
        conversation.clear_external_participants();
        conversation.clear_meta_data();
        conversation.clear_message_count();
        *conversation.mutable_updated_at() = now;
        *conversation.mutable_deleted_at() = now;
        conversation.set_revision(row.revision);
        RETURN_IF_ERROR(DeleteConversation(session, conversation));
        return conversation;
      });
}

}  // namespace alma::conversations
