#include "common/db/sqlite.h"

#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

// How long SQLite itself waits for a lock; Database goes on trying until the deadline.
constexpr int kBusyTimeoutMillis = 500;
// The same for WAL mode, and how often it is asked for.
constexpr absl::Duration kWalPatience = absl::Seconds(5);
constexpr absl::Duration kWalPause = absl::Milliseconds(1);

// A write changes a page of each index. Those that the next writes change again are to be found
// without the file, and to go into it once for many of them, not each time.
constexpr int kWriterCacheKib = 64 * 1024;
constexpr int kCheckpointPages = 8000;

sqlite_api::sqlite3* Handle(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

class NotToBeUsed : public std::exception {
 public:
  // A literal.
  explicit NotToBeUsed(const char* why) : why_(why) {}
  const char* what() const noexcept override { return why_; }

 private:
  const char* why_;
};

constexpr char kFileReplaced[] = "the database file was moved or removed";
constexpr char kNotConfigured[] = "SQLite was in use before it could be configured, or cannot be";

// To be called before SQLite's first use, or it refuses.
bool Configure() {
  // A session is one thread's at a time: the mutex of its connection, which nearly every call
  // takes, only costs time.
  if (sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD) != SQLITE_OK) return false;
  // Nobody asks how much memory it has, which all threads count under one mutex.
  return sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
}

// SQLite does not wait for who does the same at the same time, whatever its timeout.
void UseWal(soci::session& session) {
  const absl::Time end = absl::Now() + kWalPatience;
  while (true) {
    try {
      std::string mode;
      session << "pragma journal_mode = wal", soci::into(mode);
      return;
    } catch (const soci::sqlite3_soci_error& error) {
      if ((error.result() & 0xff) != SQLITE_BUSY || absl::Now() >= end) throw;
    }
    absl::SleepFor(kWalPause);
  }
}

bool LacksTable(soci::session* session) {
  return session != nullptr && session->is_connected() &&
         std::string_view(sqlite_api::sqlite3_errmsg(Handle(*session)))
             .starts_with("no such table");
}

ColumnValue ValueOf(sqlite_api::sqlite3_stmt* row, int column) {
  const int type = sqlite_api::sqlite3_column_type(row, column);
  if (type == SQLITE_NULL) return {};
  if (type == SQLITE_INTEGER) return int64_t{sqlite_api::sqlite3_column_int64(row, column)};
  const unsigned char* text = sqlite_api::sqlite3_column_text(row, column);
  if (text == nullptr) throw std::bad_alloc();
  const int bytes = sqlite_api::sqlite3_column_bytes(row, column);
  return std::string_view(reinterpret_cast<const char*>(text), static_cast<size_t>(bytes));
}

class SqliteDialect final : public Dialect {
 public:
  bool Exists(const Location& location) const override {
    std::error_code error;
    return std::filesystem::exists(location.target, error);
  }

  // Not by open and close: a close drops every lock that this process has on the file.
  void Create(const Location& location) const override {
    mknod(location.target.c_str(), S_IFREG | S_IRUSR | S_IWUSR, 0);
  }

  void Connect(soci::session& session, const Location& location, Access access) const override {
    if (!configured_) throw NotToBeUsed(kNotConfigured);
    // SOCI would make an empty file where one was moved away.
    if (!Exists(location)) throw NotToBeUsed(kFileReplaced);
    session.open(soci::sqlite3, absl::StrCat("dbname=\"", location.target, "\""));
    sqlite_api::sqlite3_extended_result_codes(Handle(session), 1);
    sqlite_api::sqlite3_busy_timeout(Handle(session), kBusyTimeoutMillis);
    session << "pragma synchronous = full";
    session << "pragma secure_delete = on";
    if (access != Access::kWrite) {
      session << "pragma query_only = on";
    } else {
      UseWal(session);
      session << absl::StrCat("pragma cache_size = -", kWriterCacheKib);
      session << absl::StrCat("pragma wal_autocheckpoint = ", kCheckpointPages);
    }
  }

