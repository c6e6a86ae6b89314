#pragma once

#include <soci/soci.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/db/location.h"

namespace alma::db {

// kMonitor reads like kRead, again and again: its failures are not logged one by one. kLane writes
// where the engine takes several writers, and gives up a lock that it does not get in kLockTimeout;
// kPatientLane in kPatientLockTimeout.
enum class Access { kRead, kWrite, kLane, kPatientLane, kMonitor };

inline constexpr absl::Duration kLockTimeout = absl::Milliseconds(100);
// Locks are given in the order in which they were asked for: this is longer than those before us
// usually take, such as batches and imports.
inline constexpr absl::Duration kPatientLockTimeout = absl::Seconds(1);

// A column of a row: nothing where it is null; numbers, truths (0 or 1) and times as such where the
// engine gives them so, else their texts, as all else.
using ColumnValue = std::variant<std::monostate, std::string_view, int64_t,
                                 std::chrono::sys_time<std::chrono::microseconds>>;

// What a failure of the database means for the caller and for Database.
struct Failure {
  enum class Kind {
    kPermanent,   // the same again gives the same
    kConflict,    // another writer was in the way: run the transaction again
    kConnection,  // the connection is dead: drop the session
    kLocked,      // a lock was given up, see Access::kLane
  };
  absl::Status status;
  Kind kind = Kind::kPermanent;
  // For the log: the engine's code, never a value of a row.
  std::string cause;
};

// All that differs between the engines. Everything else, SQL texts included, is written once.
// Stateless but for the connection it is given; the methods that take one may throw SOCI's
// exceptions.
class Dialect {
 public:
  static const Dialect& For(Engine engine);
  virtual ~Dialect() = default;

  // Whether there is a database to connect to, as far as that can be told without a connection.
  virtual bool Exists(const Location& location) const = 0;
  // Makes an empty database where Exists can say no and does. Connect fails where this did.
  virtual void Create(const Location& location) const = 0;

  // Opens `session` and sets what every connection of Alma needs.
  virtual void Connect(soci::session& session, const Location& location, Access access) const = 0;

  // Whether all writes go through one connection.
  virtual bool SingleWriter() const = 0;

  // SQL that opens a write transaction.
  virtual std::string_view Begin() const = 0;
  // SQL behind it, by which statements of the transaction end at the latest after `:millis`, a
  // text; empty where the engine cannot see to that.
  virtual std::string_view LimitStatements() const = 0;

  // Whether the connection is outside of any transaction and takes statements.
  virtual bool IsIdle(soci::session& session) const = 0;

  // Throws when the connection no longer stands for the stored data (a replaced SQLite file).
  virtual void CheckAttached(soci::session& session) const = 0;

  // SQL that makes the engine plan prepared statements anew; empty where plans do not go by how
  // large tables are.
  virtual std::string_view ForgetPlans() const = 0;

  // What a prepared statement answers.
  struct Answer {
    int columns;
    // Whether RunPipeline knows all of their types in the server's binary form: to write and to
    // read times and uuids as texts takes both sides longer than the rest of a row.
    bool binary;
  };
  // Throws when the engine does not tell.
  virtual Answer Describe(soci::session& session, soci::statement& statement) const = 0;

  // The row that the statement has fetched, whose texts last until it fetches another or runs
  // again. `columns` are as many as Describe says. Where IsRemote, rows come from RunPipeline.
  virtual void ReadRow(soci::statement& statement, absl::Span<ColumnValue> columns) const = 0;

  // Runs of prepared statements.
  struct Pipeline {
    struct Statement {
      soci::statement* prepared;
      // See Answer.
      bool binary;
    };
    // That of each run.
    absl::Span<const Statement> statements;
    // Sets the value of each name of the run's statement, null for null. Called for all runs first.
    absl::FunctionRef<void(size_t run, absl::Span<const std::string> names,
                           absl::Span<const char*> values)>
        bind;
    // Called for every row as it comes, the rows of a run before those of the next. The texts last
    // until it returns. Where it throws, the connection is of no more use.
    absl::FunctionRef<void(size_t run, absl::Span<const ColumnValue> columns)> on_row;
    // Becomes the run that the server itself says has failed; those behind it were not done.
    std::optional<size_t>* refused;
  };
  // Does all runs in one round trip, in their order; ends with the first that fails, which throws.
  virtual void RunPipeline(soci::session& session, const Pipeline& pipeline) const = 0;

  // Whether statements travel to a server, so that several in one round trip, and one for many
  // rows, take much less time than one by one. RunPipeline works only there.
  virtual bool IsRemote() const = 0;

  // Statuses: UNAVAILABLE (gone, read-only, not migrated), RESOURCE_EXHAUSTED (full),
  // DEADLINE_EXCEEDED (statement cut), INTERNAL (all else). Texts and bound values of the failure
  // go nowhere. To be called before anything else happens on the session.
  virtual Failure Classify(const std::exception& error, soci::session* session) const = 0;

  // Replaces the column types {uuid} {text} {timestamp} {json} {bigint} {integer} {bool} and the
  // table option {hot} (rows that are updated in place often) of a DDL statement.
  virtual std::string Ddl(std::string_view sql) const = 0;

  // SQL that makes room for the tables, safe to run twice; empty where nothing is needed.
  virtual std::string CreateSchema(const Location& location) const = 0;
  // SQL answering one row, the number of tables named schema_migrations (0 or 1) in this database.
  virtual std::string CountMigrationTables(const Location& location) const = 0;
  // SQL answering one row: a text that tells the server from others, and how many connections it
  // has for ordinary roles; empty where there is no server.
  virtual std::string AvailableConnections() const = 0;
  // SQL behind a migration, safe to run again, that tells the planner that one organization may
  // have most of a table, as far as this role and the tables let it; empty where plans do not go by
  // such guesses.
  virtual std::string_view AdvisePlanner() const = 0;
  // SQL that keeps other migrators out until the transaction ends; empty where Begin does.
  virtual std::string LockMigrations() const = 0;
};

}  // namespace alma::db
