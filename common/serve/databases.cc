#include "common/serve/databases.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "common/db/migration.h"
#include "common/serve/connections.h"
#include "common/status/macros.h"

ABSL_FLAG(std::string, migrate, "auto",
          "When to bring the databases to the schema of this binary: always, never, or auto: "
          "SQLite always, PostgreSQL only where a database is empty.");

namespace alma::serve {
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

}  // namespace

absl::StatusOr<Databases> Databases::Open(const Storage& storage, int sessions) {
  Databases opened;
  std::vector<db::Database*> databases;
  databases.reserve(storage.schemas().size());
  for (const db::Schema* schema : storage.schemas()) {
    ASSIGN_OR_RETURN(auto database, storage.Open(*schema, sessions));
    if (const absl::Status migrated = MigrateIfAsked(*database); !migrated.ok()) {
      return absl::Status(migrated.code(), absl::StrCat("database ", std::string(schema->database),
                                                        ": ", migrated.message()));
    }
    database->StartMonitor();
    databases.push_back(database.get());
    opened.databases_.emplace(schema->database, std::move(database));
  }
  // One of each database is its monitor's.
  LogConnections(databases, sessions + 1);
  return opened;
}

db::Database& Databases::operator[](const db::Schema& schema) const {
  const auto found = databases_.find(schema.database);
  if (found == databases_.end()) std::abort();
  return *found->second;
}

}  // namespace alma::serve
