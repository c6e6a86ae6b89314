#include "services/conversations/message_rows.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/db/idempotency.h"
#include "common/status/macros.h"

namespace alma::conversations {
namespace {

absl::StatusOr<std::optional<v1::Message>> FindOne(db::Session& session,
                                                   std::string_view organization,
                                                   std::string_view sql,
                                                   db::Session::Params params) {
  std::optional<v1::Message> found;
  RETURN_IF_ERROR(
      session.Query(sql, params, [&](db::Row& row) { found = ReadMessage(row, organization); })
          .status());
  return found;
}

}  // namespace

v1::Message ReadMessage(db::Row& row, std::string_view organization) {
  v1::Message message;
  message.set_uuid(std::string(row.Text()));
  message.set_sender_uuid(std::string(row.Text()));
  message.set_conversation_uuid(std::string(row.Text()));
  message.set_content(std::string(row.Text()));
  message.set_type(std::string(row.Text()));
  message.set_link(std::string(row.OptionalText().value_or("")));
  message.set_channel(std::string(row.Text()));
  message.set_subchannel(std::string(row.OptionalText().value_or("")));
  *message.mutable_created_at() = row.Time();
  *message.mutable_updated_at() = row.Time();
  if (auto meta_data = row.OptionalJson()) *message.mutable_meta_data() = *std::move(meta_data);
  message.set_origin(std::string(row.Text()));
  message.set_alma_internal_organization(std::string(organization));
  message.set_index(row.Int64());
  message.set_external_id(std::string(row.OptionalText().value_or("")));
  message.set_revision(row.Int64());
  if (const auto time = row.OptionalTime()) *message.mutable_deleted_at() = *time;
  return message;
}

absl::StatusOr<std::optional<v1::Message>> FindMessage(db::Session& session,
                                                       std::string_view organization,
                                                       std::string_view uuid) {
  static const std::string sql = absl::StrCat(
      "select ", kMessageColumns,
      " from messages where alma_internal_organization = :organization and uuid = :uuid");
  return FindOne(session, organization, sql, {{"organization", organization}, {"uuid", uuid}});
}

absl::StatusOr<std::optional<v1::Message>> FindRepeated(db::Session& session,
                                                        std::string_view organization,
                                                        const v1::Message& wanted) {
  static const std::string sql =
      absl::StrCat("select ", kMessageColumns,
                   " from messages where alma_internal_organization = :organization "
                   "and origin = :origin and external_id = :external_id");
  return db::FindRepeated(
      wanted, kMessage,
      [&](std::string_view uuid) { return FindMessage(session, organization, uuid); },
      [&](std::string_view origin, std::string_view external_id) {
        return FindOne(
            session, organization, sql,
            {{"organization", organization}, {"origin", origin}, {"external_id", external_id}});
      });
}

absl::Status InsertMessage(db::Session& session, const v1::Message& message) {
  return session.Execute(
      "insert into messages (alma_internal_organization, uuid, sender_uuid, conversation_uuid, "
      "content, type, link, "
      "channel, subchannel, created_at, updated_at, meta_data, origin, message_index, external_id, "
      "revision) "
      "values (:organization, :uuid, :sender_uuid, :conversation_uuid, :content, :type, :link, "
      ":channel, "
      ":subchannel, :created_at, :updated_at, :meta_data, :origin, :message_index, :external_id, "
      ":revision)",
      {{"organization", message.alma_internal_organization()},
       {"uuid", message.uuid()},
       {"sender_uuid", message.sender_uuid()},
       {"conversation_uuid", message.conversation_uuid()},
       {"content", message.content()},
       {"type", message.type()},
       db::Param::TextOrNull("link", message.link()),
       {"channel", message.channel()},
       db::Param::TextOrNull("subchannel", message.subchannel()),
       {"created_at", message.created_at()},
       {"updated_at", message.updated_at()},
       message.has_meta_data() ? db::Param("meta_data", message.meta_data())
                               : db::Param::Null("meta_data"),
       {"origin", message.origin()},
       {"message_index", message.index()},
       db::Param::TextOrNull("external_id", message.external_id()),
       {"revision", message.revision()}});
}

absl::Status UpdateMessage(db::Session& session, const v1::Message& message) {
  return session.Execute(
      "update messages set content = :content, link = :link, subchannel = :subchannel, meta_data = "
      ":meta_data, "
      "updated_at = :updated_at, revision = :revision, deleted_at = :deleted_at "
      "where alma_internal_organization = :organization and uuid = :uuid",
      {{"content", message.content()},
       db::Param::TextOrNull("link", message.link()),
       db::Param::TextOrNull("subchannel", message.subchannel()),
       message.has_meta_data() ? db::Param("meta_data", message.meta_data())
                               : db::Param::Null("meta_data"),
       {"updated_at", message.updated_at()},
       {"revision", message.revision()},
       message.has_deleted_at() ? db::Param("deleted_at", message.deleted_at())
                                : db::Param::Null("deleted_at"),
       {"organization", message.alma_internal_organization()},
       {"uuid", message.uuid()}});
}

absl::Status DeleteMessagesOf(db::Session& session, std::string_view organization,
                              std::string_view conversation_uuid, int64_t revision,
                              const google::protobuf::Timestamp& now) {
  return session.Execute(
      "update messages set content = '', link = null, meta_data = null, updated_at = :now, "
      "deleted_at = :now, "
      "revision = numbered.number + :revision "
      "from (select uuid, row_number() over (order by message_index) as number from messages "
      "where alma_internal_organization = :organization and conversation_uuid = :conversation_uuid "
      "and deleted_at is null) as numbered "
      "where messages.alma_internal_organization = :organization and messages.uuid = numbered.uuid",
      {{"now", now},
       {"revision", revision},
       {"organization", organization},
       {"conversation_uuid", conversation_uuid}});
}

}  // namespace alma::conversations
