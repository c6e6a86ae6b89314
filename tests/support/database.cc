#include "tests/support/database.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/db/location.h"
#include "common/db/migration.h"

namespace alma::testing {
namespace {

constexpr int kSessions = 8;
constexpr absl::Duration kTimeout = absl::Seconds(30);

std::string ClusterUrl() {
  const char* url = std::getenv("ALMA_TEST_POSTGRES");
  if (url == nullptr) {
    FAIL("$ALMA_TEST_POSTGRES is not set; tests/support/postgres starts a cluster");
  }
  return url;
}

void DropSchema(const std::string& name) {
  const std::string sql =
      absl::StrCat("set client_min_messages to warning; drop schema if exists ", name, " cascade");
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(ClusterUrl().c_str()),
                                                              PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              PQclear);
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) WARN(PQerrorMessage(connection.get()));
}

std::string UniqueName(std::string_view prefix) {
  static std::atomic<int> count = 0;
  return absl::StrCat(std::string(prefix), "_", getpid(), "_", absl::ToUnixMicros(absl::Now()), "_",
                      count++);
}

std::string MakeFolder() {
  std::string folder = (std::filesystem::temp_directory_path() / "alma_test_XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) FAIL("no temporary folder");
  return folder;
}

}  // namespace

TestDatabase::TestDatabase(db::Engine engine, const db::Schema& schema)
    : name_(engine == db::Engine::kSqlite ? MakeFolder() : UniqueName(schema.database)) {
  const auto location =
      engine == db::Engine::kSqlite
          ? db::ParseLocation(absl::StrCat("sqlite://", name_, "/"), schema.database)
          : db::ParseLocation(ClusterUrl(), name_);
  REQUIRE(location.ok());
  database_ = std::make_unique<db::Database>(*location, schema, kSessions);
  const auto migrated = db::Migrate(*database_, /*dry_run=*/false);
  INFO(migrated.status());
  REQUIRE(migrated.ok());
}

TestDatabase::~TestDatabase() {
  const db::Engine engine = database_->location().engine;
  database_.reset();
  if (engine == db::Engine::kSqlite) {
    std::filesystem::remove_all(name_);
  } else {
    DropSchema(name_);
  }
}

int64_t SelectInt64(db::Database& database, std::string_view sql) {
  int64_t value = 0;
  const auto rows = database.Read(absl::Now() + kTimeout, [&](db::Session& session) {
    return session.Query(sql, {}, [&](db::Row& row) { value = row.Int64(); });
  });
  INFO(rows.status());
  REQUIRE(rows.ok());
  REQUIRE(*rows == 1);
  return value;
}

}  // namespace alma::testing
