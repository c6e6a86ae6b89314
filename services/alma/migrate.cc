#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "common/db/migration.h"
#include "common/serve/storage.h"
#include "common/status/macros.h"
#include "services/alma/commands.h"
#include "services/alma/schemas.h"

ABSL_FLAG(std::string, service, "", "migrate: only the databases of this service.");
ABSL_FLAG(bool, dry_run, false, "migrate: print the steps, change nothing.");

namespace alma {

absl::Status Migrate() {
  ASSIGN_OR_RETURN(auto schemas, SchemasOf(absl::GetFlag(FLAGS_service)));
  ASSIGN_OR_RETURN(const auto storage, serve::Storage::FromFlags(std::move(schemas)));
  const bool dry_run = absl::GetFlag(FLAGS_dry_run);
  std::vector<std::unique_ptr<serve::FolderLock>> locks;
  if (!dry_run) {
    ASSIGN_OR_RETURN(locks, storage.Lock());
  }
  for (const db::Schema* schema : storage.schemas()) {
    ASSIGN_OR_RETURN(const auto database, storage.Open(*schema, /*sessions=*/1));
    ASSIGN_OR_RETURN(const auto steps, db::Migrate(*database, dry_run));
    for (const db::StepState& state : steps) {
      std::printf("%s %d %s %s\n", std::string(schema->database).c_str(), state.step.id,
                  std::string(state.step.name).c_str(), state.applied ? "applied" : "pending");
    }
  }
  return absl::OkStatus();
}

}  // namespace alma
