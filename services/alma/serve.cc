#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/auth/authenticator.h"
#include "common/auth/secret_file.h"
#include "common/db/migration.h"
#include "common/db/page_token.h"
#include "common/rpc/process.h"
#include "common/status/macros.h"
#include "google/protobuf/descriptor.h"
#include "services/alma/commands.h"
#include "services/alma/storage.h"
#include "services/conversations/schema.h"
#include "services/conversations/service.h"
#include "services/organizations/api_key_store.h"
#include "services/organizations/schema.h"
#include "services/organizations/service.h"

ABSL_FLAG(
    std::string, migrate, "auto",
    "serve: always, never, or auto: SQLite always, PostgreSQL only where a database is empty.");
ABSL_FLAG(std::string, principal_secret_file, "",
          "Secrets that sign page tokens, one per line, hex or base64 of at least 32 bytes. On "
          "SQLite <folder>/secret is made by default.");

namespace alma {
namespace {

absl::Status MigrateIfAsked(db::Database& database) {
  const std::string when = absl::GetFlag(FLAGS_migrate);
  if (when == "never") return absl::OkStatus();
  if (when == "auto" && database.location().engine == db::Engine::kPostgresql) {
    ASSIGN_OR_RETURN(const bool empty, db::IsEmpty(database));
    if (!empty) return absl::OkStatus();
  } else if (when != "auto" && when != "always") {
    return absl::InvalidArgumentError("--migrate: auto, always or never");
  }
  return db::Migrate(database, /*dry_run=*/false).status();
}

absl::StatusOr<std::unique_ptr<db::Database>> OpenToServe(const Storage& storage,
                                                          const db::Schema& schema, int sessions) {
  ASSIGN_OR_RETURN(auto database, storage.Open(schema, sessions));
  if (const absl::Status migrated = MigrateIfAsked(*database); !migrated.ok()) {
    return absl::Status(migrated.code(), absl::StrCat("database ", std::string(schema.database),
                                                      ": ", migrated.message()));
  }
  database->StartMonitor();
  return database;
}

absl::StatusOr<auth::Secrets> LoadSecrets(const Storage& storage) {
  const std::string file = absl::GetFlag(FLAGS_principal_secret_file);
  if (!file.empty()) return auth::LoadSecretFile(file);
  if (!storage.folder().empty()) {
    return auth::LoadOrCreateSecretFile(absl::StrCat(storage.folder(), "/secret"));
  }
  return absl::InvalidArgumentError("on PostgreSQL --principal_secret_file is required");
}

}  // namespace

absl::Status Serve() {
  ASSIGN_OR_RETURN(const auto process,
                   rpc::Process::Create("alma", "127.0.0.1:7400", "127.0.0.1:7480"));
  ASSIGN_OR_RETURN(const Storage storage, Storage::FromFlags());
  ASSIGN_OR_RETURN(const auto locks, storage.Lock());
  ASSIGN_OR_RETURN(const auth::Secrets secrets, LoadSecrets(storage));
  const int sessions = process->workers();
  ASSIGN_OR_RETURN(const auto organizations_db,
                   OpenToServe(storage, organizations::Schema(), sessions));
  ASSIGN_OR_RETURN(const auto conversations_db,
                   OpenToServe(storage, conversations::Schema(), sessions));

  const db::PageTokens page_tokens(secrets);
  organizations::Store organization_store(*organizations_db);
  organizations::ApiKeyStore api_key_store(*organizations_db);
  conversations::ConversationStore conversation_store(*conversations_db);
  conversations::MessageStore message_store(*conversations_db);
  auth::Authenticator authenticator([&](const std::string& secret_sha256, absl::Time deadline) {
    return api_key_store.Verify(secret_sha256, deadline);
  });
  rpc::ApiKeyCallers callers(authenticator);
  rpc::Runtime& runtime = process->UseCallers(callers);

  const auto forget = [&] { authenticator.Forget(); };
  organizations::OrganizationsService organizations(runtime, organization_store, page_tokens,
                                                    forget);
  organizations::ApiKeysService api_keys(runtime, api_key_store, page_tokens, forget);
  conversations::ConversationsService conversations(runtime, conversation_store, page_tokens);
  conversations::MessagesService messages(runtime, message_store, page_tokens);
  const auto organizations_ready = [&] { return organizations_db->Ready(); };
  const auto conversations_ready = [&] { return conversations_db->Ready(); };
  process->Add(organizations, organizations_ready);
  process->Add(api_keys, organizations_ready);
  process->Add(conversations, conversations_ready);
  process->Add(messages, conversations_ready);

  // Known and listed, every method UNIMPLEMENTED.
  std::vector<std::unique_ptr<rpc::Service>> without_handlers;
  for (const char* name :
       {"alma.agents.v1.AgentsService", "alma.analytics.v1.AnalyticsService",
        "alma.analytics.v1.EventsService", "alma.analytics.v1.FollowUpsService"}) {
    const auto* descriptor =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    without_handlers.push_back(std::make_unique<rpc::Service>(*descriptor, runtime));
    process->Add(*without_handlers.back(), [] { return true; });
  }
  return process->Run();
}

}  // namespace alma
