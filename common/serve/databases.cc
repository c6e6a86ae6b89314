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

ABSL_FLAG(
    int, write_lanes, 2,
    "On PostgreSQL, in how many transactions at a time a database stores what is created call "
    "by call, 1 to 64. All creates of an organization go through one of them.");

namespace alma::serve {
namespace {

constexpr int kMaxWriteLanes = 64;

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
  const int lanes = absl::GetFlag(FLAGS_write_lanes);
  if (lanes < 1 || lanes > kMaxWriteLanes) {
    return absl::InvalidArgumentError("--write_lanes: 1 to 64");
  }
  Databases opened;
  std::vector<db::Database*> databases;
  databases.reserve(storage.schemas().size());
  for (const db::Schema* schema : storage.schemas()) {
    ASSIGN_OR_RETURN(auto database, storage.Open(*schema, sessions, lanes));
    if (const absl::Status migrated = MigrateIfAsked(*database); !migrated.ok()) {
      return absl::Status(migrated.code(), absl::StrCat("database ", std::string(schema->database),
                                                        ": ", migrated.message()));
    }
    database->StartMonitor();
    databases.push_back(database.get());
    opened.databases_.emplace(schema->database, std::move(database));
  }
  // Of each database one is its monitor's and one its patient lane's.
  LogConnections(databases, sessions + lanes + 2);
  return opened;
}

db::Database& Databases::operator[](const db::Schema& schema) const {
  const auto found = databases_.find(schema.database);
  if (found == databases_.end()) std::abort();
  return *found->second;
}

}  // namespace alma::serve
