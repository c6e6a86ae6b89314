#include "common/rpc/caller.h"

#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "common/auth/scopes.h"
#include "common/id/uuid.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::rpc {
namespace {

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// RFC 7235: the scheme's case does not count.
bool ConsumeBearer(std::string_view* value) {
  constexpr std::string_view kBearer = "bearer ";
  if (value->size() < kBearer.size()) return false;
  for (size_t i = 0; i < kBearer.size(); ++i) {
    if (absl::ascii_tolower(static_cast<unsigned char>((*value)[i])) != kBearer[i]) return false;
  }
  value->remove_prefix(kBearer.size());
  return true;
}

// The one key that a call comes with.
absl::StatusOr<std::string_view> KeyOf(const Metadata& metadata) {
  const auto bearer = metadata.equal_range("authorization");
  const auto header = metadata.equal_range("x-api-key");
  const auto given =
      std::distance(bearer.first, bearer.second) + std::distance(header.first, header.second);
  if (given != 1) return status::ApiKeyInvalid();
  if (header.first != header.second) return View(header.first->second);
  std::string_view key = View(bearer.first->second);
  if (!ConsumeBearer(&key)) return status::ApiKeyInvalid();
  return key;
}

}  // namespace

absl::StatusOr<auth::SharedPrincipal> ApiKeyCallers::Resolve(const Metadata& metadata,
                                                             absl::Time deadline) {
  ASSIGN_OR_RETURN(const std::string_view key, KeyOf(metadata));
  return authenticator_.Authenticate(key, deadline);
}

std::optional<absl::StatusOr<auth::SharedPrincipal>> ApiKeyCallers::TryResolve(
    const Metadata& metadata) {
  const absl::StatusOr<std::string_view> key = KeyOf(metadata);
  if (!key.ok()) return key.status();
  return authenticator_.Remembered(*key);
}

std::unique_ptr<auth::KeyWatch> ApiKeyCallers::Watch(
    const Metadata& metadata, std::string_view scope,
    const auth::KeyWatches::OnChecked& on_checked) {
  const absl::StatusOr<std::string_view> key = KeyOf(metadata);
  if (!key.ok()) return nullptr;
  return authenticator_.Watch(*key, scope, on_checked);
}

absl::StatusOr<auth::SharedPrincipal> PrincipalCallers::Resolve(const Metadata& metadata,
                                                                absl::Time) {
  const auto [first, last] = metadata.equal_range(kPrincipal);
  if (std::distance(first, last) != 1) return status::ApiKeyInvalid();
  return verified_.Verify(View(first->second), absl::Now());
}

absl::StatusOr<auth::SharedPrincipal> InsecureCallers::Resolve(const Metadata& metadata,
                                                               absl::Time deadline) {
  const auto [first, last] = metadata.equal_range("alma-organization");
  if (first == last) return signed_.Resolve(metadata, deadline);
  auto principal = std::make_shared<auth::v1::Principal>();
  if (std::distance(first, last) != 1 || metadata.count(kPrincipal) != 0 ||
      !id::ParseUuid(View(first->second), principal->mutable_organization_uuid())) {
    return status::ApiKeyInvalid();
  }
  for (const std::string& scope : auth::TenantScopes()) principal->add_scopes(scope);
  return principal;
}

absl::Status CheckScope(const auth::v1::Principal& caller, std::string_view scope) {
  return auth::HasScope(caller, scope) ? absl::OkStatus() : status::ScopeMissing(scope);
}

}  // namespace alma::rpc
