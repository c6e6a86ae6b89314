#include "common/db/postgresql.h"

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>

#include <memory>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/db/postgresql_pipeline.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

PGconn* Handle(soci::session& session) {
  return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
}

Failure FromSqlState(const std::string& state) {
  using Kind = Failure::Kind;
  const std::string cause = absl::StrCat("sqlstate ", state);
  if (state == "40001" || state == "40P01") {
    return {status::DatabaseUnavailable(), Kind::kConflict, cause};
  }
  if (state == "55P03") return {status::DatabaseUnavailable(), Kind::kLocked, cause};
  if (state == "57014") return {status::DeadlineExceeded(), Kind::kPermanent, cause};
  if (state == "53100") return {status::DatabaseFull(), Kind::kPermanent, cause};
  // A table or schema that is not there: the database has not been migrated.
  if (state == "42P01" || state == "3F000") {
    return {status::DatabaseUnavailable(), Kind::kPermanent, cause};
  }
  // A read-only server may be a standby that we were moved to: the next connection may reach the
  // primary.
  if (state == "25006" || state.starts_with("08") || state.starts_with("57P") ||
      state.starts_with("53")) {
    return {status::DatabaseUnavailable(), Kind::kConnection, cause};
  }
  return {status::Internal(), Kind::kPermanent, cause};
}

// Zero: none.
absl::Duration LockTimeout(Access access) {
  if (access == Access::kLane) return kLockTimeout;
  return access == Access::kPatientLane ? kPatientLockTimeout : absl::ZeroDuration();
}

class PostgresqlDialect final : public Dialect {
 public:
  bool Exists(const Location&) const override { return true; }

  void Create(const Location&) const override {}

  void Connect(soci::session& session, const Location& location, Access access) const override {
    // Of a key that stands twice libpq takes the last, so what the operator gave stays in force.
    const std::string target = absl::StrCat(
        "connect_timeout='3' application_name='alma' keepalives_idle='10' keepalives_interval='5' "
        "keepalives_count='3' tcp_user_timeout='10000' ",
        location.target);
    session.open(soci::postgresql, target);
    // libpq would write the server's warnings to stderr, between the log's lines.
    PQsetNoticeProcessor(
        Handle(session), [](void*, const char*) {}, nullptr);
    session << absl::StrCat("set search_path to \"", location.schema,
                            "\"; set timezone to 'UTC'; set datestyle to 'ISO, YMD';"
                            "set client_encoding to 'UTF8'; set standard_conforming_strings to on;"
                            "set statement_timeout to 30000; set lock_timeout to ",
                            absl::ToInt64Milliseconds(LockTimeout(access)),
                            ";"
                            "set idle_in_transaction_session_timeout to 30000;"
                            // Every statement has an index. A plan that was made while a table was
                            // small must not read all of it once it is large.
                            "set enable_seqscan to off; set jit to off;"
                            // To plan for the very values takes longer than to run the statement.
                            "set plan_cache_mode to force_generic_plan;"
                            "set client_min_messages to warning");
    // What was answered as stored has to be on disk, whatever the server's default is.
    std::string synchronous;
    session << "show synchronous_commit", soci::into(synchronous);
    if (synchronous == "off") session << "set synchronous_commit to on";
  }

  bool SingleWriter() const override { return false; }

  bool IsRemote() const override { return true; }

  std::string_view Begin() const override { return "begin isolation level read committed"; }

  std::string_view LimitStatements() const override {
    return "select set_config('statement_timeout', :millis, true)";
  }

  bool IsIdle(soci::session& session) const override {
    return PQtransactionStatus(Handle(session)) == PQTRANS_IDLE &&
           PQpipelineStatus(Handle(session)) == PQ_PIPELINE_OFF;
  }

  void CheckAttached(soci::session&) const override {}

  std::string_view ForgetPlans() const override { return "discard plans"; }

