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
namespace alma {
namespace {

constexpr char kUsage[] = "checks API keys and forwards calls to the services behind it.";

absl::Status Run() {
  ASSIGN_OR_RETURN(const auto process,
                   rpc::Process::Create("alma-gateway", "127.0.0.1:7400", "127.0.0.1:7480"));
  ASSIGN_OR_RETURN(const auth::Secrets secrets, serve::LoadSecrets());
  ASSIGN_OR_RETURN(const auto gateway,
                   gateway::Gateway::Create({{"organizations", absl::GetFlag(FLAGS_organizations)},
                                             {"conversations", absl::GetFlag(FLAGS_conversations)},
                                             {"agents", absl::GetFlag(FLAGS_agents)},
                                             {"analytics", absl::GetFlag(FLAGS_analytics)}},
                                            secrets));
  ASSIGN_OR_RETURN(const limit::Limits limits, serve::LimitsFromFlags());
  limit::Limiter limiter(limits);
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
