#include "services/organizations/audit.h"

#include <utility>

#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/text/timestamp.h"

namespace alma::organizations {

absl::Status Audit::Append(db::Session& session, AuditEntry entry) {
  using db::Param;
  const auth::v1::Principal nobody;
  const auth::v1::Principal& caller = caller_ != nullptr ? *caller_ : nobody;
  RETURN_IF_ERROR(session.Execute(
      "insert into key_audit (change_seq, changed_at, action, organization_uuid, api_key_uuid, "
      "successor_uuid, fields, active, by_organization_uuid, by_api_key_uuid) "
      "values (:change_seq, :changed_at, :action, :organization_uuid, :api_key_uuid, "
      ":successor_uuid, :fields, :active, :by_organization_uuid, :by_api_key_uuid)",
      {{"change_seq", entry.change_seq},
       {"changed_at", text::Now()},
       {"action", entry.action},
       {"organization_uuid", entry.organization_uuid},
       Param::TextOrNull("api_key_uuid", entry.api_key_uuid),
       Param::TextOrNull("successor_uuid", entry.successor_uuid),
       Param::TextOrNull("fields", entry.fields),
       Param::TextOrNull("active", entry.active),
       Param::TextOrNull("by_organization_uuid", caller.organization_uuid()),
       Param::TextOrNull("by_api_key_uuid", caller.api_key_uuid())}));
  entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

void Audit::Log() const {
  for (const AuditEntry& entry : entries_) {
    log::Info("key_change",
              {{"change_seq", entry.change_seq},
               {"action", entry.action},
               {"organization", entry.organization_uuid},
               {"api_key_uuid", entry.api_key_uuid},
               {"successor_uuid", entry.successor_uuid},
               {"fields", entry.fields},
               {"active", entry.active},
               {"by_organization", caller_ != nullptr ? caller_->organization_uuid() : ""},
               {"by_api_key_uuid", caller_ != nullptr ? caller_->api_key_uuid() : ""}});
  }
}

}  // namespace alma::organizations
