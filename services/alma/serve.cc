#include <string>

#include "common/auth/authenticator.h"
#include "common/limit/limiter.h"
#include "common/rpc/process.h"
#include "common/serve/databases.h"
#include "common/serve/host.h"
#include "common/serve/limits.h"
#include "common/serve/secrets.h"
#include "common/serve/storage.h"
#include "common/status/macros.h"
#include "services/agents/module.h"
#include "services/alma/commands.h"
#include "services/alma/schemas.h"
#include "services/analytics/module.h"
#include "services/conversations/module.h"
#include "services/organizations/module.h"
#include "services/organizations/schema.h"

namespace alma {
namespace {

absl::StatusOr<auth::Secrets> Secrets(const serve::Storage& storage) {
  return storage.folder().empty() ? serve::LoadSecrets()
                                  : serve::LoadOrCreateSecrets(storage.folder());
}

}  // namespace

absl::Status Serve() {
  ASSIGN_OR_RETURN(const auto process,
                   rpc::Process::Create("alma", "127.0.0.1:7400", "127.0.0.1:7480"));
  ASSIGN_OR_RETURN(const auto storage, serve::Storage::FromFlags(AllSchemas()));
  ASSIGN_OR_RETURN(const limit::Limits limits, serve::LimitsFromFlags());
  ASSIGN_OR_RETURN(const auto locks, storage.Lock());
  ASSIGN_OR_RETURN(const auth::Secrets secrets, Secrets(storage));
  ASSIGN_OR_RETURN(const auto databases, serve::Databases::Open(storage, process->workers()));

  const db::PageTokens page_tokens(secrets);
  organizations::KeyUses key_uses(databases[organizations::Schema()]);
  organizations::ApiKeyStore api_keys(databases[organizations::Schema()], key_uses);
  auth::Authenticator authenticator([&](const std::string& secret_sha256, absl::Time deadline) {
    return api_keys.Verify(secret_sha256, deadline);
  });
  rpc::ApiKeyCallers callers(authenticator);
  limit::Limiter limiter(limits);
  serve::Host host{*process, process->UseCallers(callers, &limiter), page_tokens, databases};

  const organizations::Module organizations(
      host, [&](const std::string& organization_uuid) { authenticator.Forget(organization_uuid); });
  const conversations::Module conversations(host);
  const agents::Module agents(host);
  const analytics::Module analytics(host);
  return process->Run();
}

}  // namespace alma
