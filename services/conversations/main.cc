#include "common/serve/main.h"
#include "services/conversations/module.h"

int main(int argc, char** argv) {
  const alma::serve::Program program = {
      .name = "alma-conversations",
      .usage = "conversations and messages, for callers with a signed principal.",
      .port = 7402,
      .metrics_port = 7482,
      .schemas = alma::conversations::Schemas(),
  };
  return alma::serve::Main(argc, argv, program, [](alma::serve::Host& host) {
    const alma::conversations::Module module(host);
    return host.process.Run();
  });
}
