#pragma once

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "common/rpc/command_line.h"

namespace alma::bench {

// What main returns for a program that `run`s with the command line's flags: 0, or 1 with its
// status on stderr.
inline int RunProgram(int argc, char** argv, const char* name, const char* usage,
                      absl::Status (*run)()) {
  rpc::ParseCommandLine(argc, argv, usage);
  const absl::Status done = run();
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", name, std::string(done.message()).c_str());
  return 1;
}

}  // namespace alma::bench
