#include "common/auth/scopes.h"

#include <algorithm>

#include "alma/auth/v1/scope.pb.h"

namespace alma::auth {

bool IsKnownScope(std::string_view scope) {
  return std::find(kAllScopes.begin(), kAllScopes.end(), scope) != kAllScopes.end();
}

std::vector<std::string> TenantScopes() {
  std::vector<std::string> scopes;
  scopes.reserve(kAllScopes.size());
  for (const std::string_view scope : kAllScopes) {
    if (scope != kPlatformAdmin) scopes.emplace_back(scope);
  }
  return scopes;
}

std::string_view ScopeOf(const google::protobuf::MethodDescriptor& method) {
  return method.options().GetExtension(alma::auth::v1::scope);
}

bool HasScope(const alma::auth::v1::Principal& principal, std::string_view scope) {
  const auto& scopes = principal.scopes();
  const auto carries = [&](std::string_view wanted) {
    return std::find(scopes.begin(), scopes.end(), wanted) != scopes.end();
  };
  if (scope.empty()) return false;
  if (carries(scope)) return true;
  return (scope == kOrganizationRead || scope == kOrganizationAdmin) && carries(kPlatformAdmin);
}

}  // namespace alma::auth
