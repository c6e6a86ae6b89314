#include "services/organizations/audit.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/text/timestamp.h"
#include "google/protobuf/util/time_util.h"

namespace alma::organizations {

AuditEntry EntryOf(std::string_view action, const v1::Organization& organization,
                   int64_t change_seq) {
  return {.change_seq = change_seq,
          .action = action,
          .organization_uuid = organization.uuid(),
          .active = organization.active()};
}

AuditEntry EntryOf(std::string_view action, const v1::ApiKey& api_key, int64_t change_seq) {
  AuditEntry entry{.change_seq = change_seq,
                   .action = action,
                   .organization_uuid = api_key.organization_uuid(),
                   .api_key_uuid = api_key.uuid(),
                   .api_key_name = api_key.api_key_name(),
                   .scopes = absl::StrJoin(api_key.scopes(), " ")};
  if (api_key.has_expires_at()) entry.expires_at = api_key.expires_at();
  return entry;
}

absl::Status Audit::Append(db::Session& session, AuditEntry entry) {
  using db::Param;
  const auth::v1::Principal nobody;
  const auth::v1::Principal& caller = caller_ != nullptr ? *caller_ : nobody;
  RETURN_IF_ERROR(session.Execute(
      "insert into key_audit (change_seq, changed_at, action, organization_uuid, api_key_uuid, "
      "successor_uuid, grace, fields, active, api_key_name, scopes, expires_at, "
      "by_organization_uuid, by_api_key_uuid) "
      "values (:change_seq, :changed_at, :action, :organization_uuid, :api_key_uuid, "
      ":successor_uuid, :grace, :fields, :active, :api_key_name, :scopes, :expires_at, "
      ":by_organization_uuid, :by_api_key_uuid)",
      {{"change_seq", entry.change_seq},
       {"changed_at", text::Now()},
       {"action", entry.action},
       {"organization_uuid", entry.organization_uuid},
       Param::TextOrNull("api_key_uuid", entry.api_key_uuid),
       Param::TextOrNull("successor_uuid", entry.successor_uuid),
       Param::TextOrNull("grace", entry.grace),
       Param::TextOrNull("fields", entry.fields),
       Param::TextOrNull("active", entry.active),
       Param::TextOrNull("api_key_name", entry.api_key_name),
       Param::TextOrNull("scopes", entry.scopes),
       Param("expires_at", entry.expires_at),
       Param::TextOrNull("by_organization_uuid", caller.organization_uuid()),
       Param::TextOrNull("by_api_key_uuid", caller.api_key_uuid())}));
  entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

void Audit::Log() const {
  using google::protobuf::util::TimeUtil;
  for (const AuditEntry& entry : entries_) {
    const std::string expires_at =
        entry.expires_at.has_value() ? TimeUtil::ToString(*entry.expires_at) : "";
    log::Info("key_change",
              {{"change_seq", entry.change_seq},
               {"action", entry.action},
               {"organization", entry.organization_uuid},
               {"api_key_uuid", entry.api_key_uuid},
               {"successor_uuid", entry.successor_uuid},
               {"grace", entry.grace},
               {"fields", entry.fields},
               {"active", entry.active},
               {"scopes", entry.scopes},
               {"expires_at", expires_at},
               {"by_organization", caller_ != nullptr ? caller_->organization_uuid() : ""},
               {"by_api_key_uuid", caller_ != nullptr ? caller_->api_key_uuid() : ""}});
  }
}

}  // namespace alma::organizations
