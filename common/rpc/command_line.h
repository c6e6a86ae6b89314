#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace alma::rpc {

// Parses absl flags and returns what stands between them (subcommands). `usage` is what --help
// prints first. Does not return on --help and --version (exit 0) and on a flag that is unknown or
// does not parse (exit 2). What the process makes from then on, files and sockets, is for its own
// user alone.
std::vector<std::string> ParseCommandLine(int argc, char** argv, std::string_view usage);

}  // namespace alma::rpc
