#include "services/organizations/api_key_store.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/auth/scopes.h"
#include "common/db/revision.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "google/protobuf/util/time_util.h"
#include "services/organizations/audit.h"
#include "services/organizations/list.h"
#include "services/organizations/rows.h"
#include "services/organizations/store.h"

namespace alma::organizations {
namespace {

using google::protobuf::Timestamp;

// Only platform.admin may hand out platform.admin.
absl::Status CheckMayWrite(const rpc::Call& call, const v1::ApiKey& api_key) {
  const auto& scopes = api_key.scopes();
  const bool holds = std::find(scopes.begin(), scopes.end(), auth::kPlatformAdmin) != scopes.end();
  if (!holds || auth::HasScope(call.caller, auth::kPlatformAdmin)) return absl::OkStatus();
  return status::ScopeMissing(auth::kPlatformAdmin);
}

// Neither an update nor a rotation brings such a key back.
bool HasEnded(const v1::ApiKey& api_key, const Timestamp& now) {
  return api_key.has_revoked_at() || (api_key.has_expires_at() && api_key.expires_at() <= now);
}

absl::Status CheckOrganization(db::Session& session, const std::string& uuid) {
  ASSIGN_OR_RETURN(const auto organization, FindOrganization(session, uuid));
  if (!organization.has_value()) return status::NotFound(kOrganization);
  return organization->has_deleted_at() ? status::UpdateOfDeleted(kOrganization) : absl::OkStatus();
}

// What every write of an existing key begins with. Of the key's organization nothing is known
// before it is read; TakeChanges has locked out all other writers by then, and a key never changes
// its organization.
struct Locked {
  v1::ApiKey stored;
  // The first of `count`.
  int64_t revision;
  int64_t change_seq;
};

absl::StatusOr<Locked> Lock(db::Session& session, const rpc::Call& call, const std::string& uuid,
                            int64_t count = 1) {
  ASSIGN_OR_RETURN(const int64_t change_seq, TakeChanges(session, count));
  ASSIGN_OR_RETURN(auto stored, FindApiKey(session, uuid));
  if (!stored.has_value() || !Sees(call, stored->organization_uuid())) {
    return status::NotFound(kApiKey);
  }
  ASSIGN_OR_RETURN(const int64_t revision,
                   db::TakeRevisions(session, stored->organization_uuid(), count));
  return Locked{*std::move(stored), revision, change_seq};
}

absl::StatusOr<v1::ApiKey> Save(db::Session& session, Audit& audit, Locked& row, AuditEntry entry) {
  row.stored.set_revision(row.revision);
  RETURN_IF_ERROR(UpdateApiKey(session, row.stored, row.change_seq));
  RETURN_IF_ERROR(audit.Append(session, std::move(entry)));
  return std::move(row.stored);
}

absl::StatusOr<v1::ApiKey> Keep(db::Session& session, Locked& row) {
  session.Discard();
  return std::move(row.stored);
}

}  // namespace

absl::StatusOr<v1::CreateApiKeyResponse> ApiKeyStore::Create(const rpc::Call& call,
                                                             const v1::ApiKey& api_key) {
  RETURN_IF_ERROR(CheckMayWrite(call, api_key));
  v1::CreateApiKeyResponse created = NewApiKey(api_key);
  v1::ApiKey& row = *created.mutable_api_key();
  if (row.organization_uuid().empty()) row.set_organization_uuid(call.organization());
  if (!Sees(call, row.organization_uuid())) return status::NotFound(kOrganization);
  return WriteAudited(
      database_, call,
      [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::CreateApiKeyResponse> {
        ASSIGN_OR_RETURN(const int64_t change_seq, TakeChanges(session));
        ASSIGN_OR_RETURN(const int64_t revision,
                         db::TakeRevisions(session, row.organization_uuid()));
        RETURN_IF_ERROR(CheckOrganization(session, row.organization_uuid()));
        ASSIGN_OR_RETURN(const auto stored, FindApiKey(session, row.uuid()));
        if (stored.has_value()) return status::AlreadyExists(kApiKey);
        row.set_revision(revision);
        RETURN_IF_ERROR(InsertApiKey(session, row, created.secret(), change_seq));
        RETURN_IF_ERROR(audit.Append(session, EntryOf(kKeyCreated, row, change_seq)));
        return created;
      });
}

absl::StatusOr<v1::ApiKey> ApiKeyStore::Get(const rpc::Call& call, const std::string& uuid) {
  return database_.Read(call.deadline, [&](db::Session& session) -> absl::StatusOr<v1::ApiKey> {
    ASSIGN_OR_RETURN(auto stored, FindApiKey(session, uuid));
    if (!stored.has_value() || !Sees(call, stored->organization_uuid())) {
      return status::NotFound(kApiKey);
    }
    return *std::move(stored);
  });
}

absl::StatusOr<db::ListPage<v1::ListApiKeysResponse>> ApiKeyStore::List(
    const rpc::Call& call, const v1::ListApiKeysRequest& request, const db::Position& after) {
  const std::string& organization_uuid =
      request.organization_uuid().empty() ? call.organization() : request.organization_uuid();
  if (!Sees(call, organization_uuid)) return status::NotFound(kOrganization);
  const std::string sql =
      absl::StrCat("select ", kApiKeyColumns,
                   " from \"authorization\" where organization_uuid = :organization_uuid");
  return database_.Read(call.deadline, [&](db::Session& session) {
    return ReadByCreation<v1::ListApiKeysResponse>(
        session, sql, {{"organization_uuid", organization_uuid}}, request.page_size(), after,
        ReadApiKey, v1::ListApiKeysResponse::kApiKeysFieldNumber);
  });
}

absl::StatusOr<v1::ApiKey> ApiKeyStore::Update(const rpc::Call& call,
                                               const v1::UpdateApiKeyRequest& request) {
  const auto update = [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::ApiKey> {
    ASSIGN_OR_RETURN(Locked row, Lock(session, call, request.api_key().uuid()));
    RETURN_IF_ERROR(CheckMayWrite(call, row.stored));
    if (HasEnded(row.stored, text::Now())) return status::UpdateOfEndedApiKey();
    RETURN_IF_ERROR(
        db::CheckRevision(kApiKey, request.api_key().revision(), row.stored.revision()));
    if (request.update_mask().paths().empty()) return Keep(session, row);
    text::WriteMasked(request.update_mask(), request.api_key(), &row.stored);
    RETURN_IF_ERROR(CheckMayWrite(call, row.stored));
    AuditEntry entry = EntryOf(kKeyUpdated, row.stored, row.change_seq);
    entry.fields = absl::StrJoin(request.update_mask().paths(), " ");
    return Save(session, audit, row, std::move(entry));
  };
  return WriteAudited(database_, call, update);
}

absl::StatusOr<v1::ApiKey> ApiKeyStore::Revoke(const rpc::Call& call, const std::string& uuid) {
  const auto revoke = [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::ApiKey> {
    ASSIGN_OR_RETURN(Locked row, Lock(session, call, uuid));
    RETURN_IF_ERROR(CheckMayWrite(call, row.stored));
    if (row.stored.has_revoked_at()) return Keep(session, row);
    *row.stored.mutable_revoked_at() = text::Now();
    return Save(session, audit, row, EntryOf(kKeyRevoked, row.stored, row.change_seq));
  };
  return WriteAudited(database_, call, revoke);
}

absl::StatusOr<v1::RotateApiKeyResponse> ApiKeyStore::Rotate(
    const rpc::Call& call, const v1::RotateApiKeyRequest& request) {
  return WriteAudited(
      database_, call,
      [&](db::Session& session, Audit& audit) -> absl::StatusOr<v1::RotateApiKeyResponse> {
        ASSIGN_OR_RETURN(Locked row, Lock(session, call, request.uuid(), 2));
        RETURN_IF_ERROR(CheckMayWrite(call, row.stored));
        const Timestamp now = text::Now();
        if (HasEnded(row.stored, now)) return status::UpdateOfEndedApiKey();
        RETURN_IF_ERROR(CheckOrganization(session, row.stored.organization_uuid()));

        v1::ApiKey given = row.stored;
        given.clear_uuid();
        v1::CreateApiKeyResponse successor = NewApiKey(given);
        successor.mutable_api_key()->set_revision(row.revision + 1);
        RETURN_IF_ERROR(
            InsertApiKey(session, successor.api_key(), successor.secret(), row.change_seq + 1));

        Timestamp end = now + request.grace();
        text::TruncateToMicros(&end);
        if (!row.stored.has_expires_at() || end < row.stored.expires_at()) {
          *row.stored.mutable_expires_at() = end;
        }
        AuditEntry rotated = EntryOf(kKeyRotated, row.stored, row.change_seq);
        rotated.successor_uuid = successor.api_key().uuid();
        rotated.grace = google::protobuf::util::TimeUtil::ToString(request.grace());
        RETURN_IF_ERROR(Save(session, audit, row, std::move(rotated)).status());
        RETURN_IF_ERROR(
            audit.Append(session, EntryOf(kKeyCreated, successor.api_key(), row.change_seq + 1)));

        v1::RotateApiKeyResponse response;
        response.mutable_api_key()->Swap(successor.mutable_api_key());
        response.set_secret(successor.secret());
        return response;
      });
}

absl::StatusOr<v1::VerifyApiKeyResponse> ApiKeyStore::Verify(const std::string& secret_sha256,
                                                             absl::Time deadline) {
  constexpr char kSql[] =
      "select organization_uuid, \"authorization\".uuid, scopes, expires_at, "
      "(select change_seq from change_sequence where id = 1) "
      "from \"authorization\" join organizations on organizations.uuid = organization_uuid "
      "where apikey = :apikey and revoked_at is null and (expires_at is null or expires_at > :now) "
      "and active = 'ACTIVE' and deleted_at is null";
  auto verified = database_.Read(
      deadline, [&](db::Session& session) -> absl::StatusOr<v1::VerifyApiKeyResponse> {
        v1::VerifyApiKeyResponse key;
        const auto read = [&](db::Row& row) {
          key.set_organization_uuid(std::string(row.Text()));
          key.set_api_key_uuid(std::string(row.Text()));
          ReadScopes(row.Text(), key.mutable_scopes());
          if (!row.SkipNull()) row.Time(key.mutable_expires_at());
          key.set_change_seq(row.Int64());
        };
        const std::string apikey = absl::BytesToHexString(secret_sha256);
        ASSIGN_OR_RETURN(const int64_t found,
                         session.Query(kSql, {{"apikey", apikey}, {"now", text::Now()}}, read));
        if (found == 0) return status::NotFound(kApiKey);
        return key;
      });
  if (verified.ok()) uses_.Note(verified->api_key_uuid());
  return verified;
}

}  // namespace alma::organizations
