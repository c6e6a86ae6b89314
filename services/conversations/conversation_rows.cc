#include "services/conversations/conversation_rows.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/db/idempotency.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::conversations {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Timestamp;

constexpr int64_t kSecondsPerMinute = 60;

// Values of the column `kind`.
constexpr std::string_view kAgent = "AGENT";
constexpr std::string_view kExternal = "EXTERNAL";

// What the lists are ordered by: coarse, so that a busy conversation moves in them once a minute at
// most.
Timestamp Minute(const Timestamp& time) {
  const int64_t second = time.seconds() % kSecondsPerMinute;
  Timestamp minute;
  minute.set_seconds(time.seconds() - (second < 0 ? second + kSecondsPerMinute : second));
  return minute;
}

absl::StatusOr<std::optional<v1::Conversation>> FindOne(db::Session& session,
                                                        std::string_view organization,
                                                        std::string_view sql,
                                                        db::Session::Params params) {
  std::optional<v1::Conversation> found;
  RETURN_IF_ERROR(
      session.Query(sql, params, [&](db::Row& row) { found = ReadConversation(row, organization); })
          .status());
  return found;
}

Timestamp ActivityMinute(const v1::Conversation& conversation) {
  return Minute(conversation.has_last_message_at() ? conversation.last_message_at()
                                                   : conversation.created_at());
}

// Those of `all` that are not in `known`.
std::vector<std::string> Without(const RepeatedPtrField<std::string>& all,
                                 const RepeatedPtrField<std::string>& known) {
  const std::set<std::string_view> passed(known.begin(), known.end());
  std::vector<std::string> rest;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rest),
               [&](const std::string& one) { return !passed.contains(one); });
  return rest;
}

absl::Status Join(db::Session& session, const v1::Conversation& conversation, std::string_view kind,
                  const std::vector<std::string>& participants) {
  for (const std::string& participant : participants) {
    RETURN_IF_ERROR(
        session.Execute("insert into conversation_participants (alma_internal_organization, "
                        "conversation_uuid, kind, participant, "
                        "joined_revision, joined_at, activity_minute) "
                        "values (:organization, :conversation, :kind, :participant, :revision, "
                        ":joined_at, :activity_minute)",
                        {{"organization", conversation.alma_internal_organization()},
                         {"conversation", conversation.uuid()},
                         {"kind", kind},
                         {"participant", participant},
                         {"revision", conversation.revision()},
                         {"joined_at", conversation.updated_at()},
                         {"activity_minute", ActivityMinute(conversation)}}));
  }
  return absl::OkStatus();
}

absl::Status Leave(db::Session& session, const v1::Conversation& conversation,
                   std::string_view kind, const std::vector<std::string>& participants) {
  for (const std::string& participant : participants) {
    RETURN_IF_ERROR(
        session.Execute("update conversation_participants set left_at = :left_at "
                        "where alma_internal_organization = :organization and conversation_uuid = "
                        ":conversation and kind = :kind "
                        "and participant = :participant and left_at is null",
                        {{"left_at", conversation.updated_at()},
                         {"organization", conversation.alma_internal_organization()},
                         {"conversation", conversation.uuid()},
                         {"kind", kind},
                         {"participant", participant}}));
  }
  return absl::OkStatus();
}

// Brings the side table from the lists of `before` to those of `after`.
absl::Status MoveParticipants(db::Session& session, const v1::Conversation& before,
                              const v1::Conversation& after) {
  RETURN_IF_ERROR(Leave(session, after, kAgent, Without(before.agents(), after.agents())));
  RETURN_IF_ERROR(Join(session, after, kAgent, Without(after.agents(), before.agents())));
  RETURN_IF_ERROR(Leave(session, after, kExternal,
                        Without(before.external_participants(), after.external_participants())));
  return Join(session, after, kExternal,
              Without(after.external_participants(), before.external_participants()));
}

db::Param AgentsParam(const v1::Conversation& conversation) {
  return conversation.agents().empty() ? db::Param::Null("agents")
                                       : db::Param("agents", conversation.agents());
}

db::Param MetaDataParam(const v1::Conversation& conversation) {
  return conversation.has_meta_data() ? db::Param("meta_data", conversation.meta_data())
                                      : db::Param::Null("meta_data");
}

absl::Status MoveInLists(db::Session& session, std::string_view organization, std::string_view uuid,
                         const Timestamp& activity_minute) {
  const db::Param params[] = {
      {"activity_minute", activity_minute}, {"organization", organization}, {"uuid", uuid}};
  RETURN_IF_ERROR(
      session.Execute("update conversations set activity_minute = :activity_minute "
                      "where alma_internal_organization = :organization and uuid = :uuid",
                      params));
  return session.Execute(
      "update conversation_participants set activity_minute = :activity_minute "
      "where alma_internal_organization = :organization and conversation_uuid = :uuid and left_at "
      "is null",
      params);
}

}  // namespace

v1::Conversation ReadConversation(db::Row& row, std::string_view organization) {
  v1::Conversation conversation;
  conversation.set_uuid(std::string(row.Text()));
  *conversation.mutable_agents() = row.Texts();
  *conversation.mutable_external_participants() = row.Texts();
  *conversation.mutable_created_at() = row.Time();
  *conversation.mutable_updated_at() = row.Time();
  if (auto meta_data = row.OptionalJson()) {
    *conversation.mutable_meta_data() = *std::move(meta_data);
  }
  conversation.set_origin(std::string(row.Text()));
  conversation.set_alma_internal_organization(std::string(organization));
  conversation.set_message_count(row.Int64());
  if (const auto time = row.OptionalTime()) *conversation.mutable_last_message_at() = *time;
  if (const auto index = row.OptionalInt64()) conversation.set_last_message_index(*index);
  conversation.set_external_id(std::string(row.OptionalText().value_or("")));
  conversation.set_revision(row.Int64());
  if (const auto time = row.OptionalTime()) *conversation.mutable_deleted_at() = *time;
  return conversation;
}

