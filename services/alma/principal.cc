#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/auth/principal.h"
#include "common/auth/scopes.h"
#include "common/id/uuid.h"
#include "common/serve/secrets.h"
#include "common/status/macros.h"
#include "google/protobuf/util/time_util.h"
#include "services/alma/commands.h"

ABSL_DECLARE_FLAG(std::string, organization);
ABSL_FLAG(std::vector<std::string>, scopes, alma::auth::TenantScopes(),
          "principal: what the caller may do; all but platform.admin by default.");
ABSL_FLAG(absl::Duration, ttl, absl::Minutes(1),
          "principal: how long it is good for, more than 0, at most 1h.");

namespace alma {
namespace {

constexpr absl::Duration kMaxTtl = absl::Hours(1);

absl::StatusOr<auth::v1::Principal> PrincipalOfFlags() {
  auth::v1::Principal principal;
  if (!id::ParseUuid(absl::GetFlag(FLAGS_organization), principal.mutable_organization_uuid())) {
    return absl::InvalidArgumentError("--organization: principal needs a uuid");
  }
  const std::vector<std::string> scopes = absl::GetFlag(FLAGS_scopes);
  if (scopes.empty()) return absl::InvalidArgumentError("--scopes: name one at least");
  for (const std::string& scope : scopes) {
    if (!auth::IsKnownScope(scope) && scope != auth::kInternal) {
      return absl::InvalidArgumentError(absl::StrCat("--scopes: there is no scope '", scope, "'"));
    }
    principal.add_scopes(scope);
  }
  const absl::Duration ttl = absl::GetFlag(FLAGS_ttl);
  if (ttl <= absl::ZeroDuration() || ttl > kMaxTtl) {
    return absl::InvalidArgumentError("--ttl: more than 0, at most 1h");
  }
  using google::protobuf::util::TimeUtil;
  const absl::Time now = absl::Now();
  *principal.mutable_issued_at() = TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(now));
  *principal.mutable_expires_at() = TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(now + ttl));
  return principal;
}

}  // namespace

absl::Status PrintPrincipal() {
  ASSIGN_OR_RETURN(const auth::v1::Principal principal, PrincipalOfFlags());
  ASSIGN_OR_RETURN(const auth::Secrets secrets, serve::LoadSecrets());
  const std::string value = auth::PrincipalSigner(secrets).Sign(principal);
  std::printf("%s\n", absl::Base64Escape(value).c_str());
  return absl::OkStatus();
}

}  // namespace alma
