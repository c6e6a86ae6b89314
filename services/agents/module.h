#pragma once

#include "common/serve/host.h"
#include "services/agents/service.h"
#include "services/agents/store.h"

namespace alma::agents {

// The databases that a Module needs.
serve::Schemas Schemas();

// The gRPC service of this folder and what it stands on, added to the process of `host`.
class Module {
 public:
  explicit Module(serve::Host& host);

 private:
  AgentStore store_;
  AgentsService agents_;
};

}  // namespace alma::agents
