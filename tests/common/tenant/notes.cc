#include "tests/common/tenant/notes.h"

#include <stdexcept>

#include "common/db/revision.h"

namespace alma::tenant {
namespace {

absl::Status Admit(db::Session& session, const std::string& organization,
                   absl::Span<Candidate<Message>> candidates) {
  for (Candidate<Message>& candidate : candidates) {
    const std::string& content = candidate.row.content();
    if (content == "not here") candidate.refusal = status::NotFound("place");
    if (content == "spoilt") {
      RETURN_IF_ERROR(
          session.Execute("insert into revisions (alma_internal_organization) "
                          "values (:organization)",
                          {{"organization", organization}}));
    }
    if (content == "thrown") throw std::runtime_error("very private");
    candidate.row.set_index(static_cast<int64_t>(content.size()));
  }
  return absl::OkStatus();
}

absl::Status OnUpdate(db::Session&, const Message& before, Message&) {
  return before.content() == "keep" ? status::UpdateOfDeleted("kept note") : absl::OkStatus();
}

absl::Status OnDelete(db::Session&, Message& note) {
  if (note.content() == "keep") return status::UpdateOfDeleted("kept note");
  note.clear_content();
  note.clear_link();
  note.clear_meta_data();
  return absl::OkStatus();
}

Column<Message> ContentSize() {
  return {.name = "content_size", .bind = [](std::string_view column, const Message& note) {
            return db::Param(column, static_cast<int64_t>(note.content().size()));
          }};
}

}  // namespace

const db::Schema& NoteSchema() {
  static constexpr db::Step kSteps[] = {
      {1, "create revisions", db::kCreateRevisions, 1},
      {2, "create notes",
       "create table notes (alma_internal_organization {uuid} not null, uuid {uuid} not null, "
       "content {text} not null, content_size {bigint} not null, link {text}, "
       "created_at {timestamp} not null, updated_at {timestamp} not null, meta_data {json}, "
       "origin {text} not null, message_index {bigint} not null, external_id {text}, "
       "revision {bigint} not null, deleted_at {timestamp}, "
       "primary key (alma_internal_organization, uuid))",
       2},
      {3, "create reminders",
       "create table reminders (alma_internal_organization {uuid} not null, "
       "event_uuid {uuid} not null, score {integer}, follow_up_date {timestamp} not null, "
       "revision {bigint} not null, deleted_at {timestamp}, "
       "primary key (alma_internal_organization, event_uuid))",
       3},
  };
  static constexpr db::Schema kSchema{"notes", kSteps};
  return kSchema;
}

const Table<Message>& Notes() {
  static const Table<Message> table({
      .name = "notes",
      .resource = "note",
      .columns =
          {
              Changing(Text<&Message::content, &Message::mutable_content>("content")),
              Changing(ContentSize()),
              Changing(OptionalText<&Message::link, &Message::mutable_link>("link")),
              Time<&Message::created_at, &Message::mutable_created_at>("created_at"),
              Changing(Time<&Message::updated_at, &Message::mutable_updated_at>("updated_at")),
              Changing(OptionalJson<&Message::has_meta_data, &Message::meta_data,
                                    &Message::mutable_meta_data>("meta_data")),
              Text<&Message::origin, &Message::mutable_origin>("origin"),
              Number<&Message::index, &Message::set_index>("message_index"),
              OptionalText<&Message::external_id, &Message::mutable_external_id>("external_id"),
          },
      .admit = Admit,
      .on_update = OnUpdate,
      .on_delete = OnDelete,
  });
  return table;
}

const Table<FollowUp>& Reminders() {
  static const Table<FollowUp> table({
      .name = "reminders",
      .resource = "reminder",
      .columns =
          {
              Changing(OptionalNumber<&FollowUp::has_score, &FollowUp::score, &FollowUp::set_score>(
                  "score")),
              Changing(Time<&FollowUp::follow_up_date, &FollowUp::mutable_follow_up_date>(
                  "follow_up_date")),
          },
  });
  return table;
}

Message NewNote(const std::string& content) {
  Message note;
  note.set_content(content);
  note.set_origin("crm");
  return note;
}

}  // namespace alma::tenant
