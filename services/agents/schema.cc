#include "services/agents/schema.h"

#include "common/db/revision.h"

namespace alma::agents {
namespace {

// A binary that knows a step of the first version without those behind it was never released, so
// each names itself as the oldest.
constexpr db::Step kSteps[] = {
    {1, "create revisions", db::kCreateRevisions, 1},
    {2, "create agents",
     "create table agents ("
     "alma_internal_organization {uuid} not null, "
     "uuid {uuid} not null, "
     "name {text}, "
     "email {text}, "
     "phone_number {text}, "
     "other_info {json}, "
     "internal {bool} not null, "
     "origin {text} not null, "
     "external_id {text}, "
     "email_lookup {text}, "
     "phone_number_lookup {text}, "
     "revision {bigint} not null, "
     "deleted_at {timestamp}, "
     "primary key (alma_internal_organization, uuid))",
     2},
    {3, "index agents by external_id",
     "create unique index agents_by_external_id "
     "on agents (alma_internal_organization, origin, external_id) where external_id is not null",
     3},
    {4, "index agents by internal",
     "create index agents_by_internal on agents (alma_internal_organization, internal, uuid)", 4},
    {5, "index agents by email",
     "create index agents_by_email on agents (alma_internal_organization, email_lookup, uuid) "
     "where email_lookup is not null",
     5},
    {6, "index agents by phone_number",
     "create index agents_by_phone_number "
     "on agents (alma_internal_organization, phone_number_lookup, uuid) "
     "where phone_number_lookup is not null",
     6},
    {7, "index agents by origin",
     "create index agents_by_origin on agents (alma_internal_organization, origin, uuid)", 7},
    {8, "index agents by origin and internal",
     "create index agents_by_origin_internal "
     "on agents (alma_internal_organization, origin, internal, uuid)",
     8},
};

}  // namespace

const db::Schema& Schema() {
  static constexpr db::Schema kSchema{"agents", kSteps};
  return kSchema;
}

}  // namespace alma::agents
