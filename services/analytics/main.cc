#include "common/serve/main.h"
#include "services/analytics/module.h"

int main(int argc, char** argv) {
  const alma::serve::Program program = {
      .name = "alma-analytics",
      .usage = "analyses, events and follow-ups, for callers with a signed principal.",
      .port = 7404,
      .metrics_port = 7484,
      .schemas = alma::analytics::Schemas(),
  };
  return alma::serve::Main(argc, argv, program, [](alma::serve::Host& host) {
    const alma::analytics::Module module(host);
    return host.process.Run();
  });
}
