#include "tests/services/conversations/bulk.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/db/dialect.h"

namespace alma::conversations {
namespace {

constexpr int kInAMinute = 7;

// `text` with what all statements share in the place of $NAMES.
std::string Sql(std::string_view text, db::Engine engine, int rows, int first_uuid) {
  std::string sql(text);
  sql = absl::StrReplaceAll(
      sql, {{"$ROWS", absl::StrFormat("with recursive numbers (i) as (select 0 union all "
                                      "select i + 1 from numbers where i + 1 < %d)",
                                      rows)},
            {"$ORGANIZATION", absl::StrFormat("cast('%s' as {uuid})", kOurs)},
            {"$UUID", absl::StrFormat("cast('0190f5fe-1111-7000-8000-' || "
                                      "substr(cast(1000000000000 + %d + i as text), 2) as {uuid})",
                                      first_uuid)},
            {"$MINUTE",
             absl::StrFormat("cast('2023-11-' || substr(cast(101 + i / %d as text), 2) || ' ' || "
                             "substr(cast(100 + i / %d %% 24 as text), 2) || ':' || "
                             "substr(cast(100 + i / %d %% 60 as text), 2) || "
                             "':00.000000+00' as {timestamp})",
                             kInAMinute * 60 * 24, kInAMinute * 60, kInAMinute)}});
  return db::Dialect::For(engine).Ddl(sql);
}

constexpr char kConversations[] =
    "$ROWS insert into conversations (alma_internal_organization, uuid, agents, "
    "external_participants, created_at, updated_at, origin, revision, message_count, "
    "activity_minute) "
    "select $ORGANIZATION, $UUID, cast('[\"0190f5fe-2222-7000-8000-000000000001\"]' as {json}), "
    "cast('[\"+49 1\"]' as {json}), $MINUTE, $MINUTE, "
    "case when i % 2 = 0 then 'busy' when i % 100 = 1 then 'rare' else 'origin ' || (i % 100) end, "
    "i + 1, 0, $MINUTE from numbers";

constexpr char kParticipants[] =
    "$ROWS insert into conversation_participants (alma_internal_organization, conversation_uuid, "
    "kind, participant, joined_revision, joined_at, activity_minute) "
    "select $ORGANIZATION, $UUID, kind, participant, i + 1, $MINUTE, $MINUTE from numbers join "
    "(select 'AGENT' as kind, '0190f5fe-2222-7000-8000-000000000001' as participant, 1 as every "
    "union all select 'AGENT', '0190f5fe-2222-7000-8000-000000000002', 100 "
    "union all select 'EXTERNAL', '+49 1', 1 union all select 'EXTERNAL', '+49 2', 100) as those "
    "on i % every = 0";

constexpr char kMessages[] =
    "$ROWS insert into messages (alma_internal_organization, uuid, sender_uuid, conversation_uuid, "
    "content, type, channel, created_at, updated_at, origin, message_index, revision) "
    "select $ORGANIZATION, $UUID, $ORGANIZATION, cast('0190f5fe-1111-7000-8000-' || substr(cast("
    "1000000000000 + case when i % 2 = 0 then 0 else 1 + i / 2 % 50 end as text), 2) as {uuid}), "
    "'words ' || i, 'TEXT', 'WHATSAPP', $MINUTE, $MINUTE, 'busy', "
    "case when i % 2 = 0 then i / 2 else i / 2 / 50 end, ";

}  // namespace

void FillInBulk(Stores& stores, int conversations, int messages) {
  const db::Engine engine = stores.database->location().engine;
  stores.Execute(Sql(kConversations, engine, conversations, 0));
  stores.Execute(Sql(kParticipants, engine, conversations, 0));
  stores.Execute(Sql(absl::StrFormat("%s%d + i from numbers", kMessages, conversations + 1), engine,
                     messages, conversations));
  stores.Execute(
      db::Dialect::For(engine).Ddl(absl::StrFormat("insert into revisions (alma_internal_"
                                                   "organization, revision) values ('%s', %d)",
                                                   kOurs, conversations + messages)));
  for (const char* table : {"conversations", "conversation_participants", "messages"}) {
    stores.Execute(absl::StrFormat("analyze %s", table));
  }
}

std::string NthMinute(int n) {
  const int minute = n / kInAMinute;
  return absl::StrFormat("2023-11-%02d %02d:%02d:00.000000+00", 1 + minute / (60 * 24),
                         minute / 60 % 24, minute % 60);
}

}  // namespace alma::conversations
