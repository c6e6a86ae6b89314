#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/command_line.h"
#include "common/rpc/process.h"
#include "services/alma/commands.h"

namespace {

constexpr char kUsage[] =
    "the system of record behind a sales-conversation platform.\n"
    "  alma serve      all services in one process, on SQLite or PostgreSQL\n"
    "  alma bootstrap  make the first organization and its key\n"
    "  alma migrate    bring the databases to the schema of this binary\n"
    "  alma principal  print the header with which grpcurl calls a service without the gateway";

absl::Status Run(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "serve") return alma::Serve();
  if (words.size() == 1 && words[0] == "bootstrap") return alma::Bootstrap();
  if (words.size() == 1 && words[0] == "migrate") return alma::Migrate();
  if (words.size() == 1 && words[0] == "principal") return alma::PrintPrincipal();
  return absl::InvalidArgumentError(
      "give one command: serve, bootstrap, migrate or principal; see alma --help");
}

}  // namespace

int main(int argc, char** argv) {
  return alma::rpc::ExitCode(Run(alma::rpc::ParseCommandLine(argc, argv, kUsage)));
}
