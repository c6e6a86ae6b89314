#include "tests/support/bulk.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/db/dialect.h"
#include "common/text/timestamp.h"
#include "tests/support/tenants.h"

namespace alma::testing {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(60);
// 2023-11-01 00:00
constexpr int64_t kFirstSecond = 1'698'796'800;

// '00' to '59' and the like from the numbers 100 to 159.
constexpr char kTime[] =
    "cast('2023-11-' || substr(cast(101 + i / 86400 as text), 2) || ' ' || "
    "substr(cast(100 + i / 3600 % 24 as text), 2) || ':' || "
    "substr(cast(100 + i / 60 % 60 as text), 2) || ':' || "
    "substr(cast(100 + i % 60 as text), 2) || '.000000+00' as {timestamp})";
constexpr char kUuid[] =
    "cast('0190f5fe-1111-7000-8000-' || substr(cast(1000000000000 + i as text), 2) as {uuid})";

}  // namespace

void ExecuteSql(db::Database& database, std::string_view sql) {
  const absl::Status done = database.Write(
      absl::Now() + kTimeout, [&](db::Session& session) { return session.Execute(sql); });
  INFO(sql << "\n" << done);
  REQUIRE(done.ok());
}

void InsertRows(db::Database& database, std::string_view sql, int rows) {
  const std::string whole =
      absl::StrReplaceAll(absl::StrCat("with recursive numbers (i) as (select 0 union all "
                                       "select i + 1 from numbers where i + 1 < ",
                                       rows, ") ", std::string(sql)),
                          {{"$ORGANIZATION", absl::StrCat("cast('", kOurs, "' as {uuid})")},
                           {"$UUID", kUuid},
                           {"$TIME", kTime}});
  ExecuteSql(database, db::Dialect::For(database.location().engine).Ddl(whole));
}

google::protobuf::Timestamp NthTimestamp(int n) {
  google::protobuf::Timestamp time;
  time.set_seconds(kFirstSecond + n);
  return time;
}

std::string NthTime(int n) { return text::FormatTimestamp(NthTimestamp(n)); }

void Analyze(db::Database& database, std::string_view table) {
  ExecuteSql(database, absl::StrCat("analyze ", std::string(table)));
}

}  // namespace alma::testing
