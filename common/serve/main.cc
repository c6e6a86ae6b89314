#include "common/serve/main.h"

#include <memory>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/rpc/address.h"
#include "common/rpc/caller.h"
#include "common/rpc/command_line.h"
#include "common/serve/secrets.h"
#include "common/status/macros.h"

ABSL_FLAG(bool, insecure_principal, false,
          "For development: a call may name its organization in the metadata `alma-organization` "
          "instead of a signed principal. Only with loopback and unix listeners.");

namespace alma::serve {
namespace {

absl::StatusOr<std::unique_ptr<rpc::Callers>> MakeCallers(const rpc::Process& process,
                                                          const auth::Secrets& secrets) {
  if (!absl::GetFlag(FLAGS_insecure_principal)) {
    return std::make_unique<rpc::PrincipalCallers>(secrets);
  }
  for (const std::string& address : process.listen()) {
    if (!rpc::IsLocal(address)) {
      return absl::FailedPreconditionError(
          absl::StrCat("--insecure_principal: ", address, " is not on loopback"));
    }
  }
  log::Warning("insecure_principal", {});
  return std::make_unique<rpc::InsecureCallers>(secrets);
}

absl::Status Run(const Program& program, absl::FunctionRef<absl::Status(Host&)> serve) {
  const auto on_loopback = [](int port) { return absl::StrCat("127.0.0.1:", port); };
  ASSIGN_OR_RETURN(const auto process, rpc::Process::Create(program.name, on_loopback(program.port),
                                                            on_loopback(program.metrics_port)));
  ASSIGN_OR_RETURN(const Storage storage, Storage::FromFlags(program.schemas));
  ASSIGN_OR_RETURN(const auth::Secrets secrets, LoadSecrets());
  ASSIGN_OR_RETURN(const auto callers, MakeCallers(*process, secrets));
  ASSIGN_OR_RETURN(const auto locks, storage.Lock());
  ASSIGN_OR_RETURN(const Databases databases, Databases::Open(storage, process->workers()));
  const db::PageTokens page_tokens(secrets);
  Host host{*process, process->UseCallers(*callers), page_tokens, databases};
  return serve(host);
}

}  // namespace

int Main(int argc, char** argv, const Program& program,
         absl::FunctionRef<absl::Status(Host&)> serve) {
  const bool has_words = !rpc::ParseCommandLine(argc, argv, program.usage).empty();
  return rpc::ExitCode(has_words ? absl::InvalidArgumentError(
                                       absl::StrCat(program.name, " takes flags only; see --help"))
                                 : Run(program, serve));
}

}  // namespace alma::serve
