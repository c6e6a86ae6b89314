#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "common/limit/limiter.h"
#include "common/rpc/command_line.h"
#include "common/rpc/process.h"
#include "common/serve/limits.h"
#include "common/serve/secrets.h"
#include "common/status/macros.h"
#include "services/gateway/gateway.h"

ABSL_FLAG(std::vector<std::string>, organizations, {},
          "Where alma-organizations listens: host:port or unix:/path, several by comma. Required.");
ABSL_FLAG(std::vector<std::string>, conversations, {}, "The same of alma-conversations.");
ABSL_FLAG(std::vector<std::string>, agents, {}, "The same of alma-agents.");
ABSL_FLAG(std::vector<std::string>, analytics, {}, "The same of alma-analytics.");
ABSL_FLAG(
    std::string, backend_ca, "",
    "Certificates of those who sign the services' certificates, PEM. Services at host:port are "
    "called with TLS then. Read again when the file changes, as the next two are.");
ABSL_FLAG(std::string, backend_cert, "",
          "Certificate that the gateway shows to services, PEM, where their --tls_client_ca asks.");
ABSL_FLAG(std::string, backend_key, "", "Its key, PEM, which others must not be able to read.");
ABSL_FLAG(std::string, backend_server_name, "",
          "The name or IP address that the services' certificates are for. By default the host of "
          "each address.");

namespace alma {
namespace {

constexpr char kUsage[] = "checks API keys and forwards calls to the services behind it.";

absl::StatusOr<gateway::BackendTls> LoadBackendTls() {
  gateway::BackendTls tls{.server_name = absl::GetFlag(FLAGS_backend_server_name)};
  ASSIGN_OR_RETURN(
      tls.tls,
      rpc::Tls::ForClient({.certificate = {"--backend_cert", absl::GetFlag(FLAGS_backend_cert)},
                           .key = {"--backend_key", absl::GetFlag(FLAGS_backend_key)},
                           .authorities = {"--backend_ca", absl::GetFlag(FLAGS_backend_ca)}}));
  if (tls.tls == nullptr && !tls.server_name.empty()) {
    return absl::InvalidArgumentError("--backend_server_name needs --backend_ca");
  }
  return tls;
}

absl::Status Run() {
  ASSIGN_OR_RETURN(const auto process,
                   rpc::Process::Create("alma-gateway", "127.0.0.1:7400", "127.0.0.1:7480"));
  ASSIGN_OR_RETURN(const auth::Secrets secrets, serve::LoadSecrets());
  ASSIGN_OR_RETURN(const gateway::BackendTls backend_tls, LoadBackendTls());
  ASSIGN_OR_RETURN(const limit::Limits limits, serve::LimitsFromFlags());
  limit::Limiter limiter(limits);
  ASSIGN_OR_RETURN(const auto gateway,
                   gateway::Gateway::Create({{"organizations", absl::GetFlag(FLAGS_organizations)},
                                             {"conversations", absl::GetFlag(FLAGS_conversations)},
                                             {"agents", absl::GetFlag(FLAGS_agents)},
                                             {"analytics", absl::GetFlag(FLAGS_analytics)}},
                                            secrets, backend_tls));
  gateway->AddTo(process->UseCallers(gateway->callers(), &limiter),
                 [&](rpc::BytesService& service, std::function<bool()> ready) {
                   process->Add(service, std::move(ready));
                 });
  return process->Run();
}

}  // namespace
}  // namespace alma

int main(int argc, char** argv) {
  const auto words = alma::rpc::ParseCommandLine(argc, argv, alma::kUsage);
  return alma::rpc::ExitCode(
      words.empty() ? alma::Run()
                    : absl::InvalidArgumentError("takes flags only; see alma-gateway --help"));
}
