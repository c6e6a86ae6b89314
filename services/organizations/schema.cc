#include "services/organizations/schema.h"

#include "common/db/revision.h"

namespace alma::organizations {

const db::Schema& Schema() {
  // A binary that knows a step of the first version without those behind it was never released, so
  // each names itself as the oldest.
  static constexpr db::Step kSteps[] = {
      {1, "create revisions", db::kCreateRevisions, 1},
      {2, "create change_sequence",
       "create table change_sequence (id {integer} not null primary key, change_seq {bigint} not "
       "null) {hot}",
       2},
      {3, "create organizations",
       "create table organizations ("
       "uuid {uuid} not null primary key, "
       "name {text} not null, "
       "created_at {timestamp} not null, "
       "updated_at {timestamp} not null, "
       "active {text} not null, "
       "meta_data {json}, "
       "revision {bigint} not null, "
       "deleted_at {timestamp}, "
       "change_seq {bigint} not null)",
       3},
      {4, "index organizations by created_at",
       "create index organizations_by_created_at on organizations (created_at, uuid)", 4},
      {5, "create authorization",
       "create table \"authorization\" ("
       "uuid {uuid} not null primary key, "
       "apikey {text} not null check (length(apikey) = 64), "
       "organization_uuid {uuid} not null, "
       "created_at {timestamp} not null, "
       "last_used {timestamp}, "
       "api_key_name {text} not null, "
       "key_prefix {text} not null, "
       "scopes {text} not null, "
       "expires_at {timestamp}, "
       "revoked_at {timestamp}, "
       "revision {bigint} not null, "
       "change_seq {bigint} not null)",
       5},
      {6, "index authorization by apikey",
       "create unique index authorization_by_apikey on \"authorization\" (apikey)", 6},
      {7, "index authorization by organization",
       "create index authorization_by_organization on \"authorization\" (organization_uuid, "
       "created_at, uuid)",
       7},
      // A binary that does not follow changes does not miss these.
      {8, "index organizations by change_seq",
       "create index organizations_by_change_seq on organizations (change_seq)", 7},
      {9, "index authorization by change_seq",
       "create index authorization_by_change_seq on \"authorization\" (change_seq)", 7},
      // An older binary would change keys and say nothing of it.
      {10, "create key_audit",
       "create table key_audit ("
       "change_seq {bigint} not null primary key, "
       "changed_at {timestamp} not null, "
       "action {text} not null, "
       "organization_uuid {uuid} not null, "
       "api_key_uuid {uuid}, "
       "successor_uuid {uuid}, "
       "fields {text}, "
       "active {text}, "
       "by_organization_uuid {uuid}, "
       "by_api_key_uuid {uuid})",
       10},
      {11, "index key_audit by organization",
       "create index key_audit_by_organization on key_audit (organization_uuid, change_seq)", 10},
      // An older binary leaves these null: who, when and which are there all the same.
      {12, "add key_audit.api_key_name", "alter table key_audit add column api_key_name {text}",
       10},
      {13, "add key_audit.scopes", "alter table key_audit add column scopes {text}", 10},
      {14, "add key_audit.expires_at", "alter table key_audit add column expires_at {timestamp}",
       10},
      {15, "add key_audit.grace", "alter table key_audit add column grace {text}", 10},
  };
  static constexpr db::Schema kSchema{"organizations", kSteps};
  return kSchema;
}

}  // namespace alma::organizations
