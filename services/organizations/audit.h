#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "alma/auth/v1/principal.pb.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "common/db/database.h"
#include "common/rpc/call.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::organizations {

// Values of key_audit.action.
inline constexpr char kOrganizationCreated[] = "ORGANIZATION_CREATED";
inline constexpr char kOrganizationUpdated[] = "ORGANIZATION_UPDATED";
inline constexpr char kOrganizationDeleted[] = "ORGANIZATION_DELETED";
inline constexpr char kKeyCreated[] = "KEY_CREATED";
inline constexpr char kKeyUpdated[] = "KEY_UPDATED";
inline constexpr char kKeyRevoked[] = "KEY_REVOKED";
inline constexpr char kKeyRotated[] = "KEY_ROTATED";

// One change: a row of key_audit, whose key is the change_seq. What is empty is null there.
struct AuditEntry {
  int64_t change_seq;
  std::string_view action;
  std::string organization_uuid;
  std::string api_key_uuid = {};
  // Of a rotated key: the one that follows it.
  std::string successor_uuid = {};
  // Of a rotated key: for how long it was to go on, such as "86400s".
  std::string grace = {};
  // What an update wrote, with a space between each two.
  std::string fields = {};
  // Of an organization: what `active` is now.
  std::string active = {};
  // Of a key: what it has from then on, which is all that an update can write. Without expires_at
  // it does not expire. The log has no name, which is the tenant's own text.
  std::string api_key_name = {};
  std::string scopes = {};
  std::optional<google::protobuf::Timestamp> expires_at = {};
};

// The entry of a change that has left the organization or the key like this.
AuditEntry EntryOf(std::string_view action, const v1::Organization& organization,
                   int64_t change_seq);
AuditEntry EntryOf(std::string_view action, const v1::ApiKey& api_key, int64_t change_seq);

// The audit trail of one write, made by `caller`; without any by the operator.
class Audit {
 public:
  explicit Audit(const auth::v1::Principal* caller) : caller_(caller) {}

  // Stores the entry in the transaction of the change.
  absl::Status Append(db::Session& session, AuditEntry entry);

  // Forgets what a run of the transaction appended that is not kept.
  void Clear() { entries_.clear(); }

  // Says in the log what has been committed.
  void Log() const;

 private:
  const auth::v1::Principal* const caller_;
  std::vector<AuditEntry> entries_;
};

// Database::Write of a `body` that takes the session and the Audit of what it changes.
template <typename Body>
auto WriteAudited(db::Database& database, const rpc::Call& call, Body body) {
  Audit audit(&call.caller);
  auto result = database.Write(call.deadline, [&](db::Session& session) {
    audit.Clear();
    return body(session, audit);
  });
  if (result.ok()) audit.Log();
  return result;
}

}  // namespace alma::organizations
