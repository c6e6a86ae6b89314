#include "services/agents/module.h"

#include "absl/flags/flag.h"
#include "services/agents/schema.h"

ABSL_FLAG(std::string, agents_database, "", "Another place for this database alone.");

namespace alma::agents {

serve::Schemas Schemas() { return {&Schema()}; }

Module::Module(serve::Host& host)
    : store_(host.databases[Schema()]), agents_(host.runtime, store_, host.page_tokens) {
  host.Add(agents_, host.databases[Schema()]);
}

}  // namespace alma::agents
