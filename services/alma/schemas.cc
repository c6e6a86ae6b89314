#include "services/alma/schemas.h"

#include "services/agents/module.h"
#include "services/analytics/module.h"
#include "services/conversations/module.h"
#include "services/organizations/module.h"

namespace alma {
namespace {

struct ServiceSchemas {
  std::string_view service;
  serve::Schemas schemas;
};

const std::vector<ServiceSchemas>& Services() {
  static const std::vector<ServiceSchemas> services = {
      {"organizations", organizations::Schemas()},
      {"conversations", conversations::Schemas()},
      {"agents", agents::Schemas()},
      {"analytics", analytics::Schemas()},
  };
  return services;
}

}  // namespace

serve::Schemas AllSchemas() {
  serve::Schemas all;
  for (const auto& [service, schemas] : Services()) {
    all.insert(all.end(), schemas.begin(), schemas.end());
  }
  return all;
}

absl::StatusOr<serve::Schemas> SchemasOf(std::string_view service) {
  if (service.empty()) return AllSchemas();
  for (const auto& [name, schemas] : Services()) {
    if (name == service) return schemas;
  }
  return absl::InvalidArgumentError(
      "--service: one of organizations, conversations, agents, analytics");
}

}  // namespace alma