  bool SingleWriter() const override { return true; }

  bool IsRemote() const override { return false; }

  std::string_view Begin() const override { return "begin immediate"; }

  std::string_view LimitStatements() const override { return {}; }

  bool IsIdle(soci::session& session) const override {
    return sqlite_api::sqlite3_get_autocommit(Handle(session)) != 0;
  }

  void CheckAttached(soci::session& session) const override {
    int moved = 0;
    sqlite_api::sqlite3_file_control(Handle(session), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved != 0) throw NotToBeUsed(kFileReplaced);
  }

  std::string_view ForgetPlans() const override { return {}; }

  Answer Describe(soci::session&, soci::statement& statement) const override {
    auto* backend = static_cast<soci::sqlite3_statement_backend*>(statement.get_backend());
    return {sqlite_api::sqlite3_column_count(backend->stmt_), false};
  }

  void ReadRow(soci::statement& statement, absl::Span<ColumnValue> columns) const override {
    sqlite_api::sqlite3_stmt* row =
        static_cast<soci::sqlite3_statement_backend*>(statement.get_backend())->stmt_;
    for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
      columns[i] = ValueOf(row, i);
    }
  }

  void RunPipeline(soci::session&, const Pipeline&) const override {
    throw std::logic_error("SQLite has no pipelines");
  }

  Failure Classify(const std::exception& error, soci::session* session) const override {
    if (dynamic_cast<const NotToBeUsed*>(&error) != nullptr) {
      return {status::DatabaseUnavailable(), Failure::Kind::kConnection, error.what()};
    }
    using Kind = Failure::Kind;
    const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
    if (sqlite == nullptr) return {status::Internal(), Kind::kPermanent, "unexpected exception"};
    const int code = sqlite->result();
    const std::string cause = absl::StrCat(sqlite_api::sqlite3_errstr(code), " (", code, ")");
    switch (code & 0xff) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return {status::DatabaseUnavailable(), Kind::kConflict, cause};
      case SQLITE_FULL:
        return {status::DatabaseFull(), Kind::kPermanent, cause};
      // SQLite has no code of its own for a table that is not there: the database has not been
      // migrated.
      case SQLITE_ERROR:
        if (!LacksTable(session)) break;
        return {status::DatabaseUnavailable(), Kind::kPermanent, cause};
      // A connection stays read-only when the file was at the time it was opened.
      case SQLITE_READONLY:
      case SQLITE_IOERR:
      case SQLITE_CANTOPEN:
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return {status::DatabaseUnavailable(), Kind::kConnection, cause};
      default:
        break;
    }
    return {status::Internal(), Kind::kPermanent, cause};
  }

  std::string Ddl(std::string_view sql) const override {
    // Types other than these get numeric affinity, which would turn digits-only text into numbers.
    return absl::StrReplaceAll(std::string(sql), {{"{uuid}", "text"},
                                                  {"{text}", "text"},
                                                  {"{timestamp}", "text"},
                                                  {"{json}", "text"},
                                                  {"{bigint}", "integer"},
                                                  {"{integer}", "integer"},
                                                  {"{bool}", "integer"},
                                                  {"{hot}", ""}});
  }

  std::string CreateSchema(const Location&) const override { return ""; }

  std::string CountMigrationTables(const Location&) const override {
    return "select count(*) from sqlite_master where type = 'table' and name = 'schema_migrations'";
  }

  std::string AvailableConnections() const override { return ""; }

  std::string_view AdvisePlanner() const override { return {}; }

  std::string LockMigrations() const override { return ""; }

 private:
  const bool configured_ = Configure();
};

}  // namespace

const Dialect& Sqlite() {
  static const SqliteDialect dialect;
  return dialect;
}

}  // namespace alma::db
