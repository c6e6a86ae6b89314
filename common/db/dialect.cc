#include "common/db/dialect.h"

#include "common/db/postgresql.h"
#include "common/db/sqlite.h"

namespace alma::db {

const Dialect& Dialect::For(Engine engine) {
  return engine == Engine::kSqlite ? Sqlite() : Postgresql();
}

}  // namespace alma::db
