#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/serve/host.h"

namespace alma::serve {

// The program of one service.
struct Program {
  // "alma-conversations"
  std::string name;
  // What --help prints first.
  std::string usage;
  // On loopback, where the flags name no other address.
  int port;
  int metrics_port;
  Schemas schemas;
};

// Such a program from its command line to its exit code. Callers are those whose principal is
// signed with a secret of --principal_secret_file; with --insecure_principal, which needs all
// listeners on loopback or unix sockets, also who names an organization. `serve` makes the modules
// and calls Process::Run:
//
//   return serve::Main(argc, argv, program, [](serve::Host& host) {
//     const Module module(host);
//     return host.process.Run();
//   });
int Main(int argc, char** argv, const Program& program,
         absl::FunctionRef<absl::Status(Host&)> serve);

}  // namespace alma::serve
