#include "services/conversations/message_rows.h"

#include <map>
#include <optional>
#include <string>

#include "absl/types/span.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "google/protobuf/util/time_util.h"
#include "services/conversations/conversation_rows.h"

namespace alma::conversations {
namespace {

using v1::Message;

// At the end of their conversations, which are counted once for all messages of each.
absl::Status Append(db::Session& session, const std::string& organization,
                    absl::Span<tenant::Candidate<Message>> candidates) {
  std::map<std::string, AppendedMessages> by_conversation;
  for (const auto& [message, refusal] : candidates) {
    AppendedMessages& appended = by_conversation[message.conversation_uuid()];
    ++appended.count;
    if (appended.count == 1 || appended.latest < message.created_at()) {
      appended.latest = message.created_at();
    }
  }
  RETURN_IF_ERROR(AppendMessages(session, organization, by_conversation));
  for (auto& [message, refusal] : candidates) {
    std::optional<int64_t>& next_index = by_conversation[message.conversation_uuid()].first_index;
    if (next_index.has_value()) {
      message.set_index((*next_index)++);
    } else {
      refusal = status::NotFound(ConversationTable().resource());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckNotEmpty(db::Session&, const Message&, Message& message) {
  if (!message.content().empty() || !message.link().empty()) return absl::OkStatus();
  return status::FieldsInvalid({{"message.content", "must not be empty where there is no link"}});
}

absl::Status Erase(db::Session& session, Message& message) {
  message.clear_content();
  message.clear_link();
  message.clear_meta_data();
  return UncountMessage(session, message.alma_internal_organization(), message.conversation_uuid());
}

}  // namespace

const tenant::Table<Message>& MessageTable() {
  using tenant::Changing;
  using tenant::OptionalText;
  using tenant::Text;
  using tenant::Time;
  static const tenant::Table<Message> table({
      .name = "messages",
      .resource = "message",
      .columns =
          {
              Text<&Message::sender_uuid, &Message::mutable_sender_uuid>("sender_uuid"),
              Text<&Message::conversation_uuid, &Message::mutable_conversation_uuid>(
                  "conversation_uuid"),
              Changing(Text<&Message::content, &Message::mutable_content>("content")),
              Text<&Message::type, &Message::mutable_type>("type"),
              Changing(OptionalText<&Message::link, &Message::mutable_link>("link")),
              Text<&Message::channel, &Message::mutable_channel>("channel"),
              Changing(
                  OptionalText<&Message::subchannel, &Message::mutable_subchannel>("subchannel")),
              Time<&Message::created_at, &Message::mutable_created_at>("created_at"),
              Changing(Time<&Message::updated_at, &Message::mutable_updated_at>("updated_at")),
              Changing(tenant::OptionalJson<&Message::has_meta_data, &Message::meta_data,
                                            &Message::mutable_meta_data>("meta_data")),
              Text<&Message::origin, &Message::mutable_origin>("origin"),
              tenant::Number<&Message::index, &Message::set_index>("message_index"),
              OptionalText<&Message::external_id, &Message::mutable_external_id>("external_id"),
          },
      .admit = Append,
      .on_update = CheckNotEmpty,
      .on_delete = Erase,
  });
  return table;
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
