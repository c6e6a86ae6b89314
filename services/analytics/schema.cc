#include "services/analytics/schema.h"

#include "common/db/revision.h"

namespace alma::analytics {
namespace {

// A binary that knows a step of the first version without those behind it was never released, so
// each names itself as the oldest.
constexpr db::Step kAnalytics[] = {
    {1, "create revisions", db::kCreateRevisions, 1},
    {2, "create analytics",
     "create table analytics ("
     "alma_internal_organization {uuid} not null, "
     "uuid {uuid} not null, "
     "conversation_uuid {uuid} not null, "
     "context_start_index {bigint}, "
     "context_end_index {bigint}, "
     "analysis_type {text} not null, "
     "result {json} not null, "
     "origin {text} not null, "
     "created_at {timestamp} not null, "
     "revision {bigint} not null, "
     "deleted_at {timestamp}, "
     "primary key (alma_internal_organization, uuid))",
     2},
    {3, "index analytics by creation",
     "create index analytics_by_creation "
     "on analytics (alma_internal_organization, created_at, uuid)",
     3},
    {4, "index analytics by conversation",
     "create index analytics_by_conversation "
     "on analytics (alma_internal_organization, conversation_uuid, created_at, uuid)",
     4},
    {5, "index analytics by type",
     "create index analytics_by_type "
     "on analytics (alma_internal_organization, analysis_type, created_at, uuid)",
     5},
};

// Most events have neither a subtype nor a schedule; the indexes that need one leave them out.
constexpr db::Step kEvents[] = {
    {1, "create revisions", db::kCreateRevisions, 1},
    {2, "create events",
     "create table events ("
     "alma_internal_organization {uuid} not null, "
     "uuid {uuid} not null, "
     "conversation_uuid {uuid} not null, "
     "agent_uuid {uuid} not null, "
     "created_at {timestamp} not null, "
     "scheduled_to {timestamp}, "
     "event_type {text} not null, "
     "event_subtype {text}, "
     "json {json}, "
     "origin {text}, "
     "external_id {text}, "
     "revision {bigint} not null, "
     "deleted_at {timestamp}, "
     "primary key (alma_internal_organization, uuid))",
     2},
    {3, "index events by external_id",
     "create unique index events_by_external_id "
     "on events (alma_internal_organization, origin, external_id) where external_id is not null",
     3},
    {4, "index events by creation",
     "create index events_by_creation on events (alma_internal_organization, created_at, uuid)", 4},
    {5, "index events by conversation",
     "create index events_by_conversation "
     "on events (alma_internal_organization, conversation_uuid, created_at, uuid)",
     5},
    {6, "index events by agent",
     "create index events_by_agent "
     "on events (alma_internal_organization, agent_uuid, created_at, uuid)",
     6},
    {7, "index events by type",
     "create index events_by_type "
     "on events (alma_internal_organization, event_type, created_at, uuid)",
     7},
    {8, "index events by subtype",
     "create index events_by_subtype "
     "on events (alma_internal_organization, event_type, event_subtype, created_at, uuid) "
     "where event_subtype is not null",
     8},
    {9, "index events by schedule",
     "create index events_by_schedule "
     "on events (alma_internal_organization, scheduled_to, uuid) where scheduled_to is not null",
     9},
    {10, "index events by conversation and schedule",
     "create index events_by_conversation_schedule "
     "on events (alma_internal_organization, conversation_uuid, scheduled_to, uuid) "
     "where scheduled_to is not null",
     10},
    {11, "index events by agent and schedule",
     "create index events_by_agent_schedule "
     "on events (alma_internal_organization, agent_uuid, scheduled_to, uuid) "
     "where scheduled_to is not null",
     11},
    {12, "index events by type and schedule",
     "create index events_by_type_schedule "
     "on events (alma_internal_organization, event_type, scheduled_to, uuid) "
     "where scheduled_to is not null",
     12},
    {13, "index events by subtype and schedule",
     "create index events_by_subtype_schedule "
     "on events (alma_internal_organization, event_type, event_subtype, scheduled_to, uuid) "
     "where event_subtype is not null and scheduled_to is not null",
     13},
};

constexpr db::Step kFollowUp[] = {
    {1, "create revisions", db::kCreateRevisions, 1},
    {2, "create follow_up",
     "create table follow_up ("
     "alma_internal_organization {uuid} not null, "
     "event_uuid {uuid} not null, "
     "conversation_uuid {uuid} not null, "
     "agent_uuid {uuid} not null, "
     "score {integer} not null, "
     "follow_up_date {timestamp} not null, "
     "revision {bigint} not null, "
     "deleted_at {timestamp}, "
     "primary key (alma_internal_organization, event_uuid))",
     2},
    {3, "index follow_up by date",
     "create index follow_up_by_date "
     "on follow_up (alma_internal_organization, follow_up_date, event_uuid)",
     3},
    {4, "index follow_up by agent",
     "create index follow_up_by_agent "
     "on follow_up (alma_internal_organization, agent_uuid, follow_up_date, event_uuid)",
     4},
    {5, "index follow_up by conversation",
     "create index follow_up_by_conversation "
     "on follow_up (alma_internal_organization, conversation_uuid, follow_up_date, event_uuid)",
     5},
};

}  // namespace

const db::Schema& AnalyticsSchema() {
  static constexpr db::Schema kSchema{"analytics", kAnalytics};
  return kSchema;
}

const db::Schema& EventsSchema() {
  static constexpr db::Schema kSchema{"events", kEvents};
  return kSchema;
}

const db::Schema& FollowUpSchema() {
  static constexpr db::Schema kSchema{"follow_up", kFollowUp};
  return kSchema;
}

}  // namespace alma::analytics
