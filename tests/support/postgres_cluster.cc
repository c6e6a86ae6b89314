#include "tests/support/postgres_cluster.h"

#include <libpq-fe.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/process.h"

namespace alma::testing {
namespace {

std::string ClusterUrl() {
  const char* url = std::getenv("ALMA_TEST_POSTGRES");
  if (url == nullptr) {
    FAIL("$ALMA_TEST_POSTGRES is not set; tests/support/postgres starts a cluster");
  }
  return url;
}

// What went wrong; empty when `sql` succeeded.
std::string RunInCluster(const std::string& sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(ClusterUrl().c_str()),
                                                              PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQexec(connection.get(), sql.c_str()),
                                                              PQclear);
  return PQresultStatus(result.get()) == PGRES_COMMAND_OK ? "" : PQerrorMessage(connection.get());
}

std::string UniqueName() {
  static std::atomic<int> count = 0;
  return absl::StrCat("alma_test_", getpid(), "_", absl::ToUnixMicros(absl::Now()), "_", count++);
}

std::string WithDatabase(const std::string& url, const std::string& name) {
  return absl::StrCat(url, url.find('?') == std::string::npos ? "?" : "&", "dbname=", name);
}

}  // namespace

PostgresDatabase::PostgresDatabase()
    : name_(UniqueName()), url_(WithDatabase(ClusterUrl(), name_)) {
  REQUIRE(RunInCluster(absl::StrCat("create database ", name_)).empty());
}

PostgresDatabase::~PostgresDatabase() {
  CHECK(RunInCluster(absl::StrCat("drop database if exists ", name_, " with (force)")).empty());
}

PostgresCluster::PostgresCluster()
    : folder_(absl::StrCat(parent_.path(), "/postgres")),
      url_(absl::StrCat("postgresql:///postgres?host=", folder_, "&user=alma")) {
  // PostgreSQL runs as another user where the tests run as root.
  chmod(parent_.path().c_str(), 0755);
  Script("start");
}

PostgresCluster::~PostgresCluster() { Run({ALMA_TEST_POSTGRES_SCRIPT, "stop", folder_}); }

void PostgresCluster::Crash() { Script("crash"); }

void PostgresCluster::Restart() { Script("restart"); }

void PostgresCluster::RestartAsStandby() {
  std::ofstream(absl::StrCat(folder_, "/data/standby.signal")).flush();
  Script("restart");
}

void PostgresCluster::Promote() {
  const Finished promoted = Run({"psql", "--no-psqlrc", "-c", "select pg_promote()", url_});
  INFO(promoted.err);
  REQUIRE(promoted.exit_code == 0);
}

void PostgresCluster::Script(const std::string& verb) {
  const Finished ended = Run({ALMA_TEST_POSTGRES_SCRIPT, verb, folder_});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
}

}  // namespace alma::testing
