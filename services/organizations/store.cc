#include "services/organizations/store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/auth/scopes.h"
#include "common/db/revision.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/tenant/idempotency.h"
#include "common/text/checks.h"
#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "services/organizations/audit.h"
#include "services/organizations/list.h"
#include "services/organizations/rows.h"

namespace alma::organizations {
namespace {

// What the create of a uuid that is known comes to.
absl::StatusOr<v1::Organization> Repeat(v1::Organization given, const v1::Organization& stored) {
  given.clear_created_at();
  given.clear_updated_at();
  given.clear_revision();
  given.clear_deleted_at();
  ASSIGN_OR_RETURN(auto repeated,
                   tenant::Repeated<v1::Organization>(given, kOrganization, stored, std::nullopt));
  return *std::move(repeated);
}

// What every write of an existing organization begins with.
struct Locked {
  v1::Organization stored;
  int64_t revision;
  int64_t change_seq;
};

absl::StatusOr<Locked> Lock(db::Session& session, const std::string& uuid) {
  ASSIGN_OR_RETURN(const int64_t change_seq, TakeChanges(session));
  ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, uuid));
  ASSIGN_OR_RETURN(auto stored, FindOrganization(session, uuid));
  if (!stored.has_value()) return status::NotFound(kOrganization);
  return Locked{*std::move(stored), revision, change_seq};
}

absl::StatusOr<v1::Organization> Save(db::Session& session, Audit& audit, Locked& row,
                                      AuditEntry entry) {
  row.stored.set_revision(row.revision);
  RETURN_IF_ERROR(UpdateOrganization(session, row.stored, row.change_seq));
  RETURN_IF_ERROR(audit.Append(session, std::move(entry)));
  return std::move(row.stored);
}

absl::StatusOr<v1::Organization> Keep(db::Session& session, Locked& row) {
  session.Discard();
  return std::move(row.stored);
}

v1::ApiKey BootstrapKey(const std::string& organization_uuid) {
  v1::ApiKey api_key;
  api_key.set_organization_uuid(organization_uuid);
  api_key.set_api_key_name("bootstrap");
  for (const std::string_view scope : auth::kAllScopes) api_key.add_scopes(std::string(scope));
  std::sort(api_key.mutable_scopes()->begin(), api_key.mutable_scopes()->end());
  return api_key;
}

// An organization with a key of platform.admin in force is closed by platform.admin only: who
// merely administers it could otherwise lock everybody out.
absl::Status CheckMayClose(db::Session& session, const rpc::Call& call, const std::string& uuid) {
  if (auth::HasScope(call.caller, auth::kPlatformAdmin)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool has, HasPlatformAdminKey(session, uuid, text::Now()));
  return has ? status::ScopeMissing(auth::kPlatformAdmin) : absl::OkStatus();
}

void MakeTombstone(v1::Organization* organization) {
  organization->clear_name();
  organization->clear_meta_data();
  organization->set_active(std::string(kInactive));
  *organization->mutable_deleted_at() = text::Now();
  *organization->mutable_updated_at() = organization->deleted_at();
}

}  // namespace

bool Sees(const rpc::Call& call, std::string_view organization_uuid) {
  return call.organization() == organization_uuid ||
         auth::HasScope(call.caller, auth::kPlatformAdmin);
}

absl::StatusOr<v1::Organization> Store::Create(const rpc::Call& call,
                                               const v1::Organization& organization) {
  v1::Organization created = NewOrganization(organization);
  return WriteAudited(
      database_, call, [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::Organization> {
        ASSIGN_OR_RETURN(const int64_t change_seq, TakeChanges(session));
        ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, created.uuid()));
        ASSIGN_OR_RETURN(const auto stored, FindOrganization(session, created.uuid()));
        if (stored.has_value()) {
          session.Discard();
          return Repeat(organization, *stored);
        }
        created.set_revision(revision);
        RETURN_IF_ERROR(InsertOrganization(session, created, change_seq));
        RETURN_IF_ERROR(audit.Append(session, EntryOf(kOrganizationCreated, created, change_seq)));
        return created;
      });
}

absl::StatusOr<v1::Organization> Store::Get(const rpc::Call& call, const std::string& uuid) {
  if (!Sees(call, uuid)) return status::NotFound(kOrganization);
  return database_.Read(call.deadline,
                        [&](db::Session& session) -> absl::StatusOr<v1::Organization> {
                          ASSIGN_OR_RETURN(auto stored, FindOrganization(session, uuid));
                          if (!stored.has_value()) return status::NotFound(kOrganization);
                          return *std::move(stored);
                        });
}

