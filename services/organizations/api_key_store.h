#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/db/database.h"
#include "common/db/list_page.h"
#include "common/rpc/service.h"
#include "services/organizations/key_uses.h"

namespace alma::organizations {

// API keys as they are stored. Requests are validated; a key of an organization that the caller
// does not see is NOT_FOUND as if it did not exist. PERMISSION_DENIED where a caller without
// platform.admin would write a key that has it, or gets it. Beyond the statuses named here all
// methods answer those of Database. Thread-safe.
class ApiKeyStore {
 public:
  ApiKeyStore(db::Database& database, KeyUses& uses) : database_(database), uses_(uses) {}

  // Of the caller's own organization where `api_key` names none. ALREADY_EXISTS where the uuid is
  // taken; FAILED_PRECONDITION (DELETED) where the organization is deleted.
  absl::StatusOr<v1::CreateApiKeyResponse> Create(const rpc::Call& call, const v1::ApiKey& api_key);

  // Revoked ones too.
  absl::StatusOr<v1::ApiKey> Get(const rpc::Call& call, const std::string& uuid);

  // The organization's keys behind `after`, by created_at, uuid.
  absl::StatusOr<db::ListPage<v1::ListApiKeysResponse>> List(const rpc::Call& call,
                                                             const v1::ListApiKeysRequest& request,
                                                             const db::Position& after);

  // Writes what the mask names; with an empty one the row stays as it is. ABORTED;
  // FAILED_PRECONDITION (DELETED) on a revoked key.
  absl::StatusOr<v1::ApiKey> Update(const rpc::Call& call, const v1::UpdateApiKeyRequest& request);

  // A key that is revoked already stays as it is.
  absl::StatusOr<v1::ApiKey> Revoke(const rpc::Call& call, const std::string& uuid);

  // Makes a successor; the old key ends after request.grace at the latest. FAILED_PRECONDITION
  // (DELETED) on a key that is revoked or expired, and in a deleted organization.
  absl::StatusOr<v1::RotateApiKeyResponse> Rotate(const rpc::Call& call,
                                                  const v1::RotateApiKeyRequest& request);

  // The key in force with this raw SHA-256, in one snapshot with the newest change_seq. NOT_FOUND
  // as VerifyApiKey says. Counts as a use of the key.
  absl::StatusOr<v1::VerifyApiKeyResponse> Verify(const std::string& secret_sha256,
                                                  absl::Time deadline);

 private:
  db::Database& database_;
  KeyUses& uses_;
};

}  // namespace alma::organizations
