#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "common/db/database.h"
#include "common/db/list_page.h"
#include "common/rpc/service.h"

namespace alma::organizations {

// Whether the caller may know of the organization: its own, or any with platform.admin.
bool Sees(const rpc::Call& call, std::string_view organization_uuid);

// What Bootstrap made.
struct Bootstrapped {
  v1::Organization organization;
  v1::ApiKey api_key;
  // The key itself, kept nowhere.
  std::string secret;
};

// Organizations as they are stored. Requests are validated; an organization that the caller does
// not see is NOT_FOUND as if it did not exist. Beyond the statuses named here all methods answer
// those of Database. Thread-safe.
class Store {
 public:
  explicit Store(db::Database& database) : database_(database) {}

  // A repeat with a known uuid and equal content answers the stored row. ALREADY_EXISTS
  // (ALREADY_EXISTS or DELETED) otherwise.
  absl::StatusOr<v1::Organization> Create(const rpc::Call& call,
                                          const v1::Organization& organization);

  // Deleted ones too.
  absl::StatusOr<v1::Organization> Get(const rpc::Call& call, const std::string& uuid);

  // The organizations behind `after` that the caller sees, by created_at, uuid.
  absl::StatusOr<db::ListPage<v1::ListOrganizationsResponse>> List(
      const rpc::Call& call, const v1::ListOrganizationsRequest& request,
      const db::Position& after);

  // Writes what the mask names; with an empty one the row stays as it is. ABORTED,
  // FAILED_PRECONDITION (DELETED).
  absl::StatusOr<v1::Organization> Update(const rpc::Call& call,
                                          const v1::UpdateOrganizationRequest& request);

  // Answers the tombstone, also where there is one already. ABORTED.
  absl::StatusOr<v1::Organization> Delete(const rpc::Call& call,
                                          const v1::DeleteOrganizationRequest& request);

  // Makes the first organization, with a key named "bootstrap" that has every scope. The other
  // errors are for the operator: INVALID_ARGUMENT where `name` is no name, absl FailedPrecondition
  // where any organization exists or existed.
  absl::StatusOr<Bootstrapped> Bootstrap(const std::string& name, absl::Time deadline);

 private:
  db::Database& database_;
};

}  // namespace alma::organizations
