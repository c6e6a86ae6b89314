#include "services/organizations/module.h"

#include "absl/flags/flag.h"
#include "services/organizations/schema.h"

ABSL_FLAG(std::string, organizations_database, "", "Another place for this database alone.");

namespace alma::organizations {
namespace {

OnChange AlsoLook(ChangeFeed& changes, const OnChange& on_change) {
  return [&changes, on_change](const std::string& organization_uuid) {
    on_change(organization_uuid);
    changes.Look();
  };
}

}  // namespace

serve::Schemas Schemas() { return {&Schema()}; }

Module::Module(serve::Host& host, const OnChange& on_change)
    : store_(host.databases[Schema()]),
      key_uses_(host.databases[Schema()]),
      api_key_store_(host.databases[Schema()], key_uses_),
      changes_(host.databases[Schema()]),
      organizations_(host.runtime, store_, host.page_tokens, AlsoLook(changes_, on_change)),
      api_keys_(host.runtime, api_key_store_, changes_, host.page_tokens,
                AlsoLook(changes_, on_change)) {
  host.Add(organizations_, host.databases[Schema()]);
  host.Add(api_keys_, host.databases[Schema()]);
}

}  // namespace alma::organizations
