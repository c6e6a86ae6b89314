#include "common/serve/main.h"
#include "services/organizations/module.h"

int main(int argc, char** argv) {
  const alma::serve::Program program = {
      .name = "alma-organizations",
      .usage = "organizations and API keys, for callers with a signed principal.",
      .port = 7401,
      .metrics_port = 7481,
      .schemas = alma::organizations::Schemas(),
  };
  return alma::serve::Main(argc, argv, program, [](alma::serve::Host& host) {
    // Nobody in this process remembers keys.
    const alma::organizations::Module module(host, /*on_change=*/[](const std::string&) {});
    return host.process.Run();
  });
}
