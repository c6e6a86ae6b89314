#include "services/conversations/schema.h"

#include "common/db/revision.h"

namespace alma::conversations {
namespace {

// A binary that knows a step of the first version without those behind it was never released, so
// each names itself as the oldest.
constexpr db::Step kSteps[] = {
    {1, "create revisions", db::kCreateRevisions, 1},
    // message_count, last_message_at and last_message_index change with every message: an index on
    // one of them would be written as often.
    {2, "create conversations",
     "create table conversations ("
     "alma_internal_organization {uuid} not null, "
     "uuid {uuid} not null, "
     "agents {json}, "
     "external_participants {json} not null, "
     "created_at {timestamp} not null, "
     "updated_at {timestamp} not null, "
     "meta_data {json}, "
     "origin {text} not null, "
     "external_id {text}, "
     "revision {bigint} not null, "
     "deleted_at {timestamp}, "
     "message_count {bigint} not null, "
     "last_message_at {timestamp}, "
     "last_message_index {bigint}, "
     "activity_minute {timestamp} not null, "
     "primary key (alma_internal_organization, uuid)) {hot}",
     2},
    {3, "index conversations by external_id",
     "create unique index conversations_by_external_id "
     "on conversations (alma_internal_organization, origin, external_id) where external_id is not "
     "null",
     3},
    {4, "index conversations by activity",
     "create index conversations_by_activity "
     "on conversations (alma_internal_organization, activity_minute, uuid)",
     4},
    {5, "index conversations by origin",
     "create index conversations_by_origin "
     "on conversations (alma_internal_organization, origin, activity_minute, uuid)",
     5},
    {6, "create conversation_participants",
     "create table conversation_participants ("
     "alma_internal_organization {uuid} not null, "
     "conversation_uuid {uuid} not null, "
     "kind {text} not null check (kind in ('AGENT', 'EXTERNAL')), "
     "participant {text} not null, "
     "joined_revision {bigint} not null, "
     "joined_at {timestamp} not null, "
     "left_at {timestamp}, "
     "activity_minute {timestamp} not null, "
     "primary key (alma_internal_organization, conversation_uuid, kind, participant, "
     "joined_revision))",
     6},
    {7, "index conversation_participants by activity",
     "create unique index conversation_participants_by_activity on conversation_participants "
     "(alma_internal_organization, kind, participant, activity_minute, conversation_uuid) where "
     "left_at is null",
     7},
    {8, "create messages",
     "create table messages ("
     "alma_internal_organization {uuid} not null, "
     "uuid {uuid} not null, "
     "sender_uuid {uuid} not null, "
     "conversation_uuid {uuid} not null, "
     "content {text} not null, "
     "type {text} not null, "
     "link {text}, "
     "channel {text} not null, "
     "subchannel {text}, "
     "created_at {timestamp} not null, "
     "updated_at {timestamp} not null, "
     "meta_data {json}, "
     "origin {text} not null, "
     "message_index {bigint} not null, "
     "external_id {text}, "
     "revision {bigint} not null, "
     "deleted_at {timestamp}, "
     "primary key (alma_internal_organization, uuid))",
     8},
    {9, "index messages by external_id",
     "create unique index messages_by_external_id "
     "on messages (alma_internal_organization, origin, external_id) where external_id is not null",
     9},
    {10, "index messages by conversation",
     "create unique index messages_by_conversation "
     "on messages (alma_internal_organization, conversation_uuid, message_index)",
     10},
    {11, "index messages by revision",
     "create unique index messages_by_revision on messages (alma_internal_organization, revision)",
     11},
    {12, "index messages by conversation and revision",
     "create unique index messages_by_conversation_revision "
     "on messages (alma_internal_organization, conversation_uuid, revision)",
     12},
};

}  // namespace

const db::Schema& Schema() {
  static constexpr db::Schema kSchema{"conversations", kSteps};
  return kSchema;
}

}  // namespace alma::conversations
