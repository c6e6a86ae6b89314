#include "common/serve/main.h"
#include "services/agents/module.h"

int main(int argc, char** argv) {
  const alma::serve::Program program = {
      .name = "alma-agents",
      .usage = "agents, for callers with a signed principal.",
      .port = 7403,
      .metrics_port = 7483,
      .schemas = alma::agents::Schemas(),
  };
  return alma::serve::Main(argc, argv, program, [](alma::serve::Host& host) {
    const alma::agents::Module module(host);
    return host.process.Run();
  });
}
