#include "services/organizations/rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/auth/api_key.h"
#include "common/auth/scopes.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/text/timestamp.h"

namespace alma::organizations {
namespace {

using db::Param;

template <typename T>
Param ParamOrNull(std::string_view name, bool present, const T& value) {
  return present ? Param(name, value) : Param::Null(name);
}

}  // namespace

v1::Organization ReadOrganization(db::Row& row) {
  v1::Organization organization;
  organization.set_uuid(std::string(row.Text()));
  organization.set_name(std::string(row.Text()));
  row.Time(organization.mutable_created_at());
  row.Time(organization.mutable_updated_at());
  organization.set_active(std::string(row.Text()));
  if (auto meta_data = row.OptionalJson()) {
    *organization.mutable_meta_data() = *std::move(meta_data);
  }
  organization.set_revision(row.Int64());
  if (!row.SkipNull()) row.Time(organization.mutable_deleted_at());
  return organization;
}

v1::ApiKey ReadApiKey(db::Row& row) {
  v1::ApiKey api_key;
  api_key.set_uuid(std::string(row.Text()));
  api_key.set_organization_uuid(std::string(row.Text()));
  row.Time(api_key.mutable_created_at());
  if (!row.SkipNull()) row.Time(api_key.mutable_last_used());
  api_key.set_api_key_name(std::string(row.Text()));
  api_key.set_key_prefix(std::string(row.Text()));
  ReadScopes(row.Text(), api_key.mutable_scopes());
  if (!row.SkipNull()) row.Time(api_key.mutable_expires_at());
  if (!row.SkipNull()) row.Time(api_key.mutable_revoked_at());
  api_key.set_revision(row.Int64());
  return api_key;
}

void ReadScopes(std::string_view column, google::protobuf::RepeatedPtrField<std::string>* scopes) {
  for (std::string& scope :
       std::vector<std::string>(absl::StrSplit(std::string(column), ' ', absl::SkipEmpty()))) {
    *scopes->Add() = std::move(scope);
  }
}

v1::Organization NewOrganization(const v1::Organization& given) {
  v1::Organization organization;
  organization.set_uuid(given.uuid().empty() ? id::NewUuid() : given.uuid());
  organization.set_name(given.name());
  *organization.mutable_created_at() = text::Now();
  *organization.mutable_updated_at() = organization.created_at();
  organization.set_active(given.active().empty() ? std::string(kActive) : given.active());
  if (given.has_meta_data()) *organization.mutable_meta_data() = given.meta_data();
  return organization;
}

v1::CreateApiKeyResponse NewApiKey(const v1::ApiKey& given) {
  v1::CreateApiKeyResponse created;
  created.set_secret(auth::NewApiKey());
  v1::ApiKey& api_key = *created.mutable_api_key();
  api_key.set_uuid(given.uuid().empty() ? id::NewUuid() : given.uuid());
  api_key.set_organization_uuid(given.organization_uuid());
  *api_key.mutable_created_at() = text::Now();
  api_key.set_api_key_name(given.api_key_name());
  api_key.set_key_prefix(auth::ApiKeyPrefix(created.secret()));
  *api_key.mutable_scopes() = given.scopes();
  if (given.has_expires_at()) *api_key.mutable_expires_at() = given.expires_at();
  return created;
}

absl::StatusOr<int64_t> TakeChanges(db::Session& session, int64_t count) {
  int64_t last = 0;
  RETURN_IF_ERROR(
      session
          .Query("insert into change_sequence (id, change_seq) values (1, :count) on conflict (id) "
                 "do update set change_seq = change_sequence.change_seq + excluded.change_seq "
                 "returning change_seq",
                 {{"count", count}}, [&](db::Row& row) { last = row.Int64(); })
          .status());
  return last - count + 1;
}

absl::StatusOr<std::optional<v1::Organization>> FindOrganization(db::Session& session,
                                                                 std::string_view uuid) {
  static const std::string sql =
      absl::StrCat("select ", kOrganizationColumns, " from organizations where uuid = :uuid");
  std::optional<v1::Organization> found;
  RETURN_IF_ERROR(
      session.Query(sql, {{"uuid", uuid}}, [&](db::Row& row) { found = ReadOrganization(row); })
          .status());
  return found;
}

absl::Status InsertOrganization(db::Session& session, const v1::Organization& organization,
                                int64_t change_seq) {
  return session.Execute(
      "insert into organizations (uuid, name, created_at, updated_at, active, meta_data, revision, "
      "change_seq) "
      "values (:uuid, :name, :created_at, :updated_at, :active, :meta_data, :revision, "
      ":change_seq)",
      {{"uuid", organization.uuid()},
       {"name", organization.name()},
       {"created_at", organization.created_at()},
       {"updated_at", organization.updated_at()},
       {"active", organization.active()},
       ParamOrNull("meta_data", organization.has_meta_data(), organization.meta_data()),
       {"revision", organization.revision()},
       {"change_seq", change_seq}});
}

absl::Status UpdateOrganization(db::Session& session, const v1::Organization& organization,
                                int64_t change_seq) {
  return session.Execute(
      "update organizations set name = :name, updated_at = :updated_at, active = :active, "
      "meta_data = :meta_data, "
      "revision = :revision, deleted_at = :deleted_at, change_seq = :change_seq where uuid = :uuid",
      {{"uuid", organization.uuid()},
       {"name", organization.name()},
       {"updated_at", organization.updated_at()},
       {"active", organization.active()},
       ParamOrNull("meta_data", organization.has_meta_data(), organization.meta_data()),
       {"revision", organization.revision()},
       ParamOrNull("deleted_at", organization.has_deleted_at(), organization.deleted_at()),
       {"change_seq", change_seq}});
}

absl::StatusOr<std::optional<v1::ApiKey>> FindApiKey(db::Session& session, std::string_view uuid) {
  static const std::string sql =
      absl::StrCat("select ", kApiKeyColumns, " from \"authorization\" where uuid = :uuid");
  std::optional<v1::ApiKey> found;
  RETURN_IF_ERROR(
      session.Query(sql, {{"uuid", uuid}}, [&](db::Row& row) { found = ReadApiKey(row); })
          .status());
  return found;
}

absl::Status InsertApiKey(db::Session& session, const v1::ApiKey& api_key,
                          const std::string& secret, int64_t change_seq) {
  return session.Execute(
      "insert into \"authorization\" (uuid, apikey, organization_uuid, created_at, api_key_name, "
      "key_prefix, scopes, "
      "expires_at, revision, change_seq) values (:uuid, :apikey, :organization_uuid, :created_at, "
      ":api_key_name, "
      ":key_prefix, :scopes, :expires_at, :revision, :change_seq)",
      {{"uuid", api_key.uuid()},
       {"apikey", auth::Sha256Hex(secret)},
       {"organization_uuid", api_key.organization_uuid()},
       {"created_at", api_key.created_at()},
       {"api_key_name", api_key.api_key_name()},
       {"key_prefix", api_key.key_prefix()},
       {"scopes", absl::StrJoin(api_key.scopes(), " ")},
       ParamOrNull("expires_at", api_key.has_expires_at(), api_key.expires_at()),
       {"revision", api_key.revision()},
       {"change_seq", change_seq}});
}

absl::Status UpdateApiKey(db::Session& session, const v1::ApiKey& api_key, int64_t change_seq) {
  return session.Execute(
      "update \"authorization\" set api_key_name = :api_key_name, scopes = :scopes, expires_at = "
      ":expires_at, "
      "revoked_at = :revoked_at, revision = :revision, change_seq = :change_seq where uuid = :uuid",
      {{"uuid", api_key.uuid()},
       {"api_key_name", api_key.api_key_name()},
       {"scopes", absl::StrJoin(api_key.scopes(), " ")},
       ParamOrNull("expires_at", api_key.has_expires_at(), api_key.expires_at()),
       ParamOrNull("revoked_at", api_key.has_revoked_at(), api_key.revoked_at()),
       {"revision", api_key.revision()},
       {"change_seq", change_seq}});
}

absl::StatusOr<bool> HasPlatformAdminKey(db::Session& session, std::string_view organization_uuid,
                                         const google::protobuf::Timestamp& now) {
  bool has = false;
  RETURN_IF_ERROR(
      session
          .Query(
              "select scopes from \"authorization\" where organization_uuid = :organization_uuid "
              "and revoked_at is null and (expires_at is null or expires_at > :now)",
              {{"organization_uuid", organization_uuid}, {"now", now}},
              [&](db::Row& row) {
                v1::ApiKey api_key;
                ReadScopes(row.Text(), api_key.mutable_scopes());
                const auto& scopes = api_key.scopes();
                has |=
                    std::find(scopes.begin(), scopes.end(), auth::kPlatformAdmin) != scopes.end();
              })
          .status());
  return has;
}

}  // namespace alma::organizations
