#include "common/db/migration.h"

#include <set>

#include "absl/time/clock.h"
#include "common/status/macros.h"
#include "common/text/timestamp.h"

namespace alma::db {
namespace {

constexpr absl::Duration kStepTimeout = absl::Minutes(10);

constexpr char kCreateTable[] =
    "create table if not exists schema_migrations ("
    "id {integer} not null primary key, name {text} not null, applied_at {timestamp} not null, "
    "oldest_binary {integer} not null)";

absl::Time Deadline() { return absl::Now() + kStepTimeout; }

absl::StatusOr<std::set<int64_t>> AppliedSteps(Session& session) {
  std::set<int64_t> ids;
  RETURN_IF_ERROR(
      session
          .Query("select id from schema_migrations", {}, [&](Row& row) { ids.insert(row.Int64()); })
          .status());
  return ids;
}

absl::Status CreateMigrationTable(Database& database) {
  const Dialect& dialect = Dialect::For(database.location().engine);
  dialect.Create(database.location());
  const auto create = [&](Session& session) -> absl::Status {
    const std::string schema = dialect.CreateSchema(database.location());
    if (!schema.empty()) RETURN_IF_ERROR(session.Execute(schema));
    return session.Execute(dialect.Ddl(kCreateTable));
  };
  const absl::Status created = database.Write(Deadline(), create);
  // PostgreSQL's "if not exists" fails on a unique index when two create the same thing at the same
  // moment.
  return created.ok() ? created : database.Write(Deadline(), create);
}

absl::Status Apply(Session& session, const Dialect& dialect, const Step& step) {
  RETURN_IF_ERROR(session.Execute(dialect.Ddl(step.sql)));
  return session.Execute(
      "insert into schema_migrations (id, name, applied_at, oldest_binary) "
      "values (:id, :name, :applied_at, :oldest_binary)",
      {{"id", step.id},
       {"name", step.name},
       {"applied_at", text::Now()},
       {"oldest_binary", step.oldest_binary}});
}

absl::Status ApplyPending(Database& database) {
  const Dialect& dialect = Dialect::For(database.location().engine);
  return database.Write(Deadline(), [&](Session& session) -> absl::Status {
    if (!dialect.LockMigrations().empty()) {
      RETURN_IF_ERROR(session.Execute(dialect.LockMigrations()));
    }
    ASSIGN_OR_RETURN(const std::set<int64_t> applied, AppliedSteps(session));
    for (const Step& step : database.schema().steps) {
      if (!applied.contains(step.id)) RETURN_IF_ERROR(Apply(session, dialect, step));
    }
    return absl::OkStatus();
  });
}

// Behind the steps, whose locks need not wait for it.
absl::Status AdvisePlanner(Database& database) {
  const Dialect& dialect = Dialect::For(database.location().engine);
  if (dialect.AdvisePlanner().empty()) return absl::OkStatus();
  return database.Write(Deadline(), [&](Session& session) -> absl::Status {
    RETURN_IF_ERROR(session.Execute(dialect.LockMigrations()));
    return session.Execute(dialect.AdvisePlanner());
  });
}

absl::StatusOr<bool> HasMigrationTable(Database& database) {
  const Location& location = database.location();
  const Dialect& dialect = Dialect::For(location.engine);
  if (!dialect.Exists(location)) return false;
  return database.Read(Deadline(), [&](Session& session) -> absl::StatusOr<bool> {
    bool has = false;
    RETURN_IF_ERROR(session
                        .Query(dialect.CountMigrationTables(location), {},
                               [&](Row& row) { has = row.Int64() > 0; })
                        .status());
    return has;
  });
}

}  // namespace

absl::StatusOr<bool> IsEmpty(Database& database) {
  ASSIGN_OR_RETURN(const bool has_table, HasMigrationTable(database));
  if (!has_table) return true;
  ASSIGN_OR_RETURN(const std::set<int64_t> applied, database.Read(Deadline(), AppliedSteps));
  return applied.empty();
}

absl::StatusOr<std::vector<StepState>> Migrate(Database& database, bool dry_run) {
  ASSIGN_OR_RETURN(const bool has_table, HasMigrationTable(database));
  if (!dry_run) {
    if (!has_table) RETURN_IF_ERROR(CreateMigrationTable(database));
    RETURN_IF_ERROR(ApplyPending(database));
    RETURN_IF_ERROR(AdvisePlanner(database));
  }
  std::set<int64_t> applied;
  if (has_table || !dry_run) {
    ASSIGN_OR_RETURN(applied, database.Read(Deadline(), AppliedSteps));
  }
  std::vector<StepState> states;
  for (const Step& step : database.schema().steps) {
    states.push_back({step, applied.contains(step.id)});
  }
  return states;
}

}  // namespace alma::db
