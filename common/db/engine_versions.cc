#include "common/db/engine_versions.h"

#include <libpq-fe.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <soci/version.h>

#include "absl/strings/str_cat.h"

namespace alma::db {

std::string EngineVersions() {
  const int libpq = PQlibVersion();
  return absl::StrCat("SOCI ", SOCI_VERSION / 100000, ".", SOCI_VERSION / 100 % 1000, ".",
                      SOCI_VERSION % 100, ", SQLite ", sqlite_api::sqlite3_libversion(), ", libpq ",
                      libpq / 10000, ".", libpq % 10000);
}

}  // namespace alma::db
