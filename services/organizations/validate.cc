#include "services/organizations/validate.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/auth/scopes.h"
#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/field_mask.h"
#include "common/text/requests.h"
#include "common/text/timestamp.h"
#include "google/protobuf/util/time_util.h"
#include "services/organizations/rows.h"

namespace alma::organizations {
namespace {

using google::protobuf::Timestamp;
using tenant::ValidateGet;
using text::Missing;
using text::Presence;
using text::Violations;

constexpr std::array<std::string_view, 3> kMutableOrganization = {"name", "active", "meta_data"};
constexpr std::array<std::string_view, 3> kMutableApiKey = {"api_key_name", "scopes", "expires_at"};

constexpr int64_t kDefaultGraceSeconds = 24 * 60 * 60;
constexpr int64_t kMaxGraceSeconds = 7 * 24 * 60 * 60;
constexpr size_t kSha256Bytes = 32;

void CheckActive(Violations& violations, std::string_view active) {
  if (active != kActive && active != kInactive) {
    violations.Add("organization.active", "must be ACTIVE or INACTIVE");
  }
}

void CheckMetaDataOf(Violations& violations, v1::Organization& organization) {
  if (!organization.has_meta_data()) return;
  text::CheckFreeJson(violations, "organization.meta_data", organization.mutable_meta_data());
}

void CheckScopes(Violations& violations, v1::ApiKey& api_key) {
  for (int i = 0; i < api_key.scopes_size(); ++i) {
    const auto before = api_key.scopes().begin() + i;
    const std::string path = "api_key.scopes[" + std::to_string(i) + "]";
    if (!auth::IsKnownScope(api_key.scopes(i))) {
      violations.Add(path, "is not a scope that a key can hold");
    } else if (std::find(api_key.scopes().begin(), before, api_key.scopes(i)) != before) {
      violations.Add(path, "stands there already");
    }
  }
  std::sort(api_key.mutable_scopes()->begin(), api_key.mutable_scopes()->end());
}

void CheckExpiry(Violations& violations, v1::ApiKey& api_key, const Timestamp& now) {
  if (!api_key.has_expires_at()) return;
  if (api_key.expires_at() <= now) {
    violations.Add("api_key.expires_at", "must lie in the future");
  } else {
    text::CheckTimestamp(violations, "api_key.expires_at", api_key.expires_at());
  }
  text::TruncateToMicros(api_key.mutable_expires_at());
}

// A field that an update does not write may be empty, or be what a read returned.
Presence WhenNamed(const google::protobuf::FieldMask& mask, std::string_view path) {
  return text::Names(mask, path) ? Presence::kRequired : Presence::kOptional;
}

template <typename Request>
void CheckPage(Violations& violations, Request& request) {
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
}

}  // namespace

absl::Status Validate(v1::CreateOrganizationRequest& request) {
  if (!request.has_organization()) return Missing("organization");
  v1::Organization& organization = *request.mutable_organization();
  Violations violations;
  text::CheckUuid(violations, "organization.uuid", organization.mutable_uuid(),
                  Presence::kOptional);
  text::CheckName(violations, "organization.name", organization.name());
  if (!organization.active().empty()) CheckActive(violations, organization.active());
  CheckMetaDataOf(violations, organization);
  return violations.ToStatus();
}

absl::Status Validate(v1::GetOrganizationRequest& request) { return ValidateGet(request); }

absl::Status Validate(v1::ListOrganizationsRequest& request) {
  Violations violations;
  CheckPage(violations, request);
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateOrganizationRequest& request) {
  if (!request.has_organization()) return Missing("organization");
  v1::Organization& organization = *request.mutable_organization();
  google::protobuf::FieldMask& mask = *request.mutable_update_mask();
  Violations violations;
  text::CheckUuid(violations, "organization.uuid", organization.mutable_uuid());
  text::ResolveUpdateMask(violations, organization, kMutableOrganization, &mask);
  text::CheckName(violations, "organization.name", organization.name(), WhenNamed(mask, "name"));
  if (text::Names(mask, "active") || !organization.active().empty()) {
    CheckActive(violations, organization.active());
  }
  CheckMetaDataOf(violations, organization);
  return violations.ToStatus();
}

absl::Status Validate(v1::DeleteOrganizationRequest& request) {
  return tenant::ValidateDelete(request);
}

absl::Status Validate(v1::CreateApiKeyRequest& request, const Timestamp& now) {
  if (!request.has_api_key()) return Missing("api_key");
  v1::ApiKey& api_key = *request.mutable_api_key();
  Violations violations;
  text::CheckUuid(violations, "api_key.uuid", api_key.mutable_uuid(), Presence::kOptional);
  text::CheckUuid(violations, "api_key.organization_uuid", api_key.mutable_organization_uuid(),
                  Presence::kOptional);
  text::CheckName(violations, "api_key.api_key_name", api_key.api_key_name());
  CheckScopes(violations, api_key);
  CheckExpiry(violations, api_key, now);
  return violations.ToStatus();
}

absl::Status Validate(v1::GetApiKeyRequest& request) { return ValidateGet(request); }

absl::Status Validate(v1::ListApiKeysRequest& request) {
  Violations violations;
  text::CheckUuid(violations, "organization_uuid", request.mutable_organization_uuid(),
                  Presence::kOptional);
  CheckPage(violations, request);
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateApiKeyRequest& request, const Timestamp& now) {
  if (!request.has_api_key()) return Missing("api_key");
  v1::ApiKey& api_key = *request.mutable_api_key();
  google::protobuf::FieldMask& mask = *request.mutable_update_mask();
  Violations violations;
  text::CheckUuid(violations, "api_key.uuid", api_key.mutable_uuid());
  text::CheckUuid(violations, "api_key.organization_uuid", api_key.mutable_organization_uuid(),
                  Presence::kOptional);
  text::ResolveUpdateMask(violations, api_key, kMutableApiKey, &mask);
  text::CheckName(violations, "api_key.api_key_name", api_key.api_key_name(),
                  WhenNamed(mask, "api_key_name"));
  CheckScopes(violations, api_key);
  if (text::Names(mask, "expires_at")) CheckExpiry(violations, api_key, now);
  return violations.ToStatus();
}

absl::Status Validate(v1::RevokeApiKeyRequest& request) { return ValidateGet(request); }

absl::Status Validate(v1::RotateApiKeyRequest& request) {
  using google::protobuf::util::TimeUtil;
  if (!request.has_grace()) {
    *request.mutable_grace() = TimeUtil::SecondsToDuration(kDefaultGraceSeconds);
  }
  const google::protobuf::Duration& grace = request.grace();
  Violations violations;
  text::CheckUuid(violations, "uuid", request.mutable_uuid());
  // Within these bounds it is also one that the functions of protobuf can reckon with.
  const bool normalized =
      grace.seconds() >= 0 && grace.nanos() >= 0 && grace.nanos() <= 999'999'999;
  if (!normalized || grace.seconds() > kMaxGraceSeconds ||
      (grace.seconds() == kMaxGraceSeconds && grace.nanos() > 0)) {
    violations.Add("grace", "must be 0 to 7 days");
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::VerifyApiKeyRequest& request) {
  Violations violations;
  if (request.secret_sha256().size() != kSha256Bytes) {
    violations.Add("secret_sha256", "must have 32 bytes");
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::ListKeyChangesRequest& request) {
  Violations violations;
  if (request.after_change_seq() < -1) {
    violations.Add("after_change_seq", "must be -1, 0 or a change_seq");
  }
  return violations.ToStatus();
}

}  // namespace alma::organizations