  Answer Describe(soci::session& session, soci::statement& statement) const override {
    auto* backend = static_cast<soci::postgresql_statement_backend*>(statement.get_backend());
    const std::unique_ptr<PGresult, void (*)(PGresult*)> description(
        PQdescribePrepared(Handle(session), backend->statementName_.c_str()), PQclear);
    if (PQresultStatus(description.get()) != PGRES_COMMAND_OK) {
      throw FailedResult(description.get());
    }
    return {PQnfields(description.get()), ReadsBinary(description.get())};
  }

  void ReadRow(soci::statement&, absl::Span<ColumnValue>) const override {
    throw std::logic_error("PostgreSQL's rows come from pipelines");
  }

  void RunPipeline(soci::session& session, const Pipeline& pipeline) const override {
    RunPostgresqlPipeline(Handle(session), pipeline);
  }

  Failure Classify(const std::exception& error, soci::session* session) const override {
    const bool lost = session == nullptr || !session->is_connected() ||
                      PQstatus(Handle(*session)) != CONNECTION_OK;
    if (lost) return {status::DatabaseUnavailable(), Failure::Kind::kConnection, "no connection"};
    if (const auto* postgresql = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
      return FromSqlState(postgresql->sqlstate());
    }
    return {status::Internal(), Failure::Kind::kPermanent, "unexpected exception"};
  }

  std::string Ddl(std::string_view sql) const override {
    return absl::StrReplaceAll(std::string(sql), {{"{uuid}", "uuid"},
                                                  {"{text}", "text collate \"C\""},
                                                  {"{timestamp}", "timestamptz"},
                                                  {"{json}", "jsonb"},
                                                  {"{bigint}", "bigint"},
                                                  {"{integer}", "integer"},
                                                  {"{bool}", "boolean"},
                                                  {"{hot}", "with (fillfactor = 50)"}});
  }

  std::string CreateSchema(const Location& location) const override {
    return absl::StrCat("create schema if not exists \"", location.schema, "\"");
  }

  std::string CountMigrationTables(const Location& location) const override {
    return absl::StrCat("select count(*) from information_schema.tables where table_schema = '",
                        location.schema, "' and table_name = 'schema_migrations'");
  }

  std::string AvailableConnections() const override {
    // reserved_connections came with version 16.
    return "select cast(pg_postmaster_start_time() as text), "
           "cast(current_setting('max_connections') as bigint) - "
           "cast(current_setting('superuser_reserved_connections') as bigint) - "
           "cast(coalesce(current_setting('reserved_connections', true), '0') as bigint)";
  }

  // A plan that is kept is made for an organization of mean size: where most have a row or two,
  // reading all that is theirs looks cheaper than several look-ups by key, and the one that has
  // thousands pays for it. With one value expected, PostgreSQL counts on the most common one.
  std::string_view AdvisePlanner() const override {
    return "do $$ declare name regclass; begin "
           "perform set_config('lock_timeout', '5s', true); "
           "for name in select attrelid from pg_attribute join pg_class on pg_class.oid = attrelid "
           "where attname = 'alma_internal_organization' and relkind = 'r' "
           "and relnamespace = cast(current_schema() as regnamespace) "
           "and not exists (select from unnest(attoptions) as setting "
           "where setting like 'n!_distinct=%' escape '!') loop "
           "begin "
           "execute format('alter table %s alter column alma_internal_organization "
           "set (n_distinct = 1)', name); "
           "if pg_relation_size(name) > 0 then execute format('analyze %s', name); end if; "
           "exception when insufficient_privilege or feature_not_supported or lock_not_available "
           "then raise log 'alma: the planner is not told of %: %', name, sqlerrm; end; "
           "end loop; end $$";
  }

  std::string LockMigrations() const override {
    return "lock table schema_migrations in exclusive mode";
  }
};

}  // namespace

const Dialect& Postgresql() {
  static const PostgresqlDialect dialect;
  return dialect;
}

}  // namespace alma::db
