#include "tests/support/key_writes.h"

#include "absl/strings/str_cat.h"
#include "tests/support/bulk.h"
#include "tests/support/database.h"

namespace alma::testing {

void CountKeyWrites(db::Database& database) {
  ExecuteSql(database, "create table written (api_key_uuid text)");
  if (database.location().engine == db::Engine::kSqlite) {
    ExecuteSql(database,
               "create trigger count_written after update of last_used on \"authorization\" "
               "begin insert into written values (new.uuid); end");
  } else {
    ExecuteSql(database,
               "create function count_written() returns trigger language plpgsql as "
               "'begin insert into written values (new.uuid); return new; end'");
    ExecuteSql(database,
               "create trigger count_written after update of last_used on \"authorization\" "
               "for each row execute function count_written()");
  }
}

int64_t KeyWrites(db::Database& database, const std::string& api_key_uuid) {
  return SelectInt64(database, absl::StrCat("select count(*) from written where api_key_uuid = '",
                                            api_key_uuid, "'"));
}

}  // namespace alma::testing
