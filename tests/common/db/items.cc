#include "tests/common/db/items.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/db/location.h"

namespace alma::testing {

const db::Schema& ItemSchema() {
  static constexpr db::Step kSteps[] = {
      {1, "create items",
       "create table items (id {bigint} not null primary key, content {text}, number {bigint}, "
       "truth {bool}, "
       "happened_at {timestamp}, body {json}, words {json}, reference {uuid})",
       1},
  };
  static constexpr db::Schema kSchema{"items", kSteps};
  return kSchema;
}

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

absl::Status Execute(db::Database& database, std::string_view sql, db::Params params) {
  return database.Write(Soon(), [&](db::Session& session) { return session.Execute(sql, params); });
}

absl::Status InsertItem(db::Session& session, int64_t id, std::string_view content) {
  return session.Execute("insert into items (id, content) values (:id, :content)",
                         {{"id", id}, {"content", content}});
}

int64_t CountItems(db::Database& database) {
  return SelectInt64(database, "select count(*) from items");
}

std::unique_ptr<db::Database> OpenAnother(const db::Database& database, int sessions) {
  db::Location location = database.location();
  if (location.engine == db::Engine::kPostgresql) {
    absl::StrAppend(&location.target, " application_name='", location.schema, "'");
  }
  return std::make_unique<db::Database>(location, database.schema(), sessions);
}

std::unique_ptr<db::Database> OpenUrl(const std::string& url, const db::Schema& schema) {
  const auto location = db::ParseLocation(url, schema.database);
  REQUIRE(location.ok());
  return std::make_unique<db::Database>(*location, schema, /*sessions=*/2);
}

int64_t EndConnectionsOfOthers(db::Database& database) {
  return SelectInt64(
      database, absl::StrCat("select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity "
                             "where application_name = '",
                             database.location().schema, "'"));
}

EmptyPlace::EmptyPlace(db::Engine engine) {
  static std::atomic<int> count = 0;
  const char* postgresql = std::getenv("ALMA_TEST_POSTGRES");
  const std::string url = engine == db::Engine::kSqlite
                              ? absl::StrCat("sqlite://", folder_.path(), "/")
                          : postgresql == nullptr ? ""
                                                  : postgresql;
  const auto location = db::ParseLocation(url, absl::StrCat("alma_empty_", getpid(), "_", count++));
  REQUIRE(location.ok());
  location_ = *location;
}

EmptyPlace::~EmptyPlace() {
  if (location_.engine == db::Engine::kSqlite) return;
  db::Database database(location_, ItemSchema(), /*sessions=*/1);
  CHECK(
      Execute(database, absl::StrCat("drop schema if exists ", location_.schema, " cascade")).ok());
}

std::unique_ptr<db::Database> EmptyPlace::Open(const db::Schema& schema) const {
  return std::make_unique<db::Database>(location_, schema, /*sessions=*/2);
}

}  // namespace alma::testing