absl::StatusOr<db::ListPage<v1::ListOrganizationsResponse>> Store::List(
    const rpc::Call& call, const v1::ListOrganizationsRequest& request, const db::Position& after) {
  std::string sql = absl::StrCat("select ", kOrganizationColumns, " from organizations where true");
  std::vector<db::Param> params;
  if (!auth::HasScope(call.caller, auth::kPlatformAdmin)) {
    absl::StrAppend(&sql, " and uuid = :own");
    params.emplace_back("own", call.organization());
  }
  if (!request.show_deleted()) absl::StrAppend(&sql, " and deleted_at is null");
  return database_.Read(call.deadline, [&](db::Session& session) {
    return ReadByCreation<v1::ListOrganizationsResponse>(
        session, sql, params, request.page_size(), after, ReadOrganization,
        v1::ListOrganizationsResponse::kOrganizationsFieldNumber);
  });
}

absl::StatusOr<v1::Organization> Store::Update(const rpc::Call& call,
                                               const v1::UpdateOrganizationRequest& request) {
  const v1::Organization& given = request.organization();
  if (!Sees(call, given.uuid())) return status::NotFound(kOrganization);
  return WriteAudited(
      database_, call, [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::Organization> {
        ASSIGN_OR_RETURN(Locked row, Lock(session, given.uuid()));
        if (row.stored.has_deleted_at()) return status::UpdateOfDeleted(kOrganization);
        RETURN_IF_ERROR(db::CheckRevision(kOrganization, given.revision(), row.stored.revision()));
        if (request.update_mask().paths().empty()) return Keep(session, row);
        text::WriteMasked(request.update_mask(), given, &row.stored);
        if (row.stored.active() == kInactive) {
          RETURN_IF_ERROR(CheckMayClose(session, call, given.uuid()));
        }
        *row.stored.mutable_updated_at() = text::Now();
        AuditEntry entry = EntryOf(kOrganizationUpdated, row.stored, row.change_seq);
        entry.fields = absl::StrJoin(request.update_mask().paths(), " ");
        return Save(session, audit, row, std::move(entry));
      });
}

absl::StatusOr<v1::Organization> Store::Delete(const rpc::Call& call,
                                               const v1::DeleteOrganizationRequest& request) {
  if (!Sees(call, request.uuid())) return status::NotFound(kOrganization);
  return WriteAudited(
      database_, call, [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::Organization> {
        ASSIGN_OR_RETURN(Locked row, Lock(session, request.uuid()));
        if (row.stored.has_deleted_at()) return Keep(session, row);
        RETURN_IF_ERROR(
            db::CheckRevision(kOrganization, request.revision(), row.stored.revision()));
        RETURN_IF_ERROR(CheckMayClose(session, call, request.uuid()));
        MakeTombstone(&row.stored);
        return Save(session, audit, row, EntryOf(kOrganizationDeleted, row.stored, row.change_seq));
      });
}

absl::StatusOr<Bootstrapped> Store::Bootstrap(const std::string& name, absl::Time deadline) {
  text::Violations violations;
  text::CheckName(violations, kOrganization, name);
  RETURN_IF_ERROR(violations.ToStatus());
  return database_.Write(deadline, [&](db::Session& session) -> absl::StatusOr<Bootstrapped> {
    ASSIGN_OR_RETURN(const int64_t change_seq, TakeChanges(session, 2));
    ASSIGN_OR_RETURN(const int64_t organizations,
                     session.Query("select uuid from organizations limit 1", {}, [](db::Row&) {}));
    if (organizations > 0) return absl::FailedPreconditionError("an organization exists already");
    v1::Organization organization;
    organization.set_name(name);
    organization = NewOrganization(organization);
    ASSIGN_OR_RETURN(const int64_t revision, db::TakeRevisions(session, organization.uuid(), 2));
    organization.set_revision(revision);
    RETURN_IF_ERROR(InsertOrganization(session, organization, change_seq));
    v1::CreateApiKeyResponse created = NewApiKey(BootstrapKey(organization.uuid()));
    created.mutable_api_key()->set_revision(revision + 1);
    RETURN_IF_ERROR(InsertApiKey(session, created.api_key(), created.secret(), change_seq + 1));
    Audit audit(/*caller=*/nullptr);
    RETURN_IF_ERROR(audit.Append(session, EntryOf(kOrganizationCreated, organization, change_seq)));
    RETURN_IF_ERROR(audit.Append(session, EntryOf(kKeyCreated, created.api_key(), change_seq + 1)));
    return Bootstrapped{std::move(organization), created.api_key(), created.secret()};
  });
}

}  // namespace alma::organizations
