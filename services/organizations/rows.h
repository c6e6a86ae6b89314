#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "common/db/session.h"

// The rows of the database `organizations`, each read and written in one place. All of these are
// for the functions that Database::Read and Database::Write run, and answer as Session::Query does.
namespace alma::organizations {

// What errors call the two kinds of row.
inline constexpr std::string_view kOrganization = "organization";
inline constexpr std::string_view kApiKey = "API key";

// Values of Organization.active.
inline constexpr std::string_view kActive = "ACTIVE";
inline constexpr std::string_view kInactive = "INACTIVE";

// Columns of a select, in the order in which the Read function of the table takes them.
inline constexpr char kOrganizationColumns[] =
    "uuid, name, created_at, updated_at, active, meta_data, revision, deleted_at";
inline constexpr char kApiKeyColumns[] =
    "uuid, organization_uuid, created_at, last_used, api_key_name, key_prefix, scopes, expires_at, "
    "revoked_at, "
    "revision";
v1::Organization ReadOrganization(db::Row& row);
v1::ApiKey ReadApiKey(db::Row& row);

// The row that a create stores, but for its revision: what the caller may give, and what the server
// sets. The key comes with a new secret.
v1::Organization NewOrganization(const v1::Organization& given);
v1::CreateApiKeyResponse NewApiKey(const v1::ApiKey& given);

// Takes the next `count` numbers of the platform's change sequence and returns the first. The first
// statement of every write: its lock keeps all other writers of this database out until the
// transaction ends.
absl::StatusOr<int64_t> TakeChanges(db::Session& session, int64_t count = 1);

absl::StatusOr<std::optional<v1::Organization>> FindOrganization(db::Session& session,
                                                                 std::string_view uuid);
absl::Status InsertOrganization(db::Session& session, const v1::Organization& organization,
                                int64_t change_seq);
// Writes all columns that can change.
absl::Status UpdateOrganization(db::Session& session, const v1::Organization& organization,
                                int64_t change_seq);

absl::StatusOr<std::optional<v1::ApiKey>> FindApiKey(db::Session& session, std::string_view uuid);
// `secret` is the key itself, of which only the hash is stored.
absl::Status InsertApiKey(db::Session& session, const v1::ApiKey& api_key,
                          const std::string& secret, int64_t change_seq);
// Writes all columns that can change, except last_used.
absl::Status UpdateApiKey(db::Session& session, const v1::ApiKey& api_key, int64_t change_seq);

// Whether a key of the organization that is in force at `now` holds platform.admin.
absl::StatusOr<bool> HasPlatformAdminKey(db::Session& session, std::string_view organization_uuid,
                                         const google::protobuf::Timestamp& now);

// A column `scopes` is the scopes with a space between each two.
void ReadScopes(std::string_view column, google::protobuf::RepeatedPtrField<std::string>* scopes);

}  // namespace alma::organizations
