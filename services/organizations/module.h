#pragma once

#include "common/serve/host.h"
#include "services/organizations/api_key_store.h"
#include "services/organizations/change_feed.h"
#include "services/organizations/key_uses.h"
#include "services/organizations/service.h"
#include "services/organizations/store.h"

namespace alma::organizations {

// The databases that a Module needs.
serve::Schemas Schemas();

// The gRPC services of this folder and what they stand on, added to the process of `host`.
class Module {
 public:
  Module(serve::Host& host, const OnChange& on_change);

 private:
  Store store_;
  KeyUses key_uses_;
  ApiKeyStore api_key_store_;
  ChangeFeed changes_;
  OrganizationsService organizations_;
  ApiKeysService api_keys_;
};

}  // namespace alma::organizations