absl::StatusOr<std::optional<v1::Conversation>> FindConversation(db::Session& session,
                                                                 std::string_view organization,
                                                                 std::string_view uuid) {
  static const std::string sql = absl::StrCat(
      "select ", kConversationColumns,
      " from conversations where alma_internal_organization = :organization and uuid = :uuid");
  return FindOne(session, organization, sql, {{"organization", organization}, {"uuid", uuid}});
}

absl::StatusOr<std::optional<v1::Conversation>> FindRepeated(db::Session& session,
                                                             std::string_view organization,
                                                             const v1::Conversation& wanted) {
  static const std::string sql =
      absl::StrCat("select ", kConversationColumns,
                   " from conversations where alma_internal_organization = :organization "
                   "and origin = :origin and external_id = :external_id");
  return db::FindRepeated(
      wanted, kConversation,
      [&](std::string_view uuid) { return FindConversation(session, organization, uuid); },
      [&](std::string_view origin, std::string_view external_id) {
        return FindOne(
            session, organization, sql,
            {{"organization", organization}, {"origin", origin}, {"external_id", external_id}});
      });
}

absl::Status InsertConversation(db::Session& session, const v1::Conversation& conversation) {
  RETURN_IF_ERROR(session.Execute(
      "insert into conversations (alma_internal_organization, uuid, agents, external_participants, "
      "created_at, "
      "updated_at, meta_data, origin, external_id, revision, message_count, activity_minute) "
      "values (:organization, :uuid, :agents, :external_participants, :created_at, :updated_at, "
      ":meta_data, "
      ":origin, :external_id, :revision, 0, :activity_minute)",
      {{"organization", conversation.alma_internal_organization()},
       {"uuid", conversation.uuid()},
       AgentsParam(conversation),
       {"external_participants", conversation.external_participants()},
       {"created_at", conversation.created_at()},
       {"updated_at", conversation.updated_at()},
       MetaDataParam(conversation),
       {"origin", conversation.origin()},
       db::Param::TextOrNull("external_id", conversation.external_id()),
       {"revision", conversation.revision()},
       {"activity_minute", ActivityMinute(conversation)}}));
  return MoveParticipants(session, /*before=*/{}, conversation);
}

absl::Status UpdateConversation(db::Session& session, const v1::Conversation& before,
                                const v1::Conversation& conversation) {
  RETURN_IF_ERROR(session.Execute(
      "update conversations set agents = :agents, external_participants = :external_participants, "
      "meta_data = :meta_data, updated_at = :updated_at, revision = :revision "
      "where alma_internal_organization = :organization and uuid = :uuid",
      {AgentsParam(conversation),
       {"external_participants", conversation.external_participants()},
       MetaDataParam(conversation),
       {"updated_at", conversation.updated_at()},
       {"revision", conversation.revision()},
       {"organization", conversation.alma_internal_organization()},
       {"uuid", conversation.uuid()}}));
  return MoveParticipants(session, before, conversation);
}

absl::Status DeleteConversation(db::Session& session, const v1::Conversation& conversation) {
  const db::Param organization("organization", conversation.alma_internal_organization());
  const db::Param uuid("uuid", conversation.uuid());
  RETURN_IF_ERROR(
      session.Execute("update conversations set agents = null, external_participants = :none, "
                      "meta_data = null, message_count = 0, "
                      "updated_at = :deleted_at, deleted_at = :deleted_at, revision = :revision "
                      "where alma_internal_organization = :organization and uuid = :uuid",
                      {{"none", RepeatedPtrField<std::string>()},
                       {"deleted_at", conversation.deleted_at()},
                       {"revision", conversation.revision()},
                       organization,
                       uuid}));
  return session.Execute(
      "delete from conversation_participants "
      "where alma_internal_organization = :organization and conversation_uuid = :uuid",
      {organization, uuid});
}

absl::Status UncountMessage(db::Session& session, std::string_view organization,
                            std::string_view uuid) {
  return session.Execute(
      "update conversations set message_count = message_count - 1 "
      "where alma_internal_organization = :organization and uuid = :uuid",
      {{"organization", organization}, {"uuid", uuid}});
}

absl::StatusOr<int64_t> AppendMessage(db::Session& session, std::string_view organization,
                                      std::string_view uuid, const Timestamp& created_at) {
  int64_t index = 0;
  Timestamp last_message_at;
  Timestamp activity_minute;
  ASSIGN_OR_RETURN(
      const int64_t rows,
      session.Query(
          "update conversations set message_count = message_count + 1, "
          "last_message_index = coalesce(last_message_index, -1) + 1, "
          "last_message_at = case when last_message_at > :created_at then last_message_at "
          "else :created_at end "
          "where alma_internal_organization = :organization and uuid = :uuid and deleted_at is "
          "null "
          "returning last_message_index, last_message_at, activity_minute",
          {{"created_at", created_at}, {"organization", organization}, {"uuid", uuid}},
          [&](db::Row& row) {
            index = row.Int64();
            last_message_at = row.Time();
            activity_minute = row.Time();
          }));
  if (rows == 0) return status::NotFound(kConversation);
  // Indexes hold the minute, so it has a statement of its own that most messages do without.
  const Timestamp minute = Minute(last_message_at);
  if (minute.seconds() != activity_minute.seconds()) {
    RETURN_IF_ERROR(MoveInLists(session, organization, uuid, minute));
  }
  return index;
}

}  // namespace alma::conversations
